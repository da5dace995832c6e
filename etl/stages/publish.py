"""staged slices → event-hour partitions.

Runs overlap, so a partition is built from a listing that is taken again after the PUT, until it did not change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from etl import layout
from etl.config import Settings, Source
from etl.errors import BooksDoNotClose, ConfigError, ObjectCorrupt, ObjectMissing, StoreUnavailable
from etl.io import engine
from etl.io.store import Stat, Store, file_digest
from etl.io.workspace import Workspace, workspace
from etl.layout import Partition
from etl.model.hours import format_hour, parse_hour
from etl.model.ledger import SliceBook
from etl.schema import columns
from etl.stages.expire import read_kept
from etl.stages.normalize import read_ledger
from etl.stages.revise import record_revision

_ROUNDS = 20


def publish(
    settings: Settings, source_name: str, partitions: Iterable[str], force: bool = False, cause: str | None = None
) -> list[str]:
    """Make each partition (``web_access/2026-11-22T13``) the sum of its slices; returns the same partitions, sorted, without
    those that have expired.

    A partition whose recorded inputs are its present slices is left alone unless ``force``; one without slices is
    removed. A change of a published partition is recorded as a revision, with ``cause`` as its reason where it is given.
    Raises BooksDoNotClose where rows staged ≠ rows published + duplicates, ObjectCorrupt for a slice that is gone or not what
    was staged; then nothing was replaced.
    """
    source = settings.source(source_name)
    with workspace(settings) as space:
        kept = read_kept(space.lake, source.name)
        wanted = sorted(text for text in set(partitions) if kept.has_events(Partition.parse(text).hour))
        for text in wanted:
            _publish(space, source, Partition.parse(text), force, cause)
    return wanted


def _publish(space: Workspace, source: Source, partition: Partition, force: bool, cause: str | None) -> None:
    key = layout.partition_key(source.name, partition)
    for _ in range(_ROUNDS):
        listed = _slices(space.lake, source, partition)
        before = engine.read_footer(space.lake, key)
        try:
            _require_slices(space.lake, source, partition, before, listed)
            if not listed:
                if before:
                    record_revision(space, source.name, partition, before, None, cause)
                    space.lake.delete(key)
            else:
                _build(space, source, partition, listed, key, before, force, cause)
        except (ObjectMissing, ObjectCorrupt, BooksDoNotClose, duckdb.IOException):
            # a slice that was replaced or removed under the reader is no fault: the next round reads the new ones
            if _slices(space.lake, source, partition) == listed:
                raise
            continue
        if _slices(space.lake, source, partition) == listed:
            return
    raise StoreUnavailable(
        f"{space.lake.uri(key)}: its slices changed during {_ROUNDS} attempts to publish it; another run is busy with them, run again"
    )


def _require_slices(
    lake: Store, source: Source, partition: Partition, footer: engine.Footer | None, listed: Sequence[Stat]
) -> None:
    """Raise ObjectCorrupt where a slice is gone that is in the partition and that its ledger still tells of."""
    known = footer.books.get("slices", {}) if footer else {}
    for place in sorted(set(known) - {_place(stat.key) for stat in listed}):
        landing, shard = parse_place(place)
        # the note first: a run removes its slices under a note, and writes the ledger before the note goes
        if lake.stat(layout.pending_key(source.name, landing, shard)):
            continue
        ledger = read_ledger(lake, source.name, landing, shard)
        if ledger and str(partition) in {piece.partition for piece in ledger.slices}:
            gone = layout.slice_key(source.name, partition, landing, shard)
            raise ObjectCorrupt(lake.uri(gone), "gone, and publishing without it would lose its rows")


def _slices(lake: Store, source: Source, partition: Partition) -> list[Stat]:
    found = [stat for stat in lake.list(layout.slice_prefix(source.name, partition)) if stat.key.endswith(".parquet")]
    return sorted(found, key=lambda stat: stat.key)


@dataclass(frozen=True)
class _Slice:
    key: str
    path: Path
    digest: str
    rows: int
    books: dict[str, Any]


def _build(
    space: Workspace,
    source: Source,
    partition: Partition,
    listed: Sequence[Stat],
    key: str,
    footer: engine.Footer | None,
    force: bool,
    cause: str | None,
) -> None:
    digests = {stat.key: space.lake.digest(stat.key) or "" for stat in listed}
    if footer and footer.books.get("inputs") == partition_inputs(source, partition, digests) and not force:
        return
    pieces = [_fetch(space, source, partition, stat) for stat in listed]
    path = space.scratch("partition")
    sql, staged, repeated = _rows(space, source, partition, pieces)
    duplicates = sum(sum(objects.values()) for objects in repeated.values())
    books = {
        "inputs": partition_inputs(source, partition, {piece.key: piece.digest for piece in pieces}),
        "staged": staged,
        "duplicates": duplicates,
        "slices": {_place(piece.key): [piece.rows, piece.digest[:16]] for piece in pieces},
        "duplicates_of": repeated,
    }
    published = engine.write_parquet(space.connection, sql, path, compression="zstd", books=books)
    if staged != published + duplicates:
        raise BooksDoNotClose(
            f"{space.lake.uri(key)}: {staged} rows staged, but {published} published + {duplicates} duplicates. "
            "The old partition was left as it is; this is a defect of the pipeline, please report it."
        )
    after = engine.read_local_footer(path)
    if footer is None or footer.content != after.content:
        record_revision(space, source.name, partition, footer if footer and footer.content else None, after, cause)
    space.lake.put(path, key)
    for used in (path, *(piece.path for piece in pieces)):
        used.unlink()


def _place(key: str) -> str:
    """Landing hour and shard of a slice: ``2026-11-22T14/shard-03``."""
    _, _, landing, shard = layout.parse_slice_key(key)
    return f"{format_hour(landing)}/{layout.shard_name(shard)}"


def parse_place(place: str) -> tuple[datetime, int]:
    """Landing hour and shard of the slices that a partition's books name: ``2026-11-22T14/shard-03``."""
    landing, _, shard = place.partition("/")
    return parse_hour(landing), int(shard.removeprefix("shard-"))


def partition_inputs(source: Source, partition: Partition, digests: dict[str, str]) -> str:
    """Digest of all that decides a partition: key → digest of its slices, settings, schema, engine."""
    schema = [(column.name, column.type) for column in columns(partition.dataset)]
    text = json.dumps([sorted(digests.items()), source.deduplicate, schema, engine.VERSION])
    return hashlib.sha256(text.encode()).hexdigest()


def _fetch(space: Workspace, source: Source, partition: Partition, stat: Stat) -> _Slice:
    path = space.take(stat.key)
    if not engine.is_intact(path) and not _is_accounted(space.lake, source, partition, stat.key, path):
        raise ObjectCorrupt(space.lake.uri(stat.key), "damaged, or not written by logbucket")
    footer = engine.read_local_footer(path)
    return _Slice(stat.key, path, file_digest(path), footer.rows, footer.books)


def _is_accounted(lake: Store, source: Source, partition: Partition, key: str, path: Path) -> bool:
    """Whether a slice is the one that its ledger tells of: those of version 0.2 have no seal."""
    ledger = read_ledger(lake, source.name, *parse_place(_place(key)))
    return (
        ledger is not None
        and SliceBook(str(partition), engine.read_local_footer(path).rows, file_digest(path)) in ledger.slices
    )


def _rows(
    space: Workspace, source: Source, partition: Partition, pieces: Sequence[_Slice]
) -> tuple[str, int, dict[str, dict[str, int]]]:
    """(query of the rows to publish, rows staged, landing hour → object → rows not published), from the slices in the
    order of their keys."""
    files = engine.file_list([piece.path for piece in pieces])
    scan = f"read_parquet({files}, hive_partitioning = false, union_by_name = true"
    # a column that older slices did not have is NULL there
    wanted = engine.projection(columns(partition.dataset), engine.describe(space.connection, f"SELECT * FROM {scan})"))
    staged = int(engine.one(space.connection, f"SELECT count(*) FROM {scan})"))
    losers = _losers(space, source, pieces, scan)
    if not losers and not isinstance(source.deduplicate, tuple):
        return f"SELECT {wanted} FROM {scan})", staged, {}
    space.connection.execute("CREATE OR REPLACE TEMP TABLE losers (filename VARCHAR, source_uri VARCHAR)")
    for filename, uri in losers:
        space.connection.execute("INSERT INTO losers VALUES (?, ?)", [filename, uri])
    kept = f"SELECT * FROM {scan}, filename = true, file_row_number = true) WHERE (filename, source_uri) NOT IN (FROM losers)"
    if isinstance(source.deduplicate, tuple):
        kept = _first_of_each_key(space, source.deduplicate, partition, kept)
    places = "[" + ", ".join(engine.quote(str(piece.path)) for piece in pieces) + "]"
    ordered = f"SELECT {wanted} FROM ({kept}) ORDER BY list_position({places}, filename), file_row_number"
    return ordered, staged, _repeated(space, pieces, f"SELECT * FROM {scan}, filename = true)", kept)


def _repeated(space: Workspace, pieces: Sequence[_Slice], every: str, kept: str) -> dict[str, dict[str, int]]:
    """Landing hour → object → how many of its rows are not kept."""
    landing = {str(piece.path): str(piece.books["landing_hour"]) for piece in pieces}
    counted = space.connection.execute(
        f"""SELECT filename, source_uri, sum(rows)::BIGINT FROM (
            SELECT filename, source_uri, count(*) AS rows FROM ({every}) GROUP BY ALL
            UNION ALL SELECT filename, source_uri, -count(*) FROM ({kept}) GROUP BY ALL)
        GROUP BY ALL HAVING sum(rows) <> 0 ORDER BY ALL"""
    ).fetchall()
    found: dict[str, dict[str, int]] = {}
    for name, uri, rows in counted:
        objects = found.setdefault(landing[name], {})
        objects[uri] = objects.get(uri, 0) + rows
    return found


def _losers(space: Workspace, source: Source, pieces: Sequence[_Slice], scan: str) -> list[tuple[str, str]]:
    """(file, source_uri) pairs not to publish.

    Of one object that was overwritten, the version of the last landing hour stays; with ``deduplicate = "objects"``, of
    several objects with the same content the first one by landing hour and URI.
    """
    landing: dict[str, str] = {str(piece.path): piece.books["landing_hour"] for piece in pieces}
    digests: dict[str, dict[str, str]] = {str(piece.path): piece.books["objects"] for piece in pieces}
    present = space.connection.execute(f"SELECT DISTINCT filename, source_uri FROM {scan}, filename = true)").fetchall()
    newest: dict[str, str] = {}
    for name, uri in present:
        newest[uri] = max(landing[name], newest.get(uri, ""))
    current = [(name, uri) for name, uri in present if landing[name] == newest[uri]]
    losers = set(present) - set(current)
    if source.deduplicate == "objects":
        first: dict[str, tuple[str, str]] = {}
        for name, uri in sorted(current, key=lambda item: (landing[item[0]], item[1])):
            digest = digests[name][uri]
            if first.setdefault(digest, (name, uri))[1] != uri:
                losers.add((name, uri))
    return sorted(losers)


def _first_of_each_key(space: Workspace, keys: tuple[str, ...], partition: Partition, kept: str) -> str:
    known = {column.name for column in columns(partition.dataset)}
    for key in keys:
        if key not in known:
            raise ConfigError("deduplicate", key, f"columns of {partition.dataset}: {', '.join(sorted(known))}")
    listed = ", ".join(engine.name(key) for key in keys)
    complete = " AND ".join(f"{engine.name(key)} IS NOT NULL" for key in keys)
    return (
        f"SELECT * FROM ({kept}) QUALIFY NOT ({complete}) "
        f"OR row_number() OVER (PARTITION BY {listed} ORDER BY observed_time, source_uri, source_line, source_offset) = 1"
    )
