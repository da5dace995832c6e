"""``[reports.<name>]`` of sources.toml → the views and variables that the statements of that kind of report read."""

from __future__ import annotations

import duckdb

from etl.config import Settings
from etl.errors import ConfigError
from etl.io.conditions import EXPECTED, problem_of
from etl.io.engine import create_macros, name, quote, set_variables
from etl.io.statements import DECLARED, load_statements
from etl.model.declared import Declared, Funnel, Settlement, Side
from etl.schema import DATASETS, columns


def views_read(settings: Settings, report: Declared) -> set[str]:
    """The views of the lake that a declared report reads. Raises ConfigError where a dataset is not known."""
    return {f"events_{dataset}" for dataset in _datasets(settings, report).values()}


def prepare(connection: duckdb.DuckDBPyConnection, settings: Settings, report: Declared) -> None:
    """Make the view and the variables that the report's statements read, over the views of :func:`views_read`.

    Raises ConfigError for a condition that is none.
    """
    datasets = _datasets(settings, report)
    for key, (condition, dataset) in _conditions(report, datasets).items():
        if problem := problem_of(connection, condition, dataset):
            where = f"{settings.path}, key reports.{report.name}.{key}"
            raise ConfigError(where, condition, f"{EXPECTED}; {problem}")
    if isinstance(report, Settlement):
        _prepare_settlement(connection, report, datasets)
    else:
        _prepare_funnel(connection, report, datasets[""])


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


def _prepare_settlement(connection: duckdb.DuckDBPyConnection, report: Settlement, datasets: dict[str, str]) -> None:
    sides = {"left.": report.left, "right.": report.right}
    rows = " UNION ALL ".join(_rows_of_side(key.rstrip("."), side, datasets[key]) for key, side in sides.items())
    connection.execute(f"CREATE VIEW settlement_rows AS {rows}")
    set_variables(
        connection,
        left_title=report.left.title,
        right_title=report.right.title,
        key_parts=len(report.left.key),
        window_hours=report.window_hours,
        zone=report.zone,
    )


def _rows_of_side(side_name: str, side: Side, dataset: str) -> str:
    currency = quote(side.fixed_currency) if side.fixed_currency else _value(side.currency, dataset)
    return (
        f"SELECT {quote(side_name)} AS side, {quote(dataset)} AS dataset, event_time, source_uri, source_line, event_id, "
        f"{_values(side.key, dataset)} AS key, {_value(side.merchant, dataset)} AS merchant, "
        f"{_value(side.amount, dataset)} AS amount_text, {currency} AS currency_text, "
        f"coalesce({_grouped(side.negative)}, false) AS is_negative, {quote(side.decimal)} AS decimal_mark, "
        f"{side.minor_units} AS is_minor "
        f"FROM {name(f'events_{dataset}')} WHERE source_name = {quote(side.source)} AND {_grouped(side.where)}"
    )


def _prepare_funnel(connection: duckdb.DuckDBPyConnection, report: Funnel, dataset: str) -> None:
    cases = " ".join(
        f"WHEN {_grouped(condition)} THEN {place}" for place, (_, condition) in enumerate(report.events, 1)
    )
    connection.execute(
        f"CREATE VIEW funnel_events AS SELECT * FROM (SELECT {quote(dataset)} AS dataset, event_time, source_uri, "
        f"source_line, event_id, {_values(report.session, dataset)} AS session, CASE {cases} END AS event "
        f"FROM {name(f'events_{dataset}')} WHERE source_name = {quote(report.source)} AND {_grouped(report.where)}) "
        "WHERE event IS NOT NULL"
    )
    set_variables(
        connection,
        states=list(report.states),
        events=[event for event, _ in report.events],
        machine=report.machine,
        goal=report.states.index(report.goal) + 1,
        timeout_minutes=report.timeout_minutes,
    )


def _conditions(report: Declared, datasets: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Key below the report → (condition, dataset)."""
    if isinstance(report, Funnel):
        listed = {"where": report.where} | {f"events.{event}": condition for event, condition in report.events}
        return {key: (condition, datasets[""]) for key, condition in listed.items()}
    sides = {"left.": report.left, "right.": report.right}
    return {key + "where": (side.where, datasets[key]) for key, side in sides.items()} | {
        key + "negative": (side.negative, datasets[key]) for key, side in sides.items()
    }


def _grouped(condition: str) -> str:
    # a condition may end in a comment
    return f"({condition}\n)"


def _values(items: tuple[str, ...], dataset: str) -> str:
    return f"[{', '.join(_value(item, dataset) for item in items)}]"


def _value(item: str | None, dataset: str) -> str:
    """A column of the dataset, or else an attribute, as text."""
    if item is None:
        return "NULL::VARCHAR"
    if item in {column.name for column in columns(dataset)}:
        return f"CAST({name(item)} AS VARCHAR)"
    return f"attributes[{quote(item)}]"


def _datasets(settings: Settings, report: Declared) -> dict[str, str]:
    """What reads a source → its dataset; a part is named by the beginning of its keys below the report."""
    parts: dict[str, Side | Funnel] = (
        {"": report} if isinstance(report, Funnel) else {"left.": report.left, "right.": report.right}
    )
    found = {}
    for part, reads in parts.items():
        source = settings.source(reads.source)
        known = [reads.dataset or source.dataset]
        if known == [None]:
            known = [] if source.is_auto else [*load_statements(settings.sql).labelled(source.format)[1].datasets]
        if len(known) != 1 or known == [DECLARED]:
            where = f"{settings.path}, key reports.{report.name}.{part}dataset"
            raise ConfigError(where, None, f"which dataset of source {source.name}: one of {', '.join(DATASETS)}")
        found[part] = str(known[0])
    return found
