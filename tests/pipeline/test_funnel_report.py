"""The funnel report over written sessions: every figure taken again from the raw files with pandas."""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
import pytest

from etl.errors import ConfigError
from etl.stages.report import has_data, render
from tests.pipeline.conftest import World
from tests.pipeline.report_tables import Tables, tables_of

FIRST, LAST = datetime(2026, 11, 22), datetime(2026, 11, 22, 23)
END, DAY, TIMEOUT = LAST + timedelta(hours=1), timedelta(days=1), timedelta(minutes=30)
STATES = ("visit", "cart", "address", "payment", "paid")
MACHINE = {
    ("visit", "view"): "visit",
    ("visit", "add"): "cart",
    ("cart", "view"): "cart",
    ("cart", "add"): "cart",
    ("cart", "checkout"): "address",
    ("address", "back"): "cart",
    ("address", "pay"): "payment",
    ("payment", "pay"): "payment",
    ("payment", "confirm"): "paid",
}
SETTINGS = """
[sources.shop]
raw = "raw/shop/%Y/%m/%d/%H/"
format = "json_event"
start = "2026-11-20T00"
look_back_hours = 100
shards = 1

[reports.checkout]
report = "funnel"
source = "shop"
session = "session_id"
timeout_minutes = 30
where = "attributes['mode'] = 'live'"
states = ["visit", "cart", "address", "payment", "paid"]

[reports.checkout.events]
view = "event_name = 'view'"
add = "event_name = 'add'"
checkout = "event_name = 'checkout'"
back = "event_name = 'back'"
pay = "event_name = 'pay' AND attributes['card'] IS NOT NULL"
confirm = "event_name = 'confirm'"

[reports.checkout.transitions]
visit = { view = "visit", add = "cart" }
cart = { view = "cart", add = "cart", checkout = "address" }
address = { back = "cart", pay = "payment" }
payment = { pay = "payment", confirm = "paid" }
"""


def written(seed: int) -> list[dict[str, Any]]:
    """Events of two days; on the second one payments fail. Some sessions run across midnight, pause for too long, or err."""
    rng = random.Random(seed)
    events = []
    for number in range(900):
        day = FIRST - DAY * (number % 2)
        start = day + timedelta(hours=rng.choice([2, 12, 23, 23.8]), seconds=rng.randrange(1200))
        state, time = "visit", start
        for _ in range(rng.randrange(1, 14)):
            allowed = [event for come, event in MACHINE if come == state]
            weights = [0.15 if event == "confirm" and day == FIRST else 1.0 for event in allowed]
            if not allowed or (state == "payment" and rng.random() > sum(weights) / len(weights)):
                break
            event = rng.choices(allowed, weights)[0] if rng.random() < 0.96 else rng.choice(["pay", "confirm", "back"])
            state = MACHINE.get((state, event), state)
            record = {"ts": f"{time.isoformat()}Z", "event": event, "session_id": f"s{number}", "mode": "live"}
            if event == "pay":
                record["card"] = "visa"
            events.append(record)
            time += timedelta(seconds=max(0, rng.randrange(-80, 400))) if rng.random() < 0.97 else timedelta(minutes=30, seconds=rng.choice([0, 1]))  # fmt: skip
        events.append({"ts": f"{start.isoformat()}Z", "event": "confirm", "session_id": f"s{number}", "mode": "test"})
        events.append({"ts": f"{start.isoformat()}Z", "event": "pay", "session_id": f"s{number}", "mode": "live"})
    events.append({"ts": f"{(FIRST + DAY / 2).isoformat()}Z", "event": "add", "mode": "live"})
    return events


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("funnel"))
    world.configure(SETTINGS)
    by_day = defaultdict(list)
    for record in sorted(written(seed=11), key=lambda record: record["ts"]):
        by_day[record["ts"][:10]].append(json.dumps(record))
    for day, lines in by_day.items():
        world.land(f"shop/{day.replace('-', '/')}/23/a.log", lines)
    world.run("shop", f"{max(by_day)}T23")
    return world


@pytest.fixture(scope="module")
def tables(world: World) -> Tables:
    return tables_of(world.settings, "checkout", FIRST, LAST)


def sessions_of(world: World) -> list[dict[str, Any]]:
    """Every session of the raw files, with what the machine makes of it, as docs/reports.md says."""
    by_id = defaultdict(list)
    for path in sorted((world.root / "raw").rglob("*.log")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            record = json.loads(line)
            time = datetime.fromisoformat(record["ts"][:-1])
            is_known = record["event"] != "pay" or "card" in record
            if record["mode"] == "live" and is_known and "session_id" in record and time < END:
                by_id[record["session_id"]].append((time, str(path), number, record["event"]))
    found = []
    for events in by_id.values():
        last = None
        for time, path, number, event in sorted(events):
            if last is None or time - last > TIMEOUT:
                state = "visit"
                found.append({"began": time, "reached": {"visit": time}, "legal": [], "illegal": []})
            last, session = time, found[-1]
            following = MACHINE.get((state, event))
            if following is None:
                session["illegal"].append((state, event, f"{path}:{number}"))
            else:
                session["legal"].append((state, event, following))
                state = following
                session["reached"].setdefault(state, time)
            session |= {"last": time, "state": state}
    for session in found:
        is_open = session["last"] + TIMEOUT > END
        session["outcome"] = "completed" if "paid" in session["reached"] else "open" if is_open else "abandoned"
    return found


@pytest.fixture(scope="module")
def all_sessions(world: World) -> list[dict[str, Any]]:
    return sessions_of(world)


@pytest.fixture(scope="module")
def here(all_sessions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [session for session in all_sessions if session["began"] >= FIRST]


def test_sessions_in_all(tables: Tables, here: list[dict[str, Any]], all_sessions: list[dict[str, Any]]) -> None:
    [found] = tables["totals"]
    outcomes = pd.Series([session["outcome"] for session in here]).value_counts()
    assert set(outcomes.index) == {"completed", "abandoned", "open"}
    assert {name: found[name] for name in outcomes.index} == dict(outcomes)
    assert found["sessions"] == len(here) == outcomes.sum()
    across = [session for session in all_sessions if session["began"] < FIRST <= session["last"]]
    assert found["across"] == len(across) > 5
    assert found["unnamed"] == 1
    times = [(session["reached"]["paid"] - session["began"]) / timedelta(milliseconds=1) for session in here if "paid" in session["reached"]]  # fmt: skip
    assert found["median_ms"] == median(times)


def test_each_state(tables: Tables, here: list[dict[str, Any]]) -> None:
    assert [row["state"] for row in tables["states"]] == list(STATES)
    closed = [session for session in here if session["last"] + TIMEOUT <= END]
    for row, before in zip(tables["states"], [None, *STATES], strict=False):
        state = row["state"]
        reached = [session for session in here if state in session["reached"]]
        assert row["reached"] == len(reached)
        assert row["share"] == len(reached) / len(here)
        assert row["abandoned"] == sum(s["state"] == state and s["outcome"] == "abandoned" for s in here)
        assert row["open"] == sum(s["state"] == state and s["outcome"] == "open" for s in here)
        if before is None:
            assert (row["from_before"], row["median_ms"]) == (None, None)
            continue
        came = [session for session in closed if before in session["reached"]]
        assert row["from_before"] == sum(state in session["reached"] for session in came) / len(came)
        both = [s for s in here if {before, state} <= set(s["reached"])]
        times = [(s["reached"][state] - s["reached"][before]) / timedelta(milliseconds=1) for s in both]
        assert row["median_ms"] == median([time for time in times if time >= 0])


def test_transitions_legal_and_illegal(tables: Tables, here: list[dict[str, Any]]) -> None:
    legal = pd.Series([move for session in here for move in session["legal"]]).value_counts()
    found = {(row["from_state"], row["event"], row["to_state"]): row["events"] for row in tables["transitions"]}
    assert found == dict(legal)
    illegal = pd.DataFrame([move for session in here for move in session["illegal"]], columns=["state", "event", "place"])  # fmt: skip
    assert len(illegal) > 20
    true = dict(illegal.groupby(["state", "event"]).size())
    assert {(row["from_state"], row["event"]): row["events"] for row in tables["illegal"]} == true
    for row in tables["illegal"]:
        own = illegal[(illegal["state"] == row["from_state"]) & (illegal["event"] == row["event"])]
        assert set(row["places"]) <= set(own["place"])
        assert len(row["places"]) == min(10, len(own))
    assert tables["totals"][0]["illegal"] == len(illegal)
    assert tables["totals"][0]["odd_sessions"] == sum(bool(session["illegal"]) for session in here)


def test_sessions_over_time(tables: Tables, here: list[dict[str, Any]]) -> None:
    frame = pd.DataFrame({"hour": [s["began"].replace(minute=0, second=0) for s in here], "outcome": [s["outcome"] for s in here]})  # fmt: skip
    counts = frame.value_counts()
    assert len(tables["over_time"]) == 24
    for row in tables["over_time"]:
        for outcome in ("completed", "abandoned", "open"):
            assert row[outcome] == counts.get((row["hour_start"], outcome), 0)


def test_the_drop_against_the_day_before_is_told(tables: Tables, all_sessions: list[dict[str, Any]]) -> None:
    [finding] = tables["finding_drop"]
    assert finding["headline"] == "Fewer reach paid"
    shares = []
    for first in (FIRST, FIRST - DAY):
        came = [s for s in all_sessions if first <= s["began"] < first + DAY and s["last"] + TIMEOUT <= END and "payment" in s["reached"]]  # fmt: skip
        shares.append((sum("paid" in s["reached"] for s in came), len(came)))
    (now, of_now), (then, of_then) = shares
    assert finding["number"] == f"{100 * now / of_now:.0f}% of {of_now} sessions in payment came on to paid"
    assert finding["baseline"] == f"In as many hours before it was {100 * then / of_then:.0f}% of {of_then}"


def test_the_page_is_the_same_again(world: World) -> None:
    page = render(world.settings, "checkout", FIRST, LAST)
    assert page == render(world.settings, "checkout", FIRST, LAST)
    assert "<h1>Checkout</h1>" in page
    assert not re.search(r"\bnan\b|Undefined|None", page)


def test_a_session_of_thousands_of_events_is_walked_to_its_end(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.configure(SETTINGS)
    way = ["view", "add", "checkout", "back", "confirm"]
    events = [("view", 0), *((way[number % 5], number) for number in range(1, 1601))]
    lines = [{"ts": f"{(FIRST + number * timedelta(seconds=1)).isoformat()}Z", "event": event, "session_id": "robot", "mode": "live"} for event, number in events]  # fmt: skip
    world.land("shop/2026/11/22/23/a.log", [json.dumps(line) for line in lines])
    world.run("shop", "2026-11-22T23")
    found = tables_of(world.settings, "checkout", FIRST, LAST)
    [session] = sessions_of(world)
    legal = pd.Series(session["legal"]).value_counts()
    assert {(row["from_state"], row["event"], row["to_state"]): row["events"] for row in found["transitions"]} == dict(legal)  # fmt: skip
    assert found["totals"][0]["illegal"] == len(session["illegal"]) == 320


def test_hours_without_events_have_no_data(world: World) -> None:
    assert has_data(world.settings, "checkout", FIRST, LAST)
    assert not has_data(world.settings, "checkout", FIRST - 9 * DAY, FIRST - 8 * DAY)


def test_a_report_that_is_not_declared_says_what_is_missing(world: World) -> None:
    with pytest.raises(
        ConfigError, match=r"'funnel' is not usable; expected one of checkout, .*, or a table \[reports\.funnel\] in "
    ):
        render(world.settings, "funnel", FIRST, LAST)
