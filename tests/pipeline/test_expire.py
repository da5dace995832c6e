"""What is older than its retention is nowhere in the lake, the books close, and nothing brings it back."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from datetime import date
from typing import Any

import duckdb
import pytest

from etl.cli import main
from etl.errors import ConfigError
from etl.model.hours import parse_hour
from etl.stages.audit import audit, drill
from etl.stages.catalog import write_catalog
from etl.stages.expire import expire, expire_reports
from etl.stages.notify import digest
from etl.stages.replay import redo, replay
from etl.stages.report import render, write
from etl.stages.status import status
from etl.stages.trace import trace
from tests.pipeline.conftest import World
from tests.support.search import holding

TODAY = date(2026, 11, 24)
# of day 18 nothing is kept, of 21 metrics and ledger, of 22 all but the quarantine
DAYS = {"alpha": 18, "bravo": 21, "charlie": 22, "delta": 23}
KEEP = "retention = { events_days = 2, metrics_days = 3, quarantine_days = 1, ledger_days = 4, reports_days = 2 }"
WEB = """
[sources.web]
raw = "raw/web/%Y/%m/%d/%H/"
format = "combined"
start = "2026-11-18T00"
shards = 1
"""
APP = """
[sources.app]
raw = "raw/app/%Y/%m/%d/%H/"
format = "logback"
start = "2026-11-18T00"
shards = 1
"""
LAYERS = {"events", "staged", "metrics", "quarantine", "ledger", "work", "reports", "alerts"}


def hour(word: str) -> str:
    return f"2026-11-{DAYS[word]}T13"


def request(day: int, path: str) -> str:
    return f'203.0.113.9 - - [{day}/Nov/2026:13:04:05 +0000] "GET {path} HTTP/1.1" 404 5 "-" "Mozilla/5.0"'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("expire") / "world")
    world.root.mkdir()
    world.configure(WEB + APP)
    for word, day in DAYS.items():
        world.land(f"web/2026/11/{day}/13/{word}.log", [request(day, f"/{word}"), f"no line: {word}"])
        world.run("web", hour(word))
    for word in ("alpha", "bravo", "charlie"):
        day = DAYS[word]
        world.land(f"app/2026/11/{day}/13/{word}.log", [f"2026-11-{day} 13:04:05,123 [main] ERROR c.e.Shop - {word} is out"])  # fmt: skip
        world.run("app", hour(word))
    for word in ("alpha", "charlie"):
        write(world.settings, "errors", parse_hour(hour(word)), parse_hour(hour(word)))
    digest(world.settings, "app", hour("alpha"))
    write_catalog(world.settings)
    shutil.copytree(world.root, world.root.with_name("kept"))
    return world


@pytest.fixture
def lake(made: World) -> World:
    """As it was made, at the place where it was made: rows name the URIs of their objects."""
    shutil.rmtree(made.root)
    shutil.copytree(made.root.with_name("kept"), made.root)
    made.configure(KEEP + WEB + APP)
    return made


def expired(world: World, today: date = TODAY) -> list[dict[str, Any]]:
    found = [item for source in ("web", "app") for item in expire(world.settings, source, today)]
    return [*found, expire_reports(world.settings, today)]


def layers(world: World, word: str) -> set[str]:
    """The layers that hold a word anywhere; every raw object, row and message of a day has its word."""
    return {key.split("/")[0] for key in holding(world.lake, word).get(word, [])}


def assert_sound(world: World, repair: bool = False) -> None:
    for source in ("web", "app"):
        found = audit(world.settings, source, parse_hour("2026-11-18T00"), parse_hour("2026-11-24T00"), repair)
        assert [item for item in found if item["is_problem"]] == []
    assert [item["closed"] for item in status(world.settings)] == [True, True]


def test_each_layer_is_kept_as_long_as_it_says_and_no_object_longer(lake: World) -> None:
    assert layers(lake, "alpha") == LAYERS - {"alerts"}
    expired(lake)
    digest(lake.settings, "app", hour("charlie"))
    write_catalog(lake.settings)
    assert {word: layers(lake, word) for word in DAYS} == {
        "alpha": set(),
        "bravo": {"metrics", "ledger", "work"},
        "charlie": {"events", "staged", "metrics", "ledger", "work", "reports"},
        "delta": LAYERS - {"alerts", "reports"},
    }
    assert_sound(lake)


def test_readers_see_what_is_kept(lake: World) -> None:
    expired(lake)
    days = [(date(2026, 11, 22),), (date(2026, 11, 23),)]
    sql = "SELECT DISTINCT event_date FROM events_web_access ORDER BY 1"
    assert lake.query(sql) == days
    write_catalog(lake.settings)
    with duckdb.connect(str(lake.lake / "catalog.duckdb"), read_only=True) as connection:
        assert connection.execute(sql).fetchall() == days
    assert lake.query("SELECT sum(requests) FROM metrics_traffic_hourly") == [(3,)]
    [web, _] = status(lake.settings)
    assert (web["rows"], web["expired"], web["staged"], web["published"]) == (3, 1, 2, 2)
    [account] = trace(lake.settings, f"{lake.root}/raw/web/2026/11/21/13/bravo.log:1")
    assert (account["fate"], account["row"]) == ("expired", None)


def test_a_report_does_not_ask_for_hours_that_have_expired(lake: World) -> None:
    window = (parse_hour("2026-11-21T00"), parse_hour("2026-11-22T13"))
    assert "no data in 36 of 38 hours" in render(lake.settings, "traffic", *window)
    expired(lake)
    assert "no data in 13 of 14 hours" in render(lake.settings, "traffic", *window)
    assert "of 28 asked" in render(lake.settings, "quality", *window)


def test_a_removal_is_recorded_by_layer_name_and_date(lake: World) -> None:
    sizes = [
        path.stat().st_size for path in (lake.lake / "events/web_access/event_date=2026-11-18").rglob("web.parquet")
    ]
    expired(lake)
    record = json.loads((lake.lake / "expired/web/2026-11-24.json").read_text())
    assert record["first_kept"] == {
        "events": "2026-11-22",
        "metrics": "2026-11-21",
        "quarantine": "2026-11-23",
        "ledger": "2026-11-20",
    }
    events = [item for item in record["removed"] if item["layer"] == "events"]
    assert events == [
        {"layer": "events", "name": "web_access", "date": f"2026-11-{day}", "objects": 1, "rows": 1, "size": size}
        for day, size in zip((18, 21), sizes + [item["size"] for item in events[1:]], strict=True)
    ]
    assert [(item["date"], item["rows"]) for item in record["removed"] if item["layer"] == "quarantine"] == [
        ("2026-11-18", 1),
        ("2026-11-21", 1),
        ("2026-11-22", 1),
    ]


def test_a_dry_run_tells_what_would_go_and_leaves_it(lake: World) -> None:
    before = lake.objects()
    told = [item for source in ("web", "app") for item in expire(lake.settings, source, TODAY, dry_run=True)]
    told.append(expire_reports(lake.settings, TODAY, dry_run=True))
    assert lake.objects() == before
    assert told == expired(lake)
    assert [item["objects"] for item in expired(lake)] == [0] * len(told)


def test_by_hand_a_day_has_begun(lake: World, capsys: pytest.CaptureFixture[str]) -> None:
    config = ["--config", str(lake.root / "sources.toml")]
    assert main([*config, "expire", "web", "--day", "2026-11-23", "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {item["layer"]: item["objects"] for item in told}["events"] == 1
    before = lake.objects()
    assert main([*config, "expire", "--day", "2999-01-01"]) == 2
    assert "a day that has begun" in capsys.readouterr().err
    assert lake.objects() == before


def test_nothing_expires_where_nothing_says_so_and_a_source_may_say_otherwise(lake: World) -> None:
    lake.configure(WEB + APP)
    before = lake.objects()
    assert {item["objects"] for item in expired(lake)} == {0}
    assert lake.objects() == before
    lake.configure("retention = { events_days = 2 }" + WEB + APP + "retention = { events_days = 3 }\n")
    expired(lake)
    assert lake.query("SELECT min(event_date) FROM events_web_access") == [(date(2026, 11, 22),)]
    assert lake.query("SELECT min(event_date) FROM events_app_log") == [(date(2026, 11, 21),)]
    assert lake.query("SELECT sum(requests) FROM metrics_traffic_hourly") == [(4,)]
    assert_sound(lake)


def test_no_run_replay_or_repair_brings_back_what_expired(lake: World) -> None:
    expired(lake)
    kept = {word: layers(lake, word) for word in DAYS}
    lake.run("web", hour("bravo"), hour("charlie"), reprocess=True)
    redo(lake.settings, "web", parse_hour(hour("bravo")), None)
    replay(lake.settings, "web", parse_hour("2026-11-18T00"), parse_hour("2026-11-24T00"))
    # a run that looks back on hours before the first that is accounted for
    lake.land("web/2026/11/20/01/a.log", [request(20, "/delta")])
    lake.land("web/2026/11/19/23/a.log", [request(19, "/alpha")])
    lake.run("web", "2026-11-20T01")
    assert_sound(lake, repair=True)
    assert {word: layers(lake, word) for word in DAYS} == kept
    assert drill(lake.settings, "web")["outcome"] == "equal"


@pytest.mark.parametrize("again", ["run", "redo"])
def test_a_landing_hour_whose_account_expired_is_refused(lake: World, again: str) -> None:
    expired(lake)
    before = lake.objects()
    with pytest.raises(ConfigError, match=r"2026-11-18T13.*one from 2026-11-20 on.*expired/web/kept\.json"):
        if again == "run":
            lake.run("web", hour("alpha"))
        else:
            redo(lake.settings, "web", parse_hour(hour("alpha")), None)
    assert lake.objects() == before


def test_rows_that_arrive_after_their_day_expired_are_counted_and_not_kept(lake: World) -> None:
    expired(lake)
    lake.land("web/2026/11/23/14/late.log", [request(21, "/late"), request(23, "/late")])
    lake.run("web", "2026-11-23T14")
    assert lake.query("SELECT event_date FROM events_web_access WHERE url_path = '/late'") == [(date(2026, 11, 23),)]
    [web, _] = status(lake.settings)
    assert (web["rows"], web["expired"], web["published"]) == (5, 2, 3)
    assert_sound(lake)


def test_an_expiry_that_was_interrupted_is_completed_by_the_next(lake: World) -> None:
    expired(lake)
    complete, made = lake.objects(), lake.root.with_name("kept") / "lake"
    # a process that died removed only some: every second object is still there
    left = [path for path in sorted(made.rglob("*")) if path.is_file() and str(path.relative_to(made)) not in complete]
    for path in left[::2]:
        target = lake.lake / path.relative_to(made)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    assert_sound(lake)
    assert sum(item["objects"] for item in expired(lake)) == len(left[::2])
    assert lake.objects() == complete


def test_what_killed_writers_and_readers_left_behind_goes_too(lake: World) -> None:
    key = "events/web_access/event_date=2026-11-18/event_hour=13/web.parquet"
    left = {
        lake.lake / key.replace("web.parquet", ".web.parquet.12-ab.tmp"): 2,
        lake.lake / ".snapshots/elsewhere.12.ab" / key: 24 * 8,
        lake.lake / ".snapshots/elsewhere.34.cd" / key: 24 * 6,
        lake.lake / ".snapshots" / f"{socket.gethostname()}.4194304.ab" / key: 0,
    }
    for path, hours in left.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(lake.lake / key, path)
        at = time.time() - hours * 3600
        for part in (path, *(folder for folder in path.parents if folder.parent.name == ".snapshots")):
            os.utime(part, (at, at))
    running = (lake.lake / key).with_name(".web.parquet.56-ef.tmp")
    running.touch()
    expired(lake)
    assert [path.exists() for path in left] == [False, False, True, False]
    assert running.exists()


def test_what_expired_stays_so_until_its_record_is_removed(lake: World) -> None:
    expired(lake)
    lake.configure(WEB + APP)
    lake.run("web", hour("bravo"), reprocess=True)
    expired(lake)
    assert layers(lake, "bravo") == {"metrics", "ledger", "work"}
    (lake.lake / "expired/web/kept.json").unlink()
    lake.run("web", hour("alpha"), hour("bravo"), reprocess=True)
    assert layers(lake, "bravo") == {"events", "staged", "metrics", "quarantine", "ledger", "work"}
    assert lake.query("SELECT sum(requests) FROM metrics_traffic_hourly") == [(4,)]
