"""logbucket: raw logs in object storage become Parquet that people trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb


def connect(lake: str | None = None, start: str | None = None, end: str | None = None) -> duckdb.DuckDBPyConnection:
    """A plain DuckDB connection over a snapshot of the lake: what runs do meanwhile does not show in it.

    ``lake`` is its URI (default: the lake of sources.toml); ``start`` and ``end`` are hours such as ``2026-11-22T00``
    (UTC, both included, None = open). Views: ``events_<dataset>``, ``metrics_<name>``, ``agents``, ``networks``,
    ``quarantine``, ``ledger``, ``books``, ``revisions``. The snapshot is removed with the connection. Raises ConfigError and store errors.
    """
    from pathlib import Path

    from etl.config import load
    from etl.errors import ConfigError
    from etl.io.snapshot import connect as connect_to
    from etl.io.statements import load_statements
    from etl.model.hours import parse_hour

    def hour(name: str, text: str | None) -> datetime | None:
        try:
            return parse_hour(text) if text else None
        except ValueError:
            raise ConfigError(name, text, "an hour in UTC such as 2026-11-22T00") from None

    first, last = hour("start", start), hour("end", end)
    if first and last and first > last:
        raise ConfigError("end", end, "an hour not before start")
    if lake is not None and "://" not in str(lake) and not Path(lake).is_dir():
        raise ConfigError("lake", lake, "a folder that is there")
    settings = load() if lake is None else None
    statements = load_statements(settings.sql if settings else ())
    uri = settings.lake if settings else str(lake)
    return connect_to(uri, statements, None, first, last)
