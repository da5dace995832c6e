"""``catalog.duckdb``: a database of views over the lake and of the analysts' macros, for readers without this project.

It holds no rows and no secret: each view names its objects by a glob. It is written in the storage version of DuckDB 1.2,
and its bytes depend on the lake's place, on schema, metrics and macros, and on which datasets have objects.
"""

from __future__ import annotations

import io
import json
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from etl import layout
from etl.io import engine
from etl.io.snapshot import snapshot
from etl.io.statements import Statements
from etl.io.store import Store
from etl.model.ledger import ObjectBook
from etl.schema import BOOKS, DIMENSIONS, LEDGER, MEASURES, PLACES, QUARANTINE, REVISIONS, columns

STORAGE_VERSION = "v1.2.0"
_MACRO = re.compile(r"((?:^-- .*\n)+)^CREATE OR REPLACE MACRO (\w+)", re.MULTILINE)
_FOOTERS = {"file_name": "VARCHAR", "key": "BLOB", "value": "BLOB"}
_COUNTS = {"file_name": "VARCHAR", "num_rows": "BIGINT"}
_FILES = {"filename": "VARCHAR", "last_modified": "TIMESTAMP"}
_ACCOUNT = {"source": "VARCHAR", "landing_hour": "VARCHAR", "shard": "INTEGER", "inputs": "VARCHAR"}


def build(lake: Store, statements: Statements, path: Path) -> None:
    """Write the catalog of a lake to a new file.

    A view whose dataset has no objects yet is empty; once it has some, the view fails and says to build the catalog again.
    Raises StatementError for SQL that does not compile, and store errors.
    """
    types = view_types(statements)
    globs = _Globs(lake)
    with tempfile.TemporaryDirectory() as folder, engine.engine(Path(folder)) as connection:
        if is_remote(lake):
            connection.register_filesystem(_stand_in())
        connection.execute(f"ATTACH {engine.quote(str(path))} AS catalog (STORAGE_VERSION '{STORAGE_VERSION}')")
        connection.execute("USE catalog")
        for view in types:
            given = {**types[view], "event_date": "DATE"} if view.startswith("metrics_") else types[view]
            connection.execute(
                f"CREATE VIEW {engine.name(view)} AS {_projected(_query(view, globs, statements, given), given)}"
            )
            _comment(connection, statements, view, given)
        _create_macros(connection, statements)
        connection.execute("USE memory")
        connection.execute("DETACH catalog")


def view_types(statements: Statements) -> dict[str, dict[str, str]]:
    """View of a snapshot → column → DuckDB type, as an empty lake has them."""
    with tempfile.TemporaryDirectory() as empty, snapshot(empty, statements) as connection:
        views = [row[0] for row in connection.execute("SHOW TABLES").fetchall()]
        return {view: engine.describe(connection, f"SELECT * FROM {engine.name(view)}") for view in views}


class _Globs:
    """Where the objects of a lake lie, as SQL literals, and whether there are any."""

    def __init__(self, lake: Store) -> None:
        self._lake = lake
        root = lake.root if is_remote(lake) else str(Path(lake.root).absolute())
        self.root = root.rstrip("/") + "/"
        self._has_objects = cache(self._looked_up)

    def literal(self, layer: str, name: str = "*") -> str:
        """The glob of a layer, of one dataset or metric if given."""
        return engine.quote(engine.literal(self.root) + layout.glob_of(layer, name))

    def scan(self, function: str, types: Mapping[str, str], layer: str, name: str = "*") -> str:
        """A table function over the objects; where there are none, no rows of these types, and an error once there are."""
        literal = self.literal(layer, name)
        if self._has_objects(layout.glob_of(layer, name)):
            return function.format(literal)
        nothing = ", ".join(f"NULL::{kind} AS {engine.name(column)}" for column, kind in types.items())
        stale = engine.quote("catalog.duckdb is older than the first object here; run `etl catalog` again: ")
        guard = f"CASE WHEN file IS NOT NULL THEN error({stale} || file) END"
        return f"(SELECT {nothing} FROM glob({literal}) WHERE {guard})"

    def _looked_up(self, glob: str) -> bool:
        prefix, suffix = glob.partition("*")[0], glob.rpartition("*")[2]
        return any(stat.key.endswith(suffix) for stat in self._lake.list(prefix))


def is_remote(lake: Store) -> bool:
    """Whether a lake is on S3."""
    return lake.root.startswith("s3://")


def _query(view: str, globs: _Globs, statements: Statements, types: Mapping[str, str]) -> str:
    if view in statements.catalog:
        return statements.catalog[view].filled(
            root=engine.quote(globs.root),
            footers=globs.scan("parquet_kv_metadata({})", _FOOTERS, "events"),
            counts=globs.scan("parquet_file_metadata({})", _COUNTS, "events"),
            files=globs.scan("read_blob({})", _FILES, "events"),
            ledgers=globs.literal("ledger"),
            revisions=globs.literal("revisions"),
            record=json.dumps(_record(view, types)),
        )
    layer, _, name = ("dimensions", "", view) if view in DIMENSIONS else view.partition("_")
    hive = {name: kind for name, kind in types.items() if name in PLACES}
    typed = ", ".join(f"'{name}': {kind}" for name, kind in hive.items())
    keyed = f"hive_partitioning = true, hive_types = {{{{{typed}}}}}" if hive else "hive_partitioning = false"
    scan = f"read_parquet({{}}, {keyed}, union_by_name = true)"
    found = globs.scan(scan, types, layer, name or "*")
    # columns that no file has yet are NULL
    none = ", ".join(f"NULL::{kind} AS {engine.name(name)}" for name, kind in types.items())
    return f"SELECT {none} WHERE false UNION ALL BY NAME SELECT * FROM {found}"


def _record(view: str, types: Mapping[str, str]) -> dict[str, Any]:
    """What stands in the JSON objects that a view is made of, as ``from_json`` takes it; times are texts there."""
    texts = {name: "VARCHAR" if kind == "TIMESTAMP" else kind for name, kind in types.items()}
    if view == "revisions":
        return {name: kind for name, kind in texts.items() if name not in ("revised_time", "difference")}
    if view == "ledger":
        return {**_ACCOUNT, "objects": [{item.name: texts[item.name] for item in fields(ObjectBook)}]}
    return {}


def _projected(query: str, types: Mapping[str, str]) -> str:
    wanted = ", ".join(f"CAST({engine.name(name)} AS {kind}) AS {engine.name(name)}" for name, kind in types.items())
    return f"SELECT {wanted} FROM ({query})"


def _create_macros(connection: duckdb.DuckDBPyConnection, statements: Statements) -> None:
    file = statements.macros["analysts"]
    engine.create_macros(connection, [file])
    for comment, macro in _MACRO.findall(file.sql):
        text = " ".join(line.removeprefix("-- ") for line in comment.splitlines())
        connection.execute(f"COMMENT ON MACRO {engine.name(macro)} IS {engine.quote(text)}")


def _comment(connection: duckdb.DuckDBPyConnection, statements: Statements, view: str, given: Iterable[str]) -> None:
    about, meanings = _meanings(statements, view)
    connection.execute(f"COMMENT ON VIEW {engine.name(view)} IS {engine.quote(about)}")
    for column in given:
        if meaning := meanings.get(column):
            place = f"{engine.name(view)}.{engine.name(column)}"
            connection.execute(f"COMMENT ON COLUMN {place} IS {engine.quote(meaning)}")


def _meanings(statements: Statements, view: str) -> tuple[str, Mapping[str, str]]:
    """What a view holds, and column → what it means."""
    books = {"ledger": LEDGER, "books": BOOKS, "revisions": REVISIONS}
    if view in books:
        return statements.catalog[view].header["title"], books[view]
    if view in DIMENSIONS:
        return statements.dimensions[view].header["title"], _of(DIMENSIONS[view])
    if view == "quarantine":
        return "one row for each rejected record", PLACES | _of(QUARANTINE)
    layer, _, name = view.partition("_")
    if layer == "events":
        return f"one row for each record of dataset {name}", PLACES | _of(columns(name))
    metric = statements.metrics[name]
    own = {key: text for dataset in metric.datasets for key, text in _of(columns(dataset)).items()}
    about = f"{metric.header['title']}; one row for each {metric.header['grain']}; from events of {metric.header['dataset']}"
    return about, own | PLACES | MEASURES


def _of(listed: Iterable[Any]) -> dict[str, str]:
    return {column.name: column.meaning for column in listed}


def _stand_in() -> Any:
    """A filesystem that shows one empty Parquet file for any glob: views over S3 are bound without a request."""
    import fsspec  # type: ignore[import-untyped]
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"nothing": pa.array([], pa.int8())}), sink)
    empty = sink.getvalue().to_pybytes()

    class StandIn(fsspec.AbstractFileSystem):  # type: ignore[misc]
        protocol = "s3"

        def glob(self, path: str, **_: Any) -> list[str]:
            made = path.replace("_date=*", "_date=2000-01-01").replace("_hour=*", "_hour=0")
            return [made.replace("*", "any")]

        def info(self, path: str, **_: Any) -> dict[str, Any]:
            return {"name": path, "size": len(empty), "type": "file"}

        def modified(self, path: str) -> Any:
            return datetime(2000, 1, 1, tzinfo=UTC)

        def _open(self, path: str, *_: Any, **__: Any) -> Any:
            return io.BytesIO(empty)

    return StandIn(skip_instance_cache=True)
