"""Rejected lines come back when their format is mended: once each, and only where there are any."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from etl.cli import main
from etl.errors import ConfigError, ObjectMissing, QuarantineLimitExceeded
from etl.stages.land import land
from etl.stages.normalize import normalize
from etl.stages.replay import replay
from etl.stages.status import revisions
from tests.faults.closing import assert_closed, assert_same_from_raw
from tests.pipeline.conftest import World

HOURS = ["2026-11-22T10", "2026-11-22T11", "2026-11-22T12"]
FIRST, LAST = datetime(2026, 11, 22, 10), datetime(2026, 11, 22, 12)
NARROW = r"^(?P<event_time>\\S+) (?P<severity_text>INFO) (?P<body>.*)$"
WIDE = r"^(?P<event_time>\\S+) (?P<severity_text>\\w+) (?P<body>.*)$"


def configure(world: World, pattern: str, **more: str) -> None:
    world.configure(
        f"""[sources.app]
raw = "raw/app/%Y/%m/%d/%H/"
format = "regex"
dataset = "app_log"
start = "2026-11-22T10"
shards = 2
options = {{ pattern = "{pattern}" }}
"""
        + "".join(f"{key} = {value}\n" for key, value in more.items())
    )


@pytest.fixture
def app(world: World) -> World:
    """Three hours; the first two have lines that the narrow format rejects."""
    configure(world, NARROW)
    for hour, levels in (("10", ["INFO", "DEBUG"]), ("11", ["INFO", "WARN", "WARN"]), ("12", ["INFO"])):
        for host in ("a", "b"):
            lines = [f"2026-11-22T{hour}:00:0{at}Z {level} hello" for at, level in enumerate(levels)]
            world.land(f"app/2026/11/22/{hour}/{host}.log", lines)
    world.run("app", *HOURS)
    return world


def test_replay_reads_the_hours_with_rejected_lines_and_no_others(app: World) -> None:
    configure(app, WIDE)
    untouched = {key: found for key, found in app.objects().items() if "landing_hour=2026-11-22T12" in key}
    replayed = replay(app.settings, "app", FIRST, LAST)
    assert replayed == [
        {"landing_hour": HOURS[0], "quarantined_before": 2, "quarantined_after": 0, "rows_before": 2, "rows_after": 4, "partitions": 1},
        {"landing_hour": HOURS[1], "quarantined_before": 4, "quarantined_after": 0, "rows_before": 2, "rows_after": 6, "partitions": 1},
    ]  # fmt: skip
    now = app.objects()
    assert {key: now[key] for key in untouched} == untouched
    assert app.query("SELECT count(*), count(DISTINCT event_id) FROM events_app_log") == [(12, 12)]
    assert_closed(app.settings, "app", 12)
    # the hour that was not replayed still says that it was read by the old pattern
    app.run("app", HOURS[2])
    assert_same_from_raw(app.settings, "app", HOURS)


def test_replaying_twice_finds_nothing_left_and_changes_nothing(app: World) -> None:
    configure(app, WIDE)
    replay(app.settings, "app", FIRST, LAST)
    before = app.objects()
    assert replay(app.settings, "app", FIRST, LAST) == []
    assert app.objects() == before


def test_replay_without_a_mended_format_changes_no_row(app: World) -> None:
    before = {key: data for key, (_, data) in app.objects().items() if not key.startswith("work/")}
    assert [(item["quarantined_before"], item["quarantined_after"]) for item in replay(app.settings, "app", FIRST, LAST)] == [(2, 2), (4, 4)]  # fmt: skip
    assert {key: data for key, (_, data) in app.objects().items() if not key.startswith("work/")} == before


def test_a_reason_narrows_the_hours(app: World) -> None:
    assert replay(app.settings, "app", FIRST, LAST, "no such reason") == []
    assert len(replay(app.settings, "app", FIRST, LAST, "line: ")) in (0, 2)
    with pytest.raises(ConfigError, match="RE2"):
        replay(app.settings, "app", FIRST, LAST, "(")


def test_replay_refuses_hours_whose_raw_objects_are_gone(app: World) -> None:
    (app.root / "raw/app/2026/11/22/11/a.log").unlink()
    before = app.objects()
    with pytest.raises(ObjectMissing, match="etl restore"):
        replay(app.settings, "app", FIRST, LAST)
    assert app.objects() == before


def test_replay_over_the_quarantine_limit_changes_no_partition(app: World) -> None:
    configure(app, "^(?P<body>nothing)$", quarantine_limit="{ share = 0, lines = 0 }")
    before = {key: found for key, found in app.objects().items() if not key.startswith("work/")}
    with pytest.raises(QuarantineLimitExceeded):
        replay(app.settings, "app", FIRST, LAST)
    assert {key: found for key, found in app.objects().items() if not key.startswith("work/")} == before


def test_what_a_replay_changed_is_a_revision_of_that_reason(app: World, capsys: pytest.CaptureFixture[str]) -> None:
    configure(app, WIDE)
    config = ["--config", str(app.root / "sources.toml")]
    assert main([*config, "replay", "--source", "app", "--from", HOURS[0], "--to", HOURS[2], "--json"]) == 0
    assert [item["rows_after"] for item in json.loads(capsys.readouterr().out)] == [4, 6]
    found = revisions(app.settings)
    assert [(item["hour_start"].hour, item["reason"], item["rows_before"], item["rows_after"]) for item in found] == [
        (10, "replay", 2, 4),
        (11, "replay", 2, 6),
    ]
    assert main([*config, "revisions", "--since", "2026-11-22T00"]) == 0
    assert "replay" in capsys.readouterr().out
    assert revisions(app.settings, since=datetime(2100, 1, 1)) == []


def test_a_replay_gives_its_reason_to_no_other_hours(app: World) -> None:
    app.land("app/2026/11/22/12/late.log", ["2026-11-22T12:10:00Z INFO late"])
    work = land(app.settings, "app", "2026-11-22T13")
    for shard in range(2):
        normalize(app.settings, "app", work, shard)
    configure(app, WIDE)
    replay(app.settings, "app", FIRST, LAST)
    assert {(item["hour_start"].hour, item["reason"]) for item in revisions(app.settings)} == {
        (10, "replay"),
        (11, "replay"),
        (12, "changed"),
    }
    assert_closed(app.settings, "app", 13)
