"""``[reports.<name>]`` of sources.toml → the views that the statements of that kind of report read."""

from __future__ import annotations

from typing import Any

import duckdb

from etl.config import Settings
from etl.errors import ConfigError
from etl.io.conditions import EXPECTED, problem_of
from etl.io.engine import create_macros, name, quote, set_variables
from etl.io.statements import DECLARED, load_statements
from etl.model.declared import Declared, Side
from etl.schema import DATASETS, columns


def views_read(settings: Settings, report: Declared) -> set[str]:
    """The views of the lake that a declared report reads. Raises ConfigError where a dataset is not known."""
    return {f"events_{_dataset(settings, report, side)}" for side in ("left", "right")}


def prepare(connection: duckdb.DuckDBPyConnection, settings: Settings, report: Declared) -> None:
    """Make the view and the variables that the report's statements read, over the views of :func:`views_read`.

    Raises ConfigError for a condition that is none.
    """
    sides = {"left": report.left, "right": report.right}
    rows = " UNION ALL ".join(
        _rows_of_side(connection, settings, report, side_name, side) for side_name, side in sides.items()
    )
    connection.execute(f"CREATE VIEW settlement_rows AS {rows}")
    set_variables(
        connection,
        left_title=report.left.title,
        right_title=report.right.title,
        window_hours=report.window_hours,
        zone=report.zone,
    )


def check_declared(settings: Settings) -> None:
    """Whether every declared report can be made. Raises ConfigError naming key, value and what is expected."""
    for report in settings.reports.values():
        with duckdb.connect() as connection:
            create_macros(connection, load_statements(settings.sql).macros_in_order)
            for view in views_read(settings, report):
                listed = columns(view.removeprefix("events_"))
                empty = ", ".join(f"NULL::{column.type} AS {name(column.name)}" for column in listed)
                connection.execute(f"CREATE VIEW {name(view)} AS SELECT {empty} WHERE false")
            prepare(connection, settings, report)


def _rows_of_side(
    connection: duckdb.DuckDBPyConnection, settings: Settings, report: Declared, side_name: str, side: Side
) -> str:
    dataset = _dataset(settings, report, side_name)
    for key, condition in (("where", side.where), ("negative", side.negative)):
        if problem := problem_of(connection, condition, dataset):
            where = f"{settings.path}, key reports.{report.name}.{side_name}.{key}"
            raise ConfigError(where, condition, f"{EXPECTED}; {problem}")
    currency = quote(side.fixed_currency) if side.fixed_currency else _value(side.currency, dataset)
    return (
        f"SELECT {quote(side_name)} AS side, {quote(dataset)} AS dataset, event_time, source_uri, source_line, event_id, "
        f"[{', '.join(_value(part, dataset) for part in side.key)}] AS key, {_value(side.merchant, dataset)} AS merchant, "
        f"{_value(side.amount, dataset)} AS amount_text, {currency} AS currency_text, "
        # a condition may end in a comment
        f"coalesce(({side.negative}\n), false) AS is_negative, {quote(side.decimal)} AS decimal_mark, "
        f"{side.minor_units} AS is_minor "
        f"FROM {name(f'events_{dataset}')} WHERE source_name = {quote(side.source)} AND ({side.where}\n)"
    )


def _value(item: str | None, dataset: str) -> str:
    """A column of the dataset, or else an attribute, as text."""
    if item is None:
        return "NULL::VARCHAR"
    if item in {column.name for column in columns(dataset)}:
        return f"CAST({name(item)} AS VARCHAR)"
    return f"attributes[{quote(item)}]"


def _dataset(settings: Settings, report: Declared, side_name: str) -> str:
    side: Side = getattr(report, side_name)
    source = settings.source(side.source)
    if side.dataset or source.dataset:
        return str(side.dataset or source.dataset)
    known: list[Any] = [] if source.is_auto else load_statements(settings.sql).labelled(source.format)[1].datasets
    if len(known) != 1 or known == [DECLARED]:
        where = f"{settings.path}, key reports.{report.name}.{side_name}.dataset"
        raise ConfigError(where, None, f"which dataset of source {source.name}: one of {', '.join(DATASETS)}")
    return str(known[0])
