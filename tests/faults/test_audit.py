"""What goes wrong behind the pipeline's back is found by the audit, and repaired by computing it again."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from etl.errors import ConfigError, ObjectCorrupt, ObjectMissing
from etl.layout import Partition
from etl.model.worklist import producer_of, shard_of
from etl.stages.audit import audit, audit_window, drill, foreign
from etl.stages.land import land
from etl.stages.normalize import normalize
from tests.faults.closing import assert_closed, assert_same_from_raw, digests
from tests.pipeline.conftest import World, access

HOURS = [f"2026-11-22T{hour:02d}" for hour in range(9, 14)]
FIRST, LAST = datetime(2026, 11, 22, 9), datetime(2026, 11, 22, 13)
SLICE = "staged/web/web_access/event_hour=2026-11-22T10/landing_hour=2026-11-22T11/shard-00.parquet"
PARTITION = "events/web_access/event_date=2026-11-22/event_hour=10/web.parquet"
METRIC = "metrics/traffic_hourly/event_date=2026-11-22/web.parquet"
LEDGER = "ledger/web/landing_date=2026-11-22/landing_hour=11/shard-00.json"
QUARANTINE = "quarantine/web/landing_date=2026-11-22/landing_hour=11/shard-00.parquet"


def config(**more: str) -> str:
    keys = {"format": '"combined"', "start": '"2026-11-22T09"', "shards": "1", "look_back_hours": "2", **more}
    return '[sources.web]\nraw = "raw/web/%Y/%m/%d/%H/"\n' + "".join(
        f"{key} = {value}\n" for key, value in keys.items()
    )


@pytest.fixture(scope="module")
def processed(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Hours 9 to 13 of one source, with a late event and a rejected line in each."""
    world = World(tmp_path_factory.mktemp("shop") / "world")
    world.root.mkdir()
    world.configure(config())
    for hour in range(9, 14):
        lines = [access(f"2026-11-22T{hour:02d}:00:01+0000", f"/{hour}"), "rubbish"]
        lines += [access(f"2026-11-22T{hour - 1:02d}:59:59+0000", "/late")]
        world.land(f"web/2026/11/22/{hour:02d}/a.log", lines, at=f"2026-11-22T{hour:02d}:30:00")
    world.run("web", *HOURS)
    shutil.copytree(world.root, world.root.with_name("as-processed"))
    return world


@pytest.fixture
def shop(processed: World) -> World:
    """The same, at the same place, as it was processed."""
    shutil.rmtree(processed.root)
    shutil.copytree(processed.root.with_name("as-processed"), processed.root)
    return processed


def look(world: World, repair: bool = False) -> list[dict[str, Any]]:
    return audit(world.settings, "web", FIRST, LAST, repair)


def found(records: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted((item["problem"], Path(item["where"]).name) for item in records)


def raw_lines(world: World) -> int:
    return sum(path.read_bytes().count(b"\n") for path in (world.root / "raw").rglob("*.log"))


def flip(path: Path, at: float = 0.5) -> None:
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 0x01
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def poison(path: Path) -> None:
    """A valid Parquet file with other rows."""
    table = pq.read_table(path)
    pq.write_table(table.slice(0, 0), path)


def stale(path: Path) -> None:
    """A sealed object of another place: valid in itself, but not what belongs here."""
    other = next(item for item in sorted(path.parents[2].rglob(path.name)) if item.read_bytes() != path.read_bytes())
    path.write_bytes(other.read_bytes())


def test_a_sound_lake_has_no_findings_and_an_audit_writes_nothing(shop: World) -> None:
    before = shop.objects()
    assert look(shop, repair=True) == []
    assert shop.objects() == before


@pytest.mark.parametrize(
    ("key", "damage", "problem"),
    [
        (SLICE, flip, "corrupt slice"),
        (SLICE, cut, "corrupt slice"),
        (SLICE, poison, "corrupt slice"),
        (SLICE, stale, "stale slice"),
        (SLICE, Path.unlink, "missing slice"),
        (PARTITION, flip, "corrupt partition"),
        (PARTITION, cut, "corrupt partition"),
        (PARTITION, poison, "corrupt partition"),
        (PARTITION, stale, "stale partition"),
        (PARTITION, Path.unlink, "missing partition"),
        (METRIC, flip, "corrupt metric"),
        (METRIC, poison, "corrupt metric"),
        (METRIC, Path.unlink, "missing metric"),
        (QUARANTINE, flip, "corrupt quarantine"),
        (QUARANTINE, Path.unlink, "missing quarantine"),
        (LEDGER, flip, "corrupt ledger"),
        (LEDGER, cut, "corrupt ledger"),
    ],
)
def test_a_damaged_object_is_found_and_made_again_as_it_was(
    shop: World, key: str, damage: Callable[[Path], None], problem: str
) -> None:
    before = digests(str(shop.lake))
    damage(shop.lake / key)
    assert problem in {item["problem"] for item in look(shop)}
    repaired = look(shop, repair=True)
    assert [item for item in repaired if item["is_problem"] and not item["repaired"]] == []
    assert digests(str(shop.lake)) == before
    assert look(shop) == []
    assert_closed(shop.settings, "web", raw_lines(shop))


def test_a_lost_ledger_is_an_unprocessed_hour(shop: World) -> None:
    before = digests(str(shop.lake))
    (shop.lake / LEDGER).unlink()
    assert {"unprocessed", "orphaned slice"} & {item["problem"] for item in look(shop)}
    look(shop, repair=True)
    assert digests(str(shop.lake)) == before


def test_a_late_object_within_the_look_back_is_found_by_the_next_run(shop: World) -> None:
    shop.land("web/2026/11/22/12/late.log", [access("2026-11-22T12:10:00+0000")])
    shop.run("web", "2026-11-22T14")
    assert look(shop) == []
    assert_closed(shop.settings, "web", raw_lines(shop))
    assert_same_from_raw(shop.settings, "web", HOURS)


def test_a_late_object_beyond_the_look_back_is_found_by_the_audit(shop: World) -> None:
    shop.land("web/2026/11/22/09/late.log", [access("2026-11-22T09:10:00+0000"), access("2026-11-22T08:10:00+0000")])
    shop.run("web", "2026-11-22T13")
    assert found(look(shop)) == [("unprocessed", "late.log")]
    [record] = look(shop, repair=True)
    assert record["repaired"]
    assert shop.counts()["2026-11-22T08"] == 2
    assert_closed(shop.settings, "web", raw_lines(shop))
    assert_same_from_raw(shop.settings, "web", HOURS)


def test_an_object_overwritten_beyond_the_look_back_is_found(shop: World) -> None:
    lines = [access("2026-11-22T09:00:01+0000", f"/{number}") for number in range(4)]
    shop.land("web/2026/11/22/09/a.log", lines, at="2026-11-22T16:00:00")
    assert found(look(shop)) == [("changed", "a.log")]
    look(shop, repair=True)
    assert shop.counts()["2026-11-22T09"] == 5
    assert_closed(shop.settings, "web", raw_lines(shop))
    assert_same_from_raw(shop.settings, "web", HOURS)


def test_an_object_that_moved_to_a_later_landing_hour_leaves_no_rows_behind(world: World) -> None:
    world.configure(
        '[sources.web]\nraw = "raw/flat/"\nformat = "combined"\nstart = "2026-11-22T09"\nlook_back_hours = 1\n'
    )
    old = [access("2026-11-22T09:00:01+0000"), access("2026-11-22T08:00:01+0000")]
    world.land("flat/a.log", old, at="2026-11-22T09:30:00")
    world.run("web", "2026-11-22T09")
    world.land("flat/a.log", [access("2026-11-22T09:00:01+0000")], at="2026-11-22T13:30:00")
    world.run("web", "2026-11-22T13")
    assert world.counts() == {"2026-11-22T08": 1, "2026-11-22T09": 1}
    assert found(look(world)) == [("superseded", "a.log")]
    look(world, repair=True)
    assert world.counts() == {"2026-11-22T09": 1}
    assert_closed(world.settings, "web", 1)
    assert_same_from_raw(world.settings, "web", ["2026-11-22T13"])


def test_rows_of_objects_that_raw_has_forgotten_are_kept(shop: World) -> None:
    (shop.root / "raw/web/2026/11/22/11/a.log").unlink()
    flip(shop.lake / SLICE)
    before = shop.counts()
    records = look(shop, repair=True)
    assert {(item["problem"], item["is_problem"]) for item in records} == {("corrupt slice", True), ("gone", False)}
    [slice_] = [item for item in records if item["is_problem"]]
    assert not slice_["repaired"]
    assert "etl restore" in slice_["detail"]
    assert shop.counts() == before


def test_a_run_that_died_before_publishing_is_finished(shop: World) -> None:
    shop.land("web/2026/11/22/12/late.log", [access("2026-11-22T12:10:00+0000")])
    work = land(shop.settings, "web", "2026-11-22T13")
    normalize(shop.settings, "web", work, 0)
    assert "unpublished" in {item["problem"] for item in look(shop)}
    look(shop, repair=True)
    assert look(shop) == []
    assert_same_from_raw(shop.settings, "web", HOURS)


def test_a_slice_that_no_ledger_tells_of_is_removed(shop: World) -> None:
    orphan = shop.lake / SLICE.replace("event_hour=2026-11-22T10", "event_hour=2026-11-22T07")
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes((shop.lake / SLICE).read_bytes())
    assert ("orphaned slice", "shard-00.parquet") in found(look(shop))
    look(shop, repair=True)
    assert not orphan.exists()
    assert_same_from_raw(shop.settings, "web", HOURS)


@pytest.mark.parametrize(
    "key", ["events/web_access/event_date=2026-11-22/event_hour=10/stranger.parquet", "events/web_access/copy.parquet"]
)
def test_objects_of_others_are_named_and_left_alone(shop: World, key: str) -> None:
    path = shop.lake / key
    path.write_bytes(b"not ours")
    assert [item["where"] for item in foreign(shop.settings)] == [key]
    look(shop, repair=True)
    assert path.read_bytes() == b"not ours"


def test_a_poisoned_slice_is_not_published(shop: World) -> None:
    poison(shop.lake / SLICE)
    shop.land("web/2026/11/22/12/late.log", [access("2026-11-22T10:10:00+0000")])
    before = shop.counts()
    with pytest.raises(ObjectCorrupt, match="etl audit --repair"):
        shop.run("web", "2026-11-22T13")
    assert shop.counts() == before
    look(shop, repair=True)
    shop.run("web", "2026-11-22T13")
    assert_closed(shop.settings, "web", raw_lines(shop))
    assert_same_from_raw(shop.settings, "web", HOURS)


def test_a_refused_hour_fails_its_run_once_and_does_not_stop_the_next_ones(shop: World) -> None:
    bad = shop.land("web/2026/11/22/14/a.log", ["rubbish"] * 200)
    with pytest.raises(Exception, match="200 of 200 lines were rejected"):
        shop.run("web", "2026-11-22T14")
    shop.land("web/2026/11/22/15/a.log", [access("2026-11-22T15:00:01+0000")])
    shop.run("web", "2026-11-22T15")
    assert shop.counts()["2026-11-22T15"] == 1
    [record] = audit(shop.settings, "web", FIRST, datetime(2026, 11, 22, 15), repair=True)
    assert (record["problem"], record["repaired"]) == ("refused", False)
    assert "200 of 200 lines" in record["detail"]
    bad.write_text(access("2026-11-22T14:00:01+0000") + "\n")
    shop.run("web", "2026-11-22T15")
    assert shop.counts()["2026-11-22T14"] == 1
    assert audit(shop.settings, "web", FIRST, datetime(2026, 11, 22, 15)) == []


def test_a_bad_object_that_comes_late_fails_one_run_and_publishes_nothing_of_its_hour(shop: World) -> None:
    shop.land("web/2026/11/22/13/late.log", ["rubbish"] * 200)
    shop.land("web/2026/11/22/14/a.log", [access("2026-11-22T14:00:01+0000")])
    with pytest.raises(Exception, match="rejected"):
        shop.run("web", "2026-11-22T14")
    assert "2026-11-22T14" not in shop.counts()
    shop.run("web", "2026-11-22T14")
    assert shop.counts()["2026-11-22T14"] == 1
    assert shop.counts()["2026-11-22T13"] == 1


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_drill_rebuilds_a_published_hour_from_raw(shop: World, seed: int) -> None:
    before = shop.objects()
    assert drill(shop.settings, "web", seed=seed)["outcome"] == "equal"
    assert shop.objects() == before


def test_a_drill_finds_a_partition_that_raw_does_not_tell_of(shop: World) -> None:
    stale(shop.lake / PARTITION)
    partition = Partition.parse("web_access/2026-11-22T10")
    assert drill(shop.settings, "web", partition)["outcome"] == "differs"
    shop.configure(config(zone='"Asia/Seoul"'))
    assert drill(shop.settings, "web", partition)["outcome"] == "outdated"
    with pytest.raises(ConfigError, match="one that is published"):
        drill(shop.settings, "web", Partition.parse("web_access/2026-11-23T10"))
    (shop.root / "raw/web/2026/11/22/11/a.log").unlink()
    with pytest.raises(ObjectMissing, match="etl restore"):
        drill(shop.settings, "web", partition)


def test_a_partition_keeps_the_rows_of_a_slice_that_is_missing_and_cannot_be_made_again(shop: World) -> None:
    (shop.root / "raw/web/2026/11/22/11/a.log").unlink()
    (shop.lake / SLICE).unlink()
    before = shop.counts()
    records = look(shop, repair=True)
    problems = {(item["problem"], item["repaired"]) for item in records if item["is_problem"]}
    assert problems == {("missing slice", False), ("stale partition", False)}
    assert shop.counts() == before
    shop.land("web/2026/11/22/12/late.log", [access("2026-11-22T10:10:00+0000")])
    with pytest.raises(ObjectCorrupt, match="would lose its rows"):
        shop.run("web", "2026-11-22T14")
    assert shop.counts() == before


def test_slices_outlive_their_ledger_and_raw_objects(shop: World) -> None:
    (shop.root / "raw/web/2026/11/22/11/a.log").unlink()
    (shop.lake / LEDGER).unlink()
    before = shop.counts()
    assert [item for item in look(shop, repair=True) if item["is_problem"]] == []
    assert shop.counts() == before


def test_a_damaged_partition_is_kept_while_a_slice_of_it_cannot_be_made_again(shop: World) -> None:
    (shop.root / "raw/web/2026/11/22/11/a.log").unlink()
    (shop.lake / SLICE).unlink()
    flip(shop.lake / PARTITION)
    before = (shop.lake / PARTITION).read_bytes()
    look(shop, repair=True)
    assert (shop.lake / PARTITION).read_bytes() == before


def test_rejected_lines_are_kept_where_their_ledger_is_damaged_and_raw_has_forgotten_them(shop: World) -> None:
    raw = shop.land("web/2026/11/22/09/a.log", ["rubbish"] * 3)
    shop.run("web", "2026-11-22T09")
    raw.unlink()
    cut(shop.lake / LEDGER.replace("landing_hour=11", "landing_hour=9"))
    [record] = [item for item in look(shop, repair=True) if item["problem"] == "corrupt ledger"]
    assert not record["repaired"]
    assert (shop.lake / QUARANTINE.replace("landing_hour=11", "landing_hour=9")).exists()


def test_a_random_drill_passes_over_hours_that_raw_has_forgotten(shop: World) -> None:
    (shop.lake / LEDGER).unlink()
    shutil.rmtree(shop.root / "raw/web/2026/11/22/11")
    outcomes = {drill(shop.settings, "web", seed=seed)["outcome"] for seed in range(3)}
    assert outcomes == {"equal"}
    shutil.rmtree(shop.root / "raw/web/2026")
    assert drill(shop.settings, "web") == {"source": "web", "partition": None, "outcome": "nothing"}


def test_an_audit_looks_at_no_hours_before_a_source_starts_or_after_it_ends(shop: World) -> None:
    shop.configure(config(end='"2026-11-22T12"', max_lateness_days="2"))
    source = shop.settings.source("web")
    assert audit_window(source, datetime(2026, 11, 22, 13)) == (FIRST, datetime(2026, 11, 22, 11))
    assert audit_window(source, datetime(2026, 11, 22, 20)) == (FIRST, datetime(2026, 11, 22, 12))
    shop.land("web/2026/11/22/08/early.log", [access("2026-11-22T08:00:00+0000")])
    for now in (datetime(2026, 11, 22, 10), datetime(2026, 12, 22)):
        assert audit(shop.settings, "web", *audit_window(source, now), repair=True) == []


def test_an_object_that_came_to_a_refused_hour_of_another_shard_is_processed(shop: World) -> None:
    shop.configure(config(shards="2"))
    shop.land("web/2026/11/22/13/bad.log", ["rubbish"] * 200)
    with pytest.raises(Exception, match="rejected"):
        shop.run("web", "2026-11-22T13")
    names = [f"{letter}.log" for letter in "cdefgh"]
    producer = {name: shard_of(producer_of(f"2026/11/22/13/{name}"), 2) for name in ("bad.log", *names)}
    other = next(name for name in names if producer[name] != producer["bad.log"])
    shop.land(f"web/2026/11/22/13/{other}", [access("2026-11-22T13:20:00+0000")])
    records = look(shop, repair=True)
    assert ("unprocessed", other) in found(records)
    assert not [item for item in look(shop) if item["where"].endswith(other)]


def test_slices_of_the_version_before_seals_are_believed_where_their_ledger_tells_of_them(shop: World) -> None:
    path, ledger = shop.lake / SLICE, shop.lake / LEDGER
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    books = json.loads(pq.read_metadata(path).metadata[b"logbucket"])
    del books["content"]
    pq.write_table(pq.read_table(path).replace_schema_metadata({"logbucket": json.dumps(books)}), path)
    account = json.loads(ledger.read_text().replace(before, hashlib.sha256(path.read_bytes()).hexdigest()))
    del account["digest"]
    ledger.write_text(json.dumps(account, sort_keys=True))
    (shop.root / "raw/web/2026/11/22/11/a.log").unlink()
    assert ("corrupt slice", "shard-00.parquet") not in found(look(shop))
    shop.land("web/2026/11/22/12/late.log", [access("2026-11-22T10:10:00+0000")])
    shop.run("web", "2026-11-22T14")
    assert shop.counts()["2026-11-22T10"] == 3


def test_what_a_run_left_unpublished_is_published_though_its_hour_is_refused_now(shop: World) -> None:
    shop.land("web/2026/11/22/12/late.log", [access("2026-11-22T07:10:00+0000")])
    normalize(shop.settings, "web", land(shop.settings, "web", "2026-11-22T13"), 0)
    shop.land("web/2026/11/22/12/bad.log", ["rubbish"] * 200)
    with pytest.raises(Exception, match="rejected"):
        shop.run("web", "2026-11-22T13")
    shop.run("web", "2026-11-22T13")
    assert shop.counts()["2026-11-22T07"] == 1
