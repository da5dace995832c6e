"""Conditions that an operator writes in ``sources.toml``: one SQL expression over the columns of a dataset, and no more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb

from etl.io import engine
from etl.schema import columns

# without parentheses they are parsed as columns
_OF_THE_CLOCK = ("current_", "localtime")
_REFUSED = {"SUBQUERY": "a subquery", "PARAMETER": "a parameter", "STAR": "*", "WINDOW": "a window function"}
EXPECTED = "one condition in SQL over the columns of the dataset, such as \"event_name = 'paid' AND attributes['mode'] = 'live'\""


def problem_of(connection: duckdb.DuckDBPyConnection, condition: str, dataset: str) -> str | None:
    """Why a text cannot be the condition of rows of a dataset; None where it can.

    It has to be one boolean expression that names columns of the dataset only and whose value depends on them alone: no
    statement, no subquery, no function of the clock or of chance.
    """
    parsed, problem = _parsed(connection, f"SELECT {condition}\n")
    if problem:
        return problem
    blank, _ = _parsed(connection, "SELECT true\n")
    expressions = parsed.pop("select_list", [])
    blank.pop("select_list")
    if len(expressions) != 1 or parsed != blank or expressions[0]["alias"]:
        return "more than one expression"
    for part in _parts(expressions[0]):
        if part.get("class") in _REFUSED:
            return f"it has {_REFUSED[part['class']]}"
        if part.get("class") == "COLUMN_REF" and part["column_names"][0].lower().startswith(_OF_THE_CLOCK):
            return f"{part['column_names'][0]} is not the same each time"
        if part.get("class") == "FUNCTION" and not _is_pure(connection, part["function_name"]):
            return f"{part['function_name']}() is not the same each time"
    empty = ", ".join(f"NULL::{column.type} AS {engine.name(column.name)}" for column in columns(dataset))
    try:
        given = engine.describe(
            connection, f"SELECT ({condition}\n) AS given FROM (SELECT {empty}) WHERE ({condition}\n)"
        )
    except duckdb.Error as error:
        return str(error).split("\n\n")[0].replace("\n", " ")
    return None if given["given"] == "BOOLEAN" else f"it is a {given['given']}, not true or false"


def _parsed(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[dict[str, Any], str]:
    """(syntax tree of a query, why it has none)."""
    found = json.loads(engine.one(connection, "SELECT json_serialize_sql($sql)", {"sql": sql}))
    if found["error"]:
        return {}, str(found["error_message"])
    if len(found["statements"]) != 1:
        return {}, "more than one statement"
    return found["statements"][0]["node"], ""


def _parts(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for part in tree:
            yield from _parts(part)


def _is_pure(connection: duckdb.DuckDBPyConnection, function: str) -> bool:
    sql = "SELECT count(*) FROM duckdb_functions() WHERE function_name = $function AND stability <> 'CONSISTENT'"
    return not engine.one(connection, sql, {"function": function})
