"""raw objects → staged slices, quarantine and ledger, for one shard of the landing hours of a run.

Everything is computed into local files first. Only then, in this order: a note that the touched partitions have to be
published, the slices, the removal of slices no longer produced, quarantine, ledger. A crash anywhere leaves either a
ledger that does not match the listing (redone) or a note (published again).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from etl import layout
from etl.config import Settings, Source
from etl.errors import ConfigError, ObjectChanged, ObjectCorrupt, ObjectMissing, QuarantineLimitExceeded
from etl.io.engine import VERSION, read_footer, write_parquet
from etl.io.raw import RawInput
from etl.io.secret import load_secret
from etl.io.statements import Statements
from etl.io.store import Store, file_digest, open_store, put_bytes
from etl.io.workspace import Workspace, workspace
from etl.layout import Partition
from etl.model.hours import format_hour, hours_between, parse_hour, to_hour
from etl.model.ledger import Ledger, ObjectBook, SliceBook
from etl.model.worklist import RawObject, WorkList, in_producer_order, printable, producer_of, shard_of
from etl.stages.erasures import erased_subjects
from etl.stages.expire import read_kept
from etl.stages.land import read_work_list
from etl.stages.parse import UNKNOWN, Object, Parsed, parse
from etl.stages.private import VISITORS

_DECIDES_OUTCOME = (
    "raw",
    "format",
    "zone",
    "service_name",
    "shards",
    "max_lateness_days",
    "fields",
    "producer",
    "dataset",
    "encoding",
    "options",
    "privacy",
)


def normalize(
    settings: Settings, source_name: str, work_list_key: str, shard: int, reprocess: bool = False
) -> list[str]:
    """Bring one shard's slices up to date with the work list; returns the partitions to publish.

    These are all partitions of the run's own landing hour, those of changed hours, and those a crashed run left behind.
    Unchanged landing hours are not read again unless ``reprocess``. Raises QuarantineLimitExceeded, BooksDoNotClose
    and store errors; then nothing of that landing hour was written. A landing hour that was refused for its quarantine
    fails its own run and the first that looks back on it; later ones pass it over until its objects or settings change.
    """
    source = settings.source(source_name)
    touched: set[str] = set()
    refused: QuarantineLimitExceeded | None = None
    with workspace(settings) as space:
        work = read_work_list(space.lake, work_list_key)
        pending = _pending(space.lake, source.name, shard)
        inputs = shard_inputs(source, space.statements)
        window = {
            format_hour(hour) for hour in hours_between(parse_hour(work.first_hour), parse_hour(work.landing_hour))
        }
        known = ledger_places(space.lake, source.name, (parse_hour(hour).date() for hour in window))
        for hour in sorted(window):
            job = _Shard(space, source, parse_hour(hour), shard, inputs)
            mine = [item for item in work.hours.get(hour, []) if _shard_of(source, item) == shard]
            has_ledger = (job.landing, shard) in known
            before = read_ledger(space.lake, source.name, job.landing, shard) if has_ledger else None
            if before and not reprocess:
                require_secret(settings, source, before)
            if _is_current(job, work, mine, before) and hour not in pending and not (reprocess and before):
                if hour == work.landing_hour and before:
                    touched.update(before.touched)
            elif mine or before or hour in pending:
                announced = set(pending[hour]["partitions"]) if hour in pending else set()
                is_own = hour == work.landing_hour
                if not is_own and job.is_refused(mine):
                    # what stood there before it was refused is still to be published
                    if announced and _is_settled(space.lake, source.name, pending[hour]):
                        touched |= announced
                    continue
                try:
                    touched.update(job.run(mine, before, announced).touched)
                except QuarantineLimitExceeded as error:
                    job.refuse(mine, error)
                    refused = refused or error
        if shard == 0:
            touched |= _empty_retired_shards(space, source, window, inputs, known)
        for hour in sorted(set(pending) - window):
            # half-written slices stay unpublished until a run of their own hour completes them
            if _is_settled(space.lake, source.name, pending[hour]):
                touched.update(pending[hour]["partitions"])
        if refused:
            raise refused
        kept = read_kept(space.lake, source.name)
    return sorted(text for text in touched if kept.has_events(Partition.parse(text).hour))


def require_secret(settings: Settings, source: Source, ledger: Ledger) -> None:
    """Raise ConfigError where the visitors of a ledger were told apart by another secret than this process has."""
    if not ledger.secret or source.privacy.visitor != "daily":
        return
    secret = load_secret(settings)
    if ledger.secret != secret.fingerprint:
        raise ConfigError(
            secret.origin,
            f"a secret with the fingerprint {secret.fingerprint}",
            f"the one ({ledger.secret}) that the visitors of source {source.name}, landing hour {ledger.landing_hour}, were told "
            f"apart by: the same visitor would count twice. Give this machine that secret; to change it for good, compute all "
            f"hours again with it: `etl run {source.name} --from HOUR --to HOUR --reprocess`",
        )


def replace_shard(
    space: Workspace, source: Source, ledger: Ledger, slices: dict[Partition, Path], quarantine: Path | None
) -> None:
    """Store what was computed for one (landing hour, shard) in place of what is there, in the order that a run keeps."""
    ledger.require_closed()
    _Shard(space, source, parse_hour(ledger.landing_hour), ledger.shard, ledger.inputs)._store(
        ledger, slices, quarantine
    )


def ledger_places(lake: Store, source: str, days: Iterable[date]) -> set[tuple[datetime, int]]:
    """(landing hour, shard) of every ledger of these landing dates; foreign objects among them are passed over."""
    keys = [stat.key for day in sorted(set(days)) for stat in lake.list(layout.ledger_prefix(source, day))]
    return {layout.parse_ledger_key(key) for key in keys if layout.is_ledger_key(key)}


def _empty_retired_shards(
    space: Workspace, source: Source, window: set[str], inputs: str, known: set[tuple[datetime, int]]
) -> set[str]:
    """Shards that exist no longer since ``shards`` was lowered give up their rows: others have their objects now."""
    announced: dict[tuple[datetime, int], set[str]] = {place: set() for place in known}
    for note in _notes(space.lake, source.name).values():
        announced[parse_hour(note["landing_hour"]), note["shard"]] = set(note["partitions"])
    touched: set[str] = set()
    for (landing, shard), partitions in sorted(announced.items()):
        if shard < source.shards or format_hour(landing) not in window:
            continue
        before = read_ledger(space.lake, source.name, landing, shard)
        if partitions or (before and before.objects):
            touched.update(_Shard(space, source, landing, shard, inputs).run([], before, partitions).touched)
    return touched


def read_ledger(lake: Store, source: str, landing: datetime, shard: int) -> Ledger | None:
    """The account of a shard, or None where it was never processed."""
    key = layout.ledger_key(source, landing, shard)
    data = lake.read(key)
    if data is None:
        return None
    try:
        return Ledger.from_json(data)
    except (ValueError, TypeError, KeyError) as error:
        raise ObjectCorrupt(lake.uri(key), f"not a ledger: {error}") from None


def finished_notes(lake: Store, source: str, published: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Key → note, of the notes whose shard is settled and whose slices are in the partitions, all of them ``published``.

    That a partition was published is not enough: another run may have written the slices, and its note, since then.
    """
    done, kept = set(published), read_kept(lake, source)
    return {
        key: note
        for key, note in _notes(lake, source).items()
        if {text for text in note["partitions"] if kept.has_events(Partition.parse(text).hour)} <= done
        and _is_settled(lake, source, note)
        and _is_published(lake, source, note)
    }


def clear_pending(lake: Store, source: str, finished: Mapping[str, dict[str, Any]]) -> None:
    """Remove the notes that are still the finished ones."""
    for key, note in _notes(lake, source).items():
        if note == finished.get(key):
            lake.delete(key)


def _is_published(lake: Store, source: str, note: dict[str, Any]) -> bool:
    """Whether each partition of a note was built from the slice that the shard's ledger tells of."""
    landing = parse_hour(note["landing_hour"])
    ledger = read_ledger(lake, source, landing, note["shard"])
    staged = {piece.partition: piece.digest for piece in ledger.slices} if ledger else {}
    place = f"{format_hour(landing)}/{layout.shard_name(note['shard'])}"
    kept = read_kept(lake, source)
    for text in note["partitions"]:
        if not kept.has_events(Partition.parse(text).hour):
            continue
        footer = read_footer(lake, layout.partition_key(source, Partition.parse(text)))
        _, built_from = (footer.books.get("slices", {}) if footer else {}).get(place, (0, ""))
        if built_from != staged.get(text, "")[:16]:
            return False
    return True


def refused_objects(space: Workspace, source: Source, landing: datetime, listed: Iterable[RawObject]) -> dict[str, str]:
    """Key → message, of those of a landing hour's objects that were refused for its quarantine as they are now."""
    found: dict[str, str] = {}
    by_shard: dict[int, list[RawObject]] = {}
    for item in listed:
        by_shard.setdefault(_shard_of(source, item), []).append(item)
    for shard, mine in by_shard.items():
        job = _Shard(space, source, landing, shard, shard_inputs(source, space.statements))
        if job.is_refused(mine):
            note = space.lake.read(layout.refused_key(source.name, landing, shard)) or b"{}"
            message = str(json.loads(note).get("message", ""))
            found |= {item.key: message for item in mine}
    return found


def shard_inputs(source: Source, statements: Statements) -> str:
    """Digest of all that decides a shard's outcome besides its objects: SQL, settings, engine."""
    found = statements.formats.values() if source.is_auto else [statements.labelled(source.format)[1]]
    decisive = {key: str(value) for key, value in asdict(source).items() if key in _DECIDES_OUTCOME}
    formats = sorted(found, key=lambda item: item.name)
    used = [*formats, *statements.enrich.values(), *statements.stages.values()]
    text = json.dumps([decisive, VERSION, statements.digest(*used)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _shard_of(source: Source, item: RawObject) -> int:
    return shard_of(producer_of(item.key, source.producer), source.shards)


def _pending(lake: Store, source: str, shard: int) -> dict[str, dict[str, Any]]:
    """Landing hour → the note of a run that did not get to publish what it announced for this shard."""
    return {note["landing_hour"]: note for note in _notes(lake, source).values() if note["shard"] == shard}


def _notes(lake: Store, source: str) -> dict[str, dict[str, Any]]:
    """Key → note, of all notes of a source."""
    found = {stat.key: lake.read(stat.key) for stat in lake.list(layout.pending_prefix(source))}
    return {key: json.loads(data) for key, data in found.items() if data}


def _modified(path: Path) -> datetime:
    """Of a fetched object: one that was restored from an archive is as old as before, whatever the listing says."""
    return datetime.fromtimestamp(path.stat().st_mtime_ns // 10**9, UTC).replace(tzinfo=None)


def _is_settled(lake: Store, source: str, note: dict[str, Any]) -> bool:
    """Whether the run that left the note got as far as its ledger."""
    ledger = lake.read(layout.ledger_key(source, parse_hour(note["landing_hour"]), note["shard"]))
    return ledger is not None and hashlib.sha256(ledger).hexdigest() == note["ledger"]


def _is_current(job: _Shard, work: WorkList, mine: list[RawObject], before: Ledger | None) -> bool:
    """Whether the ledger matches the listing; for the run's own hour also the code, the settings and what was written."""
    listed = {(item.key, item.etag, item.size) for item in mine}
    known = {(book.key, book.etag, book.size) for book in before.objects} if before else set()
    if listed != known:
        return False
    if before is None or format_hour(job.landing) != work.landing_hour:
        return True
    return before.inputs == job.inputs and _holds(job, before) and _holds_rejects(job, before)


def _holds(job: _Shard, ledger: Ledger) -> bool:
    """Whether the staged slices are the ones that the ledger tells of; expired ones need not be there."""
    kept = read_kept(job.space.lake, job.source.name)
    return all(
        not kept.has_events(Partition.parse(piece.partition).hour)
        or job.space.lake.digest(
            layout.slice_key(job.source.name, Partition.parse(piece.partition), job.landing, job.shard)
        )
        == piece.digest
        for piece in ledger.slices
    )


def _holds_rejects(job: _Shard, ledger: Ledger) -> bool:
    """Whether there is a quarantine if, and only if, the ledger tells of rejected records, or it has expired."""
    if not read_kept(job.space.lake, job.source.name).has_quarantine(job.landing):
        return True
    found = job.space.lake.stat(layout.quarantine_key(job.source.name, job.landing, job.shard))
    return (found is not None) == any(book.rejects or book.problem for book in ledger.objects)


@dataclass(frozen=True)
class _Shard:
    """Recomputes one (landing hour, shard)."""

    space: Workspace
    source: Source
    landing: datetime
    shard: int
    inputs: str

    def run(self, listed: list[RawObject], before: Ledger | None, pending: set[str]) -> Ledger:
        """Parse, account, then write; returns the new ledger."""
        try:
            return self._compute(listed, before, pending)
        finally:
            for path in self.space.folder.glob("*"):
                if path.is_file():
                    path.unlink()

    def _compute(self, listed: list[RawObject], before: Ledger | None, pending: set[str]) -> Ledger:
        raw = open_store(self.source.raw_root)
        objects = self._fetch(raw, listed)
        lateness = timedelta(days=self.source.max_lateness_days)
        subjects = erased_subjects(self.space.lake, self.space.settings, self.source.name)
        parsed = parse(self.space, self.source, objects, self.landing, lateness, subjects=subjects)
        self._require_unchanged(raw, objects)
        books = self._books(parsed)
        self._require_quality(books, parsed)
        slices = self._slices(parsed)
        ledger = Ledger(
            source=self.source.name,
            landing_hour=format_hour(self.landing),
            shard=self.shard,
            inputs=self.inputs,
            objects=books,
            slices=[SliceBook(str(partition), count, file_digest(path)) for partition, path, count in slices],
            touched=sorted(
                {str(partition) for partition, _, _ in slices} | pending | set(before.touched if before else ())
            ),
            secret=self._secret(slices),
        )
        ledger.require_closed()
        self._store(ledger, {partition: path for partition, path, _ in slices}, self._quarantine(parsed))
        self.space.lake.delete(layout.refused_key(self.source.name, self.landing, self.shard))
        return ledger

    def _secret(self, slices: Iterable[tuple[Partition, Path, int]]) -> str:
        """Fingerprint of the secret that these slices' visitors are told apart by; empty where there are none."""
        has_visitors = any(partition.dataset == VISITORS for partition, _, _ in slices)
        return (
            load_secret(self.space.settings).fingerprint
            if has_visitors and self.source.privacy.visitor == "daily"
            else ""
        )

    def is_refused(self, listed: list[RawObject]) -> bool:
        """Whether these objects were refused already, by the same SQL and settings."""
        note = self.space.lake.read(layout.refused_key(self.source.name, self.landing, self.shard))
        return note is not None and json.loads(note)["inputs"] == self._attempt(listed)

    def refuse(self, listed: list[RawObject], error: QuarantineLimitExceeded) -> None:
        """Leave a note of what was refused and why."""
        note = {
            "landing_hour": format_hour(self.landing),
            "shard": self.shard,
            "inputs": self._attempt(listed),
            "lines": error.lines,
            "quarantined": error.quarantined,
            "message": str(error),
        }
        key = layout.refused_key(self.source.name, self.landing, self.shard)
        put_bytes(self.space.lake, json.dumps(note, sort_keys=True).encode(), key, self.space.folder)

    def _attempt(self, listed: list[RawObject]) -> str:
        objects = sorted((item.key, item.etag, item.size) for item in listed)
        text = json.dumps([objects, self.inputs, str(self.source.quarantine_limit)])
        return hashlib.sha256(text.encode()).hexdigest()

    def _fetch(self, raw: Store, listed: list[RawObject]) -> list[Object]:
        objects: list[Object] = []
        for item in in_producer_order(listed, self.source.producer):
            try:
                path = raw.fetch(item.key, self.space.folder, item.etag)
            except ObjectChanged:
                # the next attempt would have the same work list: what was replaced since is read as it is now
                now = self._relisted(raw, item)
                if now is None:
                    continue
                item, path = now, raw.fetch(now.key, self.space.folder, now.etag)
            producer = producer_of(item.key, self.source.producer)
            observed = _modified(path)
            objects.append(Object(RawInput(len(objects), path, observed, producer), printable(raw.uri(item.key)), item))
        return objects

    def _relisted(self, raw: Store, item: RawObject) -> RawObject | None:
        """The object as it is now, or None where its new LastModified moves it to another landing hour."""
        found = raw.stat(item.key)
        if found is None:
            raise ObjectMissing(f"{raw.uri(item.key)}: deleted after it was listed. Run again.")
        if not found.size or (not self.source.lands_by_key and to_hour(found.modified) != self.landing):
            return None
        return RawObject(found.key, found.etag, found.size, f"{found.modified:%Y-%m-%dT%H:%M:%S}")

    def _require_unchanged(self, raw: Store, objects: list[Object]) -> None:
        """A local file is read in place: its writer must not have touched it meanwhile."""
        for item in objects:
            in_place = item.raw.path.parent != self.space.folder
            if in_place and getattr(raw.stat(item.listed.key), "etag", None) != item.listed.etag:
                raise ObjectChanged(
                    f"{item.uri}: the file changed while it was read. Run again when its writer is done."
                )

    def _books(self, parsed: Parsed) -> list[ObjectBook]:
        counted = parsed.counts(self.space.connection)
        reasons = parsed.reject_reasons(self.space.connection)
        erased = parsed.erased(self.space.connection)
        nothing: dict[str, Any] = {
            "rows": 0,
            "row_lines": 0,
            "quarantined": 0,
            "rejects": 0,
            "ignored": 0,
            "partial": 0,
        }
        books = []
        for item in parsed.objects:
            number = item.raw.number
            reading = parsed.readings[number]
            problem = parsed.corrupt.get(number)
            if problem:
                found = {**nothing, "quarantined": reading.lines, "rejects": 1}
            elif parsed.formats[number] == UNKNOWN:
                found = {**nothing, "ignored": reading.lines}
            else:
                found = counted.get(number, nothing)
            books.append(
                ObjectBook(
                    uri=item.uri,
                    **asdict(item.listed),
                    codec=reading.codec,
                    format=parsed.formats[number],
                    digest=reading.digest,
                    lines=reading.lines,
                    joined_in=reading.joined_in,
                    joined_out=reading.joined_out,
                    problem=problem,
                    format_digest=self._format_digest(parsed.formats[number]),
                    reject_reasons=reasons.get(number, {}),
                    erased=erased.get(number, 0),
                    **found,
                )
            )
        return sorted(books, key=lambda book: book.key)

    def _format_digest(self, label: str) -> str:
        if label == UNKNOWN:
            return ""
        return self.space.statements.digest(self.space.statements.labelled(label)[1])

    def _require_quality(self, books: list[ObjectBook], parsed: Parsed) -> None:
        lines, rejected = sum(book.lines for book in books), sum(book.quarantined for book in books)
        # of records that share a line only the first has it: there the records are the measure
        records, rejects = sum(book.rows + book.rejects for book in books), sum(book.rejects for book in books)
        if self.source.quarantine_limit.exceeded(rejects, records) and records > lines:
            lines, rejected = records, rejects
        if self.source.quarantine_limit.exceeded(rejected, lines):
            where = f"source {self.source.name}, landing hour {format_hour(self.landing)}, shard {self.shard}"
            reasons = parsed.reasons(self.space.connection)
            raise QuarantineLimitExceeded(where, rejected, lines, str(self.source.quarantine_limit), reasons)

    def _slices(self, parsed: Parsed) -> list[tuple[Partition, Path, int]]:
        """One local file per partition, with the content digest of each object for the publisher."""
        digests = {item.uri: parsed.readings[item.raw.number].digest for item in parsed.objects}
        found = []
        for partition in parsed.partitions(self.space.connection):
            path = self.space.scratch("slice")
            hour = f"TIMESTAMP '{partition.hour}'"
            where = f"AND event_time >= {hour} AND event_time < {hour} + INTERVAL 1 HOUR"
            sql = parsed.rows_sql(self.space, partition.dataset, where)
            books = {"objects": digests, "landing_hour": format_hour(self.landing)}
            found.append(
                (partition, path, write_parquet(self.space.connection, sql, path, compression="lz4", books=books))
            )
        return found

    def _quarantine(self, parsed: Parsed) -> Path | None:
        sql = parsed.quarantine_sql(self.space)
        if sql is None:
            return None
        path = self.space.scratch("quarantine")
        count = write_parquet(self.space.connection, sql, path, compression="zstd", books={})
        return path if count else None

    def _store(self, ledger: Ledger, slices: dict[Partition, Path], quarantine: Path | None) -> None:
        lake, name = self.space.lake, self.source.name
        kept = read_kept(lake, name)
        slices = {partition: path for partition, path in slices.items() if kept.has_events(partition.hour)}
        quarantine = quarantine if kept.has_quarantine(self.landing) else None
        data = ledger.to_json()
        note = {
            "landing_hour": ledger.landing_hour,
            "shard": self.shard,
            "partitions": [text for text in ledger.touched if kept.has_events(Partition.parse(text).hour)],
            "ledger": hashlib.sha256(data).hexdigest(),
        }
        note_key = layout.pending_key(name, self.landing, self.shard)
        put_bytes(lake, json.dumps(note, sort_keys=True).encode(), note_key, self.space.folder)
        for partition, path in slices.items():
            lake.put(path, layout.slice_key(name, partition, self.landing, self.shard))
        for text in sorted(set(ledger.touched) - {str(partition) for partition in slices}):
            lake.delete(layout.slice_key(name, Partition.parse(text), self.landing, self.shard))
        quarantine_key = layout.quarantine_key(name, self.landing, self.shard)
        if quarantine:
            lake.put(quarantine, quarantine_key)
        else:
            # also without a ledger before: a run that died may have left it
            lake.delete(quarantine_key)
        put_bytes(lake, data, layout.ledger_key(name, self.landing, self.shard), self.space.folder)
        if not (_holds(self, ledger) and _holds_rejects(self, ledger)):
            raise ObjectChanged(
                f"source {name}, landing hour {ledger.landing_hour}, shard {self.shard}: another run wrote its slices at the "
                "same time. The next attempt computes them again."
            )
