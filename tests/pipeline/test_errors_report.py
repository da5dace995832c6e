"""The errors report over simulated logs: every figure equals what pandas counts in the raw files."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from etl.io.engine import set_variables
from etl.io.snapshot import snapshot
from etl.io.statements import load_statements
from etl.simulate import simulate
from etl.stages.report import queried, render
from tests.pipeline.conftest import World

FIRST = datetime(2026, 11, 22, 9)
LAST = FIRST + timedelta(hours=1)
WEEK, DAY, HOUR = timedelta(weeks=1), timedelta(days=1), timedelta(hours=1)
SEOUL = timedelta(hours=9)
HEAD = re.compile(r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) \[\S+\] (?P<level>\w+) +(?P<logger>\S+) - ")
RAW = "shop_app/%Y/%m/%d/%H/"


def place(world: World, scratch: Path, landing: datetime, hours: int, taken: int, seed: int, without: str = "") -> None:
    """The first hours of a simulation as raw objects, without the records whose message holds a text."""
    simulate(scratch, start=landing, hours=hours, lines_per_hour=3000, seed=seed)
    for hour in (landing + number * HOUR for number in range(taken)):
        for path in sorted((scratch / "raw" / hour.strftime(RAW)).iterdir()):
            lines, kept = [], True
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                if HEAD.match(line):
                    kept = not (without and without in line)
                lines += [line] if kept else []
            world.land(hour.strftime(RAW) + path.name, lines, f"{hour + 50 * timedelta(minutes=1):%Y-%m-%dT%H:%M:%S}")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Five weeks before with one of the two hours, a week of one line a day, and the two hours themselves.

    Rejected mails stop after three weeks and are back; an exhausted pool escalates; searches fail for the first time.
    """
    world = World(tmp_path_factory.mktemp("errors"))
    world.configure(
        '[sources.shop_app]\nraw = "raw/shop_app/%Y/%m/%d/%H/"\nformat = "logback"\nzone = "Asia/Seoul"\n'
        'service_name = "shop"\nshards = 1\nstart = "2026-10-01T00"\nlook_back_hours = 2\n'
    )
    for week in range(5, 0, -1):
        scratch = tmp_path_factory.mktemp("simulated")
        place(world, scratch, FIRST - week * WEEK, 2, 1, week, without="Mail to customer" if week <= 2 else "")
    for days in range(7):
        hour = FIRST - 6 * HOUR - days * DAY
        line = f"{hour + SEOUL + HOUR / 2:%Y-%m-%d %H:%M:%S}.000 [main] INFO  com.shop.Boot - fine"
        world.land(hour.strftime(RAW) + "app-1.log", [line], f"{hour:%Y-%m-%dT%H:%M:%S}")
    place(world, tmp_path_factory.mktemp("simulated"), FIRST, 2, 2, 9)
    hour = LAST + SEOUL
    world.land(
        LAST.strftime(RAW) + "app-3.log",
        [
            f"{hour:%Y-%m-%d %H}:{number // 10:02}:00.000 [main] ERROR com.shop.mail.MailQueue - Queue {number} <b>full</b>"
            for number in range(300)
        ],
        f"{LAST:%Y-%m-%dT%H:%M:%S}",
    )
    for week in range(5, 0, -1):
        old = FIRST - week * WEEK
        line = f"{old + SEOUL:%Y-%m-%d %H}:00:00.000 [main] ERROR com.shop.mail.MailQueue - Queue 1 <b>full</b>"
        world.land(old.strftime(RAW) + "app-3.log", [line], f"{old:%Y-%m-%dT%H:%M:%S}")
    landed = sorted({path.parent for path in (world.root / "raw" / "shop_app").rglob("*.log*")})
    world.run("shop_app", *["{}-{}-{}T{}".format(*folder.parts[-4:]) for folder in landed])
    return world


@pytest.fixture(scope="module")
def tables(world: World) -> dict[str, list[dict[str, Any]]]:
    statements = load_statements()
    report = statements.reports["errors"]
    macros = statements.macros_in_order
    with snapshot(world.settings.lake, statements, report.reads, FIRST, LAST, macros=macros) as connection:
        set_variables(connection, first_hour=FIRST, last_hour=LAST)
        return queried(connection, report)


def records(world: World) -> Iterator[dict[str, Any]]:
    """Each record of the raw files; a stack trace may be cut between two objects of a host."""
    folders: dict[tuple[str, str], list[Path]] = {}
    for path in sorted((world.root / "raw" / "shop_app").rglob("*.log*")):
        host = re.match(r"app-\d", path.name)
        folders.setdefault((str(path.parent), host[0] if host else path.name), []).append(path)
    for paths in folders.values():
        record: dict[str, Any] | None = None
        for line in "".join(path.read_text() for path in paths).splitlines():
            if found := HEAD.match(line):
                if record:
                    yield record
                try:
                    moment = datetime.strptime(found["time"], "%Y-%m-%d %H:%M:%S.%f") - SEOUL
                    record = {"time": moment, "level": found["level"], "logger": found["logger"], "exception": None}
                except ValueError:
                    # a time that is none: the record is rejected
                    record = None
            elif record and record["exception"] is None:
                record["exception"] = line.partition(":")[0]
        if record:
            yield record


@pytest.fixture(scope="module")
def counted(world: World) -> pd.DataFrame:
    frame = pd.DataFrame(records(world))
    frame["hour"] = frame["time"].dt.floor("h")
    return frame[frame["hour"] <= LAST]


def median(values: list[float]) -> float:
    return float(pd.Series(values).median())


def state_of(group: pd.DataFrame, logged: pd.DataFrame) -> str:
    """The definition in docs/operations.md, over events instead of metrics."""
    days = sorted(set(logged["time"].dt.date))
    now, before = group[group["hour"] >= FIRST], group[group["hour"] < FIRST]
    first = group["time"].min()
    if before.empty:
        return "new" if sum(day < first.date() for day in days) >= 7 else "known"
    gap = now["time"].min() - before["time"].max()
    silent = sum(before["time"].max().date() < day < now["time"].min().date() for day in days)
    if gap >= timedelta(days=14) and silent >= 7:
        return "regressed"
    expected = expected_of(group, logged)
    if len(expected) < 4:
        return "known"
    logs = [math.log(1 + value) for value in expected]

    spread = 1.4826 * median([abs(value - median(logs)) for value in logs])
    usual = median(expected)
    z = (math.log(1 + len(now)) - math.log(1 + usual)) / max(spread, 1 / math.sqrt(1 + usual), 0.1)
    return "escalating" if z > 3.5 and len(now) >= 10 and len(now) >= 2 * usual else "known"


def expected_of(group: pd.DataFrame, logged: pd.DataFrame) -> list[float]:
    """Errors of the same hours of the weeks before, as far as they were logged and the error was known."""
    hours = {
        week: logged[logged["hour"].between(FIRST - week * WEEK, LAST - week * WEEK)]["hour"].nunique()
        for week in range(9)
    }
    return [
        group["hour"].between(FIRST - week * WEEK, LAST - week * WEEK).sum() * hours[0] / hours[week]
        for week in range(1, 9)
        if 2 * hours[week] >= hours[0] and FIRST - week * WEEK >= group["time"].min().floor("h")
    ]


def test_every_figure_of_a_group_is_what_the_raw_files_say(
    tables: dict[str, list[dict[str, Any]]], counted: pd.DataFrame
) -> None:
    errors = counted[counted["level"] == "ERROR"]
    wanted = {}
    for (logger, exception), group in errors.groupby(["logger", "exception"], dropna=False):
        now = group[group["hour"] >= FIRST]
        if len(now):
            expected = expected_of(group, counted)
            wanted[logger, exception if isinstance(exception, str) else None] = (
                state_of(group, counted), len(now), [int((now["hour"] == hour).sum()) for hour in (FIRST, LAST)],
                group["time"].min().to_pydatetime(), now["time"].max().to_pydatetime(),
                len(now), len(expected), median(expected) if len(expected) >= 4 else None,
            )  # fmt: skip
    found = {
        (row["logger_name"], row["exception_type"]): (
            row["state"],
            row["errors"],
            row["trend"],
            row["first_seen"],
            row["last_seen"],
            row["span_errors"],
            row["weeks"],
            row["usual_errors"],
        )
        for row in tables["groups"]
    }
    assert found == wanted
    assert {state for state, *_ in wanted.values()} == {"new", "regressed", "escalating", "known"}


def test_totals_and_the_trend_are_what_the_raw_files_say(
    tables: dict[str, list[dict[str, Any]]], counted: pd.DataFrame
) -> None:
    now = counted[counted["hour"] >= FIRST]
    errors = now[now["level"] == "ERROR"]
    (total,), (service,) = tables["totals"], tables["services"]
    assert (total["messages"], total["errors"]) == (len(now), len(errors))
    assert (service["messages"], service["errors"], service["hours_present"]) == (len(now), len(errors), 2)
    assert service["history_days"] == counted["time"].dt.date.nunique()
    assert (service["hours_asked"], service["history_start"]) == (2, counted["hour"].min())
    assert total["groups"] == len(tables["groups"]) == errors.groupby(["logger", "exception"], dropna=False).ngroups
    states = ("new", "regressed", "escalating", "known")
    by_hour = {row["hour_start"]: sum(row[state] for state in states) for row in tables["over_time"]}
    assert by_hour == {hour: int((errors["hour"] == hour).sum()) for hour in (FIRST, LAST)}
    for place, row in enumerate(tables["over_time"]):
        assert {state: row[state] for state in states} == {
            state: sum(group["trend"][place] for group in tables["groups"] if group["state"] == state)
            for state in states
        }
    assert {state: sum(row["state"] == state for row in tables["groups"]) for state in states} == {
        state: total[state] for state in states
    }


def test_the_page_opens_with_what_changed_and_escapes_what_was_logged(world: World) -> None:
    html = render(world.settings, "errors", FIRST, LAST)
    assert html == render(world.settings, "errors", FIRST, LAST)
    findings = html[: html.index("Errors over time")]
    for words in ("New error: CircuitOpenException", "An error is back: Mail to customer", "An error escalates: Queue"):
        assert words in findings
    assert "<b>full" not in html and "&lt;b&gt;full" in html
    assert "com.shop.search.SearchClient.query(SearchClient.java:118)" in html
    assert "etl trace " in html
