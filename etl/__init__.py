"""logbucket: raw logs in object storage become Parquet that people trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def connect(lake: str | None = None, start: str | None = None, end: str | None = None) -> duckdb.DuckDBPyConnection:
    """A plain DuckDB connection over a snapshot of the lake: what runs do meanwhile does not show in it.

    ``lake`` is its URI (default: the lake of sources.toml); ``start`` and ``end`` are hours such as ``2026-11-22T00``
    (UTC, both included, None = open). Views: ``events_<dataset>``, ``metrics_<name>``, ``agents``, ``networks``,
    ``quarantine``, ``ledger``, ``books``, ``revisions``. The snapshot is removed with the connection. Raises ConfigError and store errors.
    """
    from etl.config import load
    from etl.io.snapshot import connect as connect_to
    from etl.io.statements import load_statements
    from etl.model.hours import parse_hour

    settings = load() if lake is None else None
    statements = load_statements(settings.sql if settings else ())
    uri = settings.lake if settings else str(lake)
    return connect_to(uri, statements, None, parse_hour(start) if start else None, parse_hour(end) if end else None)
