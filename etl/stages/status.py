"""Freshness, hours and books of every source, from ledger and listing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from etl import layout
from etl.config import Settings
from etl.io.engine import rows
from etl.io.snapshot import snapshot
from etl.io.statements import load_statements
from etl.io.store import Store, open_store
from etl.layout import Partition
from etl.model.hours import HOUR, format_hour, hours_between, parse_hour
from etl.model.retention import Kept
from etl.stages.expire import read_kept
from etl.stages.normalize import read_ledger

_BOOKS = """SELECT count(*) AS objects, coalesce(sum(lines), 0)::BIGINT AS lines, coalesce(sum(rows), 0)::BIGINT AS rows,
    coalesce(sum(row_lines - rows), 0)::BIGINT AS continuation_lines, coalesce(sum(quarantined), 0)::BIGINT AS quarantined,
    coalesce(sum(ignored), 0)::BIGINT AS ignored, count(problem) AS corrupt_objects,
    coalesce(bool_and(lines + joined_in = row_lines + quarantined + ignored + joined_out), true) AS closed,
    max(landing_hour) AS newest_landing_hour, max(last_event) AS newest_event
    FROM ledger WHERE source_name = $source AND landing_hour >= $first"""
_PARTITIONS = """SELECT coalesce(sum(staged), 0)::BIGINT AS staged, coalesce(sum(rows), 0)::BIGINT AS published,
    coalesce(sum(duplicates), 0)::BIGINT AS duplicates, coalesce(bool_and(staged = rows + duplicates), true) AS closed
    FROM books WHERE source_name = $source AND hour_start >= $first"""

_LANDINGS = """SELECT hour_start, max(list_max(landing_hours)) FROM books
    WHERE source_name = $source AND hour_start >= $first GROUP BY hour_start ORDER BY hour_start"""


def status(settings: Settings) -> list[dict[str, Any]]:
    """One record per source: books (lines and rows), event hours present, missing and late, newest event.

    ``lines = rows + continuation_lines + quarantined + ignored``, ``rows = staged + expired`` (``expired`` where rows have
    expired) and ``staged = published + duplicates``; ``closed`` says whether they hold for every object and partition. A late
    hour got rows that landed more than an hour after it.
    """
    statements = load_statements(settings.sql)
    found = []
    lake = open_store(settings.lake)
    with snapshot(settings.lake, statements, ["ledger", "books"]) as connection:
        for name in settings.sources:
            # an expiry that is under way, or was interrupted, has not removed all of what it will
            kept = read_kept(lake, name)
            of_events = {"source": name, "first": kept.first_event}
            books = rows(connection, _BOOKS, {"source": name, "first": kept.first_landing})[0]
            parts = rows(connection, _PARTITIONS, of_events)[0]
            expired = _expired_rows(lake, name, kept)
            closed = books.pop("closed") and parts.pop("closed") and parts["staged"] == books["rows"] - expired
            times = {key: books.pop(key) for key in ("newest_landing_hour", "newest_event")}
            hours = _hours(connection.execute(_LANDINGS, of_events).fetchall())
            gone = {"expired": expired} if expired else {}
            found.append({"source": name, **books, **parts, **gone, **hours, **times, "closed": closed})
    return found


def books(settings: Settings, source_name: str, first: datetime, last: datetime) -> dict[str, list[dict[str, Any]]]:
    """The accounts of a source over the hours first..last (naive UTC, both included).

    ``objects`` of those landing hours, ``partitions`` of those event hours; columns as in the views ledger and books.
    """
    settings.source(source_name)
    statements = load_statements(settings.sql)
    with snapshot(settings.lake, statements, ["ledger", "books"], first, last, source_name) as connection:
        return {
            "objects": rows(
                connection,
                """SELECT landing_hour, uri, format, codec, size, digest, lines, rows, quarantined, reject_reasons, ignored,
                    duplicates, first_event, last_event, processed_time, problem
                FROM ledger WHERE source_name = $source ORDER BY landing_hour, uri""",
                {"source": source_name},
            ),
            "partitions": rows(
                connection,
                """SELECT dataset, hour_start, staged, rows, duplicates, slices, landing_hours, revision, published_time,
                    inputs, content
                FROM books WHERE source_name = $source ORDER BY dataset, hour_start""",
                {"source": source_name},
            ),
        }


def revisions(
    settings: Settings, since: datetime | None = None, source_name: str | None = None
) -> list[dict[str, Any]]:
    """Changes of published partitions made since then (naive UTC, by the store's clock), oldest first."""
    statements = load_statements(settings.sql)
    with snapshot(settings.lake, statements, ["revisions"], source=source_name) as connection:
        return rows(
            connection,
            """SELECT source_name, dataset, hour_start, revision, revised_time, reason, rows_before, rows_after, difference,
                landing_hours
            FROM revisions WHERE $since IS NULL OR revised_time >= $since ORDER BY revised_time, source_name, hour_start""",
            {"since": since},
        )


def _expired_rows(lake: Store, source: str, kept: Kept) -> int:
    """Rows that the kept ledgers tell of and that were removed because of their age."""
    if kept.events is None:
        return 0
    keys = (stat.key for stat in lake.list(layout.ledger_prefix_of(source)) if layout.is_ledger_key(stat.key))
    places = [place for place in map(layout.parse_ledger_key, keys) if kept.has_ledger(place[0])]
    ledgers = [read_ledger(lake, source, *place) for place in places]
    pieces = [piece for ledger in ledgers if ledger for piece in ledger.slices]
    return sum(piece.rows for piece in pieces if not kept.has_events(Partition.parse(piece.partition).hour))


def _hours(landings: list[tuple[datetime, str]]) -> dict[str, Any]:
    """``landings`` are the event hours in order, each with the newest landing hour of its rows as text."""
    present = [hour for hour, _ in landings]
    missing = sorted(set(hours_between(present[0], present[-1])) - set(present)) if present else []
    return {
        "hours_present": len(present),
        "hours_missing": [format_hour(hour) for hour in missing],
        "hours_late": sum(1 for hour, landing in landings if parse_hour(landing) > hour + HOUR),
    }
