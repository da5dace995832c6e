"""Landing hours computed again: because their rejected lines can be read now, or because the audit found them wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from etl.config import Settings, Source
from etl.errors import ConfigError, ObjectMissing
from etl.io.engine import rows
from etl.io.snapshot import snapshot
from etl.io.statements import load_statements
from etl.io.store import open_store
from etl.model.hours import format_hour
from etl.model.ledger import Ledger
from etl.model.worklist import printable
from etl.stages.aggregate import aggregate
from etl.stages.check import check
from etl.stages.land import land, list_raw
from etl.stages.normalize import ledger_places, normalize, read_ledger, require_secret
from etl.stages.publish import publish

Progress = Callable[[str], None]


def replay(
    settings: Settings,
    source_name: str,
    first: datetime,
    last: datetime,
    reason: str | None = None,
    progress: Progress = lambda step: None,
) -> list[dict[str, Any]]:
    """Process the landing hours first..last (naive UTC, both included) that hold rejected lines once more.

    ``reason`` is an RE2 pattern: only hours with such a reject reason. Returns one record a landing hour: lines
    quarantined and rows, before and after, and the partitions published. Raises ConfigError for a broken pattern,
    ObjectMissing where raw objects of such an hour are gone (their rows would be lost), and what a run raises.
    """
    source = settings.source(source_name)
    hours = _rejected(settings, source_name, first, last, reason)
    for hour in hours:
        require_raw(settings, source, hour)
    replayed = []
    for hour in hours:
        before = _counts(settings, source_name, hour)
        progress(f"replay {format_hour(hour)}")
        partitions = redo(settings, source_name, hour, "replay")
        after = _counts(settings, source_name, hour)
        replayed.append(
            {
                "landing_hour": format_hour(hour),
                "quarantined_before": before["quarantined"],
                "quarantined_after": after["quarantined"],
                "rows_before": before["rows"],
                "rows_after": after["rows"],
                "partitions": len(partitions),
            }
        )
    return replayed


def redo(settings: Settings, source_name: str, landing: datetime, cause: str | None) -> list[str]:
    """Compute one landing hour again, without those it looks back on; returns the partitions published.

    ``cause`` is the reason of the revisions, None derives it from what changed. Raises what a run raises.
    """
    hour = format_hour(landing)
    for ledger in _ledgers(settings, source_name, landing):
        require_secret(settings, settings.source(source_name), ledger)
    work = land(settings, source_name, hour, alone=True)
    shards = range(settings.source(source_name).shards)
    touched = {text for shard in shards for text in normalize(settings, source_name, work, shard, reprocess=True)}
    # a run that died left others to be published: they have reasons of their own
    own = _reached(settings, source_name, landing)
    published = publish(settings, source_name, touched & own, cause=cause) + publish(
        settings, source_name, touched - own
    )
    aggregate(settings, source_name, published)
    check(settings, source_name, hour, published)
    return published


def _reached(settings: Settings, source_name: str, landing: datetime) -> set[str]:
    """The partitions that a landing hour ever wrote to."""
    return {text for ledger in _ledgers(settings, source_name, landing) for text in ledger.touched}


def _ledgers(settings: Settings, source_name: str, landing: datetime) -> list[Ledger]:
    lake = open_store(settings.lake)
    places = sorted(place for place in ledger_places(lake, source_name, [landing.date()]) if place[0] == landing)
    return [ledger for place in places if (ledger := read_ledger(lake, source_name, *place))]


def require_raw(settings: Settings, source: Source, landing: datetime) -> None:
    """Raise ObjectMissing unless raw still holds every object that a landing hour's ledger knows."""
    gone = gone_objects(settings, source, landing)
    if gone:
        raise ObjectMissing(
            f"source {source.name}, landing hour {format_hour(landing)}: {len(gone)} raw objects are gone (first: {gone[0]}); "
            "computing the hour again would lose their rows. Bring them back with `etl restore`, then try again."
        )


def gone_objects(settings: Settings, source: Source, landing: datetime) -> list[str]:
    """URIs of the objects that a landing hour's ledger knows and raw does not hold any more."""
    raw = open_store(source.raw_root)
    listed = {printable(item.key) for items in list_raw(raw, source, landing, landing).values() for item in items}
    statements = load_statements(settings.sql)
    with snapshot(settings.lake, statements, ["ledger"], landing, landing, source.name) as connection:
        known = connection.execute("SELECT key, uri FROM ledger ORDER BY key").fetchall()
    # an object that was written again has moved to another landing hour, where LastModified decides
    return [uri for key, uri in known if key not in listed and raw.stat(key) is None]


def _rejected(
    settings: Settings, source: str, first: datetime, last: datetime, reason: str | None
) -> Iterable[datetime]:
    import duckdb

    statements = load_statements(settings.sql)
    with snapshot(settings.lake, statements, ["quarantine"], first, last, source) as connection:
        try:
            found = connection.execute(
                """SELECT DISTINCT landing_date + to_hours(landing_hour) FROM quarantine
                WHERE source_name = $source AND ($reason IS NULL OR regexp_matches(reject_reason, $reason)) ORDER BY 1""",
                {"source": source, "reason": reason},
            ).fetchall()
        except duckdb.InvalidInputException as error:
            raise ConfigError("reason", reason, f"an RE2 regular expression ({error})") from None
    return [hour for (hour,) in found]


def _counts(settings: Settings, source: str, landing: datetime) -> dict[str, Any]:
    statements = load_statements(settings.sql)
    with snapshot(settings.lake, statements, ["ledger"], landing, landing, source) as connection:
        return rows(
            connection,
            """SELECT coalesce(sum(quarantined), 0)::BIGINT AS quarantined, coalesce(sum(rows), 0)::BIGINT AS rows
            FROM ledger WHERE source_name = $source""",
            {"source": source},
        )[0]
