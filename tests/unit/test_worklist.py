"""Producers, shards, natural order and the work list's text."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.model.worklist import RawObject, WorkList, in_producer_order, natural, producer_of, shard_of

SAME_PRODUCER = {
    "hourly files": ["web-1/access-2026112213.log.gz", "web-1/access-2026112214.log.gz"],
    "dates with dashes": ["web-1/access-2026-11-22-13.log", "web-1/access-2026-11-23-00.log"],
    "iso times": ["app/2026-11-22T13:04:05Z.jsonl", "app/2026-11-22T14:04:05Z.jsonl"],
    "sequence numbers": ["web-1-0041.log.gz", "web-1-0042.log.gz"],
    "rotation": ["web/access.log", "web/access.log.1", "web/access.log.2.gz"],
    "other compression": ["web/access-20261122.log", "web/access-20261122.log.zst"],
    "uuids": [
        "fw/part-6f1a2b3c-0000-4a4a-8b8b-111111111111.json.gz",
        "fw/part-7f1a2b3c-0000-4a4a-8b8b-222222222222.json.gz",
    ],
    "epoch in the name": ["lb_1795352645.log", "lb_1795356245.log"],
    "milliseconds in the name": ["lb_1795352645123.log", "lb_1795356245999.log"],
    "times to the second": ["web_20261122130405_0001.log", "web_20261122140405_0002.log"],
    "upper case endings": ["web/a-20261122.LOG.GZ", "web/a-20261123.log.gz"],
}
OTHER_PRODUCER = {
    "hosts": ["web-1/access.log", "web-2/access.log"],
    "host numbers in the name": ["web-1-20261122.log", "web-2-20261122.log"],
    "folders": ["eu/access-20261122.log", "us/access-20261122.log"],
    "names": ["access.log", "error.log"],
    "two-digit hosts": ["web-01.log", "web-02.log"],
}


@pytest.mark.parametrize("keys", SAME_PRODUCER.values(), ids=SAME_PRODUCER)
def test_pieces_of_one_log_have_one_producer(keys: list[str]) -> None:
    assert len({producer_of(key) for key in keys}) == 1, [producer_of(key) for key in keys]


@pytest.mark.parametrize("keys", OTHER_PRODUCER.values(), ids=OTHER_PRODUCER)
def test_different_logs_have_different_producers(keys: list[str]) -> None:
    assert len({producer_of(key) for key in keys}) == len(keys)


@pytest.mark.parametrize(
    ("key", "pattern", "producer"),
    [
        ("logs/web-7/2026/a.log", r"web-\d+", "web-7"),
        ("logs/web-7/2026/a.log", r"logs/([^/]+)/", "web-7"),
        ("logs/a-20261122.log", r"nothing", "logs/a-"),
    ],
)
def test_a_source_may_name_its_producers(key: str, pattern: str, producer: str) -> None:
    assert producer_of(key, pattern) == producer


@pytest.mark.parametrize("key", ["x" * 255 + ".log", "gzlog.gz", "a.log.gz", "log", "gz", "ö.log"])
def test_an_ending_is_taken_off_as_a_whole(key: str) -> None:
    assert producer_of(key) == key.removesuffix(".gz").removesuffix(".log")


def test_shards_never_move() -> None:
    assert [shard_of(name, 8) for name in ("web-1", "web-2", "", "ö")] == [3, 1, 4, 3]


@given(st.text(), st.integers(1, 8))
def test_a_shard_is_one_of_the_shards(producer: str, shards: int) -> None:
    assert 0 <= shard_of(producer, shards) < shards


def test_shards_are_filled_evenly() -> None:
    counts = [0] * 4
    for number in range(4000):
        counts[shard_of(f"host-{number}", 4)] += 1
    assert min(counts) > 900


def test_numbers_in_keys_are_ordered_as_numbers() -> None:
    ordered = ["1", "a", "a-2", "a-10", "a-10-b", "a-10-b-2", "b-1", "é-1"]
    shuffled = ordered[:]
    random.Random(7).shuffle(shuffled)
    assert sorted(shuffled, key=natural) == ordered


@given(st.lists(st.text(max_size=12)))
def test_any_keys_can_be_ordered(keys: list[str]) -> None:
    found = sorted(keys, key=natural)
    assert sorted(found) == sorted(keys)
    assert found == sorted(found, key=natural)


def obj(key: str) -> RawObject:
    return RawObject(key, "e", 1, "2026-11-22T13:00:00")


def test_pieces_of_a_producer_stand_together_in_natural_order() -> None:
    keys = ["web-1/a-2026112209.log", "web-1/a-2026112210.log", "web-2/a-2026112208.log", "web-2/a-2026112211.log"]
    shuffled = keys[:]
    random.Random(7).shuffle(shuffled)
    assert [item.key for item in in_producer_order(map(obj, shuffled))] == keys


OBJECTS = st.builds(RawObject, st.text(), st.text(), st.integers(0, 2**63), st.text())


@given(st.dictionaries(st.text(), st.lists(OBJECTS, max_size=3), max_size=3))
def test_a_work_list_survives_its_text(hours: dict[str, list[RawObject]]) -> None:
    work = WorkList("web", "2026-11-21T14", "2026-11-22T13", hours)
    assert WorkList.from_json(work.to_json()) == work


def test_equal_listings_have_equal_bytes() -> None:
    hours = {"2026-11-22T13": [obj("a")], "2026-11-22T12": [obj("b")]}
    other = dict(reversed(hours.items()))
    assert WorkList("w", "a", "b", hours).to_json() == WorkList("w", "a", "b", other).to_json()
