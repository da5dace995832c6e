"""Runs of one source whose stages overlap, in orders that once lost something."""

from __future__ import annotations

import random

from etl import layout
from etl.io.store import open_store
from etl.stages.aggregate import aggregate
from etl.stages.check import check
from etl.stages.land import land
from etl.stages.normalize import normalize
from etl.stages.publish import publish
from tests.faults.closing import assert_closed, raw_lines
from tests.faults.turns import Actor, Killed, play, stores_take_turns
from tests.pipeline.conftest import World, access

HOUR = "2026-11-22T10"


def test_a_run_does_not_clear_the_note_of_another_that_died_after_its_own_publish(web: World) -> None:
    web.land("web/2026/11/22/10/a.log", [access(f"{HOUR}:00:01+0000")])
    partitions = _normalized(web)
    publish(web.settings, "web", partitions)
    web.land("web/2026/11/22/10/late.log", [access(f"{HOUR}:00:02+0000")])
    _normalized(web)  # and dies
    aggregate(web.settings, "web", partitions)
    check(web.settings, "web", HOUR, partitions)
    assert list(open_store(web.settings.lake).list(layout.pending_prefix("web")))
    web.run("web", "2026-11-22T11")
    assert web.counts() == {HOUR: 2}
    assert_closed(web.settings, "web", raw_lines(web.root / "raw"))


def test_the_quarantine_of_a_run_that_died_before_its_ledger_does_not_stay(web: World) -> None:
    web.land("web/2026/11/22/10/a.log", ["rubbish"])
    died = Actor("run", lambda: web.run("web", HOUR), dies_at=4)  # work list, note, quarantine, ledger
    with stores_take_turns():
        play([died], random.Random(0))
    assert isinstance(died.error, Killed)
    web.land("web/2026/11/22/10/a.log", [access(f"{HOUR}:00:01+0000")], at="2026-11-23T00:10:00")
    web.run("web", HOUR)
    assert web.query("SELECT count(*) FROM quarantine") == [(0,)]
    assert_closed(web.settings, "web", raw_lines(web.root / "raw"))


def _normalized(web: World) -> set[str]:
    work = land(web.settings, "web", HOUR)
    shards = range(web.settings.source("web").shards)
    return {text for shard in shards for text in normalize(web.settings, "web", work, shard)}
