"""Is the lake what raw says? Raw listing, ledger, slices, partitions and metrics compared by digest, and mended.

Nothing is believed that can be recomputed: bytes are checked against their seals, slices against the ledger, partitions
against their slices, metrics against their partitions.
"""

from __future__ import annotations

import contextlib
import json
import random
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from etl import layout
from etl.config import Settings, Source
from etl.errors import ConfigError, ContentDamaged, EtlError, ObjectCorrupt, ObjectMissing
from etl.io import engine
from etl.io.store import Store, file_digest, open_store, put_bytes, scratch_root
from etl.io.workspace import Workspace, workspace
from etl.layout import Partition
from etl.model.hours import format_hour, hours_between, parse_hour, to_hour
from etl.model.ledger import Ledger
from etl.model.retention import Kept
from etl.model.worklist import printable
from etl.schema import DATASETS
from etl.stages.aggregate import aggregate, hours_of, metric_hours, partitions_of_day
from etl.stages.expire import read_kept
from etl.stages.land import land, list_raw
from etl.stages.normalize import ledger_places, normalize, read_ledger, refused_objects, shard_inputs
from etl.stages.publish import parse_place, partition_inputs, publish
from etl.stages.replay import redo, require_raw

# what the raw side did; its revisions are late or changed, not the audit's doing
_OF_RAW = ("unprocessed", "changed", "superseded")
_DRAWS = 24
_DAMAGED = ("corrupt slice", "corrupt quarantine", "corrupt partition", "corrupt metric")


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is not as it should be.

    ``where`` is a raw object's URI or a key of the lake, ``landing_hour`` what to compute again, ``partition`` what to
    publish again; ``is_problem`` is False for what is worth knowing and needs no repair.
    """

    source: str
    problem: str
    where: str
    detail: str
    landing_hour: str = ""
    partition: str = ""
    is_problem: bool = True


def audit(
    settings: Settings,
    source_name: str,
    first: datetime,
    last: datetime,
    repair: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> list[dict[str, Any]]:
    """What is wrong with a source in the landing hours first..last (naive UTC, both included), a record each.

    With ``repair`` it is computed again, and ``repaired`` says whether that mended it; landing hours whose raw objects are
    gone are left as they are. Objects that are not this project's are reported and never removed.
    Raises ConfigError and store errors.
    """
    source = settings.source(source_name)
    progress(f"audit {source_name}")
    found = _find(settings, source, first, last)
    left = found
    if repair and any(item.is_problem for item in found):
        failed = _repair(settings, source, found, progress)
        left = _find(settings, source, first, last)
        still = {(item.problem, item.where) for item in left}
        records = [_record(item, (item.problem, item.where) not in still, failed) for item in found]
        before = {(item.problem, item.where) for item in found}
        return records + [_record(item, False, failed) for item in left if (item.problem, item.where) not in before]
    return [_record(item, None, {}) for item in found]


def _record(item: Finding, repaired: bool | None, failed: dict[str, str]) -> dict[str, Any]:
    record = {key: value for key, value in asdict(item).items() if key not in ("landing_hour", "partition")}
    why = failed.get(item.landing_hour) or failed.get(item.partition)
    if item.is_problem and not repaired and why:
        record["detail"] += f"; not repaired: {why}"
    return {**record, "repaired": repaired if item.is_problem else None}


def _find(settings: Settings, source: Source, first: datetime, last: datetime) -> list[Finding]:
    with workspace(settings) as space:
        kept = read_kept(space.lake, source.name)
        # what landed before is accounted for no more
        look = _Audit(space, source, max(first, kept.first_landing), last, kept)
        found = [*look.landing(), *look.notes(), *look.accounts(), *look.slices(), *look.partitions(), *look.metrics()]
    return sorted(set(found))


@dataclass
class _Audit:
    space: Workspace
    source: Source
    first: datetime
    last: datetime
    kept: Kept
    _ledgers: dict[tuple[datetime, int], Ledger | None] = field(default_factory=dict)

    def _finding(self, problem: str, where: str, detail: str, **more: Any) -> Finding:
        return Finding(self.source.name, problem, where, detail, **more)

    def landing(self) -> Iterator[Finding]:
        """Raw objects without account, and accounts whose object is another one by now."""
        raw = open_store(self.source.raw_root)
        listed = list_raw(raw, self.source, self.first, self.last)
        notes = self.space.lake.list(layout.refused_prefix(self.source.name))
        with_refusals = {layout.note_hour(stat.key) for stat in notes}
        known: dict[datetime, dict[str, Any]] = {}
        for (landing, _), ledger in self._in_window:
            for book in ledger.objects if ledger else ():
                known.setdefault(landing, {})[book.key] = book
        for hour in sorted({*listed, *known}):
            text, books = format_hour(hour), known.get(hour, {})
            present = {item.key: item for item in listed.get(hour, ())}
            refused = refused_objects(self.space, self.source, hour, present.values()) if hour in with_refusals else {}
            for key, item in present.items():
                if key not in books and key in refused:
                    yield self._finding("refused", raw.uri(key), refused[key])
                elif key not in books:
                    detail = f"landing hour {text} does not know it"
                    yield self._finding("unprocessed", raw.uri(key), detail, landing_hour=text)
                elif (books[key].etag, books[key].size) != (item.etag, item.size):
                    yield self._finding("changed", raw.uri(key), "overwritten since it was read", landing_hour=text)
            for key in sorted(set(books) - set(present)):
                if raw.stat(key):
                    detail = f"overwritten: landing hour {text} still has its old rows"
                    yield self._finding("superseded", raw.uri(key), detail, landing_hour=text)
                else:
                    yield self._finding("gone", raw.uri(key), "no longer in raw; its rows are kept", is_problem=False)

    def notes(self) -> Iterator[Finding]:
        """What a run announced and did not get to."""
        for stat in self.space.lake.list(layout.pending_prefix(self.source.name)):
            hour = layout.note_hour(stat.key)
            if self.first <= hour <= self.last:
                detail = "a run did not get to publish what it names"
                yield self._finding("unpublished", stat.key, detail, landing_hour=format_hour(hour))

    def accounts(self) -> Iterator[Finding]:
        """Ledgers, and the slices and quarantine that they tell of."""
        for (landing, shard), ledger in self._in_window:
            hour = format_hour(landing)
            if ledger is None:
                key = layout.ledger_key(self.source.name, landing, shard)
                yield self._finding("corrupt ledger", key, "not what was written", landing_hour=hour)
                continue
            for piece in ledger.slices:
                partition = Partition.parse(piece.partition)
                if not self.kept.has_events(partition.hour):
                    continue
                key = layout.slice_key(self.source.name, partition, landing, shard)
                problem = self._damage(key, piece.digest)
                if problem is None and self.space.lake.digest(key) != piece.digest:
                    problem = "stale"
                if problem:
                    detail = f"the ledger of {hour} tells of {piece.rows} rows"
                    yield self._finding(f"{problem} slice", key, detail, landing_hour=hour, partition=piece.partition)
            if not self.kept.has_quarantine(landing):
                continue
            rejects = sum(book.rejects for book in ledger.objects)
            key = layout.quarantine_key(self.source.name, landing, shard)
            problem = self._damage(key)
            footer = engine.read_footer(self.space.lake, key) if problem is None else None
            if rejects and problem is None and footer and footer.rows != rejects:
                problem = "stale"
            if rejects and problem:
                detail = f"the ledger tells of {rejects} rejected records"
                yield self._finding(f"{problem} quarantine", key, detail, landing_hour=hour)
            elif not rejects and problem is None:
                yield self._finding("stale quarantine", key, "the ledger tells of none", landing_hour=hour)

    def slices(self) -> Iterator[Finding]:
        """Slices that no ledger tells of."""
        for key in self._staged:
            try:
                _, partition, landing, shard = layout.parse_slice_key(key)
            except ValueError:
                yield self._finding("foreign", key, "not the key of a slice; remove it yourself")
                continue
            if not self.first <= landing <= self.last or not self.kept.has_events(partition.hour):
                continue
            ledger = self._ledger(landing, shard)
            if ledger is None or str(partition) in {piece.partition for piece in ledger.slices}:
                continue
            if (landing, shard) in self._accounted or self._raw_holds(key):
                yield self._finding("orphaned slice", key, "no ledger tells of it", partition=str(partition))

    def partitions(self) -> Iterator[Finding]:
        """Partitions that are not the sum of their slices."""
        for partition in self._partitions:
            key = layout.partition_key(self.source.name, partition)
            slices = self._staged_of.get(partition, {})
            problem, detail = self._damage(key), f"{len(slices)} slices are staged for it"
            if not slices:
                if problem is None:
                    yield self._finding("foreign", key, "no slices are staged for it; remove it if it is not wanted")
                continue
            if problem is None:
                footer = engine.read_footer(self.space.lake, key)
                if footer is None or footer.books.get("inputs") != partition_inputs(self.source, partition, slices):
                    problem = "stale"
            if problem:
                yield self._finding(f"{problem} partition", key, detail, partition=str(partition))

    def metrics(self) -> Iterator[Finding]:
        """Metrics that were not made of the partitions there are."""
        for day in sorted({item.hour.replace(hour=0) for item in self._partitions}):
            looked_at = {item.dataset for item in self._partitions if item.hour.replace(hour=0) == day}
            metrics = [item for item in self.space.statements.metrics.values() if looked_at & set(item.datasets)]
            found: dict[str, dict[Partition, str]] = {}
            for dataset in sorted({dataset for metric in metrics for dataset in metric.datasets}):
                # a partition that is damaged is found above, and its day is added up again with it
                with contextlib.suppress(ContentDamaged):
                    found[dataset] = partitions_of_day(self.space, self.source.name, dataset, day)
            for metric in metrics:
                hours = hours_of(metric, found) if set(metric.datasets) <= set(found) else {}
                if not hours:
                    continue
                key = layout.metric_key(metric.name, day, self.source.name)
                problem = self._damage(key)
                if problem is None:
                    footer = engine.read_footer(self.space.lake, key)
                    if footer is None or footer.books.get("hours") != metric_hours(self.space, metric, hours):
                        problem = "stale"
                if problem:
                    detail = (
                        f"{len(hours)} hours of {', '.join(sorted({item.dataset for item in hours}))} are published"
                    )
                    yield self._finding(f"{problem} metric", key, detail, partition=str(min(hours)))

    @cached_property
    def _in_window(self) -> list[tuple[tuple[datetime, int], Ledger | None]]:
        days = (hour.date() for hour in hours_between(self.first, self.last))
        places = sorted(ledger_places(self.space.lake, self.source.name, days))
        return [(place, self._ledger(*place)) for place in places if self.first <= place[0] <= self.last]

    @cached_property
    def _accounted(self) -> set[tuple[datetime, int]]:
        """(landing hour, shard) of the window's ledgers."""
        return {place for place, _ in self._in_window}

    def _raw_holds(self, key: str) -> bool:
        """Whether the raw objects that a slice was made of are all there: a ledger may be removed together with them."""
        raw = open_store(self.source.raw_root)
        footer = engine.read_footer(self.space.lake, key)
        made_of = footer.books.get("objects", {}) if footer else {}
        return bool(made_of) and all(raw.stat(uri.removeprefix(raw.uri(""))) for uri in made_of)

    def _ledger(self, landing: datetime, shard: int) -> Ledger | None:
        """None for one that is corrupt; an empty one where there is none."""
        if (landing, shard) not in self._ledgers:
            nothing = Ledger(self.source.name, format_hour(landing), shard, "")
            try:
                self._ledgers[landing, shard] = (
                    read_ledger(self.space.lake, self.source.name, landing, shard) or nothing
                )
            except (ObjectCorrupt, ContentDamaged):
                self._ledgers[landing, shard] = None
        return self._ledgers[landing, shard]

    @cached_property
    def _staged(self) -> list[str]:
        return [stat.key for stat in self.space.lake.list(f"staged/{self.source.name}/")]

    @cached_property
    def _staged_of(self) -> dict[Partition, dict[str, str]]:
        """Partition → key of a slice that is staged → the digest that its ledger tells of, else that of the slice."""
        found: dict[Partition, dict[str, str]] = {}
        for key in self._staged:
            try:
                _, partition, landing, shard = layout.parse_slice_key(key)
            except ValueError:
                continue
            ledger = self._ledger(landing, shard)
            digests = {piece.partition: piece.digest for piece in ledger.slices} if ledger else {}
            digest = digests.get(str(partition)) or self.space.lake.digest(key) or ""
            found.setdefault(partition, {})[key] = digest
        return found

    @cached_property
    def _partitions(self) -> list[Partition]:
        """Those that the window's landing hours reach, and those that are published in its hours."""
        found = {
            Partition.parse(piece.partition)
            for _, ledger in self._in_window
            for piece in (ledger.slices if ledger else ())
        }
        published = _published(self.space.lake, self.source.name)
        found.update(partition for partition in published if self.first <= partition.hour <= self.last)
        return sorted(partition for partition in found if self.kept.has_events(partition.hour))

    def _damage(self, key: str, digest: str | None = None) -> str | None:
        """``missing``, ``corrupt``, or None for a Parquet object whose bytes are those of its seal or of this digest."""
        try:
            path = self.space.take(key)
        except ObjectMissing:
            return "missing"
        except ContentDamaged:
            return "corrupt"
        try:
            return None if engine.is_intact(path) or file_digest(path) == digest else "corrupt"
        finally:
            path.unlink()


def _repair(
    settings: Settings, source: Source, found: Iterable[Finding], progress: Callable[[str], None]
) -> dict[str, str]:
    """Compute again what was found; returns landing hour or partition → why it could not be."""
    failed: dict[str, str] = {}
    problems = [item for item in found if item.is_problem and item.problem != "foreign"]
    lake = open_store(settings.lake)
    hours: dict[str, set[str]] = {}
    for item in problems:
        if item.landing_hour:
            hours.setdefault(item.landing_hour, set()).add(item.problem)
    for hour in hours:
        try:
            if "corrupt ledger" in hours[hour]:
                keys = [item.where for item in problems if item.landing_hour == hour]
                _forget_ledgers(settings, source, parse_hour(hour), keys)
            require_raw(settings, source, parse_hour(hour))
        except EtlError as error:
            failed[hour] = str(error)
    lost = {item.partition for item in problems if item.partition and item.landing_hour in failed}
    for item in problems:
        if item.problem == "corrupt partition" and item.partition in lost:
            # what is left of it is all that is left of the rows
            continue
        orphaned = item.problem == "orphaned slice" and not _is_wanted(lake, source, item.where)
        if orphaned or (item.problem in _DAMAGED and item.landing_hour not in failed):
            # a store may take the digest it recorded for the bytes it has: only what is gone is surely written again
            lake.delete(item.where)
    for hour, kinds in sorted(hours.items()):
        if hour in failed:
            continue
        progress(f"repair landing hour {hour}")
        try:
            redo(settings, source.name, parse_hour(hour), None if kinds <= set(_OF_RAW) else "audit")
        except EtlError as error:
            failed[hour] = f"{type(error).__name__}: {error}"
    failed |= dict.fromkeys(lost, "a slice of it cannot be made again")
    partitions = sorted({item.partition for item in problems if item.partition} - lost)
    progress(f"repair {len(partitions)} partitions")
    for partition in partitions:
        try:
            aggregate(settings, source.name, publish(settings, source.name, [partition], cause="audit"))
        except EtlError as error:
            failed[partition] = f"{type(error).__name__}: {error}"
    return failed


def _is_wanted(lake: Store, source: Source, key: str) -> bool:
    """Whether a run wrote a slice since the audit looked, or is about to."""
    _, partition, landing, shard = layout.parse_slice_key(key)
    if lake.stat(layout.pending_key(source.name, landing, shard)):
        return True
    ledger = read_ledger(lake, source.name, landing, shard)
    return ledger is not None and str(partition) in {piece.partition for piece in ledger.slices}


def _forget_ledgers(settings: Settings, source: Source, landing: datetime, keys: list[str]) -> None:
    """Remove corrupt ledgers; the partitions they told of stand in a note, so that they are published again.

    Raises ObjectMissing where raw no longer holds the objects that the slices were made of.
    """
    raw = open_store(source.raw_root)
    listed = {printable(raw.uri(item.key)) for item in list_raw(raw, source, landing, landing).get(landing, ())}
    with workspace(settings) as space:
        for key in keys:
            if not key.startswith("ledger/"):
                continue
            _, shard = layout.parse_ledger_key(key)
            touched, known = set(), set()
            for stat in space.lake.list(f"staged/{source.name}/"):
                _, partition, hour, number = layout.parse_slice_key(stat.key)
                if (hour, number) == (landing, shard):
                    touched.add(str(partition))
                    footer = engine.read_footer(space.lake, stat.key)
                    known |= set(footer.books.get("objects", {}) if footer else ())
            known |= _rejected_objects(space, layout.quarantine_key(source.name, landing, shard))
            if gone := sorted(known - listed):
                raise ObjectMissing(
                    f"{space.lake.uri(key)}: corrupt, and {len(gone)} raw objects of its landing hour are gone (first: "
                    f"{gone[0]}). Bring them back with `etl restore`, then try again."
                )
            note = {"landing_hour": format_hour(landing), "shard": shard, "partitions": sorted(touched), "ledger": ""}
            data = json.dumps(note, sort_keys=True).encode()
            put_bytes(space.lake, data, layout.pending_key(source.name, landing, shard), space.folder)
            space.lake.delete(key)


def _rejected_objects(space: Workspace, key: str) -> set[str]:
    """URIs of the objects that a quarantine has records of; none where it is gone or damaged."""
    try:
        path = space.take(key)
    except (ObjectMissing, ContentDamaged):
        return set()
    if not engine.is_intact(path):
        return set()
    sql = f"SELECT DISTINCT source_uri FROM read_parquet({engine.file_list([path])}, hive_partitioning = false)"
    return {uri for (uri,) in space.connection.execute(sql).fetchall()}


def foreign(settings: Settings) -> list[dict[str, Any]]:
    """Objects in the lake's public layers that no source of ``sources.toml`` could have written."""
    lake = open_store(settings.lake)
    found = []
    for stat in [*lake.list("events/"), *lake.list("metrics/")]:
        name = Path(stat.key).stem
        is_ours = stat.key.endswith(".parquet") and name in settings.sources
        if is_ours and stat.key.startswith("events/"):
            try:
                is_ours = layout.parse_partition_key(stat.key)[1].dataset in DATASETS
            except ValueError:
                is_ours = False
        if not is_ours:
            detail = "no source of sources.toml writes it; readers of the layer see its rows"
            found.append(_record(Finding("", "foreign", stat.key, detail), None, {}))
    return found


def drill(settings: Settings, source_name: str, partition: Partition | None = None, seed: int = 0) -> dict[str, Any]:
    """Restore drill: a published partition built again from raw, in a lake of its own, and compared by digest.

    Without ``partition`` one is chosen at random by ``seed``, of those whose raw objects are still there. ``outcome`` is
    ``equal``, ``differs``, ``outdated`` (other SQL, settings or engine than today's built it, or somebody was erased since, of whom
    privacy had left nothing) or ``nothing`` (no such
    partition was found). With it, raises ObjectMissing where raw
    objects of its landing hours are gone, ConfigError for a partition that is not published.
    """
    source = settings.source(source_name)
    lake = open_store(settings.lake)
    if partition is None:
        published = sorted(_published(lake, source_name))
        for chosen in random.Random(seed).sample(published, min(len(published), _DRAWS)):
            # raw may have forgotten what the lake keeps
            with contextlib.suppress(ObjectMissing):
                return drill(settings, source_name, chosen)
        return {"source": source_name, "partition": None, "outcome": "nothing"}
    key = layout.partition_key(source_name, partition)
    before = engine.read_footer(lake, key)
    if before is None:
        raise ConfigError("partition", str(partition), "one that is published, such as web_access/2026-11-22T13")
    places = [parse_place(place) for place in before.books.get("slices", {})]
    for place in places:
        if read_ledger(lake, source_name, *place) is None:
            raise ObjectMissing(
                f"{lake.uri(layout.ledger_key(source_name, *place))}: gone, so nobody knows whether raw still holds the "
                f"objects that {partition} was made of; choose another partition"
            )
    landings = sorted({landing for landing, _ in places})
    for landing in landings:
        require_raw(settings, source, landing)
    outcome = {"source": source_name, "partition": str(partition), "landing_hours": len(landings)}
    with tempfile.TemporaryDirectory(prefix="logbucket-drill-", dir=scratch_root()) as folder:
        scratch = replace(settings, lake=f"{folder}/lake")
        _copy_erasures(lake, open_store(scratch.lake), Path(folder))
        for landing in landings:
            work = land(scratch, source_name, format_hour(landing), alone=True)
            for shard in range(source.shards):
                normalize(scratch, source_name, work, shard)
        publish(scratch, source_name, [str(partition)])
        after = engine.read_footer(open_store(scratch.lake), key)
        is_outdated = _is_outdated(settings, source, places, open_store(scratch.lake))
    same = after is not None and after.content == before.content
    rows = {"rows": before.rows, "rows_rebuilt": after.rows if after else 0}
    if not same and is_outdated:
        return {**outcome, **rows, "outcome": "outdated"}
    return {**outcome, **rows, "outcome": "equal" if same else "differs"}


def _copy_erasures(lake: Store, scratch: Store, folder: Path) -> None:
    """Whoever was erased from the lake is not in what is rebuilt either."""
    for stat in lake.list(layout.erasure_prefix()):
        put_bytes(scratch, lake.read(stat.key) or b"", stat.key, folder)


def _published(lake: Store, source: str) -> Iterator[Partition]:
    for stat in lake.list("events/"):
        try:
            name, partition = layout.parse_partition_key(stat.key)
        except ValueError:
            continue
        if name == source:
            yield partition


def _is_outdated(settings: Settings, source: Source, places: Iterable[tuple[datetime, int]], scratch: Store) -> bool:
    """Whether a run of today would build a partition in another way, or find somebody in it who was erased since."""
    with workspace(settings) as space:
        inputs = shard_inputs(source, space.statements)
        ledgers = [[read_ledger(lake, source.name, *place) for lake in (space.lake, scratch)] for place in places]
    return any(old and (old.inputs != inputs or (new and _erased(old) != _erased(new))) for old, new in ledgers)


def _erased(ledger: Ledger) -> dict[str, int]:
    return {book.uri: book.erased for book in ledger.objects}


def audit_window(source: Source, now: datetime) -> tuple[datetime, datetime]:
    """The landing hours an audit looks at when none are given: those that late events may still reach, up to the last
    hour whose run should be done by ``now`` (naive UTC); the first is after the last where there are none."""
    last = to_hour(now) - timedelta(hours=2)
    first = max(last - timedelta(days=source.max_lateness_days), to_hour(source.start))
    return first, min(last, to_hour(source.end)) if source.end else last
