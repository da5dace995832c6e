"""kill -9 at every write, fsync, rename and removal of each stage: one more run makes the lake that raw gives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from etl.io.store import use_credentials
from tests.faults.situations import STAGES, OnS3, Situation, assert_whole, first_run, run_over_changes
from tests.faults.syscalls import Call, calls_below, kill_at, kill_at_request
from tests.pipeline.conftest import World
from tests.support.fault_proxy import Fault, Kind, fault_proxy
from tests.support.servers import s3_server

# every call, where published hours change; in a first run those that change what can be seen
_EVERY, _VISIBLE = ("write", "fsync", "rename", "unlink", "link"), ("rename", "unlink")
_KILLS = [
    (first_run, _VISIBLE, {"land": 1, "normalize": 5, "publish": 2, "aggregate": 3, "check": 1, "report": 1}),
    (run_over_changes, _EVERY, {"land": 4, "normalize": 30, "publish": 5, "aggregate": 12, "check": 4, "report": 9}),
]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Situation:
    return first_run(World(tmp_path_factory.mktemp("first")))


@pytest.fixture(scope="module")
def on_s3(first: Situation) -> Iterator[OnS3]:
    with s3_server("lake") as server, fault_proxy(server.endpoint_url) as proxy:
        use_credentials(**server.credentials)
        yield OnS3(first, server, "lake", proxy)
        use_credentials()


@pytest.fixture(scope="module", params=_KILLS, ids=lambda kill: kill[0].__name__)
def kills(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Situation, tuple[str, ...], dict[str, int]]]:
    build, names, least = request.param
    yield build(World(tmp_path_factory.mktemp("world"))), names, least


@pytest.mark.parametrize("stage", STAGES)
def test_one_run_makes_a_kill_good(kills: tuple[Situation, tuple[str, ...], dict[str, int]], stage: str) -> None:
    situation, names, least = kills
    points = _points(situation, stage, names)
    assert len(points) >= least[stage], [str(point) for point in points]
    for number, point in enumerate(points):
        _kill(situation, stage, point)
        assert_whole(situation.world.lake)
        # an object is written in four calls: each kind of call meets both ways to recover
        again = (situation.hour, situation.next_hour)[(number + number // 4) % 2]
        try:
            situation.assert_made_good_by(again)
        except Exception as error:
            raise AssertionError(f"{stage} was killed at {point}; the run of {again} did not make it good") from error


def test_killed_with_slices_written_but_not_the_ledger(first: Situation) -> None:
    [ledger] = [point for point in _points(first, "normalize", ["write"]) if "/lake/ledger/" in point.path]
    for again in (first.hour, first.next_hour):
        _kill(first, "normalize", ledger)
        kinds = {path.split("/")[0] for path in first.world.objects() if "/." not in path}
        assert kinds == {"work", "staged", "quarantine"}
        first.assert_made_good_by(again)


def test_killed_again_and_again(first: Situation) -> None:
    """Attempts that are killed one after the other, each further on, leave what one undisturbed run makes good."""
    points = _points(first, "normalize", ["rename"])
    before = first.rewind("normalize")
    for point in points:
        kill_at(point, before.work, first.settings, *before.arguments)
    first.assert_made_good_by(first.next_hour)


# hang: before the server has anything of a request; silent: after it has done what was asked
_KILLS_AT_REQUESTS = [
    ("land", "PUT", "work/", "silent"),
    ("normalize", "PUT", "work/", "hang"),
    ("normalize", "PUT", "staged/", "silent"),
    ("normalize", "PUT", "ledger/", "hang"),
    ("normalize", "PUT", "ledger/", "silent"),
    ("publish", "PUT", "events/", "hang"),
    ("publish", "PUT", "events/", "silent"),
    ("aggregate", "PUT", "metrics/", "hang"),
    ("aggregate", "PUT", "metrics/", "silent"),
    ("check", "DELETE", "work/", "hang"),
]


@pytest.mark.parametrize(("stage", "verb", "prefix", "kind"), _KILLS_AT_REQUESTS)
def test_one_run_makes_a_kill_at_a_request_to_s3_good(
    on_s3: OnS3, stage: str, verb: str, prefix: str, kind: Kind
) -> None:
    fault = Fault(kind, f"^{verb} /lake/lake/{prefix}", times=1)
    kill_at_request(on_s3.proxy, fault, *on_s3.rewind(stage))
    on_s3.assert_made_good_by(on_s3.situation.next_hour)


def _points(situation: Situation, stage: str, names: tuple[str, ...] | list[str]) -> list[Call]:
    before = situation.rewind(stage)
    return calls_below(situation.world.lake, names, before.work, situation.settings, *before.arguments)


def _kill(situation: Situation, stage: str, point: Call) -> None:
    before = situation.rewind(stage)
    kill_at(point, before.work, situation.settings, *before.arguments)
