"""event-hour partitions → metric objects, one a day; only hours whose partition changed are computed again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import duckdb

from etl import layout
from etl.config import Settings
from etl.errors import ObjectCorrupt, ObjectMissing, StatementError, StoreUnavailable
from etl.io import engine
from etl.io.statements import Statement
from etl.io.store import Stat
from etl.io.workspace import Workspace, workspace
from etl.layout import Partition
from etl.model.hours import HOUR

_ROUNDS = 20


def aggregate(settings: Settings, source_name: str, partitions: Iterable[str]) -> list[str]:
    """Bring the metrics of the touched days up to date; returns the keys of their objects.

    A metric's rows of an hour are a function of that hour's partition and the metric's SQL. Raises StatementError where
    a metric does not keep its contract.
    """
    settings.source(source_name)
    touched: dict[datetime, set[str]] = {}
    for part in map(Partition.parse, partitions):
        touched.setdefault(part.hour.replace(hour=0), set()).add(part.dataset)
    keys = []
    with workspace(settings) as space:
        for day, changed in sorted(touched.items()):
            metrics = [metric for metric in space.statements.metrics.values() if changed & set(metric.datasets)]
            datasets = sorted({dataset for metric in metrics for dataset in metric.datasets})
            keys += [layout.metric_key(metric.name, day, source_name) for metric in metrics]
            # runs overlap: what was written from a listing that is out of date by now is written again
            known: dict[Stat, str] = {}
            for _ in range(_ROUNDS):
                hours = {name: partitions_of_day(space, source_name, name, day, known) for name in datasets}
                written = [
                    metric.name for metric in metrics if _day(space, source_name, metric, day, hours_of(metric, hours))
                ]
                if not written:
                    break
            else:
                raise StoreUnavailable(
                    f"metrics of source {source_name}, {day:%Y-%m-%d}: partitions changed during {_ROUNDS} attempts to add "
                    "them up; another run is busy with them, run again"
                )
    return keys


def hours_of(metric: Statement, hours: dict[str, dict[Partition, str]]) -> dict[Partition, str]:
    """Of the partitions by dataset, those that a metric is made of."""
    return {partition: inputs for dataset in metric.datasets for partition, inputs in hours[dataset].items()}


def partitions_of_day(
    space: Workspace, source: str, dataset: str, day: datetime, known: dict[Stat, str] | None = None
) -> dict[Partition, str]:
    """Partition → the digest of its inputs, for the hours of a day that have one.

    ``known`` keeps the digests of objects that were read before, for the next call.
    """
    known = {} if known is None else known
    keys = {
        layout.partition_key(source, part): part for part in (Partition(dataset, day + n * HOUR) for n in range(24))
    }
    found: dict[Partition, str] = {}
    for stat in space.lake.list(layout.dataset_prefix(dataset, day)):
        if stat.key not in keys:
            continue
        if stat not in known:
            footer = engine.read_footer(space.lake, stat.key)
            if footer is None:
                continue
            known[stat] = footer.books.get("inputs", "")
        found[keys[stat.key]] = known[stat]
    return found


def _day(space: Workspace, source: str, metric: Statement, day: datetime, hours: dict[Partition, str]) -> bool:
    """Bring one metric's object of a day up to date; whether it had to be written."""
    key = layout.metric_key(metric.name, day, source)
    now = metric_hours(space, metric, hours)
    footer = engine.read_footer(space.lake, key)
    if not now:
        space.lake.delete(key)
        return False
    if footer and footer.books.get("hours") == now:
        return False
    old, before = _kept(space, key)
    kept = sorted(text for text in now if before.get(text) == now[text])
    space.connection.execute("DROP TABLE IF EXISTS metric_rows")
    for partition in sorted(hours):
        if str(partition) not in kept:
            _compute(space, source, metric, partition)
    if old and kept:
        _keep(space, metric, old, [Partition.parse(text) for text in kept])
    order = ", ".join(engine.name(column) for column in metric.grain)
    path = space.scratch("metric")
    engine.write_parquet(
        space.connection, f"SELECT * FROM metric_rows ORDER BY {order}", path, compression="zstd", books={"hours": now}
    )
    space.lake.put(path, key)
    path.unlink()
    return True


def metric_hours(space: Workspace, metric: Statement, hours: dict[Partition, str]) -> dict[str, str]:
    """Partition as text → digest of what decides its rows of a metric: its inputs, SQL and engine."""
    return {str(partition): _hour_digest(space, metric, inputs) for partition, inputs in hours.items()}


def _hour_digest(space: Workspace, metric: Statement, inputs: str) -> str:
    return hashlib.sha256(json.dumps([inputs, space.statements.digest(metric), engine.VERSION]).encode()).hexdigest()[
        :24
    ]


def _compute(space: Workspace, source: str, metric: Statement, partition: Partition) -> None:
    key = layout.partition_key(source, partition)
    path = space.take(key)
    if not engine.is_intact(path):
        raise ObjectCorrupt(space.lake.uri(key), "damaged, or not written by logbucket")
    engine.set_variables(space.connection, hour_start=partition.hour, source_name=source, dataset=partition.dataset)
    space.connection.execute(
        f"CREATE OR REPLACE TEMP VIEW events AS SELECT * FROM read_parquet({engine.file_list([path])}, hive_partitioning = false)"
    )
    given = engine.describe(space.connection, space.provide(metric.sql))
    if missing := [column for column in ("hour_start", *metric.grain) if column not in given]:
        raise StatementError(f"{metric.path}: column {missing[0]} of its grain is missing; it gives {', '.join(given)}")
    try:
        _add(space, metric.sql)
    except duckdb.Error as error:
        raise StatementError(f"{metric.path}, on {key}: {error}") from None
    path.unlink()


def _kept(space: Workspace, key: str) -> tuple[Path | None, dict[str, str]]:
    """A metric's object of a day as it is now, and the digests of its hours; nothing of one that is damaged is kept."""
    try:
        path = space.take(key)
    except ObjectMissing:
        return None, {}
    if not engine.is_intact(path):
        return None, {}
    return path, engine.read_local_footer(path).books.get("hours", {})


def _keep(space: Workspace, metric: Statement, path: Path, partitions: list[Partition]) -> None:
    # a metric of one dataset need not name it
    dataset = "dataset" if len(metric.datasets) > 1 else engine.quote(metric.dataset)
    listed = ", ".join(f"({engine.quote(part.dataset)}, TIMESTAMP '{part.hour}')" for part in partitions)
    _add(
        space,
        f"SELECT * FROM read_parquet({engine.file_list([path])}, hive_partitioning = false) "
        f"WHERE ({dataset}, hour_start) IN ({listed})",
    )


def _add(space: Workspace, sql: str) -> None:
    exists = engine.one(space.connection, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'metric_rows'")
    space.connection.execute(
        f"INSERT INTO metric_rows BY NAME {sql}" if exists else f"CREATE TEMP TABLE metric_rows AS {sql}"
    )
