"""From a row back to the line it came from, and on to everything it went into."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from etl import layout
from etl.config import Settings
from etl.errors import ConfigError, EtlError, ObjectMissing
from etl.io import engine
from etl.io.raw import CorruptObject, Cut, Reading, as_utf8, chunks
from etl.io.store import open_store
from etl.io.workspace import Workspace, workspace
from etl.layout import Partition
from etl.model.hours import format_hour, parse_hour
from etl.model.ledger import Ledger, ObjectBook
from etl.stages.expire import read_kept
from etl.stages.normalize import read_ledger
from etl.stages.parse import object_id
from etl.stages.report import shows

_EVENT_ID = re.compile(r"(?P<object>[0-9a-f]{16})-(?P<line>\d+)(?:\.\d+)?")
_PLACE = re.compile(r"(?P<uri>.+):(?P<line>\d+)", re.DOTALL)
_LONGEST_SHOWN = 1 << 20


def trace(
    settings: Settings, identity: str, first: datetime | None = None, last: datetime | None = None
) -> list[dict[str, Any]]:
    """What became of a record: one account for each landing hour that read its object, oldest first.

    ``identity`` is an event_id, or ``URI:LINE`` of a raw object; ``first`` and ``last`` limit the landing hours that are
    searched (naive UTC, both included). Each account has the object's books, ``raw`` (the lines as they stand in the
    object, None where it is gone), ``fate`` (published, duplicate, quarantined, ignored, expired, or
    joined to the last record of the object before), the row or the rejected
    record, and the keys of slice, partition, metrics and reports it went into.
    Raises ConfigError for what is no identity, EtlError where no ledger knows the object.
    """
    found = _EVENT_ID.fullmatch(identity) or _PLACE.fullmatch(identity)
    if not found:
        raise ConfigError(
            "event_id", identity, "one from a row, such as 0123456789abcdef-42, or URI:LINE of a raw object"
        )
    wanted, line = found.groupdict().get("object") or object_id(found["uri"]), int(found["line"])
    with workspace(settings) as space:
        accounts = [
            _account(space, ledger, book, identity, line) for ledger, book in _accounts(space, wanted, first, last)
        ]
    if not accounts:
        raise EtlError(
            f"{identity}: no ledger knows its object; expected an event_id of this lake, of a landing hour between --from "
            "and --to where they are given"
        )
    return accounts


def _accounts(
    space: Workspace, wanted: str, first: datetime | None, last: datetime | None
) -> Iterator[tuple[Ledger, ObjectBook]]:
    keys = [stat.key for stat in space.lake.list("ledger/") if layout.is_ledger_key(stat.key)]
    for key in sorted(keys, key=layout.parse_ledger_key):
        landing, shard = layout.parse_ledger_key(key)
        if (first and landing < first) or (last and landing > last):
            continue
        ledger = read_ledger(space.lake, key.split("/")[1], landing, shard)
        if ledger:
            yield from ((ledger, book) for book in ledger.objects if object_id(book.uri) == wanted)


def _account(space: Workspace, ledger: Ledger, book: ObjectBook, identity: str, line: int) -> dict[str, Any]:
    landing, shard = parse_hour(ledger.landing_hour), ledger.shard
    account: dict[str, Any] = {
        "object": asdict(book),
        "landing_hour": ledger.landing_hour,
        "ledger": layout.ledger_key(ledger.source, landing, shard),
        "source_line": line,
    }
    of_event = _EVENT_ID.fullmatch(identity) is not None
    for piece in ledger.slices:
        partition = Partition.parse(piece.partition)
        key = layout.slice_key(ledger.source, partition, landing, shard)
        row = _row(space, key, book.uri, line, identity if of_event else None)
        if row:
            published = layout.partition_key(ledger.source, partition)
            event_id = row["event_id"]
            is_published = _row(space, published, book.uri, row["source_line"], event_id) is not None
            fate = {"fate": "published" if is_published else "duplicate", "row": row, "slice": key}
            lines = _raw(space, ledger.source, book, row["source_line"], max(1, row["source_lines"]))
            into = _into(space, ledger.source, partition) if is_published else {"partition": None}
            return {**account, **fate, **into, "raw": lines}
    key = layout.quarantine_key(ledger.source, landing, shard)
    reject = _row(space, key, book.uri, line, None)
    if reject:
        lines = _raw(space, ledger.source, book, line, 1) if book.problem else None
        raw = lines or _raw(space, ledger.source, book, reject["source_line"], max(1, reject["source_lines"]))
        return {**account, "fate": "quarantined", "row": reject, "quarantine": key, "raw": raw}
    if not 1 <= line <= book.lines:
        raise EtlError(f"{book.uri}: it has {book.lines} lines, no line {line}")
    kept = read_kept(space.lake, ledger.source)
    if not kept.has_quarantine(landing) or not all(
        kept.has_events(Partition.parse(piece.partition).hour) for piece in ledger.slices
    ):
        # what became of it stood in what has been removed because of its age
        return {**account, "fate": "expired", "row": None, "raw": _raw(space, ledger.source, book, line, 1)}
    if line <= book.joined_out:
        return {**account, "fate": "joined", "row": None, "raw": _raw(space, ledger.source, book, line, 1)}
    return {**account, "fate": "ignored", "row": None, "raw": _raw(space, ledger.source, book, line, 1)}


def _row(space: Workspace, key: str, uri: str, line: int, event_id: str | None) -> dict[str, Any] | None:
    try:
        path = space.take(key)
    except ObjectMissing:
        return None
    where = (
        "event_id = $event_id"
        if event_id
        else "$line BETWEEN source_line AND source_line + greatest(source_lines, 1) - 1"
    )
    bound: dict[str, Any] = {"event_id": event_id} if event_id else {"line": line}
    found = engine.rows(
        space.connection,
        f"""SELECT * FROM read_parquet({engine.file_list([path])}, hive_partitioning = false)
        WHERE source_uri = $uri AND {where} ORDER BY source_line DESC LIMIT 1""",
        {"uri": uri, **bound},
    )
    path.unlink()
    return found[0] if found else None


def _into(space: Workspace, source: str, partition: Partition) -> dict[str, Any]:
    """The partition, its revision, and the metrics and reports that were made with it."""
    day = partition.hour.replace(hour=0)
    metrics, views = [], {f"events_{partition.dataset}"}
    for metric in space.statements.metrics.values():
        key = layout.metric_key(metric.name, day, source)
        footer = engine.read_footer(space.lake, key) if partition.dataset in metric.datasets else None
        if footer and str(partition) in footer.books.get("hours", {}):
            metrics.append(key)
            views.add(f"metrics_{metric.name}")
    reports = []
    for stat in space.lake.list("reports/"):
        try:
            name, first, last = layout.parse_report_key(stat.key)
        except ValueError:
            continue
        if first <= partition.hour <= last and shows(space.settings, name, source, views):
            reports.append(stat.key)
    revisions = list(space.lake.list(layout.revision_prefix(source, partition)))
    revision = int(Path(revisions[-1].key).stem) if revisions else 1
    key = layout.partition_key(source, partition)
    return {
        "partition": key,
        "event_hour": format_hour(partition.hour),
        "revision": revision,
        "metrics": metrics,
        "reports": reports,
    }


def _raw(space: Workspace, source_name: str, book: ObjectBook, line: int, count: int) -> list[str] | None:
    """Lines ``line`` … of the raw object as they stand there; None where it is gone or another one by now."""
    if source_name not in space.settings.sources:
        return None
    source = space.settings.source(source_name)
    raw = open_store(source.raw_root)
    try:
        path = raw.fetch(book.key, space.folder, book.etag)
        encoding = Cut(encoding=source.encoding).text_encoding
        return [text.decode(encoding, "backslashreplace") for text in _lines(path, source.encoding, line, count)]
    except (EtlError, CorruptObject):
        return None


def _lines(path: Path, encoding: str, line: int, count: int) -> list[bytes]:
    found: list[bytes] = []
    number, rest = 1, b""
    for chunk in as_utf8(chunks(path, 0, Reading()), encoding):
        pieces = chunk.split(b"\n")
        pieces[0] = rest + pieces[0] if number >= line else pieces[0]
        for piece in pieces[:-1]:
            if line <= number < line + count:
                found.append(piece[:_LONGEST_SHOWN])
            number += 1
        if number >= line + count:
            return found
        rest = pieces[-1][:_LONGEST_SHOWN] if number >= line else b""
    if line <= number < line + count and rest:
        found.append(rest)
    return found
