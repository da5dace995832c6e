"""The quality report over simulated logs: every figure taken again from the raw files."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from etl.simulate import simulate
from etl.stages.report import render
from tests.pipeline.conftest import World
from tests.pipeline.report_tables import Tables, tables_of

FIRST, HOURS = datetime(2026, 11, 22), 5
LAST = FIRST + timedelta(hours=HOURS - 1)


@pytest.fixture(scope="module")
def game(tmp_path_factory: pytest.TempPathFactory) -> World:
    root = tmp_path_factory.mktemp("game")
    simulate(root, start=FIRST, hours=HOURS, lines_per_hour=400, seed=5)
    world = World(root)
    # a field that is new from the third landing hour on
    for path in sorted((root / "raw" / "game_events").rglob("*.gz")):
        if path.parent.name >= "02":
            text = gzip.decompress(path.read_bytes()).replace(b'"event":"login"', b'"event":"login","<b>ab</b>":1')
            path.write_bytes(gzip.compress(text, mtime=0))
    world.run("game_events", *(f"2026-11-22T{hour:02}" for hour in range(HOURS)))
    return world


@pytest.fixture(scope="module")
def tables(game: World) -> Tables:
    return tables_of(game.settings, "quality", FIRST, LAST)


@pytest.fixture(scope="module")
def raw(game: World) -> pd.DataFrame:
    """Every line of the raw objects: landing hour, and of good lines the event hour and the keys of its object."""
    found = []
    for path in sorted((game.root / "raw" / "game_events").rglob("*.gz")):
        hour = int(path.parent.name)
        for line in gzip.decompress(path.read_bytes()).decode().removesuffix("\n").split("\n"):
            try:
                item = json.loads(line)
            except ValueError:
                item = None
            if isinstance(item, dict):
                time = pd.Timestamp(item.pop("ts")).tz_convert("UTC").tz_localize(None)
                found.append((str(path), hour, "row", time.floor("h"), line, tuple(item)))
            else:
                found.append((str(path), hour, "ignored" if not line.strip() else "quarantined", pd.NaT, line, ()))
    return pd.DataFrame(found, columns=["path", "landing", "fate", "event_hour", "line", "keys"])


def test_books_are_the_lines_of_the_files(tables: Tables, raw: pd.DataFrame) -> None:
    [found] = tables["sources"]
    fates = raw["fate"].value_counts()
    assert (found["objects"], found["lines"]) == (raw["path"].nunique(), len(raw))
    assert (found["rows"], found["quarantined"], found["ignored"]) == (
        fates["row"],
        fates["quarantined"],
        fates.get("ignored", 0),
    )
    assert (found["continuation_lines"], found["books"]) == (0, "closed")
    assert (found["partial"], found["refused_objects"]) == (0, 0)
    [total] = tables["totals"]
    assert (total["lines"], total["quarantined"], total["objects"]) == (
        len(raw),
        fates["quarantined"],
        found["objects"],
    )
    assert (total["published"] + total["duplicates"], total["open_books"]) == (fates["row"], 0)
    by_hour = raw.groupby(["landing", "fate"]).size().unstack(fill_value=0)
    assert [(row["row_lines"], row["quarantined"]) for row in tables["fates"]] == list(
        zip(by_hour["row"], by_hour["quarantined"], strict=True)
    )


def test_lateness_is_landing_hour_less_event_hour(tables: Tables, raw: pd.DataFrame) -> None:
    good = raw[raw["fate"] == "row"]
    delay = good["landing"] - good["event_hour"].dt.hour
    true = Counter(
        "in its hour" if hours == 0 else "in the next hour" if hours == 1 else "2 to 3 hours later" for hours in delay
    )
    assert {row["landed"]: row["rows"] for row in tables["lateness"]} == dict(true)
    shares = {row["landed"]: row["share"] for row in tables["lateness"]}
    assert shares == pytest.approx({landed: rows / len(good) for landed, rows in true.items()})
    assert all(row["days_later"] == 0 for row in tables["late_hours"])
    late = good[delay >= 2].groupby(good["event_hour"].dt.hour).size()
    assert {row["hour_start"].hour: row["hours_later"] for row in tables["late_hours"] if row["hours_later"]} == dict(
        late
    )


def test_quarantine_is_what_is_no_object_with_its_first_line(tables: Tables, raw: pd.DataFrame) -> None:
    bad = raw[raw["fate"] == "quarantined"]
    assert sum(row["lines"] for row in tables["quarantine"]) == len(bad)
    assert sum(row["records"] for row in tables["quarantine"]) == len(bad)
    for row in tables["quarantine"]:
        path, _, number = row["origin"].rpartition(":")
        line = gzip.decompress(Path(path).read_bytes()).decode().split("\n")[int(number) - 1]
        assert row["sample"] == line[:200]


def test_an_attribute_is_new_in_the_event_hour_that_first_has_it(tables: Tables, raw: pd.DataFrame) -> None:
    good = raw[(raw["fate"] == "row")]
    having = good[good["keys"].map(lambda keys: "<b>ab</b>" in keys)]
    [found] = [row for row in tables["attributes"] if row["attribute"] == "<b>ab</b>"]
    first = having["event_hour"].min()
    assert (found["first_seen"], found["hours_without"]) == (first, (first - good["event_hour"].min()).seconds // 3600)
    # the copy of an object that was uploaded twice is no row
    published = good.drop_duplicates("line")
    assert found["rows"] == published["keys"].map(lambda keys: "<b>ab</b>" in keys).sum()


def test_hours_and_revisions_are_those_of_the_runs(game: World, tables: Tables, raw: pd.DataFrame) -> None:
    [found] = tables["hours"]
    assert found["hours_asked"] == HOURS and found["hours_missing"] == HOURS - found["hours_present"]
    # all copies but one of an object are duplicates
    assert found["rows"] == raw[raw["fate"] == "row"].drop_duplicates("line").shape[0]
    assert found["hours_present"] == raw["event_hour"].nunique()
    assert found["rows"] + found["duplicates"] == (raw["fate"] == "row").sum()
    late = raw[(raw["fate"] == "row") & (raw["landing"] - raw["event_hour"].dt.hour >= 2)]
    true = Counter(zip(late["event_hour"].dt.hour, late["landing"], strict=True))
    shown = {(row["hour_start"].hour, row["difference"]) for row in tables["revisions"] if row["reason"] == "late"}
    assert {hour for hour, _ in shown} == {hour for hour, _ in true}
    assert shown


def test_the_page_is_escaped_and_the_same_again(game: World) -> None:
    page = render(game.settings, "quality", FIRST, LAST)
    assert page == render(game.settings, "quality", FIRST, LAST)
    assert "<b>ab</b>" not in page
    assert "&lt;b&gt;ab&lt;/b&gt;" in page
    assert not re.search(r"\bnan\b|Undefined", page)
