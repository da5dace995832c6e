"""event-hour partitions → metric objects, one a day; only hours whose partition changed are computed again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

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
                stale = [found for metric in metrics if (found := _stale(space, source_name, metric, day, hours))]
                if not stale:
                    break
                _update(space, source_name, stale)
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


@dataclass(frozen=True)
class _Stale:
    """A metric's object of a day that is not up to date: the digests of its hours as they should be, the object as it is
    now, the hours whose rows stay, and those whose rows are computed."""

    metric: Statement
    key: str
    now: dict[str, str]
    old: Path | None
    kept: list[Partition]
    computed: set[Partition]

    @property
    def table(self) -> str:
        return engine.name(f"rows_of_{self.metric.name}")


def _stale(
    space: Workspace, source: str, metric: Statement, day: datetime, hours: dict[str, dict[Partition, str]]
) -> _Stale | None:
    """What is to be written of one metric's day, None where nothing is; an object without an hour is removed."""
    key = layout.metric_key(metric.name, day, source)
    wanted = hours_of(metric, hours)
    now = metric_hours(space, metric, wanted)
    footer = engine.read_footer(space.lake, key)
    if not now:
        space.lake.delete(key)
        return None
    if footer and footer.books.get("hours") == now:
        return None
    old, before = _kept(space, key)
    kept = sorted(part for part in wanted if before.get(str(part)) == now[str(part)])
    return _Stale(metric, key, now, old, kept, wanted.keys() - kept)


def _update(space: Workspace, source: str, stale: list[_Stale]) -> None:
    """Write these objects; each partition is read once for all metrics."""
    for item in stale:
        space.connection.execute(f"DROP TABLE IF EXISTS {item.table}")
    made: set[str] = set()
    for partition in sorted({partition for item in stale for partition in item.computed}):
        path = _events(space, source, partition)
        for item in stale:
            if partition in item.computed:
                _compute(space, item, partition, made)
        path.unlink()
    for item in stale:
        if item.old and item.kept:
            _keep(space, item, item.old, made)
        order = ", ".join(engine.name(column) for column in item.metric.grain)
        path = space.scratch("metric")
        engine.write_parquet(
            space.connection,
            f"SELECT * FROM {item.table} ORDER BY {order}",
            path,
            compression="zstd",
            books={"hours": item.now},
        )
        space.connection.execute(f"DROP TABLE {item.table}")
        space.lake.put(path, item.key)
        path.unlink()


def metric_hours(space: Workspace, metric: Statement, hours: dict[Partition, str]) -> dict[str, str]:
    """Partition as text → digest of what decides its rows of a metric: its inputs, SQL and engine."""
    return {str(partition): _hour_digest(space, metric, inputs) for partition, inputs in hours.items()}


def _hour_digest(space: Workspace, metric: Statement, inputs: str) -> str:
    return hashlib.sha256(json.dumps([inputs, space.statements.digest(metric), engine.VERSION]).encode()).hexdigest()[
        :24
    ]


def _events(space: Workspace, source: str, partition: Partition) -> Path:
    """Make the view ``events`` of a partition's rows; returns the file it reads."""
    key = layout.partition_key(source, partition)
    path = space.take(key)
    if not engine.is_intact(path):
        raise ObjectCorrupt(space.lake.uri(key), "damaged, or not written by logbucket")
    engine.set_variables(space.connection, hour_start=partition.hour, source_name=source, dataset=partition.dataset)
    space.connection.execute(
        f"CREATE OR REPLACE TEMP VIEW events AS SELECT * FROM read_parquet({engine.file_list([path])}, hive_partitioning = false)"
    )
    return path


def _compute(space: Workspace, item: _Stale, partition: Partition, made: set[str]) -> None:
    metric = item.metric
    with engine.failing(metric, f", on {partition}"):
        _add(space, item, space.provide(metric.sql), made)
    given = engine.describe(space.connection, f"FROM {item.table}")
    if missing := [column for column in ("hour_start", *metric.grain) if column not in given]:
        raise StatementError(f"{metric.path}: column {missing[0]} of its grain is missing; it gives {', '.join(given)}")


def _kept(space: Workspace, key: str) -> tuple[Path | None, dict[str, str]]:
    """A metric's object of a day as it is now, and the digests of its hours; nothing of one that is damaged is kept."""
    try:
        path = space.take(key)
    except ObjectMissing:
        return None, {}
    if not engine.is_intact(path):
        return None, {}
    return path, engine.read_local_footer(path).books.get("hours", {})


def _keep(space: Workspace, item: _Stale, old: Path, made: set[str]) -> None:
    # a metric of one dataset need not name it
    dataset = "dataset" if len(item.metric.datasets) > 1 else engine.quote(item.metric.dataset)
    listed = ", ".join(f"({engine.quote(part.dataset)}, TIMESTAMP '{part.hour}')" for part in item.kept)
    _add(
        space,
        item,
        f"SELECT * FROM read_parquet({engine.file_list([old])}, hive_partitioning = false) "
        f"WHERE ({dataset}, hour_start) IN ({listed})",
        made,
    )


def _add(space: Workspace, item: _Stale, sql: str, made: set[str]) -> None:
    """Put rows into the metric's table; ``made`` are the tables that are there."""
    exists = item.table in made
    space.connection.execute(
        f"INSERT INTO {item.table} BY NAME {sql}" if exists else f"CREATE TEMP TABLE {item.table} AS {sql}"
    )
    made.add(item.table)
