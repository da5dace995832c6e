"""partitions and metrics → one self-contained HTML file."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from etl import layout
from etl.config import Settings
from etl.errors import ConfigError
from etl.io.engine import rows, set_variables
from etl.io.snapshot import snapshot
from etl.io.statements import load_statements
from etl.io.store import open_store, put_bytes
from etl.model.hours import HOUR, format_hour
from etl.text import visible


def render(settings: Settings, report_name: str, first: datetime, last: datetime) -> str:
    """A report over the event hours first..last (naive UTC, both included) as HTML.

    The same lake gives the same text. Raises ConfigError for an unknown report.
    """
    statements = load_statements(settings.sql)
    if report_name not in statements.reports:
        raise ConfigError("report", report_name, f"one of {', '.join(sorted(statements.reports))}")
    report = statements.reports[report_name]
    views = {view.strip() for query in report.queries.values() for view in query.header.get("reads", "").split(",")}
    with snapshot(settings.lake, statements, views, first, last) as connection:
        set_variables(connection, first_hour=first, last_hour=last)
        tables = {name: rows(connection, query.sql) for name, query in report.queries.items()}
    environment = Environment(
        autoescape=True, finalize=_legible, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(count=_count, size=_size, share=_share, ms=_ms, hour=format_hour)
    template = environment.from_string(report.template.read_text(encoding="utf-8"))
    titles = {name: query.header["title"] for name, query in report.queries.items()}
    return template.render(tables=tables, titles=titles, first=first, last=last, end=last + HOUR, lake=settings.lake)


def write(settings: Settings, report_name: str, first: datetime, last: datetime) -> str:
    """Render a report into the lake; returns its key."""
    key = layout.report_key(report_name, first, last)
    html = render(settings, report_name, first, last)
    with tempfile.TemporaryDirectory() as folder:
        put_bytes(open_store(settings.lake), html.encode(), key, Path(folder))
    return key


def _legible(value: Any) -> Any:
    """HTML knows no control characters, and those of direction would turn a path around."""
    return visible(value) if type(value) is str else value


def _count(value: Any) -> str:
    return "–" if value is None else f"{value:,}"


def _size(value: Any) -> str:
    if value is None:
        return "–"
    amount = float(value)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 1000 or unit == "TB":
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError("unreachable")


def _share(part: Any, whole: Any) -> str:
    return "–" if not whole or part is None else f"{100 * part / whole:.2f}%"


def _ms(value: Any) -> str:
    return "–" if value is None else f"{value:,.0f} ms" if value >= 100 else f"{value:.1f} ms"
