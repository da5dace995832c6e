"""Ledger, books and metrics → at most one message to each channel: what is new, and what is over.

A condition is known by source, statement of ``sql/alerts`` and key. What was told is kept in the lake, in one object that is
replaced by one PUT, so a rerun tells nothing again.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import duckdb

from etl import layout
from etl.config import SEVERITIES, Settings
from etl.errors import ConfigError, NotDelivered, ObjectCorrupt, StatementError
from etl.io import engine
from etl.io.channels import Channel, channels
from etl.io.snapshot import snapshot
from etl.io.statements import Statement, load_statements
from etl.io.store import Store, open_store, put_bytes
from etl.layout import Partition
from etl.model.alerts import Alerts, Condition, Item
from etl.model.hours import HOUR, format_hour, parse_hour
from etl.schema import DATASETS
from etl.text import inert

_RECENT = timedelta(hours=71)
_CATCHING_UP = timedelta(days=1)
_WEEKS = 8
_PARALLEL_READS = 8
_LONGEST = {"title": 120, "headline": 200, "detail": 400, "check": 500}
_LONGEST_BODY = 3000
_COLUMNS = ("key", "headline", "detail", "check_sql")
_REFUSED = "landing_hour TIMESTAMP, lines BIGINT, quarantined BIGINT, message VARCHAR"
_USUAL = "dataset VARCHAR, hour_start TIMESTAMP, rows BIGINT"
ALERT_TABLES = {"refused": _REFUSED, "usual_hours": _USUAL}


@dataclass
class _Book:
    """What is known of one source's alerts, and where it is kept."""

    source: str
    key: str
    alerts: Alerts
    channels: list[Channel]


def digest(
    settings: Settings,
    source_name: str,
    landing_hour: str | None = None,
    *,
    is_backfill: bool = False,
    dry_run: bool = False,
    now: datetime | None = None,
    environ: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Tell a source's channels what is new and what is over after the run of a landing hour (None: its newest).

    A backfilled hour is only noted: the digests of scheduled runs send one summary when no more are added. An hour before the
    newest that was judged is not judged again; one that ended more than a day before ``now`` (naive UTC), with which the schedule
    catches up, and one that has not begun are not judged at all. What a channel did not take is sent with the next message. With ``dry_run``
    nothing is sent or stored. Returns what was found and told.
    Raises NotDelivered after everything else is done, StatementError for a wrong statement, ConfigError, and store errors.
    """
    source = settings.source(source_name)
    lake = open_store(settings.lake)
    hour = landing_hour or newest_hour(lake, source_name)
    if is_backfill and not dry_run:
        put_bytes(lake, b"{}", layout.backfilled_key(source_name, parse_hour(hour)))
        return {"source": source_name, "landing_hour": hour, "open": [], "told": []}
    if now and not parse_hour(hour) <= now <= parse_hour(hour) + HOUR + _CATCHING_UP:
        return {"source": source_name, "landing_hour": hour, "open": [], "told": []}
    book = _open(settings, lake, source_name, "digest")
    noted = [] if is_backfill else _backfilled(lake, source_name)
    items: list[Item] = []
    if hour >= book.alerts.hour:
        is_first_look = hour > book.alerts.hour
        book.alerts, items = book.alerts.judged(hour, conditions(settings, source_name, parse_hour(hour)))
        if is_first_look:
            book.alerts, summary = _with_summary(book.alerts, noted)
            items += summary
    told = [item for item in _worst_first(items) if source.notify.wants(item.severity)]
    found = {
        "source": source_name,
        "landing_hour": hour,
        "open": [
            {"state": item.state, "key": item.key, "severity": item.severity, "headline": item.headline}
            for _, item in sorted(book.alerts.open.items())
        ],
        "told": [
            {
                "kind": item.kind,
                "severity": item.severity,
                "headline": item.headline,
                "detail": item.detail,
                "check": item.check,
            }
            for item in told
        ],
    }
    if dry_run:
        return found
    book.alerts = book.alerts.with_items([item.identity for item in book.channels], told)
    problems = _deliver(lake, [book], environ)
    if book.alerts.backfilled.startswith(_TOLD):
        for at in noted:
            lake.delete(layout.backfilled_key(source_name, at))
    if problems:
        raise NotDelivered(source_name, problems)
    return found


def tell_stale(settings: Settings, found: list[dict[str, Any]], environ: Mapping[str, str] | None = None) -> list[str]:
    """Tell the channels which sources are not run, or run again, of what :func:`etl.stages.watch.watch` found.

    One message to each channel, whatever the number of sources. What was found for an hour before the newest that was judged tells
    nothing. Returns why channels took none. Raises ObjectCorrupt for damaged state after the other sources were told of.
    """
    lake = open_store(settings.lake)
    books, damaged = [], []
    for record in found:
        source = settings.source(record["source"])
        try:
            book = _open(settings, lake, source.name, "watchdog")
        except ObjectCorrupt as error:
            damaged.append(error)
            continue
        headline = f"Source {source.name} is not run: newest run {record['newest_run'] or 'none in three days'}, due {record['due']}"
        detail = f"See whether the scheduler is alive and the DAG ingest_{source.name} is not paused"
        stale = Condition("not_run", source.name, SEVERITIES[-1], headline, detail, "etl watch", "it is run again")
        items: list[Item] = []
        if record["due"] >= book.alerts.hour:
            book.alerts, items = book.alerts.judged(record["due"], [stale] if record["stale"] else [])
        told = [item for item in items if source.notify.wants(item.severity)]
        book.alerts = book.alerts.with_items([item.identity for item in book.channels], told)
        books.append(book)
    problems = _deliver(lake, books, environ)
    if damaged:
        raise damaged[0]
    return problems


def newest_hour(lake: Store, source_name: str) -> str:
    """The newest landing hour that was processed. Raises ConfigError where there is none."""
    keys = (stat.key for stat in lake.list(layout.ledger_prefix_of(source_name)))
    hours = [layout.parse_ledger_key(key)[0] for key in keys if layout.is_ledger_key(key)]
    if not hours:
        raise ConfigError("source", source_name, "one of which an hour was run; run it, or give --hour")
    return format_hour(max(hours))


def conditions(settings: Settings, source_name: str, hour: datetime) -> list[Condition]:
    """What the statements of ``sql/alerts`` find after the run of a landing hour. Raises StatementError."""
    statements = load_statements(settings.sql)
    views = {view for alert in statements.alerts.values() for view in reads(alert)}
    macros = statements.macros_used("\n".join(alert.sql for alert in statements.alerts.values()))
    lake = open_store(settings.lake)
    with snapshot(settings.lake, statements, views, hour - _RECENT, hour, source_name, macros) as connection:
        make_tables(connection)
        if "refused" in views:
            _insert(connection, "refused", _refused(lake, source_name, hour))
        if "usual_hours" in views:
            _insert(connection, "usual_hours", _usual_hours(lake, source_name, hour - HOUR))
        engine.set_variables(connection, source_name=source_name, landing_hour=hour)
        return [item for alert in statements.alerts.values() for item in found_by(connection, alert)]


def reads(alert: Statement) -> set[str]:
    """The views and tables that an alert names in its header."""
    return {part.strip() for part in alert.header["reads"].split(",")}


def make_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """The tables that alerts may read beside the views of the lake, empty."""
    for name, columns in ALERT_TABLES.items():
        connection.execute(f"CREATE TABLE {name} ({columns})")


def found_by(connection: duckdb.DuckDBPyConnection, alert: Statement) -> list[Condition]:
    """The conditions that one alert finds. Raises StatementError where it fails or breaks its contract."""
    with engine.failing(alert):
        rows = engine.rows(connection, alert.sql)
    found = {}
    for row in rows:
        if missing := [name for name in _COLUMNS if row.get(name) in (None, "")]:
            raise StatementError(f"{alert.path}: a row without {missing[0]}; expected {', '.join(_COLUMNS)}")
        key, headline, detail, check = (str(row[name]) for name in _COLUMNS)
        words = {"headline": headline, "detail": detail, "check": check}
        # as they are sent, so that nothing longer or more active is ever stored
        shown = {name: inert(text, _LONGEST[name]) for name, text in words.items()}
        found[key] = Condition(
            alert.name,
            key,
            alert.header["severity"],
            **shown,
            resolved=inert(alert.header["resolved"], _LONGEST["detail"]),
        )
    return list(found.values())


def message(title: str, items: list[Item]) -> tuple[str, str]:
    """(title, body) of one message, of bounded length; every line of it is inert text."""
    lines: list[str] = []
    for number, item in enumerate(items):
        mark = {"new": item.severity.upper(), "resolved": "RESOLVED", "summary": "INFO"}[item.kind]
        block = [
            f"{mark}  {item.headline}",
            f"    {item.detail}",
            *([f"    check: {item.check}"] if item.check else []),
            "",
        ]
        if len("\n".join([*lines, *block])) > _LONGEST_BODY:
            lines.append(f"and {len(items) - number} more: see `etl digest --all --dry-run`".replace("`", "'"))
            break
        lines += block
    return inert(title, _LONGEST["title"]), "\n".join(lines).strip()


_TOLD = "told "


def _with_summary(alerts: Alerts, noted: list[datetime]) -> tuple[Alerts, list[Item]]:
    """One summary of backfilled hours, when no more of them were noted since the digest before."""
    if not noted:
        return replace(alerts, backfilled=""), []
    seen = hashlib.sha256(json.dumps([format_hour(at) for at in noted]).encode()).hexdigest()
    if alerts.backfilled == _TOLD + seen:
        return alerts, []
    if alerts.backfilled != seen:
        return replace(alerts, backfilled=seen), []
    hours = "1 hour was" if len(noted) == 1 else f"{len(noted)} hours were"
    first, last = format_hour(min(noted)), format_hour(max(noted))
    text = Item("summary", SEVERITIES[0], f"{hours} backfilled", f"landing hours from {first} to {last}", "etl status")
    return replace(alerts, backfilled=_TOLD + seen), [text]


def _worst_first(items: list[Item]) -> list[Item]:
    return sorted(items, key=lambda item: (item.kind != "new", -SEVERITIES.index(item.severity)))


def _deliver(lake: Store, books: list[_Book], environ: Mapping[str, str] | None) -> list[str]:
    """Send each channel what it has not got of all books, in one message; store what is left. Returns what went wrong."""
    pending = list(
        dict.fromkeys(item for book in books for item in book.channels if item.identity in book.alerts.parcels)
    )
    if pending:
        for book in books:
            if book.alerts.parcels:
                put_bytes(lake, book.alerts.begun().as_json(), book.key)
    problems, failed = [], set()
    for channel in pending:
        mine = [book for book in books if channel.identity in book.alerts.parcels]
        items = _worst_first([item for book in mine for item in book.alerts.parcels[channel.identity].items])
        told = Counter(item.kind for item in items)
        counted = ", ".join(f"{told[kind]} {kind}" for kind in ("new", "resolved", "summary") if told[kind])
        title, body = message(f"logbucket {', '.join(book.source for book in mine)}: {counted}", items)
        news = [item.severity for item in items if item.kind == "new"] or [SEVERITIES[0]]
        problem = channel.send(title, body, max(news, key=SEVERITIES.index), environ)
        if problem:
            problems.append(problem)
            failed.add(channel.identity)
    for book in books:
        book.alerts = book.alerts.ended(failed & set(book.alerts.parcels))
        put_bytes(lake, book.alerts.as_json(), book.key)
    return problems


def _open(settings: Settings, lake: Store, source_name: str, by: str) -> _Book:
    key = layout.alerts_key(source_name, by)
    try:
        alerts = Alerts.from_json(lake.read(key))
    except (ValueError, KeyError, TypeError) as error:
        raise ObjectCorrupt(
            lake.uri(key), f"not what the {by} wrote: {error}; or remove it, and all is told again"
        ) from None
    return _Book(source_name, key, alerts, channels(settings.source(source_name).notify))


def _backfilled(lake: Store, source_name: str) -> list[datetime]:
    return [layout.backfilled_hour(stat.key) for stat in lake.list(layout.backfilled_prefix(source_name))]


def _insert(connection: duckdb.DuckDBPyConnection, table: str, records: list[tuple[Any, ...]]) -> None:
    if records:
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(records[0]))})", records)


def _refused(lake: Store, source_name: str, hour: datetime) -> list[tuple[Any, ...]]:
    """The notes of shards that are over the quarantine limit."""
    found = []
    for stat in lake.list(layout.refused_prefix(source_name)):
        note = json.loads(lake.read(stat.key) or b"{}")
        if note and parse_hour(note["landing_hour"]) <= hour:
            found.append((parse_hour(note["landing_hour"]), note["lines"], note["quarantined"], note["message"]))
    return found


def _usual_hours(lake: Store, source_name: str, hour: datetime) -> list[tuple[Any, ...]]:
    """(dataset, hour, rows) of an event hour and of the same hour of the weeks before, from the ends of their partitions."""
    partitions = [
        Partition(dataset, hour - week * timedelta(weeks=1)) for week in range(_WEEKS + 1) for dataset in DATASETS
    ]

    def rows_of(partition: Partition) -> int | None:
        footer = engine.read_footer(lake, layout.partition_key(source_name, partition))
        return footer.rows if footer else None

    with ThreadPoolExecutor(_PARALLEL_READS) as pool:
        counted = zip(partitions, pool.map(rows_of, partitions), strict=True)
        return [(partition.dataset, partition.hour, rows) for partition, rows in counted if rows is not None]
