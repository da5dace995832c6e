"""Runs and readers at the same time: nothing lost, nothing twice, and no reader sees a mixture."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import etl
from etl.config import Settings
from etl.errors import CheckFailed, EtlError, ObjectMissing
from etl.io.store import open_store, put_bytes, take
from etl.layout import pending_prefix
from etl.stages.aggregate import aggregate
from etl.stages.check import check
from etl.stages.land import land
from etl.stages.normalize import normalize
from etl.stages.publish import publish
from etl.stages.run import run
from tests.faults.closing import assert_closed, assert_same_from_raw, raw_lines
from tests.faults.syscalls import waiting
from tests.pipeline.conftest import World, access

_SOURCE = """
[sources.web]
raw = "raw/web/%Y/%m/%d/%H/"
format = "combined"
start = "2026-11-22T08"
look_back_hours = 2
shards = 1
"""
_HOURS = ["2026-11-22T10", "2026-11-22T11", "2026-11-22T12"]
_ATTEMPTS = 8


def _land(world: World, hour: int, name: str, *minutes: int) -> None:
    """At once, as on S3: an object of landing hour ``hour`` with rows of that event hour and of the one before."""
    times = [f"2026-11-22T{event:02}:{minute:02}:00+0000" for event in (hour - 1, hour) for minute in minutes]
    arriving = world.land(f"../arriving/{name}.log", [access(time, f"/{name}") for time in times])
    target = world.root / f"raw/web/2026/11/22/{hour}/{name}.log"
    target.parent.mkdir(parents=True, exist_ok=True)
    arriving.replace(target)


def work_hours(settings: Settings, hours: list[str], rounds: int, reprocess: bool) -> None:
    """Run hours again and again, with the attempts that Airflow gives a run whose error may pass."""
    for _ in range(rounds):
        for hour in hours:
            for attempt in range(_ATTEMPTS):
                try:
                    run(settings, "web", hour, reprocess=reprocess)
                    break
                except EtlError as error:
                    if not error.retryable or attempt == _ATTEMPTS - 1:
                        raise


def _busy(root: Path, hours: list[str]) -> World:
    world = World(root)
    world.configure(_SOURCE)
    for hour in hours:
        _land(world, int(hour[-2:]), "a", 1, 2, 3)
    return world


@pytest.mark.parametrize(
    ("ones", "others"),
    [(_HOURS[:1], _HOURS[:1]), (_HOURS[:1], _HOURS[1:2]), (_HOURS[:2], _HOURS[1::-1])],
    ids=["the same hour", "neighbouring hours", "hours from both ends"],
)
def test_two_workers_on_one_partition(tmp_path: Path, ones: list[str], others: list[str]) -> None:
    """What they leave is what one worker alone would: no run has to follow."""
    hours = sorted({*ones, *others})
    world = _busy(tmp_path, hours)
    with ExitStack() as stack:
        jobs = [stack.enter_context(waiting(work_hours, world.settings, job, 4, True)) for job in (ones, others)]
        for _, start in jobs:
            start.send(None)
        for process, _ in jobs:
            process.join(120)
        assert [process.exitcode for process, _ in jobs] == [0, 0]
    _assert_good(world, hours)


def test_a_backfill_while_the_schedule_runs_and_objects_arrive(tmp_path: Path) -> None:
    busy = _busy(tmp_path, _HOURS)
    with ExitStack() as stack:
        jobs = [(_HOURS, 2, False), (_HOURS[:2], 2, True)]
        running = [stack.enter_context(waiting(work_hours, busy.settings, *job)) for job in jobs]
        for _, start in running:
            start.send(None)
        arrived = 0
        while any(process.is_alive() for process, _ in running):
            # every third time an object that is there already gets more lines
            number = arrived - arrived % 3 // 2
            _land(busy, 10 + number % 3, f"late-{number}", *range(arrived % 5 + 1))
            arrived += 1
            time.sleep(0.3)
        assert [process.exitcode for process, _ in running] == [0, 0]
    assert arrived > 3
    # what arrived last is what the next scheduled run looks back on
    busy.run("web", "2026-11-22T12")
    _assert_good(busy, _HOURS)


def test_a_run_leaves_the_note_of_one_that_wrote_after_it_published(tmp_path: Path) -> None:
    """Two runs of one hour; the second has written newer slices, and is killed before it publishes them."""
    world = _busy(tmp_path, _HOURS[:1])
    settings = world.settings
    touched = normalize(settings, "web", land(settings, "web", _HOURS[0]), 0)
    publish(settings, "web", touched)
    aggregate(settings, "web", touched)
    _land(world, 10, "late", 4)
    normalize(settings, "web", land(settings, "web", _HOURS[0]), 0)
    with contextlib.suppress(CheckFailed):
        check(settings, "web", _HOURS[0], touched)
    world.run("web", _HOURS[1])
    _assert_good(world, _HOURS[:1])


@pytest.mark.parametrize("linked", [True, False], ids=["linked", "from another file system"])
def test_a_stage_reads_one_content_of_an_object_that_is_replaced(tmp_path: Path, linked: bool) -> None:
    scratch = tmp_path / "scratch" if linked else Path("/dev/shm") / tmp_path.name
    scratch.mkdir()
    try:
        lake = open_store(str(tmp_path / "lake"))
        put_bytes(lake, b"old", "events/a.parquet", scratch)
        taken = take(lake, "events/a.parquet", scratch)
        assert (taken.stat().st_nlink == 2) == linked
        put_bytes(lake, b"new", "events/a.parquet", scratch)
        assert taken.read_bytes() == b"old"
        assert take(lake, "events/a.parquet", scratch).read_bytes() == b"new"
        with pytest.raises(ObjectMissing, match=r"events/b\.parquet: no such file"):
            take(lake, "events/b.parquet", scratch)
    finally:
        shutil.rmtree(scratch)


# path → rows of it, in each of two partitions
_STATES = {"/small": 3, "/large": 40}
_READS = 10_000


def keep_publishing(settings: Settings, raw: str, stop: str) -> None:
    """Give an object of two event hours one content and then the other, and publish each, until ``stop`` exists."""
    while True:
        for path, count in _STATES.items():
            lines = [access(f"2026-11-22T{hour:02}:00:00+0000", path) for hour in (9, 10) for _ in range(count)]
            arriving = Path(stop).with_name("arriving.log")
            arriving.write_text("".join(f"{line}\n" for line in lines))
            arriving.replace(raw)
            touched = normalize(settings, "web", land(settings, "web", _HOURS[0]), 0)
            publish(settings, "web", touched)
            aggregate(settings, "web", touched)
            if Path(stop).exists():
                return


def test_readers_during_publishing_never_see_a_mixture(tmp_path: Path) -> None:
    world = _busy(tmp_path, _HOURS[:1])
    world.run("web", _HOURS[0])
    raw, stop = world.root / "raw/web/2026/11/22/10/a.log", world.root / "stop"
    seen: Counter[str] = Counter()
    with waiting(keep_publishing, world.settings, str(raw), str(stop)) as (writer, start):
        start.send(None)
        partitions = sorted((world.lake / "events").rglob("web.parquet"))
        assert len(partitions) == 2
        while writer.is_alive() and not all(_content(path)[0] in _STATES for path in partitions):
            time.sleep(0.05)
        while writer.is_alive() and sum(seen.values()) < _READS:
            seen.update(_reads_of_a_snapshot(world.settings.lake, 400))
            seen.update(_state(_content(partitions[number % 2])) for number in range(400))
        stop.touch()
        writer.join(60)
        assert writer.exitcode == 0
    assert set(seen) == set(_STATES), seen


def _reads_of_a_snapshot(lake: str, reads: int) -> Iterator[str]:
    """What one connection sees, which has to stay the same while partitions change under it."""
    with etl.connect(lake) as connection:
        connection.execute("SET threads = 1")
        first: dict[int, Any] = {}
        for number in range(reads):
            hour = 9 + number % 2
            sql = f"SELECT min(url_path), max(url_path), count(*) FROM events_web_access WHERE event_hour = {hour}"
            found = connection.execute(sql).fetchone()
            assert first.setdefault(hour, found) == found, "a snapshot changed"
            yield _state(found)


def _content(path: Path) -> Any:
    """What a reader sees of a live file that opens it once: a copy, a download."""
    paths = pq.read_table(pa.BufferReader(path.read_bytes()), columns=["url_path"])["url_path"].to_pylist()
    return min(paths), max(paths), len(paths)


def _state(content: Any) -> str:
    """The state that a partition is in; its rows have to be all of that state, and no others."""
    path, last, count = content
    assert (last, count) == (path, _STATES.get(path)), content
    return str(path)


def _assert_good(world: World, hours: list[str]) -> None:
    assert_closed(world.settings, "web", raw_lines(world.root / "raw"))
    assert list(open_store(world.settings.lake).list(pending_prefix("web"))) == []
    assert_same_from_raw(world.settings, "web", hours)
