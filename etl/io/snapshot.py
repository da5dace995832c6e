"""A DuckDB connection over a snapshot of the lake: what runs do meanwhile does not show.

Locally the objects are hard-linked into a hidden folder of the lake (copied where links are impossible); on S3 they are
copied whole. Only the views that are asked for, in the hours asked for, are taken. The lake is listed again afterwards,
and what changed meanwhile is taken again, until nothing did: the views show the lake as it was at one moment.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from etl import layout
from etl.errors import ObjectChanged, ObjectCorrupt, ObjectMissing, StoreUnavailable
from etl.io import engine
from etl.io.statements import Statement, Statements
from etl.io.store import LocalStore, Stat, Store, open_store, scratch_root, take
from etl.layout import Partition
from etl.model.hours import hours_between, parse_hour
from etl.model.ledger import Ledger, ObjectBook, SliceBook
from etl.model.worklist import printable
from etl.schema import DATASETS, DIMENSIONS, QUARANTINE, Column, columns

_PARALLEL_COPIES = 8
_ROUNDS = 20
_FEW_DAYS = timedelta(days=3)
HISTORY = timedelta(weeks=8)


@contextmanager
def snapshot(
    lake_uri: str,
    statements: Statements,
    views: Iterable[str] | None = None,
    first: datetime | None = None,
    last: datetime | None = None,
    source: str | None = None,
    macros: Iterable[Statement] = (),
    only: tuple[str, ...] = (),
) -> Iterator[duckdb.DuckDBPyConnection]:
    """:func:`connect`, closed and cleaned up at the end of the block; with these files of macros, in an order to create them
    in; with events and metrics of these sources ``only``, none: of all."""
    connection, clean = _connect(lake_uri, statements, macros, views, first, last, source, only)
    try:
        yield connection
    finally:
        connection.close()
        clean()


def connect(
    lake_uri: str,
    statements: Statements,
    views: Iterable[str] | None = None,
    first: datetime | None = None,
    last: datetime | None = None,
    source: str | None = None,
) -> duckdb.DuckDBPyConnection:
    """A connection with the lake's views over the hours first..last (naive UTC, both included, None = open).

    ``views`` and ``source`` limit the work to the views and the source that are needed; None takes all. The copies are removed when the connection is
    garbage-collected or the process ends; those of a killed process by the next snapshot on its machine.
    Raises StoreUnavailable where the lake changed during every attempt to take it.
    """
    return _connect(lake_uri, statements, statements.macros_in_order, views, first, last, source)[0]


def all_views(statements: Statements) -> list[str]:
    """Names of every view, whether it has rows or not."""
    return [
        *(f"events_{dataset}" for dataset in DATASETS),
        *(f"metrics_{metric}" for metric in statements.metrics),
        *DIMENSIONS,
        "quarantine",
        "ledger",
        "books",
        "revisions",
    ]


def history_views(statements: Statements) -> list[str]:
    """Names of the views over a metric's rows of the hours that are asked for and of the eight weeks before them."""
    return [f"history_{metric}" for metric in statements.metrics]


def _connect(
    lake_uri: str,
    statements: Statements,
    macros: Iterable[Statement],
    views: Iterable[str] | None,
    first: datetime | None,
    last: datetime | None,
    source: str | None,
    only: tuple[str, ...] = (),
) -> tuple[duckdb.DuckDBPyConnection, Callable[[], object]]:
    lake = open_store(lake_uri)
    connection = duckdb.connect()
    folder = _folder(lake)
    clean = weakref.finalize(connection, _remove, folder, os.getpid())
    try:
        known = all_views(statements)
        names = known if views is None else sorted({*known, *history_views(statements)} & set(views))
        taken = _Taken(lake, folder, first, last, source, only or ((source,) if source else ()))
        taken.settle(names)
        engine.configure(connection, folder)
        engine.create_macros(connection, macros)
        for name in names:
            _make_view(connection, taken, statements, name)
    except BaseException:
        connection.close()
        clean()
        raise
    return connection, clean


def _folder(lake: Store) -> Path:
    name = f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(6)}"
    if isinstance(lake, LocalStore):
        try:
            hidden = Path(lake.root) / ".snapshots"
            hidden.mkdir(exist_ok=True)
            remove_abandoned(hidden)
            folder = hidden / name
            folder.mkdir()
            return folder
        except OSError:
            pass
    return Path(tempfile.mkdtemp(prefix="logbucket-snapshot-", dir=scratch_root()))


def remove_abandoned(hidden: Path) -> None:
    """What processes of this machine left behind that were killed."""
    for folder in hidden.iterdir():
        host, _, rest = folder.name.rpartition(".")[0].rpartition(".")
        if host == socket.gethostname() and rest.isdecimal() and not Path(f"/proc/{rest}").exists():
            shutil.rmtree(folder, ignore_errors=True)


def _remove(folder: Path, owner: int) -> None:
    # a forked child inherits the connection, not the right to remove what its parent reads
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class _Taken:
    """Local copies of a lake's objects, and footers of its partitions, all as of one moment."""

    lake: Store
    folder: Path
    first: datetime | None
    last: datetime | None
    source: str | None
    only: tuple[str, ...]
    files: dict[str, tuple[Stat, Path]] = field(default_factory=dict)
    footers: dict[str, tuple[Stat, engine.Footer]] = field(default_factory=dict)
    history: set[str] = field(default_factory=set)

    def first_of(self, key: str) -> datetime | None:
        """The first hour that is wanted of a metric, which may have a history, or of anything else."""
        has_history = any(key.startswith(prefix) for prefix in self.history)
        return self.first - HISTORY if self.first and has_history else self.first

    @staticmethod
    def _metric_prefix(view: str) -> str:
        return f"metrics/{view.partition('_')[2]}/"

    def settle(self, views: list[str]) -> None:
        """Take what the views are made of, until a listing shows nothing new."""
        self.history = {self._metric_prefix(view) for view in views if view.startswith("history_")}
        whole = [prefix for view in views for prefix in self._prefixes(view)]
        footers = [prefix for dataset in DATASETS for prefix in self._by_day(f"events/{dataset}/")]
        for _ in range(_ROUNDS):
            changed = [self._update(self.files, prefix, self._copy) for prefix in dict.fromkeys(whole)]
            if "books" in views:
                changed += [self._update(self.footers, prefix, self._footer) for prefix in footers]
            if not any(changed):
                return
        raise StoreUnavailable(
            f"{self.lake.root}: objects kept changing while a snapshot was taken; run again, or ask for fewer hours"
        )

    def _prefixes(self, view: str) -> list[str]:
        """Where the objects lie that a view is made of, as whole copies."""
        kind, _, rest = view.partition("_")
        if kind in DIMENSIONS:
            return [layout.dimension_key(kind)]
        if kind in ("events", "metrics"):
            return self._by_day(f"{kind}/{rest}/")
        if kind == "history":
            return self._by_day(self._metric_prefix(view))
        prefix = f"{'revisions' if view == 'books' else view}/" + (f"{self.source}/" if self.source else "")
        return self._by_day(prefix, "landing_date") if self.source and view in ("ledger", "quarantine") else [prefix]

    def _by_day(self, prefix: str, name: str = "event_date") -> list[str]:
        """One listing a day where a few days are asked for, else one of all."""
        first = self.first_of(prefix)
        if not first or not self.last or self.last - first > _FEW_DAYS:
            return [prefix]
        days = dict.fromkeys(f"{hour:%Y-%m-%d}" for hour in hours_between(first, self.last))
        return [f"{prefix}{name}={day}/" for day in days]

    def paths(self, prefix: str) -> list[Path]:
        """The copies below a prefix, in the order of their keys."""
        return [path for key, (_, path) in sorted(self.files.items()) if key.startswith(prefix)]

    def footers_of(self, keys: Iterable[str]) -> dict[str, engine.Footer | None]:
        """The footers of partitions, also of those outside the hours that were taken; None where there is none."""
        wanted = list(dict.fromkeys(keys))
        others = [key for key in wanted if key not in self.footers]
        with ThreadPoolExecutor(_PARALLEL_COPIES) as pool:
            read = dict(zip(others, pool.map(lambda key: engine.read_footer(self.lake, key), others), strict=True))
        return {key: self.footers[key][1] if key in self.footers else read[key] for key in wanted}

    def _update(self, known: dict[str, Any], prefix: str, take: Callable[[Stat], Any]) -> bool:
        listed = {stat.key: stat for stat in self.lake.list(prefix) if self._is_wanted(stat.key)}
        gone = [key for key in known if key.startswith(prefix) and key not in listed]
        for key in gone:
            del known[key]
        wanted = [stat for key, stat in listed.items() if key not in known or known[key][0].etag != stat.etag]
        with ThreadPoolExecutor(_PARALLEL_COPIES) as pool:
            for stat, found in zip(wanted, pool.map(take, wanted), strict=True):
                known.pop(stat.key, None)
                if found is not None:
                    known[stat.key] = found
        return bool(gone or wanted)

    def _is_wanted(self, key: str) -> bool:
        # S3 takes any key, but a path with .. in it would lead out of the folder
        if not key.endswith((".parquet", ".json")) or ".." in key.split("/"):
            return False
        endings = tuple(f"/{source}.parquet" for source in self.only)
        if endings and key.startswith(("events/", "metrics/")) and not key.endswith(endings):
            return False
        hours = layout.hours_of_key(key)
        if hours is None:
            return True
        first = self.first_of(key)
        return (first is None or hours[1] >= first) and (self.last is None or hours[0] <= self.last)

    def _copy(self, stat: Stat) -> tuple[Stat, Path] | None:
        target = self.folder / stat.key
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        try:
            take(self.lake, stat.key, self.folder, stat.etag).rename(target)
        except (ObjectMissing, ObjectChanged):
            return None
        # replaced between the look and the link: the next listing tells
        current = self.lake.stat(stat.key)
        return (stat, target) if current and current.etag == stat.etag else None

    def _footer(self, stat: Stat) -> tuple[Stat, engine.Footer] | None:
        if stat.key in self.files and self.files[stat.key][0].etag == stat.etag:
            return stat, engine.read_local_footer(self.files[stat.key][1])
        footer = engine.read_footer(self.lake, stat.key)
        current = self.lake.stat(stat.key)
        return (stat, footer) if footer and current and current.etag == stat.etag else None


def _make_view(connection: duckdb.DuckDBPyConnection, taken: _Taken, statements: Statements, name: str) -> None:
    if name in _RECORDS:
        _make_table(connection, name, *_RECORDS[name](taken))
        return
    if name == "quarantine":
        sql = _parquet(
            taken.paths("quarantine/"), {**_types(QUARANTINE), "landing_date": "DATE", "landing_hour": "BIGINT"}
        )
    elif name in DIMENSIONS:
        # one that is damaged is as good as none: it is made of metrics and lists, and made again
        paths = [path for path in taken.paths(layout.dimension_key(name)) if engine.is_intact(path)]
        stored = _parquet(paths, _types(DIMENSIONS[name]))
        sql = f"SELECT {engine.projection(DIMENSIONS[name], engine.describe(connection, stored))} FROM ({stored})"
    elif name.startswith("events_"):
        dataset = name.removeprefix("events_")
        paths = taken.paths(layout.dataset_prefix(dataset))
        sql = _parquet(paths, {**_types(columns(dataset)), "event_date": "DATE", "event_hour": "BIGINT"})
    else:
        kind, _, metric_name = name.partition("_")
        metric = statements.metrics[metric_name]
        paths = taken.paths(f"metrics/{metric.name}/")
        # objects of a version before the metric gained a column have NULL there
        given = _metric_columns(connection, statements, metric)
        sql = " UNION ALL BY NAME ".join(
            f"({part})" for part in dict.fromkeys((_parquet(paths, given), _parquet([], given)))
        )
        if taken.first or taken.last:
            wanted = taken.first_of(f"metrics/{metric_name}/") if kind == "history" else taken.first
            first, last = wanted or datetime.min, taken.last or datetime.max
            sql = f"SELECT * FROM ({sql}) WHERE hour_start BETWEEN '{first}' AND '{last}'"
    connection.execute(f"CREATE VIEW {engine.name(name)} AS {sql}")


def _types(listed: Iterable[Column]) -> dict[str, str]:
    return {column.name: column.type for column in listed}


def _metric_columns(connection: duckdb.DuckDBPyConnection, statements: Statements, metric: Statement) -> dict[str, str]:
    """Column name → DuckDB type of a metric."""
    empty = ", ".join(f"NULL::{column.type} AS {column.name}" for column in columns(metric.dataset))
    sql = f"WITH events AS (SELECT {empty}), metric AS ({metric.sql}\n) SELECT * FROM metric"

    def ask() -> dict[str, str]:
        engine.create_macros(connection, statements.macros_used(metric.sql))
        return engine.describe(connection, sql)

    return statements.described(sql, ask)


def _parquet(paths: list[Path], types: dict[str, str]) -> str:
    if paths:
        return f"SELECT * FROM read_parquet({engine.file_list(paths)}, hive_partitioning = true, union_by_name = true)"
    return (
        "SELECT " + ", ".join(f"NULL::{kind} AS {engine.name(name)}" for name, kind in types.items()) + " WHERE false"
    )


def _make_table(connection: duckdb.DuckDBPyConnection, name: str, records: list[dict[str, Any]], schema: Any) -> None:
    import pyarrow as pa

    connection.register("records", pa.Table.from_pylist(records, schema=schema))
    connection.execute(f"CREATE TABLE {engine.name(name)} AS SELECT * FROM records")
    connection.unregister("records")


def _ledger(taken: _Taken) -> tuple[list[dict[str, Any]], Any]:
    """One record per raw object, from the accounts of the shards."""
    import pyarrow as pa

    ledgers = []
    for key, (stat, path) in sorted(taken.files.items()):
        if not key.startswith("ledger/"):
            continue
        try:
            ledgers.append((stat, Ledger.from_json(path.read_bytes())))
        except (ValueError, TypeError, KeyError) as error:
            raise ObjectCorrupt(taken.lake.uri(key), f"not a ledger: {error}") from None
    footers = taken.footers_of(_partition_key(ledger, piece) for _, ledger in ledgers for piece in ledger.slices)
    records = []
    for stat, ledger in ledgers:
        shard = {"source_name": ledger.source, "landing_hour": parse_hour(ledger.landing_hour), "shard": ledger.shard}
        duplicates = _duplicates(footers, ledger)
        for book in ledger.objects:
            times = {name: _moment(getattr(book, name)) for name in ("modified", "first_event", "last_event")}
            own = {"key": printable(book.key), "reject_reasons": sorted(book.reject_reasons.items())}
            more = {"duplicates": duplicates.get(book.uri, 0), "processed_time": stat.modified, "inputs": ledger.inputs}
            records.append({**shard, **vars(book), **times, **own, **more})
    kinds = {
        "int": pa.int64(),
        "str": pa.string(),
        "str | None": pa.string(),
        "dict[str, int]": pa.map_(pa.string(), pa.int64()),
    }
    moment = pa.timestamp("us")
    listed = [
        (item.name, moment if item.name in ("modified", "first_event", "last_event") else kinds[str(item.type)])
        for item in fields(ObjectBook)
    ]
    head = [("source_name", pa.string()), ("landing_hour", moment), ("shard", pa.int32())]
    more_kinds = [("duplicates", pa.int64()), ("processed_time", moment), ("inputs", pa.string())]
    return records, pa.schema([*head, *listed, *more_kinds])


def _partition_key(ledger: Ledger, piece: SliceBook) -> str:
    return layout.partition_key(ledger.source, Partition.parse(piece.partition))


def _duplicates(footers: dict[str, engine.Footer | None], ledger: Ledger) -> dict[str, int]:
    """Object → its rows that are staged and not published, as the partitions of the shard's slices tell."""
    found: dict[str, int] = {}
    for piece in ledger.slices:
        footer = footers[_partition_key(ledger, piece)]
        own = footer.books.get("duplicates_of", {}).get(ledger.landing_hour, {}) if footer else {}
        for uri, rows in own.items():
            found[uri] = found.get(uri, 0) + rows
    return found


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _books(taken: _Taken) -> tuple[list[dict[str, Any]], Any]:
    """One record per partition, from the footers alone."""
    import pyarrow as pa

    revised: dict[str, int] = {}
    for key in taken.files:
        if key.startswith("revisions/"):
            place = key.rpartition("/")[0]
            revised[place] = max(revised.get(place, 1), int(Path(key).stem))
    records = []
    for key, (stat, footer) in sorted(taken.footers.items()):
        try:
            source, partition = layout.parse_partition_key(key)
        except ValueError:
            continue
        slices = footer.books.get("slices", {})
        records.append(
            {
                "source_name": source,
                "dataset": partition.dataset,
                "hour_start": partition.hour,
                "rows": footer.rows,
                "staged": footer.books.get("staged"),
                "duplicates": footer.books.get("duplicates"),
                "slices": len(slices),
                "landing_hours": sorted({place.partition("/")[0] for place in slices}),
                "rows_by_landing_hour": _by_landing_hour(slices),
                "revision": revised.get(layout.revision_prefix(source, partition).rstrip("/"), 1),
                "published_time": stat.modified,
                "inputs": footer.books.get("inputs"),
                "content": footer.content,
                "key": key,
            }
        )
    text, number, moment = pa.string(), pa.int64(), pa.timestamp("us")
    kinds = {"source_name": text, "dataset": text, "hour_start": moment, "rows": number, "staged": number}
    kinds |= {"duplicates": number, "slices": number, "landing_hours": pa.list_(text)}
    kinds |= {"rows_by_landing_hour": pa.map_(text, number), "revision": number}
    kinds |= {"published_time": moment, "inputs": text, "content": text, "key": text}
    return records, pa.schema(list(kinds.items()))


def _by_landing_hour(slices: dict[str, Any]) -> list[tuple[str, int]]:
    found: dict[str, int] = {}
    for place, (rows, _) in slices.items():
        hour = place.partition("/")[0]
        found[hour] = found.get(hour, 0) + rows
    return sorted(found.items())


def _revisions(taken: _Taken) -> tuple[list[dict[str, Any]], Any]:
    """One record per change of a published partition."""
    import pyarrow as pa

    records = []
    for key, (stat, path) in sorted(taken.files.items()):
        if key.startswith("revisions/"):
            try:
                record = json.loads(path.read_bytes())
            except ValueError as error:
                problem = f"not the record of a revision: {error}; it is history only, remove it"
                raise ObjectCorrupt(taken.lake.uri(key), problem) from None
            moments = {"hour_start": datetime.fromisoformat(record["hour_start"]), "revised_time": stat.modified}
            records.append({**record, **moments, "difference": record["rows_after"] - record["rows_before"]})
    text, number, moment = pa.string(), pa.int64(), pa.timestamp("us")
    kinds = {"source_name": text, "dataset": text, "hour_start": moment, "revision": number, "revised_time": moment}
    kinds |= {"reason": text, "rows_before": number, "rows_after": number, "difference": number}
    kinds |= {"landing_hours": pa.list_(text), "content_before": text, "content_after": text}
    return records, pa.schema(list(kinds.items()))


_RECORDS = {"ledger": _ledger, "books": _books, "revisions": _revisions}
