"""Charts: drawn from a header and rows; only shapes, texts and colours of the page; the same bytes again."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from etl.errors import StatementError
from etl.io.statements import Statement
from etl.stages.charts import Chart, draw, x_labels

ROOT = Path(__file__).parents[2]
HOSTILE = '</title><script>alert(1)</script>" onload=x {{7*7}} \u202e\x1b[31m &lt;'


def chart(text: str, **header: str) -> Chart:
    declared = Chart.declared(Statement("reports", "hours", Path("hours.sql"), "", {"chart": text, **header}))
    assert declared
    return declared


def hours(count: int, **values: Any) -> list[dict[str, Any]]:
    start = datetime(2026, 11, 22)
    return [{"hour_start": start + n * timedelta(hours=1), "people": n, "bots": 2 * n, **values} for n in range(count)]


def marks(svg: str) -> list[ET.Element]:
    return [element for element in ET.fromstring(svg).iter("path") if element.get("class") == "mark"]


def titles(svg: str) -> list[str | None]:
    return [element.findtext("title") for element in marks(svg)]


STACKED = chart("stacked_bars x=hour_start y=people,bots", labels="people=People; bots=Bots")
LINES = chart("lines x=hour_start y=people,bots unit=ms")


def test_a_chart_is_drawn_for_wide_and_for_narrow_pages() -> None:
    wide, narrow = draw(STACKED, hours(3), "Requests")
    assert 'class="chart wide"' in wide and 'class="chart narrow"' in narrow
    assert ET.fromstring(wide).attrib.keys() == {"viewBox", "class", "role", "aria-label"}
    assert ET.fromstring(wide).get("aria-label") == "Requests"


def test_every_mark_says_its_value() -> None:
    wide, narrow = draw(STACKED, hours(2), "Requests")
    assert titles(wide) == titles(narrow) == ["Sun 22 Nov 01:00: People 1", "Sun 22 Nov 01:00: Bots 2"]
    line, _ = draw(LINES, hours(2), "Time")
    assert titles(line)[:2] == ["Sun 22 Nov 00:00: people 0.0 ms", "Sun 22 Nov 01:00: people 1.0 ms"]


def test_a_missing_value_is_a_gap_and_no_mark() -> None:
    rows = hours(5)
    rows[2]["people"] = None
    wide, _ = draw(LINES, rows, "Time")
    assert len(marks(wide)) == 9


def test_marked_bars_are_red_and_have_their_text_beside_them() -> None:
    rows = [{**row, "label": None} for row in hours(10)]
    rows[4]["label"] = "206 MB · 68.180.224.0/24"
    wide, narrow = draw(chart("bars x=hour_start y=people mark=label unit=size"), rows, "Bandwidth")
    assert wide.count("fill:var(--red)") == 2  # the bar and the text
    assert ">206 MB · 68.180.224.0/24<" in wide and ">206 MB · 68.180…<" in narrow


@pytest.mark.parametrize("kind", ["bars", "stacked_bars", "lines"])
def test_text_of_a_log_stays_text(kind: str) -> None:
    rows = [{"path": HOSTILE, "n": 3, "label": HOSTILE}, {"path": "/", "n": 2, "label": None}]
    mark = "" if kind == "lines" else " mark=label"
    for svg in draw(chart(f"{kind} x=path y=n{mark}"), rows, HOSTILE):
        root = ET.fromstring(svg)
        assert {element.tag for element in root.iter()} <= {"svg", "g", "path", "line", "text", "title"}
        assert not [name for element in root.iter() for name in element.attrib if name.startswith(("on", "href", "{"))]
        assert "\u202e" not in svg and "\x1b" not in svg
        assert any("<script>" in (title or "") for title in titles(svg))


def test_colours_are_those_of_the_page() -> None:
    for svg in (*draw(STACKED, hours(30), "Requests"), *draw(LINES, hours(30), "Time")):
        assert "#00fe" not in svg.lower()
        colours = {element.get(name) for element in ET.fromstring(svg).iter() for name in ("fill", "stroke")}
        assert colours <= {None, "none"}


def test_labels_of_neighbours_do_not_overlap() -> None:
    rows = [{**row, "label": None} for row in hours(30)]
    for place in (5, 6, 7):
        rows[place]["label"] = "29.0 MB · 203.0.113.0/24"
    wide, _ = draw(chart("bars x=hour_start y=people mark=label"), rows, "Bandwidth")
    found = [element for element in ET.fromstring(wide).iter("text") if "MB" in (element.text or "")]
    heights = {element.get("transform", "").partition(",")[2] for element in found}
    assert len(found) == len(heights) == 3


def test_nothing_to_draw_is_no_drawing() -> None:
    assert draw(STACKED, [], "Requests") == draw(STACKED, hours(1), "Requests") == []


def test_times_are_labelled_as_finely_as_they_are_apart() -> None:
    start = datetime(2026, 11, 22)
    assert x_labels([start, start + timedelta(hours=1)])[1] == "Sun 22 Nov 01:00"
    assert x_labels([start, start + timedelta(days=1)])[1] == "Mon 23 Nov"
    assert x_labels([start, start + timedelta(days=30)])[1] == "Dec 2026"


@pytest.mark.parametrize(
    ("text", "header", "said"),
    [
        ("pie x=a y=b", {}, "cannot be drawn"),
        ("bars x=a", {}, "cannot be drawn"),
        ("bars x=a y=b colour=red", {}, "cannot be drawn"),
        ("bars x=a y=b unit=parsec", {}, "unit 'parsec'"),
        ("bars x=a y=b height=tall", {}, "height 'tall'"),
        ("bars x=a y=b,c", {"colours": "blue"}, "expected 2 of"),
        ("bars x=a y=b", {"colours": "pink"}, "pink"),
    ],
)
def test_a_chart_that_cannot_be_drawn_is_refused_with_its_file(text: str, header: dict[str, str], said: str) -> None:
    with pytest.raises(StatementError, match=said) as error:
        chart(text, **header)
    assert "hours.sql" in str(error.value)


def test_another_process_draws_the_same_bytes() -> None:
    code = (
        "import hashlib; from tests.unit.test_charts import *; "
        "print(hashlib.sha256(''.join(draw(LINES, hours(50), 'Time') + draw(STACKED, hours(50), 'x')).encode()).hexdigest())"
    )
    here = "".join(draw(LINES, hours(50), "Time") + draw(STACKED, hours(50), "x"))
    there = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert there.stdout.strip() == hashlib.sha256(here.encode()).hexdigest()
