"""partitions and metrics → one self-contained HTML file: findings, tiles, charts as SVG, tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from traceback import extract_tb
from typing import Any

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
from markupsafe import Markup

from etl import layout
from etl.config import Settings
from etl.errors import ConfigError, StatementError
from etl.io.engine import failing, name, rows, set_variables
from etl.io.snapshot import snapshot
from etl.io.statements import Report, Statement, load_statements
from etl.io.store import open_store, put_bytes
from etl.model.declared import KINDS
from etl.model.hours import HOUR, format_hour, to_hour
from etl.stages.charts import Chart, draw, x_labels
from etl.stages.declared import prepare, views_read
from etl.stages.enrich import complete, needed
from etl.stages.expire import read_kept
from etl.text import FORMATS, NOTHING, share, visible

LEVELS = ("bad", "warn", "info")
FINDING = ("level", "rank", "headline", "number", "baseline", "who", "check_sql")

LONGEST = 500
"""Characters of a text that are shown."""

Rows = list[dict[str, Any]]


def render(settings: Settings, report_name: str, first: datetime, last: datetime) -> str:
    """A report over the event hours first..last (naive UTC, both included) as HTML.

    The same lake and the same lists give the same text. Raises ConfigError for an unknown report, StatementError for a finding or a chart
    that lacks what it needs.
    """
    report = _report(settings, report_name)
    statements = load_statements(settings.sql)
    declared = settings.reports.get(report_name)
    with opened(settings, report_name, first, last) as connection:
        tables = queried(connection, report)
    environment = _environment([report.template.parent, *statements.looks])
    shown = [report.queries[query] for query in report.shown]
    context = {
        "name": report_name,
        "declared": declared,
        "tables": tables,
        "titles": {item.name: item.header["title"] for item in shown},
        "notes": {item.name: item.header.get("note", "") for item in shown},
        "charts": {item.name: drawn for item in shown if (drawn := _chart(item, tables[item.name]))},
        "findings": findings_of(report, tables),
        "first": first,
        "last": last,
        "end": last + HOUR,
        "lake": settings.lake,
    }
    try:
        look = environment.get_template("macros.html.j2").make_module(context)
        return environment.get_template(report.template.name).render({**context, "look": look})
    except TemplateError as error:
        lines = [place.lineno for place in extract_tb(error.__traceback__) if place.filename == str(report.template)]
        where = f"{report.template}: line {lines[-1]}" if lines else str(report.template)
        raise StatementError(f"{where}: {error}") from None


def write(settings: Settings, report_name: str, first: datetime, last: datetime) -> str:
    """Render a report into the lake; returns its key."""
    key = layout.report_key(report_name, first, last)
    html = render(settings, report_name, first, last)
    put_bytes(open_store(settings.lake), html.encode(), key)
    return key


def has_data(settings: Settings, report_name: str, first: datetime, last: datetime) -> bool:
    """Whether the lake has an object of the hours first..last among the events and metrics that a report needs, which are those
    it reads where no query's header says more."""
    lake = open_store(settings.lake)
    declared = settings.reports.get(report_name)
    endings = tuple(f"/{source}.parquet" for source in declared.sources) if declared else (".parquet",)
    for view in sorted(_report(settings, report_name).needs or _reads(settings, report_name)):
        kind, _, of = view.partition("_")
        if kind in ("events", "metrics"):
            keys = (stat.key for stat in lake.list(f"{kind}/{of}/") if stat.key.endswith(endings))
            if any((found := layout.hours_of_key(key)) and found[0] <= last and found[1] >= first for key in keys):
                return True
    return False


@contextmanager
def opened(
    settings: Settings, report_name: str, first: datetime, last: datetime
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A snapshot of what a report reads, with the variables its queries read, and what its declaration gives them."""
    statements, declared = load_statements(settings.sql), settings.reports.get(report_name)
    views = _reads(settings, report_name)
    before, after = (
        (to_hour(first - declared.before(last + HOUR - first)), last + declared.after) if declared else (first, last)
    )
    sources = declared.sources if declared else ()
    wanted, macros = needed(views, statements), statements.macros_in_order
    with snapshot(settings.lake, statements, wanted, before, after, macros=macros, only=sources) as connection:
        complete(connection, settings, views)
        set_variables(connection, first_hour=first, last_hour=last, kept_events=_kept_events(settings))
        if declared:
            prepare(connection, settings, declared)
        yield connection


def queried(connection: duckdb.DuckDBPyConnection, report: Report) -> dict[str, Rows]:
    """Query → its rows; not of the steps, which only other queries read. A query may read another as ``report.<query>``.

    Raises StatementError for a query that fails, which a condition of sources.toml may make it do.
    """
    connection.execute("CREATE SCHEMA report")
    for query in report.in_order:
        with failing(report.queries[query]):
            try:
                connection.execute(f"CREATE TABLE report.{name(query)} AS {report.queries[query].sql}")
            except duckdb.ConversionException as error:
                problem = str(error).partition("\n")[0]
                raise StatementError(
                    f"{report.queries[query].path}: {problem}. If a condition in sources.toml casts, write try_cast(… AS …) there."
                ) from None
    return {query: rows(connection, f"FROM report.{name(query)}") for query in report.shown}


def findings_of(report: Report, tables: dict[str, Rows]) -> Rows:
    """The rows of a report's ``finding_…`` queries, worst first.

    Raises StatementError for one that does not say what it must: without number, baseline, who is behind it and the
    query to check it, it is no finding.
    """
    found = []
    for finding in report.findings:
        path = report.queries[finding].path
        for row in tables[finding]:
            for column in FINDING:
                if row.get(column) in (None, ""):
                    raise StatementError(f"{path}: a finding without {column}; expected {', '.join(FINDING)}")
            if row["level"] not in LEVELS:
                raise StatementError(f"{path}: level {row['level']!r}; expected one of {', '.join(LEVELS)}")
            found.append(row)
    return sorted(found, key=lambda row: (LEVELS.index(row["level"]), -row["rank"], row["headline"], row["number"]))


def _kept_events(settings: Settings) -> dict[str, str]:
    """Source → the first day of which rows are kept, where some have expired."""
    lake = open_store(settings.lake)
    kept = {source: read_kept(lake, source).events for source in settings.sources}
    return {source: str(day) for source, day in kept.items() if day}


def _report(settings: Settings, report_name: str) -> Report:
    reports = load_statements(settings.sql).reports
    if report_name in settings.reports:
        return reports[settings.reports[report_name].kind]
    if report_name not in settings.report_names:
        hint = f", or a table [reports.{report_name}] in {settings.path}" if report_name in KINDS else ""
        raise ConfigError("report", report_name, f"one of {', '.join(settings.report_names)}{hint}")
    return reports[report_name]


def shows(settings: Settings, report_name: str, source: str, views: set[str]) -> bool:
    """Whether a report reads one of these events and metrics of a source; one that is no longer known may have."""
    if report_name not in settings.report_names:
        return True
    declared = settings.reports.get(report_name)
    read = {re.sub("^history_", "metrics_", view) for view in _reads(settings, report_name)}
    return bool(read & views) and (declared is None or source in declared.sources)


def _reads(settings: Settings, report_name: str) -> set[str]:
    report, declared = _report(settings, report_name), settings.reports.get(report_name)
    return report.reads | (views_read(settings, declared) if declared else set())


def _chart(query: Statement, found: Rows) -> dict[str, Any] | None:
    """What the macro ``chart`` shows of a query that declares one."""
    chart = Chart.declared(query)
    if chart is None:
        return None
    if found and (missing := {chart.x, *chart.y, chart.mark or chart.x} - set(found[0])):
        raise StatementError(
            f"{query.path}: the chart wants {', '.join(sorted(missing))}, which the query does not give"
        )
    svgs = draw(chart, found, query.header["title"])
    places = x_labels([row[chart.x] for row in found])
    return {"declared": chart, "svgs": [Markup(svg) for svg in svgs], "places": places}


def _environment(folders: list[Path]) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        finalize=_legible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FORMATS, share=share, hour=format_hour, moment=_moment, shown=_shown)
    return environment


def _legible(value: Any) -> Any:
    """HTML knows no control characters, and those of direction would turn a path around."""
    return visible(value) if type(value) is str else value


def _moment(value: datetime) -> str:
    """An hour as people write it: ``Mon 18 May 2026 21:00``."""
    return f"{value:%a %d %b %Y %H:%M}"


def _shown(value: Any, unit: str = "") -> str:
    """A value in its unit, or as it is: NULL is a dash, a time has no seconds it does not need, a text has an end."""
    if unit in FORMATS:
        return FORMATS[unit](value)
    if value is None:
        return NOTHING
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}" if not value.second else f"{value:%Y-%m-%d %H:%M:%S}"
    text = str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
