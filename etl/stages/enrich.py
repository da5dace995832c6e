"""distinct values of the metrics, lists → ``dimensions/``: what lists say of user agents and networks.

Each value is looked up once for each version of the lists. A dimension is a function of the metrics, of the lists and of its SQL.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import duckdb

from etl import layout
from etl.config import Settings
from etl.io import engine
from etl.io.lists import Lists, lists_of
from etl.io.snapshot import snapshot
from etl.io.statements import Statement, Statements, load_statements
from etl.io.workspace import workspace
from etl.schema import DIMENSIONS

# of a kind, the most requested: whoever sends another agent with each request is not looked up without end
MOST_VALUES = 100_000


def enrich(settings: Settings) -> list[dict[str, Any]]:
    """Bring the dimensions up to date with all metrics of the lake.

    One record for each: ``dimension``, ``values``, ``looked_up`` (those that were new, or known from other lists only), ``lists``
    and ``changed``. Raises ConfigError for a list that cannot be read, StatementError, and store errors.
    """
    found = []
    with workspace(settings) as space:
        for name, statement in space.statements.dimensions.items():
            key, path = layout.dimension_key(name), space.scratch("dimension")
            views, macros = needed([name], space.statements), space.statements.macros_used(statement.sql)
            with snapshot(settings.lake, space.statements, views, macros=macros) as connection:
                [looked_up] = complete(connection, settings, [name]).values()
                values = int(engine.one(connection, f"SELECT count(*) FROM {engine.name(name)}"))
                if values:
                    order = engine.name(statement.values[1])
                    sql = f"SELECT * FROM {engine.name(name)} ORDER BY {order}"
                    engine.write_parquet(connection, sql, path, compression="zstd", books={"dimension": name})
            if values:
                changed = space.lake.put(path, key)
            else:
                changed = space.lake.stat(key) is not None
                space.lake.delete(key)
            lists = lists_of(settings)[name].versions
            found.append(
                {"dimension": name, "values": values, "looked_up": looked_up, "lists": lists, "changed": changed}
            )
    return found


def needed(views: Iterable[str], statements: Statements) -> set[str]:
    """These views, and those that :func:`complete` reads for them."""
    wanted = set(views)
    return wanted | {item.values[0] for name, item in statements.dimensions.items() if name in wanted}


def complete(connection: duckdb.DuckDBPyConnection, settings: Settings, views: Iterable[str]) -> dict[str, int]:
    """Make those dimensions of ``views`` whole in a snapshot's connection: what is stored with other lists, or not at all, is
    looked up. Returns dimension → values looked up.

    The snapshot must have the views that :func:`needed` names. So what a report shows does not depend on when the stored
    dimensions were written. Raises ConfigError and StatementError.
    """
    statements = load_statements(settings.sql)
    wanted = set(views)
    return {
        name: _complete(connection, statement, lists_of(settings)[name])
        for name, statement in statements.dimensions.items()
        if name in wanted
    }


def _complete(connection: duckdb.DuckDBPyConnection, statement: Statement, lists: Lists) -> int:
    view, column = statement.values
    name, value, metric = engine.name(statement.name), engine.name(column), engine.name(view)
    engine.set_variables(connection, lists_version=lists_version(statement, lists))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE wanted AS SELECT {value} FROM {metric} WHERE {value} IS NOT NULL "
        f"GROUP BY ALL ORDER BY sum(requests) DESC, {value} LIMIT {MOST_VALUES if lists.versions else 0}"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE whole AS SELECT * FROM {name} SEMI JOIN wanted USING ({value}) "
        "WHERE lists_version = getvariable('lists_version')"
    )
    missing = connection.execute(f"SELECT {value} FROM wanted ANTI JOIN whole USING ({value}) ORDER BY ALL").fetchall()
    if missing:
        connection.register("found", lists.look_up([item for (item,) in missing]))
        expected = ", ".join(item.name for item in DIMENSIONS[statement.name])
        with engine.failing(statement, expected=f"; expected the columns {expected}"):
            connection.execute(f"INSERT INTO whole BY NAME {statement.sql}")
        connection.unregister("found")
    connection.execute(f"DROP VIEW {name}")
    connection.execute(f"CREATE TABLE {name} AS FROM whole ORDER BY {value}")
    return len(missing)


def lists_version(statement: Statement, lists: Lists) -> str:
    """All that decides what is said of a value, as text: the lists with their versions, the first digits of the SQL's digest."""
    parts = [f"{name} {version}" for name, version in lists.versions.items()]
    return ", ".join([*parts, f"sql {hashlib.sha256(statement.sql.encode()).hexdigest()[:8]}"])
