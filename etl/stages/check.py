"""Do the books close? Checks over what a run touched; a violation fails the run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from etl.config import Settings
from etl.errors import CheckFailed
from etl.io.engine import failing, rows, set_variables
from etl.io.snapshot import snapshot
from etl.io.statements import Statement, Statements, load_statements
from etl.io.store import open_store
from etl.layout import Partition
from etl.model.hours import parse_hour
from etl.stages.aggregate import aggregate
from etl.stages.normalize import clear_pending, finished_notes

_SHOWN = 5


def check(settings: Settings, source_name: str, landing_hour: str, partitions: Iterable[str]) -> dict[str, Any]:
    """Run every statement of ``sql/checks`` over the run's landing hour and partitions; returns the books of the run.

    Only then is the note removed that the partitions have to be published. Raises CheckFailed listing violations,
    StatementError for a check that cannot be run.
    """
    settings.source(source_name)
    wanted = sorted(set(partitions))
    lake = open_store(settings.lake)
    # before the checks: what an overlapping run publishes from now on is neither added up nor checked here
    finished = finished_notes(lake, source_name, wanted)
    books, found = _landing_hour(settings, source_name, parse_hour(landing_hour))
    if not found and (found := _partitions(settings, source_name, wanted)):
        # an overlapping run may have published between this run's aggregate and now: what it changed is added up again
        aggregate(settings, source_name, wanted)
        found = _partitions(settings, source_name, wanted)
    if found:
        listed = "; ".join(found[:_SHOWN]) + (f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")
        raise CheckFailed(
            f"source {source_name}, landing hour {landing_hour}: {listed}. Compute the hours again with "
            f"`etl run {source_name} --from {landing_hour} --to {landing_hour} --reprocess`; if it stays, report it."
        )
    clear_pending(lake, source_name, finished)
    return {**books, "partitions": len(wanted)}


def _landing_hour(settings: Settings, source: str, hour: datetime) -> tuple[dict[str, Any], list[str]]:
    """(books of the landing hour, violations of the checks that read the ledger alone)."""
    statements = load_statements(settings.sql)
    checks = [item for item in statements.checks.values() if _reads(item) == {"ledger"}]
    macros = _macros(statements, checks)
    with snapshot(settings.lake, statements, ["ledger"], hour, hour, source, macros) as connection:
        return rows(connection, _BOOKS, {"source": source})[0], _violations(connection, checks, source)


def _partitions(settings: Settings, source: str, wanted: list[str]) -> list[str]:
    """Violations of all other checks, day by day of the wanted partitions."""
    statements = load_statements(settings.sql)
    touched = [Partition.parse(text) for text in wanted]
    datasets = {partition.dataset for partition in touched}
    checks = [item for item in statements.checks.values() if _reads(item) != {"ledger"} and _datasets(item) <= datasets]
    views = {view for item in checks for view in _reads(item)}
    found: list[str] = []
    for day in sorted({partition.hour.replace(hour=0) for partition in touched}):
        hours = sorted({partition.hour for partition in touched if partition.hour.replace(hour=0) == day})
        last, macros = day + timedelta(hours=23), _macros(statements, checks)
        with snapshot(settings.lake, statements, views, day, last, source, macros) as connection:
            connection.execute("CREATE TEMP TABLE touched_hours (hour_start TIMESTAMP)")
            connection.executemany("INSERT INTO touched_hours VALUES (?)", [[hour] for hour in hours])
            found += _violations(connection, checks, source)
    return found


_BOOKS = """SELECT count(*) AS objects, coalesce(sum(lines), 0)::BIGINT AS lines, coalesce(sum(rows), 0)::BIGINT AS rows,
    coalesce(sum(row_lines), 0)::BIGINT AS row_lines, coalesce(sum(quarantined), 0)::BIGINT AS quarantined,
    coalesce(sum(ignored), 0)::BIGINT AS ignored FROM ledger WHERE source_name = $source"""


def _macros(statements: Statements, checks: Iterable[Statement]) -> list[Statement]:
    return statements.macros_used("\n".join(item.sql for item in checks))


def _reads(statement: Statement) -> set[str]:
    return {part.strip() for part in statement.header["reads"].split(",")}


def _datasets(statement: Statement) -> set[str]:
    return {statement.header["dataset"]} if "dataset" in statement.header else set()


def _violations(connection: Any, checks: Iterable[Statement], source_name: str) -> list[str]:
    set_variables(connection, source_name=source_name)
    return [
        f"check {item.name}: " + ", ".join(f"{key} {value}" for key, value in row.items())
        for item in checks
        for row in _rows(connection, item)
    ]


def _rows(connection: Any, statement: Statement) -> list[dict[str, Any]]:
    with failing(statement):
        return rows(connection, statement.sql)
