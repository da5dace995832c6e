"""What a report opens with, of a report of one's own."""

from __future__ import annotations

from datetime import datetime

import pytest

from etl.stages.report import render
from tests.pipeline.conftest import World

HOUR = datetime(2026, 11, 22)
FINDING = """-- title: found
SELECT 'warn' AS level, number::DOUBLE AS rank, 'Finding' AS headline, 'number ' || number AS number, 'Usual is none' AS baseline,
    'Nobody' AS who, 'SELECT 1' AS check_sql FROM range({count}) AS listed (number)
"""
TEMPLATE = '{% extends "base.html.j2" %}{% block title %}Own{% endblock %}'


@pytest.mark.parametrize(
    ("count", "shown", "more"),
    [(0, "Nothing stands out in these hours.", None), (12, "number 11", None), (15, "number 14", "3 more")],
)
def test_the_worst_twelve_stand_out_and_the_others_are_a_click_away(
    world: World, count: int, shown: str, more: str | None
) -> None:
    folder = world.root / "own/reports/own"
    folder.mkdir(parents=True)
    (folder / "finding_all.sql").write_text(FINDING.replace("{count}", str(count)))
    (folder / "report.html.j2").write_text(TEMPLATE)
    world.configure('sql = ["own"]\n[sources.web]\nraw = "raw/"\n')
    page = render(world.settings, "own", HOUR, HOUR)
    assert shown in page
    assert [page.count(f"<strong>number {number}</strong>") for number in range(count)] == [1] * count
    assert ("more</summary>" in page) is (more is not None)
    if more:
        first, _, rest = page.partition(f"<summary>{more}</summary>")
        assert [f"<strong>number {number}</strong>" in first for number in range(count)] == [False] * 3 + [True] * 12
        assert rest.count("<strong>number ") == 3
