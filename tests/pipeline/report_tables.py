"""What a report shows, as rows: its queries over a lake, with the queries that check its findings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from etl.config import Settings
from etl.io.engine import rows, set_variables
from etl.io.snapshot import snapshot
from etl.io.statements import load_statements
from etl.stages.enrich import complete, needed
from etl.stages.report import findings_of, queried

Tables = dict[str, list[dict[str, Any]]]


def tables_of(settings: Settings, name: str, first: datetime, last: datetime) -> Tables:
    """Query → its rows; each finding's check has to find something."""
    statements = load_statements(settings.sql)
    report = statements.reports[name]
    with snapshot(settings.lake, statements, needed(report.reads, statements), first, last) as connection:
        complete(connection, settings, report.reads)
        set_variables(connection, first_hour=first, last_hour=last)
        found = queried(connection, report)
        for finding in findings_of(report, found):
            assert rows(connection, finding["check_sql"]), finding
    return found
