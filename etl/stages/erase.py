"""Take a person out of the lake: rows stay and are anonymised, books stay closed, and no rerun brings the person back.

First the keyed digest of what identifies the person is recorded, so that every run from now on anonymises the rows it makes.
Then the landing hours that may hold the person are computed again from raw; where raw no longer has them, their slices are
rewritten as they stand.
"""

from __future__ import annotations

import ipaddress
import json
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from etl import layout
from etl.config import Settings, Source
from etl.errors import ConfigError, ObjectMissing, QuarantineLimitExceeded
from etl.io import engine
from etl.io.secret import Secret, load_secret
from etl.io.store import Store, file_digest, open_store, overlay_uri, put_bytes, scratch_root
from etl.io.workspace import Workspace, workspace
from etl.layout import Partition
from etl.model.hours import format_hour, hours_between, parse_hour
from etl.model.ledger import Ledger
from etl.schema import columns
from etl.stages.aggregate import aggregate
from etl.stages.check import check
from etl.stages.erased_copies import clean_alerts, clean_metrics, remove_dimensions, remove_notes, remove_reports
from etl.stages.erasures import FREE, Erased, bind_subjects, erased_sql, erased_subjects
from etl.stages.expire import read_kept
from etl.stages.normalize import read_ledger, replace_shard
from etl.stages.parse import bind_visitors
from etl.stages.private import VISITORS
from etl.stages.publish import publish
from etl.stages.replay import gone_objects, redo

KINDS = ("user_id", "user_name", "client_address", "visitor_id", "email")
_RAW_IS_READ_ONLY = (
    "Raw objects are never written to. Those listed under raw still hold lines of the subject: their owner has to delete or "
    "rewrite them, and copies of them in archives. Rows made of them again are anonymised."
)


def erase(
    settings: Settings,
    kind: str,
    value: str,
    asked: datetime,
    source_name: str | None = None,
    dry_run: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> dict[str, Any]:
    """Anonymise every row of a subject; returns the certificate, which is kept in the lake unless ``dry_run``.

    ``kind`` is one of :data:`KINDS`, ``asked`` when it was asked for (naive UTC). The certificate has the keyed digest of the
    subject, never the value. Raises ConfigError for a value that cannot be one, and what a run raises; it may be repeated.
    """
    subject = _subject(settings, kind, value, source_name)
    if dry_run:
        with tempfile.TemporaryDirectory(prefix="logbucket-erase-", dir=scratch_root()) as folder:
            scratch = replace(settings, lake=overlay_uri(Path(folder), settings.lake))
            return _erase(scratch, subject, _normal(kind, value), asked, progress)
    return _erase(settings, subject, _normal(kind, value), asked, progress)


def _normal(kind: str, value: str) -> str:
    """A value as it is compared: lower case, an address in its shortest form."""
    text = value.strip().lower()
    if kind == "client_address":
        try:
            return str(ipaddress.ip_address(text))
        except ValueError:
            raise ConfigError("--subject client_address", value, "an IPv4 or IPv6 address") from None
    if not text or (kind == "email" and "@" not in text):
        raise ConfigError(f"--subject {kind}", value, "what identifies a person, such as user_id=123")
    return text


def _subject(settings: Settings, kind: str, value: str, source_name: str | None) -> Erased:
    if kind not in KINDS:
        raise ConfigError("--subject", kind, f"KIND=VALUE with one of {', '.join(KINDS)}")
    if source_name:
        settings.source(source_name)
    text, secret = _normal(kind, value), load_secret(settings)
    return Erased(
        kind, secret.subject_digest(text), len(text), secret.fingerprint, (source_name,) if source_name else ()
    )


def _erase(
    settings: Settings, subject: Erased, value: str, asked: datetime, progress: Callable[[str], None]
) -> dict[str, Any]:
    lake = open_store(settings.lake)
    with tempfile.TemporaryDirectory() as folder:
        put_bytes(lake, _known(lake, subject).to_json(), layout.erasure_key(subject.digest), Path(folder))
    sources = [settings.source(name) for name in subject.sources] or list(settings.sources.values())
    certificate: dict[str, Any] = {
        "subject": {"kind": subject.kind, "digest": subject.digest, "secret": subject.secret},
        "asked": f"{asked:%Y-%m-%dT%H:%M:%S}Z",
        "sources": [source.name for source in sources],
        "rows": 0,
        "objects": [],
        "raw": [],
        "raw_is_gone": [],
        "notes": [_RAW_IS_READ_ONLY],
    }
    hours: set[datetime] = set()
    for source in sources:
        for landing in _landing_hours(settings, source, subject, value):
            progress(f"erase {source.name} {format_hour(landing)}")
            _erase_hour(settings, source, landing, value, certificate, hours)
    for source in sources:
        metrics = clean_metrics(settings, source, subject, value)
        hours |= {hour for item in metrics for hour in _hours_of(item["key"])}
        certificate["objects"] += metrics
        certificate["objects"] += remove_notes(lake, source.name, value)
        certificate["objects"] += clean_alerts(lake, source.name, value)
    certificate["objects"] += remove_dimensions(settings, subject)
    certificate["objects"] += remove_reports(lake, hours)
    certificate["objects"].sort(key=lambda item: item["key"])
    if subject.kind == "client_address":
        certificate["notes"].append(
            "Rows with nothing but the network of the address, and no visitor_id, cannot be told from those of its neighbours "
            "where raw is gone, nor can visitors of metrics whose rows have expired; they do not identify the subject."
        )
    with tempfile.TemporaryDirectory() as folder:
        data = json.dumps(certificate, indent=1, sort_keys=True).encode() + b"\n"
        put_bytes(lake, data, layout.certificate_key(subject.digest, asked), Path(folder))
    return {**certificate, "certificate": layout.certificate_key(subject.digest, asked)}


def _known(lake: Store, subject: Erased) -> Erased:
    """The subject, for the sources that it was erased from before, too."""
    data = lake.read(layout.erasure_key(subject.digest))
    if data is None:
        return subject
    before = json.loads(data)["sources"]
    both = tuple(sorted({*before, *subject.sources})) if before and subject.sources else ()
    return replace(subject, sources=both)


def _landing_hours(settings: Settings, source: Source, subject: Erased, value: str) -> list[datetime]:
    """The landing hours whose slices or quarantine hold the subject, or may where privacy masked it."""
    found: set[datetime] = set()
    with workspace(settings) as space:
        bind_subjects(space.connection, load_secret(settings), [subject])
        engine.set_variables(space.connection, erased_value=value)
        for stat in space.lake.list(f"staged/{source.name}/"):
            _, partition, landing, _ = layout.parse_slice_key(stat.key)
            if landing not in found and _may_hold(space, stat.key, subject, partition.dataset):
                found.add(landing)
        for stat in space.lake.list(f"quarantine/{source.name}/"):
            hours = layout.hours_of_key(stat.key)
            if hours and hours[0] not in found and _may_hold(space, stat.key, subject, None):
                found.add(hours[0])
    return sorted(found)


def _may_hold(space: Workspace, key: str, subject: Erased, dataset: str | None) -> bool:
    """Whether an object holds the subject, or the mask that privacy put in its place."""
    path = space.take(key)
    scan = f"SELECT * FROM read_parquet({engine.file_list([path])}, hive_partitioning = false)"
    if dataset is None:
        tests = ["len(erased_in(raw)) > 0", "len(erased_in(reject_reason)) > 0"]
        texts, addresses = ["raw"], []
    else:
        scan, tests = erased_sql(dataset, scan, "visitor_id"), ["erased"]
        texts = [engine.name(item.name) for item in columns(dataset) if item.personal in FREE]
        texts.append("array_to_string(map_values(attributes), ' ')")
        addresses = [engine.name(item.name) for item in columns(dataset) if item.personal == "address"]
    if subject.kind == "email":
        tests += [f"contains({text}, '<email>')" for text in texts]
    if subject.kind == "client_address":
        network = "truncated_address(getvariable('erased_value'))"
        tests += [f"{name} = {network}" for name in addresses] + [f"contains({text}, {network})" for text in texts]
    sql = space.provide(f"SELECT count(*) FROM ({scan}) WHERE {' OR '.join(tests)}")
    try:
        return bool(engine.one(space.connection, sql))
    finally:
        path.unlink()


def _erase_hour(
    settings: Settings,
    source: Source,
    landing: datetime,
    value: str,
    certificate: dict[str, Any],
    hours: set[datetime],
) -> None:
    lake = open_store(settings.lake)
    before = _ledgers(lake, source, landing)
    keys = _keys(settings, source, before)
    digests = {key: lake.digest(key) for key in keys}
    is_gone = bool(gone_objects(settings, source, landing))
    if not is_gone:
        try:
            redo(settings, source.name, landing, "erasure")
        except QuarantineLimitExceeded:
            is_gone = True
    if is_gone:
        certificate["raw_is_gone"].append({"source": source.name, "landing_hour": format_hour(landing)})
        _rewrite(settings, source, landing, before, value)
    after = _ledgers(lake, source, landing)
    known = {book.uri: book.erased for ledger in before for book in ledger.objects}
    for ledger in after:
        for book in ledger.objects:
            lines = book.erased - known.get(book.uri, 0)
            if lines > 0:
                certificate["rows"] += lines
                record = {"uri": book.uri, "landing_hour": format_hour(landing), "records": lines}
                certificate["raw"].append({**record, "is_gone": is_gone and not _is_in_raw(source, book.key)})
    for key in sorted(digests.keys() | _keys(settings, source, after)):
        now = lake.digest(key)
        if now != digests.get(key):
            certificate["objects"].append({"key": key, "before": digests.get(key), "after": now})
            if key.startswith("events/"):
                hours.add(layout.parse_partition_key(key)[1].hour)


def _hours_of(key: str) -> Iterable[datetime]:
    span = layout.hours_of_key(key)
    return hours_between(*span) if span else ()


def _is_in_raw(source: Source, key: str) -> bool:
    return open_store(source.raw_root).stat(key) is not None


def _ledgers(lake: Store, source: Source, landing: datetime) -> list[Ledger]:
    keys = sorted(stat.key for stat in lake.list(layout.ledger_prefix(source.name, landing.date())))
    places = [layout.parse_ledger_key(key) for key in keys if layout.is_ledger_key(key)]
    found = [read_ledger(lake, source.name, *place) for place in places if place[0] == landing]
    return [ledger for ledger in found if ledger]


def _keys(settings: Settings, source: Source, ledgers: Iterable[Ledger]) -> set[str]:
    """Keys of all that is made of some ledgers' rows."""
    found: set[str] = set()
    with workspace(settings) as space:
        metrics = list(space.statements.metrics.values())
    for ledger in ledgers:
        landing = parse_hour(ledger.landing_hour)
        found.add(layout.ledger_key(source.name, landing, ledger.shard))
        found.add(layout.quarantine_key(source.name, landing, ledger.shard))
        for piece in ledger.slices:
            partition = Partition.parse(piece.partition)
            found.add(layout.slice_key(source.name, partition, landing, ledger.shard))
            found.add(layout.partition_key(source.name, partition))
            day = partition.hour.replace(hour=0)
            found |= {
                layout.metric_key(metric.name, day, source.name)
                for metric in metrics
                if partition.dataset in metric.datasets
            }
    return found


def _rewrite(settings: Settings, source: Source, landing: datetime, ledgers: list[Ledger], value: str) -> None:
    """Anonymise the slices and the quarantine of a landing hour as they stand, and publish them."""
    touched: set[str] = set()
    with workspace(settings) as space:
        secret = load_secret(settings)
        bind_subjects(space.connection, secret, erased_subjects(space.lake, settings, source.name))
        engine.set_variables(space.connection, erased_value=value)
        for ledger in ledgers:
            _rewrite_shard(space, source, ledger, secret, value)
            touched |= {piece.partition for piece in ledger.slices}
    published = publish(settings, source.name, touched, cause="erasure")
    aggregate(settings, source.name, published)
    check(settings, source.name, format_hour(landing), published)


def _rewrite_shard(space: Workspace, source: Source, ledger: Ledger, secret: Secret, value: str) -> None:
    landing = parse_hour(ledger.landing_hour)
    erased: dict[str, int] = {}
    slices: dict[Partition, Path] = {}
    books = []
    kept = read_kept(space.lake, source.name)
    for piece in ledger.slices:
        partition = Partition.parse(piece.partition)
        if not kept.has_events(partition.hour):
            books.append(piece)
            continue
        path = space.take(layout.slice_key(source.name, partition, landing, ledger.shard))
        scan = f"SELECT * FROM read_parquet({engine.file_list([path])}, hive_partitioning = false)"
        if partition.dataset == VISITORS and ledger.secret == secret.fingerprint:
            bind_visitors(space, scan)
            scan = _with_address(scan)
        new = _anonymised(space, path, erased_sql(partition.dataset, scan, "visitor_id"), erased, partition.dataset)
        slices[partition] = new
        books.append(replace(piece, digest=file_digest(new)))
    quarantine = None
    try:
        path = space.take(layout.quarantine_key(source.name, landing, ledger.shard))
        scan = f"SELECT * FROM read_parquet({engine.file_list([path])}, hive_partitioning = false)"
        masked = "erased_text(raw) AS raw, erased_text(reject_reason) AS reject_reason"
        sql = f"SELECT * REPLACE ({masked}), len(erased_in(raw)) > 0 AS erased FROM ({scan})"
        quarantine = _anonymised(space, path, sql, erased, None)
    except ObjectMissing:
        pass
    objects = [
        replace(
            book,
            erased=book.erased + erased.get(book.uri, 0),
            reject_reasons={
                reason.replace(value, "<erased>"): count for reason, count in sorted(book.reject_reasons.items())
            },
        )
        for book in ledger.objects
    ]
    replace_shard(space, source, replace(ledger, objects=objects, slices=books), slices, quarantine)


def _with_address(scan: str) -> str:
    """A finished row's address is truncated; its visitor is the one of the erased address, or another one."""
    visitor = "strftime(event_time, '%Y-%m-%d') || '|' || getvariable('erased_value') || '|' || coalesce(user_agent_original, '')"
    return (
        f"SELECT * REPLACE (CASE WHEN keyed_visitor({visitor}) = visitor_id THEN getvariable('erased_value') "
        f"ELSE client_address END AS client_address) FROM ({scan})"
    )


def _anonymised(space: Workspace, path: Path, sql: str, erased: dict[str, int], dataset: str | None) -> Path:
    """A Parquet file with the rows of a query, or the one that is there, where none of them held the subject."""
    counted = space.connection.execute(
        space.provide(f"SELECT source_uri, count(*) FROM ({sql}) WHERE erased GROUP BY ALL")
    ).fetchall()
    if not counted:
        return path
    for uri, count in counted:
        erased[uri] = erased.get(uri, 0) + count
    books = {key: item for key, item in engine.read_local_footer(path).books.items() if key != "content"}
    target = space.scratch("erased")
    compression = "lz4" if dataset else "zstd"
    engine.write_parquet(
        space.connection, f"SELECT * EXCLUDE (erased) FROM ({sql})", target, compression=compression, books=books
    )
    return target
