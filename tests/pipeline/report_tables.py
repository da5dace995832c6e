"""What a report shows, as rows: its queries over a lake, with the queries that check its findings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from etl.config import Settings
from etl.io.engine import rows
from etl.io.statements import load_statements
from etl.stages.report import findings_of, opened, queried

Tables = dict[str, list[dict[str, Any]]]


def tables_of(settings: Settings, name: str, first: datetime, last: datetime) -> Tables:
    """Query → its rows; each finding's check has to find something."""
    declared = settings.reports.get(name)
    report = load_statements(settings.sql).reports[declared.kind if declared else name]
    with opened(settings, name, first, last) as connection:
        found = queried(connection, report)
        for finding in findings_of(report, found):
            assert rows(connection, finding["check_sql"]), finding
    return found
