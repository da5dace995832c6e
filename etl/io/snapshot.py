"""A DuckDB connection over a snapshot of the lake: what runs do meanwhile does not show.

Locally the objects are hard-linked into a hidden folder of the lake (copied where links are impossible); on S3 they are
copied whole. Only the views that are asked for, in the hours asked for, are taken.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from etl import layout
from etl.errors import ObjectMissing, StoreUnavailable
from etl.io import engine
from etl.io.statements import Statements
from etl.io.store import LocalStore, Stat, Store, open_store
from etl.model.hours import parse_hour
from etl.model.ledger import Ledger, ObjectBook
from etl.model.worklist import printable
from etl.schema import DATASETS, QUARANTINE, Column, columns

_PARALLEL_COPIES = 8
_ATTEMPTS = 5


@contextmanager
def snapshot(
    lake_uri: str,
    statements: Statements,
    views: Iterable[str] | None = None,
    first: datetime | None = None,
    last: datetime | None = None,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the lake's views over the hours first..last (naive UTC, both included, None = open).

    ``views`` limits the work to the views that are needed; None takes all. The copies are removed at the end.
    """
    lake = open_store(lake_uri)
    folder = _folder(lake)
    connection = duckdb.connect()
    try:
        engine.configure(connection, folder)
        engine.create_macros(connection, statements.macros_in_order)
        wanted = all_views(statements)
        for name in wanted if views is None else [name for name in wanted if name in set(views)]:
            _make_view(connection, lake, folder, statements, name, first, last)
        yield connection
    finally:
        connection.close()
        shutil.rmtree(folder, ignore_errors=True)


def all_views(statements: Statements) -> list[str]:
    """Names of every view, whether it has rows or not."""
    return [
        *(f"events_{dataset}" for dataset in DATASETS),
        *(f"metrics_{metric}" for metric in statements.metrics),
        "quarantine",
        "ledger",
        "partitions",
    ]


def _folder(lake: Store) -> Path:
    if isinstance(lake, LocalStore):
        try:
            hidden = Path(lake.root) / ".snapshots"
            hidden.mkdir(exist_ok=True)
            return Path(tempfile.mkdtemp(dir=hidden))
        except OSError:
            pass
    return Path(tempfile.mkdtemp(prefix="logbucket-snapshot-", dir=os.environ.get("LOGBUCKET_TMP")))


def _make_view(
    connection: duckdb.DuckDBPyConnection,
    lake: Store,
    folder: Path,
    statements: Statements,
    name: str,
    first: datetime | None,
    last: datetime | None,
) -> None:
    if name == "ledger":
        sql = _ledger(connection, _take(lake, folder, "ledger/", ".json", first, last))
    elif name == "partitions":
        sql = _partitions(connection, lake, first, last)
    elif name == "quarantine":
        paths = _take(lake, folder, "quarantine/", ".parquet", first, last)
        sql = _parquet(paths, {**_types(QUARANTINE), "landing_date": "DATE", "landing_hour": "BIGINT"})
    elif name.startswith("events_"):
        dataset = name.removeprefix("events_")
        paths = _take(lake, folder, layout.dataset_prefix(dataset), ".parquet", first, last)
        sql = _parquet(paths, {**_types(columns(dataset)), "event_date": "DATE", "event_hour": "BIGINT"})
    else:
        metric = statements.metrics[name.removeprefix("metrics_")]
        paths = _take(lake, folder, f"metrics/{metric.name}/", ".parquet", first, last)
        sql = _parquet(paths, _metric_columns(connection, metric.sql, metric.dataset) if not paths else {})
        if first or last:
            sql = (
                f"SELECT * FROM ({sql}) WHERE hour_start BETWEEN '{first or datetime.min}' AND '{last or datetime.max}'"
            )
    connection.execute(f"CREATE VIEW {engine.name(name)} AS {sql}")


def _types(listed: Iterable[Column]) -> dict[str, str]:
    return {column.name: column.type for column in listed}


def _metric_columns(connection: duckdb.DuckDBPyConnection, sql: str, dataset: str) -> dict[str, str]:
    empty = ", ".join(f"NULL::{column.type} AS {column.name}" for column in columns(dataset))
    return engine.describe(connection, f"WITH events AS (SELECT {empty}), metric AS ({sql}\n) SELECT * FROM metric")


def _parquet(paths: list[Path], types: dict[str, str]) -> str:
    if paths:
        return f"SELECT * FROM read_parquet({engine.file_list(paths)}, hive_partitioning = true, union_by_name = true)"
    return (
        "SELECT " + ", ".join(f"NULL::{kind} AS {engine.name(name)}" for name, kind in types.items()) + " WHERE false"
    )


def _ledger(connection: duckdb.DuckDBPyConnection, paths: list[Path]) -> str:
    """One row per raw object, from the accounts of the shards."""
    import pyarrow as pa

    records = []
    for path in paths:
        ledger = Ledger.from_json(path.read_bytes())
        shard = {"source_name": ledger.source, "landing_hour": parse_hour(ledger.landing_hour), "shard": ledger.shard}
        for book in ledger.objects:
            times = {name: _moment(getattr(book, name)) for name in ("modified", "first_event", "last_event")}
            records.append({**shard, **asdict(book), **times, "key": printable(book.key), "inputs": ledger.inputs})
    connection.register("ledger_records", pa.Table.from_pylist(records, schema=_ledger_schema()))
    return "SELECT * FROM ledger_records"


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _ledger_schema() -> Any:
    import pyarrow as pa

    kinds = {"int": pa.int64(), "str": pa.string(), "str | None": pa.string()}
    times = ("modified", "first_event", "last_event")
    own = [
        (item.name, pa.timestamp("us") if item.name in times else kinds[str(item.type)]) for item in fields(ObjectBook)
    ]
    head = [("source_name", pa.string()), ("landing_hour", pa.timestamp("us")), ("shard", pa.int32())]
    return pa.schema([*head, *own, ("inputs", pa.string())])


def _partitions(
    connection: duckdb.DuckDBPyConnection, lake: Store, first: datetime | None, last: datetime | None
) -> str:
    """One row per partition, from the footers alone."""
    import pyarrow as pa

    keys = [
        stat.key for stat in lake.list("events/") if stat.key.endswith(".parquet") and _within(stat.key, first, last)
    ]
    with ThreadPoolExecutor(_PARALLEL_COPIES) as pool:
        footers = list(pool.map(lambda key: engine.read_footer(lake, key), keys))
    records = []
    for key, footer in zip(keys, footers, strict=True):
        if footer:
            source, partition = layout.parse_partition_key(key)
            head = {
                "source_name": source,
                "dataset": partition.dataset,
                "hour_start": partition.hour,
                "rows": footer.rows,
            }
            records.append({**head, **footer.books, "key": key})
    counts = [(name, pa.int64()) for name in ("rows", "staged", "duplicates", "slices")]
    names = [("source_name", pa.string()), ("dataset", pa.string()), ("hour_start", pa.timestamp("us"))]
    schema = pa.schema(
        [*names, *counts, ("landing_hours", pa.list_(pa.string())), ("inputs", pa.string()), ("key", pa.string())]
    )
    connection.register("partition_records", pa.Table.from_pylist(records, schema=schema))
    return "SELECT * FROM partition_records"


def _take(
    lake: Store, folder: Path, prefix: str, suffix: str, first: datetime | None, last: datetime | None
) -> list[Path]:
    """Local copies of the listed objects; an object that is replaced while it is taken is taken again."""
    for _ in range(_ATTEMPTS):
        listed = [
            stat
            for stat in lake.list(prefix)
            # S3 takes any key, but a path with .. in it would lead out of the folder
            if stat.key.endswith(suffix) and ".." not in stat.key.split("/") and _within(stat.key, first, last)
        ]
        try:
            with ThreadPoolExecutor(_PARALLEL_COPIES) as pool:
                return list(pool.map(lambda stat: _copy(lake, folder, stat), listed))
        except ObjectMissing:
            continue
    raise StoreUnavailable(f"{lake.uri(prefix)}: objects kept vanishing while a snapshot was taken; run again")


def _copy(lake: Store, folder: Path, stat: Stat) -> Path:
    target = folder / stat.key
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        return target
    path = lake.fetch(stat.key, folder)
    if path.parent == folder:
        path.rename(target)
        return target
    try:
        os.link(path, target)
    except FileNotFoundError:
        raise ObjectMissing(f"{lake.uri(stat.key)}: removed while a snapshot was taken") from None
    except OSError:
        shutil.copyfile(path, target)
    return target


def _within(key: str, first: datetime | None, last: datetime | None) -> bool:
    hours = layout.hours_of_key(key)
    if hours is None:
        return True
    return (first is None or hours[1] >= first) and (last is None or hours[0] <= last)
