"""Take a person out of the lake: rows stay and are anonymised, books stay closed, and no rerun brings the person back.

First the keyed digest of what identifies the person is recorded, so that every run from now on anonymises the rows it makes.
Then the landing hours that may hold the person are computed again from raw; where raw no longer has them, their slices are
rewritten as they stand.
"""

from __future__ import annotations

import contextlib
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
from etl.io.leftovers import remove_leftovers
from etl.io.secret import load_secret
from etl.io.statements import load_statements
from etl.io.store import Store, file_digest, open_store, overlay_uri, put_bytes, scratch_root
from etl.io.workspace import Workspace, workspace
from etl.layout import Partition
from etl.model.hours import format_hour, hours_between, parse_hour
from etl.model.ledger import Ledger
from etl.schema import columns
from etl.stages.aggregate import aggregate
from etl.stages.check import check
from etl.stages.erased_copies import (
    clean_alerts,
    clean_metrics,
    pattern_of,
    remove_dimensions,
    remove_notes,
    remove_reports,
)
from etl.stages.erasing import Erasing
from etl.stages.erasures import FREE, Erased, bind_subjects, erased_sql, erased_subjects, normal, spellings
from etl.stages.expire import read_kept
from etl.stages.normalize import read_ledger, replace_shard
from etl.stages.parse import bind_visitors
from etl.stages.private import VISITORS
from etl.stages.publish import publish
from etl.stages.replay import gone_objects, redo
from etl.text import visible

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
    """A value as it is compared. Raises ConfigError for one that cannot be of its kind."""
    text = normal(value)
    if kind == "client_address" and len(spellings(text)) == 1:
        raise ConfigError("--subject client_address", value, "an IPv4 or IPv6 address")
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
    put_bytes(lake, _known(lake, subject).to_json(), layout.erasure_key(subject.digest))
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
    begun = Erasing.resumed(lake, subject.digest)
    made: set[str] = set()
    for source in sources:
        staged = _held(settings, source, subject, value)
        kept = read_kept(lake, source.name)
        left = {hour for name, hour in begun.hours if name == source.name and kept.has_ledger(hour)}
        for landing in sorted({*staged, *left}):
            progress(f"erase {source.name} {format_hour(landing)}")
            made |= _erase_hour(settings, source, landing, staged.get(landing, []), value, begun, certificate)
    for source in sources:
        clean_metrics(settings, source, subject, value, begun)
        remove_notes(lake, source.name, value, begun)
        clean_alerts(lake, source.name, value, begun)
    remove_leftovers(lake)
    remove_dimensions(settings, subject, begun)
    remove_reports(lake, _changed_hours(begun, made), begun)
    certificate["objects"] = begun.changed(made)
    if subject.kind == "client_address":
        certificate["notes"].append(
            "Rows with nothing but the network of the address, and no visitor_id, cannot be told from those of its neighbours "
            "where raw is gone, nor can visitors of metrics whose rows have expired; they do not identify the subject."
        )
    if undeclared := _undeclared(lake, settings):
        certificate["notes"].append(
            f"Not looked at: objects of {', '.join(undeclared)}, which is no source of sources.toml any more. Declare it and erase "
            "again, or remove its objects."
        )
    data = json.dumps(certificate, indent=1, sort_keys=True).encode() + b"\n"
    put_bytes(lake, data, layout.certificate_key(subject.digest, asked))
    begun.end()
    return {**certificate, "certificate": layout.certificate_key(subject.digest, asked)}


def _undeclared(lake: Store, settings: Settings) -> list[str]:
    """Names of sources that the lake has objects of and ``sources.toml`` does not know."""
    named = {Path(stat.key).stem for layer in ("events/", "metrics/") for stat in lake.list(layer)}
    named |= {stat.key.split("/")[1] for layer in ("staged/", "quarantine/") for stat in lake.list(layer)}
    return sorted(map(visible, named - set(settings.sources)))


def _known(lake: Store, subject: Erased) -> Erased:
    """The subject, for the sources that it was erased from before, too."""
    data = lake.read(layout.erasure_key(subject.digest))
    if data is None:
        return subject
    before = json.loads(data)["sources"]
    both = tuple(sorted({*before, *subject.sources})) if before and subject.sources else ()
    return replace(subject, sources=both)


def _held(settings: Settings, source: Source, subject: Erased, value: str) -> dict[datetime, list[str]]:
    """Landing hour → all its slices and quarantine, of the hours that hold the subject, or may where privacy masked it."""
    keys: dict[datetime, list[str]] = {}
    held: set[datetime] = set()
    with workspace(settings) as space:
        bind_subjects(space.connection, load_secret(settings), [subject])
        engine.set_variables(space.connection, erased_networks=_networks(space, value))
        for stat in space.lake.list(f"staged/{source.name}/"):
            try:
                _, partition, landing, _ = layout.parse_slice_key(stat.key)
            except ValueError:
                continue
            keys.setdefault(landing, []).append(stat.key)
            if landing not in held and _may_hold(space, stat.key, subject, partition.dataset):
                held.add(landing)
        for stat in space.lake.list(f"quarantine/{source.name}/"):
            if hours := layout.hours_of_key(stat.key):
                keys.setdefault(hours[0], []).append(stat.key)
                if hours[0] not in held and _may_hold(space, stat.key, subject, None):
                    held.add(hours[0])
    return {landing: keys[landing] for landing in held}


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
        held = "len(list_filter(getvariable('erased_networks'), lambda item: contains({}, item))) > 0"
        tests += [held.format(text) for text in [*addresses, *texts]]
    sql = space.provide(f"SELECT count(*) FROM ({scan}) WHERE {' OR '.join(tests)}")
    try:
        return bool(engine.one(space.connection, sql))
    finally:
        path.unlink()


def _networks(space: Workspace, value: str) -> list[str]:
    """What privacy leaves of an address, however a log spelt it."""
    masked = "[truncated_address(item), truncated_in_text(item)]"
    sql = f"SELECT list_sort(list_distinct(flatten(list_transform($spelt, lambda item: {masked}))))"
    found: list[str] = engine.one(space.connection, space.provide(sql), {"spelt": spellings(value)})
    return found


def _erase_hour(
    settings: Settings,
    source: Source,
    landing: datetime,
    staged: list[str],
    value: str,
    begun: Erasing,
    certificate: dict[str, Any],
) -> set[str]:
    """Erase the subject from what is made of a landing hour; returns the keys that its ledgers tell of now, and what is made of these."""
    lake = open_store(settings.lake)
    before = _ledgers(lake, source, landing)
    erased = {book.uri: book.erased for ledger in before for book in ledger.objects}
    begun.begin_hour(source.name, landing, _keys(settings, source, {*staged, *_told(source, before)}), erased)
    is_gone = bool(gone_objects(settings, source, landing))
    if not is_gone:
        try:
            redo(settings, source.name, landing, "erasure")
        except QuarantineLimitExceeded:
            is_gone = True
    if is_gone:
        _rewrite(settings, source, landing, value)
    after = _ledgers(lake, source, landing)
    told = _told(source, after)
    untold = sorted(key for key in set(staged) - told if lake.stat(key))
    counted = _rewrite_untold(settings, source, untold, value) if untold else {}
    keys = {}
    for ledger in after:
        for book in ledger.objects:
            keys[book.uri] = book.key
            counted[book.uri] = counted.get(book.uri, 0) + book.erased
    known, raw = begun.hours[source.name, landing], open_store(source.raw_root)
    for uri, count in sorted(counted.items()):
        if count > known.get(uri, 0):
            record = {"uri": uri, "landing_hour": format_hour(landing), "records": count - known.get(uri, 0)}
            in_raw = raw.stat(keys.get(uri, uri.removeprefix(raw.uri(""))))
            certificate["raw"].append({**record, "is_gone": in_raw is None})
            certificate["rows"] += record["records"]
    if is_gone or untold:
        certificate["raw_is_gone"].append({"source": source.name, "landing_hour": format_hour(landing)})
    return _keys(settings, source, told)


def _changed_hours(begun: Erasing, made: set[str]) -> set[datetime]:
    """The event hours of partitions that changed, and of metrics that were cleaned as they stood."""
    keys = {item["key"] for item in begun.changed(made)}
    spans = [layout.hours_of_key(key) for key in keys if key.startswith("events/") or key in begun.copies]
    return {hour for span in spans if span for hour in hours_between(*span)}


def _ledgers(lake: Store, source: Source, landing: datetime) -> list[Ledger]:
    keys = sorted(stat.key for stat in lake.list(layout.ledger_prefix(source.name, landing.date())))
    places = [layout.parse_ledger_key(key) for key in keys if layout.is_ledger_key(key)]
    found = [read_ledger(lake, source.name, *place) for place in places if place[0] == landing]
    return [ledger for ledger in found if ledger]


def _told(source: Source, ledgers: Iterable[Ledger]) -> set[str]:
    """Keys of ledgers, and of the slices and quarantine that they tell of."""
    found: set[str] = set()
    for ledger in ledgers:
        landing = parse_hour(ledger.landing_hour)
        found.add(layout.ledger_key(source.name, landing, ledger.shard))
        found.add(layout.quarantine_key(source.name, landing, ledger.shard))
        found |= {
            layout.slice_key(source.name, Partition.parse(piece.partition), landing, ledger.shard)
            for piece in ledger.slices
        }
    return found


def _keys(settings: Settings, source: Source, told: Iterable[str]) -> set[str]:
    """These keys, and those of the partitions and metrics that are made of the slices among them."""
    found = set(told)
    metrics = load_statements(settings.sql).metrics.values()
    for partition in {layout.parse_slice_key(key)[1] for key in found if key.startswith("staged/")}:
        found.add(layout.partition_key(source.name, partition))
        day = partition.hour.replace(hour=0)
        found |= {
            layout.metric_key(metric.name, day, source.name)
            for metric in metrics
            if partition.dataset in metric.datasets
        }
    return found


def _rewrite(settings: Settings, source: Source, landing: datetime, value: str) -> None:
    """Anonymise the slices and the quarantine of a landing hour as they stand, and publish them."""
    touched: set[str] = set()
    with workspace(settings) as space:
        _bind(space, source, value)
        # as they are now: some may have been computed again before others were refused
        for ledger in _ledgers(space.lake, source, landing):
            _rewrite_shard(space, source, ledger, value)
            touched |= set(ledger.touched)
    published = publish(settings, source.name, touched, cause="erasure")
    aggregate(settings, source.name, published)
    check(settings, source.name, format_hour(landing), published)


def _rewrite_untold(settings: Settings, source: Source, keys: Iterable[str], value: str) -> dict[str, int]:
    """Anonymise slices and quarantine that no ledger tells of, as they stand; returns URI → records."""
    touched: set[str] = set()
    erased: dict[str, int] = {}
    with workspace(settings) as space:
        _bind(space, source, value)
        for key in keys:
            if key.startswith("staged/"):
                partition = layout.parse_slice_key(key)[1]
                space.lake.put(_anonymised_slice(space, key, partition, erased), key)
                touched.add(str(partition))
            else:
                space.lake.put(_anonymised_rejects(space, key, erased), key)
    aggregate(settings, source.name, publish(settings, source.name, touched, cause="erasure"))
    return erased


def _bind(space: Workspace, source: Source, value: str) -> None:
    subjects = erased_subjects(space.lake, space.settings, source.name)
    bind_subjects(space.connection, load_secret(space.settings), subjects)
    engine.set_variables(space.connection, erased_spellings=spellings(value))


def _rewrite_shard(space: Workspace, source: Source, ledger: Ledger, value: str) -> None:
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
        key = layout.slice_key(source.name, partition, landing, ledger.shard)
        slices[partition] = _anonymised_slice(space, key, partition, erased)
        books.append(replace(piece, digest=file_digest(slices[partition])))
    quarantine = None
    with contextlib.suppress(ObjectMissing):
        quarantine = _anonymised_rejects(space, layout.quarantine_key(source.name, landing, ledger.shard), erased)
    word, objects = pattern_of(value), []
    for book in ledger.objects:
        reasons: dict[str, int] = {}
        for reason, count in sorted(book.reject_reasons.items()):
            masked = word.sub("<erased>", reason)
            reasons[masked] = reasons.get(masked, 0) + count
        objects.append(replace(book, erased=book.erased + erased.get(book.uri, 0), reject_reasons=reasons))
    replace_shard(space, source, replace(ledger, objects=objects, slices=books), slices, quarantine)


def _anonymised_slice(space: Workspace, key: str, partition: Partition, erased: dict[str, int]) -> Path:
    path = space.take(key)
    scan = f"SELECT * FROM read_parquet({engine.file_list([path])}, hive_partitioning = false)"
    if partition.dataset == VISITORS:
        bind_visitors(space, scan)
        scan = _with_address(scan)
    return _anonymised(space, path, erased_sql(partition.dataset, scan, "visitor_id"), erased, partition.dataset)


def _anonymised_rejects(space: Workspace, key: str, erased: dict[str, int]) -> Path:
    path = space.take(key)
    scan = f"SELECT * FROM read_parquet({engine.file_list([path])}, hive_partitioning = false)"
    masked = "erased_text(raw) AS raw, erased_text(reject_reason) AS reject_reason"
    sql = f"SELECT * REPLACE ({masked}), len(erased_in(raw)) > 0 AS erased FROM ({scan})"
    return _anonymised(space, path, sql, erased, None)


def _with_address(scan: str) -> str:
    """A finished row's address is truncated; its visitor is the one of the erased address, or another one."""
    visitor = "strftime(event_time, '%Y-%m-%d') || '|' || item || '|' || coalesce(user_agent_original, '')"
    mine = f"list_filter(getvariable('erased_spellings'), lambda item: keyed_visitor({visitor}) = visitor_id)[1]"
    return f"SELECT * REPLACE (coalesce({mine}, client_address) AS client_address) FROM ({scan})"


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
