"""rows of a query → SVG: the charts that the header of a report's query declares.

    -- chart: stacked_bars x=hour_start y=pages,assets,bots unit=count
    -- labels: pages=People · pages; assets=People · assets; bots=Bots & feeds
    -- colours: blue, light, sand

Positions, ticks and labels are computed here, and Vega only draws them: it would measure texts with whatever fonts the
machine has. Each mark has its value as ``<title>``. Colours are CSS variables, so that a page's palette decides them.
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from etl.errors import StatementError
from etl.io.statements import Statement
from etl.text import FORMATS, visible

KINDS = ("stacked_bars", "bars", "lines")
COLOURS = ("blue", "light", "sand", "amber", "red", "green", "violet", "slate")
_DEFAULT_COLOURS = ("blue", "amber", "green", "violet", "red", "sand", "light", "slate")
_KEYS = {"x", "y", "unit", "mark", "height"}
# colours that Vega is given, to be found again in what it draws
_SENTINELS = {name: f"#00fe{place:02x}" for place, name in enumerate((*COLOURS, "grid", "muted", "text"))}
_TOKENS = {colour: name for name, colour in _SENTINELS.items()}
_KEPT = {
    "svg": {"viewBox"},
    "g": {"transform", "fill", "stroke-miterlimit"},
    "path": {"d", "transform", "fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin"},
    "line": {"transform", "x2", "y2", "stroke", "stroke-width"},
    "text": {"transform", "text-anchor", "fill", "font-size", "font-weight"},
}
_ROOM = 1.04
_LANE = 15
_LONG_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")


@dataclass(frozen=True)
class Layout:
    """Size of a drawing and how many labels its x axis has room for."""

    name: str
    width: int
    labels: int
    font: int
    left: int = 48
    right: int = 8
    mark_characters: int = 40


WIDE = Layout("wide", 940, 7, 11)
NARROW = Layout("narrow", 360, 2, 12, mark_characters=16)


@dataclass(frozen=True)
class Chart:
    """What a query's header declares: ``kind``, the columns of x and y, and how y is written."""

    kind: str
    x: str
    y: tuple[str, ...]
    labels: tuple[str, ...]
    colours: tuple[str, ...]
    unit: str = "count"
    mark: str | None = None
    height: int = 120

    @classmethod
    def declared(cls, query: Statement) -> Chart | None:
        """The chart of a query, None where its header has none. Raises StatementError for one that cannot be drawn."""
        text = query.header.get("chart")
        if text is None:
            return None
        kind, *parts = text.split()
        given = dict(part.partition("=")[::2] for part in parts)
        if kind not in KINDS or set(given) - _KEYS or not {"x", "y"} <= set(given):
            raise StatementError(
                f"{query.path}: chart {text!r} cannot be drawn; expected `-- chart: KIND x=COLUMN y=COLUMN[,COLUMN …]`, "
                f"KIND one of {', '.join(KINDS)}, and of {', '.join(sorted(_KEYS - {'x', 'y'}))} what it needs"
            )
        y = tuple(given["y"].split(","))
        named = dict(part.strip().partition("=")[::2] for part in query.header.get("labels", "").split(";"))
        listed = [part.strip() for part in query.header.get("colours", "").split(",") if part.strip()]
        colours = tuple(listed or _DEFAULT_COLOURS[: len(y)])
        unit, height = given.get("unit", "count"), given.get("height", "120")
        if len(colours) < len(y) or set(colours) - set(COLOURS):
            raise StatementError(
                f"{query.path}: colours {', '.join(colours)}; expected {len(y)} of {', '.join(COLOURS)}"
            )
        if unit not in FORMATS or not height.isdigit():
            raise StatementError(
                f"{query.path}: unit {unit!r}, height {height!r}; expected one of {', '.join(FORMATS)} and a number of pixels"
            )
        labels = tuple(named.get(column, column.replace("_", " ")) for column in y)
        return cls(kind, given["x"], y, labels, colours, unit, given.get("mark"), int(height))

    @property
    def x_label(self) -> str:
        """The heading of x in a table."""
        return {"hour_start": "Time (UTC)", "day": "Day (UTC)"}.get(self.x, self.x.replace("_", " ").capitalize())

    @property
    def legend(self) -> list[tuple[str, str]]:
        """(colour, label) of each series; empty where there is one only."""
        return list(zip(self.colours, self.labels, strict=False)) if len(self.y) > 1 else []


def draw(chart: Chart, rows: Sequence[dict[str, Any]], title: str) -> list[str]:
    """The chart for wide and for narrow pages as SVG elements; empty where no row has a value.

    The same rows give the same text. Raises KeyError for a column that the rows do not have.
    """
    if not any(_number(row[column]) for row in rows for column in chart.y):
        return []
    return [_draw(chart, rows, title, layout) for layout in (WIDE, NARROW)]


def x_labels(values: Sequence[Any]) -> list[str]:
    """How the values of an x axis are written: hours, days or months, as far as they are apart; else as they are."""
    if not all(isinstance(value, datetime) for value in values):
        return [visible(str(value)) for value in values]
    pattern = {"hour": "%a %d %b %H:%M", "day": "%a %d %b", "month": "%b %Y"}[_step(values)]
    return [value.strftime(pattern) for value in values]


def _step(values: Sequence[datetime]) -> str:
    apart = min((later - earlier for earlier, later in pairwise(values)), default=timedelta(0))
    if apart < timedelta(days=1):
        return "hour"
    return "day" if apart < timedelta(days=28) else "month"


def _number(value: Any) -> float:
    return 0.0 if value is None else float(value)


def _draw(chart: Chart, rows: Sequence[dict[str, Any]], title: str, layout: Layout) -> str:
    import altair as alt
    import vl_convert

    labels = x_labels([row[chart.x] for row in rows])
    top = max(_height(chart, row) for row in rows)
    bars = chart.kind != "lines"
    marks = _marks(chart, rows, layout)
    lanes = max((mark["lane"] + 1 for mark in marks), default=0)
    # what the labels of marks need above the bars, in units of y
    lane = top * _ROOM * _LANE / chart.height
    inner = chart.height + _LANE * lanes
    band = alt.Scale(domain=list(range(len(rows))), paddingInner=0.12 if bars else 1, paddingOuter=0.1 if bars else 0.5)
    x = alt.X("i:O", scale=band, axis=None)
    height = alt.Scale(domain=[0, top * _ROOM + lanes * lane], zero=True, nice=False)
    colour = alt.Color("c:N", scale=alt.Scale(domain=list(_SENTINELS), range=list(_SENTINELS.values())), legend=None)

    def layer(values: list[dict[str, Any]]) -> Any:
        return alt.Chart(alt.InlineData(values=values))

    def y(field: str = "y:Q") -> Any:
        return alt.Y(field, scale=height, axis=None)

    ticks, write = _ticks(top, chart.unit)
    grid = [{"y": tick, "label": write(tick), "c": "grid"} for tick in ticks]
    layers = [
        layer(grid).mark_rule(strokeWidth=1).encode(y=y(), color=colour),
        layer([{**tick, "c": "muted"} for tick in grid])
        .mark_text(align="right", baseline="middle", fontSize=layout.font)
        .encode(x=alt.value(-7), y=y(), text="label:N", color=colour),
        layer([{"i": place, "label": labels[place], "c": "muted"} for place in _labelled(rows, chart, layout)])
        .mark_text(baseline="top", fontSize=layout.font)
        .encode(x=x, y=alt.value(inner + 7), text="label:N", color=colour),
    ]
    if bars:
        layers.append(
            layer(_bars(chart, rows, labels))
            .mark_bar()
            .encode(x=x, y=y("low:Q"), y2="high:Q", color=colour, description="title:N")
        )
    else:
        points = _points(chart, rows, labels)
        for colour_name in dict.fromkeys(point["c"] for point in points):
            line = [point for point in points if point["c"] == colour_name]
            layers.append(
                layer(line)
                .mark_line(aria=False, strokeWidth=1.8, color=_SENTINELS[colour_name])
                .encode(x=x, y=y("high:Q"))
            )
        layers.append(
            layer([point for point in points if point["high"] is not None])
            .mark_circle(size=14, opacity=1)
            .encode(x=x, y=y("high:Q"), color=colour, description="title:N")
        )
    for align in ("left", "right"):
        beside = [
            {**mark, "high": (top * _ROOM) + (mark["lane"] + 0.3) * lane} for mark in marks if mark["align"] == align
        ]
        if beside:
            layers.append(
                layer(beside)
                .mark_text(align=align, baseline="middle", fontSize=layout.font)
                .encode(x=x, y=y("high:Q"), text="label:N", color=colour)
            )
    spec = (
        alt.layer(*layers)
        .properties(
            width=layout.width - layout.left - layout.right,
            height=inner,
            autosize=alt.AutoSizeParams(type="none"),
            padding={"left": layout.left, "right": layout.right, "top": 8, "bottom": 24},
            background="transparent",
        )
        .configure_view(stroke=None)
        .to_dict(validate=False)
    )
    return _restyled(vl_convert.vegalite_to_svg(spec), title, layout.name)


def _height(chart: Chart, row: dict[str, Any]) -> float:
    values = [_number(row[column]) for column in chart.y]
    return sum(values) if chart.kind == "stacked_bars" else max(values)


def _bars(chart: Chart, rows: Sequence[dict[str, Any]], labels: list[str]) -> list[dict[str, Any]]:
    drawn = []
    for place, row in enumerate(rows):
        low = 0.0
        for column, name, colour in zip(chart.y, chart.labels, chart.colours, strict=False):
            value = _number(row[column])
            if value > 0:
                stacked = chart.kind == "stacked_bars"
                marked = chart.mark is not None and row[chart.mark] is not None
                title = f"{labels[place]}: {name} {FORMATS[chart.unit](row[column])}"
                bar = {"i": place, "low": low, "high": low + value, "title": title, "c": "red" if marked else colour}
                drawn.append(bar)
                low += value if stacked else 0.0
    return drawn


def _points(chart: Chart, rows: Sequence[dict[str, Any]], labels: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "i": place,
            "high": None if row[column] is None else float(row[column]),
            "title": f"{labels[place]}: {name} {FORMATS[chart.unit](row[column])}",
            "c": colour,
        }
        for column, name, colour in zip(chart.y, chart.labels, chart.colours, strict=False)
        for place, row in enumerate(rows)
    ]


def _marks(chart: Chart, rows: Sequence[dict[str, Any]], layout: Layout) -> list[dict[str, Any]]:
    """The labels of marked rows, each in a lane above the bars where it overlaps no other."""
    marks: list[dict[str, Any]] = []
    ends: list[float] = []
    step = (layout.width - layout.left - layout.right) / max(len(rows), 1)
    for place, row in enumerate(rows):
        if chart.mark is None or row[chart.mark] is None:
            continue
        text = visible(str(row[chart.mark]))
        short = text if len(text) <= layout.mark_characters else text[: layout.mark_characters - 1] + "…"
        width = 0.62 * layout.font * len(short)
        align = "left" if place < 0.6 * len(rows) else "right"
        start = place * step - (width if align == "right" else 0)
        lane = next((number for number, end in enumerate(ends) if end < start), len(ends))
        ends[lane : lane + 1] = [start + width + layout.font]
        marks.append({"i": place, "lane": lane, "label": short, "align": align, "c": "red"})
    return marks


def _labelled(rows: Sequence[dict[str, Any]], chart: Chart, layout: Layout) -> list[int]:
    """Which rows have a label on the x axis: full days before full hours."""
    values = [row[chart.x] for row in rows]
    least = -(-len(rows) // layout.labels)
    if not all(isinstance(value, datetime) for value in values) or _step(values) == "month":
        return list(range(0, len(rows), least))
    unit, choices = (
        (3600, (1, 2, 3, 6, 12, 24, 48, 72)) if _step(values) == "hour" else (86400, (1, 2, 7, 14, 28, 56, 91))
    )
    apart = next((choice for choice in choices if choice >= least), least)
    start = datetime(2001, 1, 1)  # a Monday
    # a label at the very edge would be cut off
    room = 48 / (layout.width - layout.left - layout.right) * len(rows)
    found = [
        place
        for place, value in enumerate(values)
        if int((value - start).total_seconds()) // unit % apart == 0
        and (room <= place <= len(rows) - room or len(rows) < 10)
    ]
    return found or [len(rows) // 2]


def _ticks(top: float, unit: str) -> tuple[list[float], Callable[[float], str]]:
    """At most five round values from 0 to the top, and how they are written."""
    base = 10 ** math.floor(math.log10(top / 4))
    step = next(base * factor for factor in (1, 2, 2.5, 5, 10) if base * factor * 4 >= top)
    if unit == "count":
        step = max(1.0, math.ceil(step)) if step < 10 else step
    ticks = [number * step for number in range(int(top // step) + 1)]
    return ticks, lambda value: _short(value, unit)


def _short(value: float, unit: str) -> str:
    """A tick in few characters."""
    if unit == "share":
        return f"{100 * value:g}%"
    if unit == "ms":
        return f"{value / 1000:g} s" if value >= 1000 else f"{value:g} ms"
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g} {letter}B" if unit == "size" else f"{value / size:g}{letter}"
    return f"{value:g} B" if unit == "size" and value else f"{value:g}"


def _restyled(svg: str, title: str, name: str) -> str:
    """What Vega drew, without anything but shapes and texts: CSS colours and fonts, descriptions as ``<title>``."""
    root = ET.fromstring(svg)
    _restyle(root)
    root.set("class", f"chart {name}")
    root.set("role", "img")
    root.set("aria-label", visible(title))
    return ET.tostring(root, encoding="unicode")


def _restyle(element: ET.Element) -> None:
    tag = element.tag = element.tag.rpartition("}")[2]
    description = element.get("aria-label") if element.get("role") == "graphics-symbol" else None
    style = [
        f"{name}:var(--{_TOKENS[colour]})"
        for name in ("fill", "stroke")
        if (colour := element.get(name, "").lower()) in _TOKENS
    ]
    for name, value in list(element.attrib.items()):
        if name not in _KEPT[tag] or value.lower() in _TOKENS:
            del element.attrib[name]
        elif name in ("d", "transform", "x2", "y2"):
            element.set(name, _LONG_NUMBER.sub(lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), value))
    if style:
        element.set("style", ";".join(style))
    for child in list(element):
        if child.tag.rpartition("}")[2] not in _KEPT or child.get("class") in ("background", "foreground"):
            element.remove(child)
        else:
            _restyle(child)
    if description and tag == "path":
        element.set("class", "mark")
        ET.SubElement(element, "title").text = description
