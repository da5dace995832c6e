"""Do the books close? Checks over what a run touched; a violation fails the run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from etl.config import Settings
from etl.errors import CheckFailed
from etl.io.engine import rows, set_variables
from etl.io.snapshot import snapshot
from etl.io.statements import Statement, load_statements
from etl.io.store import open_store
from etl.layout import Partition
from etl.model.hours import parse_hour
from etl.stages.normalize import clear_pending

_SHOWN = 5


def check(
    settings: Settings, source_name: str, landing_hour: str, work_list_key: str, partitions: Iterable[str]
) -> dict[str, Any]:
    """Run every statement of ``sql/checks`` over the run's landing hour and partitions; returns the books of the run.

    Only then is the note removed that the partitions have to be published. Raises CheckFailed listing violations.
    """
    settings.source(source_name)
    statements = load_statements(settings.sql)
    wanted = sorted(set(partitions))
    hour = parse_hour(landing_hour)
    hours = [Partition.parse(text).hour for text in wanted]
    found: list[str] = []
    with snapshot(settings.lake, statements, ["ledger"], hour, hour) as connection:
        books = rows(connection, _BOOKS, {"source": source_name})[0]
        found += _violations(connection, [item for item in statements.checks.values() if _reads(item) == {"ledger"}], source_name)
    for part in sorted({hour.replace(hour=0) for hour in hours}):
        day = [hour for hour in hours if hour.replace(hour=0) == part]
        datasets = {Partition.parse(text).dataset for text in wanted}
        others = [item for item in statements.checks.values() if _reads(item) != {"ledger"} and _datasets(item) <= datasets]
        views = {view for item in others for view in _reads(item)}
        with snapshot(settings.lake, statements, views, part, part + timedelta(hours=23)) as connection:
            connection.execute("CREATE TEMP TABLE touched_hours (hour_start TIMESTAMP)")
            connection.executemany("INSERT INTO touched_hours VALUES (?)", [[item] for item in sorted(set(day))])
            found += _violations(connection, others, source_name)
    if found:
        listed = "; ".join(found[:_SHOWN]) + (f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")
        raise CheckFailed(
            f"source {source_name}, landing hour {landing_hour}: {listed}. Compute the hours again with "
            f"`etl run {source_name} --from {landing_hour} --to {landing_hour} --reprocess`; if it stays, report it."
        )
    clear_pending(open_store(settings.lake), source_name, wanted)
    return {**books, "partitions": len(wanted)}


_BOOKS = """SELECT count(*) AS objects, coalesce(sum(lines), 0)::BIGINT AS lines, coalesce(sum(rows), 0)::BIGINT AS rows,
    coalesce(sum(row_lines), 0)::BIGINT AS row_lines, coalesce(sum(quarantined), 0)::BIGINT AS quarantined,
    coalesce(sum(ignored), 0)::BIGINT AS ignored FROM ledger WHERE source_name = $source"""


def _reads(statement: Statement) -> set[str]:
    return {part.strip() for part in statement.header["reads"].split(",")}


def _datasets(statement: Statement) -> set[str]:
    return {statement.header["dataset"]} if "dataset" in statement.header else set()


def _violations(connection: Any, checks: Iterable[Statement], source_name: str) -> list[str]:
    set_variables(connection, source_name=source_name)
    return [
        f"check {item.name}: " + ", ".join(f"{key} {value}" for key, value in row.items())
        for item in checks
        for row in rows(connection, item.sql)
    ]


