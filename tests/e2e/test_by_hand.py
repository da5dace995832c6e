"""What is started by hand in Airflow: a replay with its parameters, an audit that removes what is old and repairs."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from deploy.client import AirflowError
from deploy.local import ROOT, LocalAirflow
from etl import layout
from etl.io.store import open_store
from etl.model.hours import parse_hour
from etl.stages.expire import read_kept
from etl.stages.status import revisions
from tests.faults.closing import assert_closed
from tests.pipeline.conftest import World

HOURS = ["2026-11-22T10", "2026-11-22T11"]
TIMEOUT = 240
_SOURCE = """[sources.app]
raw = "raw/app/%Y/%m/%d/%H/"
format = "regex"
dataset = "app_log"
start = "2026-11-22T10"
shards = 1
options = { pattern = "^(?P<event_time>\\\\S+) (?P<severity_text>LEVELS) (?P<body>.*)$" }
"""


def test_a_replay_takes_its_parameters_and_an_audit_repairs_what_is_damaged(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.configure(_SOURCE.replace("LEVELS", "INFO"))
    for hour in HOURS:
        lines = [f"{hour}:00:01Z INFO hello", f"{hour}:00:02Z WARN hello"]
        world.land(f"app/{hour.replace('-', '/').replace('T', '/')}/a.log", lines)
    world.run("app", *HOURS)
    world.configure("retention = { quarantine_days = 1, reports_days = 1 }\n" + _SOURCE.replace("LEVELS", "INFO|WARN"))
    old = world.lake / layout.report_key("traffic", parse_hour("2026-11-21T00"), parse_hour("2026-11-21T23"))
    old.parent.mkdir(parents=True)
    old.write_text("<!DOCTYPE html>")
    with LocalAirflow(tmp_path / "airflow", ROOT / "dags", tmp_path / "sources.toml") as airflow:
        client = airflow.client
        client.wait_for_dags(["replay", "audit", "watchdog"])
        with pytest.raises(AirflowError, match="first"):
            client.trigger("replay", TIMEOUT, {"source": "app", "first": "yesterday", "last": HOURS[1]})
        client.trigger("replay", TIMEOUT, {"source": "app", "first": HOURS[0], "last": HOURS[0]})
        assert world.counts("events_app_log") == {HOURS[0]: 2, HOURS[1]: 1}
        assert [item["reason"] for item in revisions(world.settings)] == ["replay"]
        next(world.lake.rglob("staged/**/event_hour=2026-11-22T11/**/*.parquet")).write_bytes(b"damaged")
        (world.lake / "events/app_log/event_date=2026-11-22/event_hour=10/app.parquet").unlink()
        world.land("app/2026/11/22/11/late.log", [f"{HOURS[1]}:00:03Z INFO late"])
        client.trigger("audit", TIMEOUT, logical_date="2026-11-23T03:00:00Z")
    assert not old.exists()
    assert read_kept(open_store(world.settings.lake), "app").quarantine == date(2026, 11, 22)
    assert world.counts("events_app_log") == {HOURS[0]: 2, HOURS[1]: 3}
    assert_closed(world.settings, "app", 5)
