"""What a web page shows of a lake: freshness, books, quarantine, revisions, stored reports; each bounded and paged."""

from __future__ import annotations

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from etl import layout
from etl.config import Settings, Source
from etl.errors import ConfigError, ObjectMissing
from etl.io.engine import rows
from etl.io.snapshot import snapshot
from etl.io.statements import load_statements
from etl.io.store import Store, open_store
from etl.model.hours import HOUR, format_hour, to_hour
from etl.stages.watch import watch

LATE_HOURS = 3
"""A source whose newest run is more than so many hours behind is late; the DAG `watchdog` fails at the same."""
LONGEST_SHOWN = 600
"""Characters of a rejected record in a list; its own page has more."""
LONGEST_RECORD = 64 * 1024
_DAY = timedelta(days=1)
_LOOKED_BACK = 7
_PARALLEL = 4
_REASONS = 100
_REPORT = re.compile(r"[A-Za-z0-9_-]+")
_KIND = r"regexp_replace(reject_reason, '\d+', 'N', 'g')"
_LANDED = "landing_date + to_hours(landing_hour)"
_ADDED_UP = """count(*) AS objects, coalesce(sum(lines), 0)::BIGINT AS lines, coalesce(sum(rows), 0)::BIGINT AS rows,
    coalesce(sum(quarantined), 0)::BIGINT AS quarantined, coalesce(sum(ignored), 0)::BIGINT AS ignored,
    coalesce(sum(duplicates), 0)::BIGINT AS duplicates, coalesce(sum(size), 0)::BIGINT AS size,
    count(problem) AS corrupt_objects,
    coalesce(bool_and(lines + joined_in = row_lines + quarantined + ignored + joined_out), true) AS closed"""


@dataclass(frozen=True)
class Page:
    """Records ``(number - 1) * size`` … of ``total``; pages count from 1."""

    records: list[dict[str, Any]]
    total: int
    number: int
    size: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least 1."""
        return max(1, -(-self.total // self.size))


@dataclass(frozen=True)
class StoredReport:
    """A report in the lake: its event hours first..last (naive UTC, both included), bytes, and when it was written."""

    name: str
    first: datetime
    last: datetime
    size: int
    written: datetime

    @property
    def period(self) -> str:
        """The event hours as they stand in its key."""
        return f"{format_hour(self.first)}--{format_hour(self.last)}"


def freshness(settings: Settings, now: datetime, sources: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """One record per source, in the order of sources.toml; ``now`` is naive UTC.

    ``newest`` is the last landing hour with a ledger, ``lag_hours`` the full hours since it ended, ``state`` one of fresh, late
    (:data:`LATE_HOURS`), complete (its ``end`` was run) and empty. The counts are those of the 24 landing hours up to
    ``newest``; ``hours`` has each of these with its ``rows``, ``quarantined`` and ``lines``, None where no run left books.
    """
    wanted = [settings.source(name) for name in (settings.sources if sources is None else sources)]
    stale = {item["source"]: item["stale"] for item in watch(settings, now, LATE_HOURS)}
    with ThreadPoolExecutor(_PARALLEL) as pool:
        return list(pool.map(lambda source: _freshness(settings, source, now, stale[source.name]), wanted))


def _freshness(settings: Settings, source: Source, now: datetime, is_stale: bool) -> dict[str, Any]:
    newest = newest_landing_hour(settings, source.name, now)
    about = {"source": source.name, "service_name": source.service_name, "format": source.format, "newest": newest}
    if newest is None:
        return {**about, "state": "late" if is_stale else "empty", "lag_hours": None}
    first = newest - 23 * HOUR
    with snapshot(settings.lake, load_statements(settings.sql), ["ledger"], first, newest, source.name) as connection:
        [total] = rows(connection, f"SELECT {_ADDED_UP} FROM ledger")
        hours = rows(
            connection,
            """SELECT hour AS landing_hour, sum(lines)::BIGINT AS lines, sum(rows)::BIGINT AS rows,
                sum(quarantined)::BIGINT AS quarantined
            FROM generate_series($first::TIMESTAMP, $last::TIMESTAMP, INTERVAL 1 HOUR) AS hours(hour)
            LEFT JOIN ledger ON landing_hour = hour GROUP BY hour ORDER BY hour""",
            {"first": first, "last": newest},
        )
    state = "complete" if _is_over(settings, source, newest) else "late" if is_stale else "fresh"
    return {**about, **total, "hours": hours, "state": state, "lag_hours": max(0, (now - newest - HOUR) // HOUR)}


def _is_over(settings: Settings, source: Source, newest: datetime) -> bool:
    """Whether the last hour of a source has a ledger, or was listed by a run: nothing may have landed in it."""
    if source.end is None:
        return False
    end = to_hour(source.end)
    return newest >= end or open_store(settings.lake).stat(layout.work_list_key(source.name, end)) is not None


def newest_landing_hour(settings: Settings, source_name: str, now: datetime) -> datetime | None:
    """The last landing hour of a source that has a ledger (naive UTC), None where there is none.

    Looked for day by day from ``now`` or the source's end; only one that has been silent for a week costs a listing of all.
    """
    source, lake = settings.source(source_name), open_store(settings.lake)
    start = min(now, to_hour(source.end)) if source.end else now
    for back in range(_LOOKED_BACK):
        if found := _landings(lake, layout.ledger_prefix(source_name, (start - back * _DAY).date())):
            return max(found)
    return max(_landings(lake, f"ledger/{source_name}/"), default=None)


def _landings(lake: Store, prefix: str) -> list[datetime]:
    keys = (stat.key for stat in lake.list(prefix))
    return [layout.parse_ledger_key(key)[0] for key in keys if layout.is_ledger_key(key)]


def quarantine_days(settings: Settings, source_name: str, last: date, days: int) -> dict[date, bool]:
    """The ``days`` landing dates up to ``last``, oldest first, and whether anything was quarantined on them."""
    settings.source(source_name)
    lake = open_store(settings.lake)
    wanted = [last - back * _DAY for back in reversed(range(days))]
    with ThreadPoolExecutor(_PARALLEL) as pool:
        found = pool.map(lambda day: any(True for _ in lake.list(layout.quarantine_prefix(source_name, day))), wanted)
        return dict(zip(wanted, found, strict=True))


def reports(settings: Settings, name: str | None = None) -> list[StoredReport]:
    """The reports in the lake, or those of one name; the latest period first."""
    found = []
    prefix = f"reports/{name}/" if name and _REPORT.fullmatch(name) else "reports/"
    for stat in open_store(settings.lake).list(prefix):
        try:
            report, first, last = layout.parse_report_key(stat.key)
        except ValueError:
            continue
        if _REPORT.fullmatch(report) and name in (None, report):
            found.append(StoredReport(report, first, last, stat.size, stat.modified))
    return sorted(found, key=lambda item: (item.last, item.first, item.name), reverse=True)


def stored_report(settings: Settings, name: str, period: str) -> str:
    """The HTML of one of :func:`reports`. Raises ObjectMissing for any other name and period."""
    lake, key = open_store(settings.lake), f"reports/{name}/{period}.html"
    try:
        report, first, last = layout.parse_report_key(key)
    except ValueError:
        report = ""
    if not _REPORT.fullmatch(report) or layout.report_key(report, first, last) != key:
        raise ObjectMissing(f"{name} {period}: no such report; expected one of the list of reports")
    found = lake.read(key)
    if found is None:
        raise ObjectMissing(f"{lake.uri(key)}: no such report; expected one of the list of reports")
    return found.decode("utf-8", "replace")


def books_of_day(settings: Settings, source_name: str, day: date, number: int, size: int) -> dict[str, Any]:
    """The accounts of the raw objects that landed on a day: ``total``, and ``objects`` as a :class:`Page`."""
    settings.source(source_name)
    first, last = _hours(day)
    statements = load_statements(settings.sql)
    with snapshot(settings.lake, statements, ["ledger"], first, last, source_name) as connection:
        [total] = rows(connection, f"SELECT {_ADDED_UP}, count(DISTINCT landing_hour) AS landing_hours FROM ledger")
        objects = rows(
            connection,
            """SELECT landing_hour, uri, format, size, lines, rows, joined_in, joined_out, row_lines - rows AS continuation_lines,
                quarantined, ignored, duplicates, first_event, last_event, processed_time, problem
            FROM ledger ORDER BY landing_hour, uri LIMIT $size OFFSET $start""",
            {"size": size, "start": (number - 1) * size},
        )
    return {"total": total, "objects": Page(objects, total["objects"], number, size)}


def partitions_of_day(settings: Settings, source_name: str, day: date) -> list[dict[str, Any]]:
    """The books of what is published of an event date."""
    settings.source(source_name)
    first, last = _hours(day)
    with snapshot(settings.lake, load_statements(settings.sql), ["books"], first, last, source_name) as connection:
        return rows(
            connection,
            """SELECT dataset, hour_start, staged, rows, duplicates, len(landing_hours) AS landing_hours, revision,
                published_time FROM books WHERE source_name = $source ORDER BY hour_start, dataset""",
            {"source": source_name},
        )


def revisions_of_days(settings: Settings, source_name: str, first: date, last: date, number: int, size: int) -> Page:
    """How published partitions of the event dates first..last changed, the newest change first."""
    settings.source(source_name)
    statements = load_statements(settings.sql)
    begin, end = _hours(first)[0], _hours(last)[1]
    with snapshot(settings.lake, statements, ["revisions"], begin, end, source_name) as connection:
        [[total]] = connection.execute("SELECT count(*) FROM revisions").fetchall()
        found = rows(
            connection,
            """SELECT dataset, hour_start, revision, revised_time, reason, rows_before, rows_after, difference, landing_hours
            FROM revisions ORDER BY revised_time DESC, dataset, hour_start, revision DESC LIMIT $size OFFSET $start""",
            {"size": size, "start": (number - 1) * size},
        )
    return Page(found, total, number, size)


def quarantined(
    settings: Settings, source_name: str, day: date, reason: str | None, number: int, size: int
) -> dict[str, Any]:
    """What was rejected of a landing day: ``reasons`` (with N for numbers; records and lines), and ``records`` as a :class:`Page`.

    ``reason`` limits the records to those of one of the ``reasons``. ``raw`` is cut after :data:`LONGEST_SHOWN` characters,
    ``characters`` says how many there are.
    """
    settings.source(source_name)
    first, last = _hours(day)
    statements = load_statements(settings.sql)
    with snapshot(settings.lake, statements, ["quarantine"], first, last, source_name) as connection:
        reasons = rows(
            connection,
            f"""SELECT {_KIND} AS reason, count(*) AS records, sum(greatest(source_lines, 1))::BIGINT AS lines
            FROM quarantine GROUP BY 1 ORDER BY records DESC, reason LIMIT {_REASONS}""",
        )
        chosen = f"FROM quarantine WHERE $reason IS NULL OR {_KIND} = $reason"
        [[total]] = connection.execute(f"SELECT count(*) {chosen}", {"reason": reason}).fetchall()
        records = rows(
            connection,
            f"""SELECT {_LANDED} AS landing_hour, source_uri, source_line, source_lines, format_name, reject_reason,
                left(raw, {LONGEST_SHOWN}) AS raw, length(raw) AS characters
            {chosen} ORDER BY ALL LIMIT $size OFFSET $start""",
            {"reason": reason, "size": size, "start": (number - 1) * size},
        )
    return {"reasons": reasons, "records": Page(records, total, number, size)}


def quarantined_record(
    settings: Settings, source_name: str, landing_hour: datetime, source_uri: str, source_line: int
) -> dict[str, Any]:
    """One rejected record, with its text up to :data:`LONGEST_RECORD` characters. Raises ObjectMissing."""
    settings.source(source_name)
    statements = load_statements(settings.sql)
    with snapshot(settings.lake, statements, ["quarantine"], landing_hour, landing_hour, source_name) as connection:
        found = rows(
            connection,
            f"""SELECT * REPLACE (left(raw, {LONGEST_RECORD}) AS raw, {_LANDED} AS landing_hour), length(raw) AS characters
            FROM quarantine
            WHERE source_uri = $uri AND source_line = $line ORDER BY source_offset LIMIT 1""",
            {"uri": source_uri, "line": source_line},
        )
    if not found:
        raise ObjectMissing(
            f"{source_uri}:{source_line}: nothing of it is quarantined in landing hour {format_hour(landing_hour)}; "
            "it may have been processed again since"
        )
    return found[0]


def source_of_dag(settings: Settings, dag_id: str) -> str | None:
    """The source whose hours a DAG ingests, None for any other DAG."""
    name = dag_id.removeprefix("ingest_")
    return name if dag_id.startswith("ingest_") and name in settings.sources else None


def a_day(text: str) -> date:
    """``2026-11-22`` → date. Raises ConfigError."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise ConfigError("day", text, "a day in UTC such as 2026-11-22") from None


def _hours(day: date) -> tuple[datetime, datetime]:
    begin = datetime.combine(day, time())
    return begin, begin + 23 * HOUR
