"""Statements of a report that read each other's tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.errors import StatementError
from etl.io.statements import Report, Statement


def report(**sql: str) -> Report:
    queries = {name: Statement("reports", name, Path(f"{name}.sql"), text, {}) for name, text in sql.items()}
    return Report("sample", queries, Path("sample/report.html.j2"))


def test_a_statement_comes_after_those_whose_tables_it_reads() -> None:
    found = report(
        a="FROM report.c JOIN report.b USING (x)", b="FROM report.c", c="FROM metrics_x", finding_d="FROM report.a"
    )
    assert found.in_order == ["c", "b", "a", "finding_d"]


def test_statements_that_read_each_other_are_refused_by_name() -> None:
    with pytest.raises(StatementError, match=r"sample: (a → b → a|b → a → b) read each other"):
        _ = report(a="FROM report.b", b="FROM report.a").in_order
