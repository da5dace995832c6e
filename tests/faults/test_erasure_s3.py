"""An erasure in S3 that dies at a step: the next one leaves nothing, and tells of all."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from etl.io.store import open_store
from etl.model.hours import parse_hour
from etl.stages import replay
from etl.stages.audit import audit
from etl.stages.erase import erase
from etl.stages.report import write
from tests.pipeline.conftest import World
from tests.support.dying import dying
from tests.support.search import holding
from tests.support.servers import S3Server

LAKE, HOUR = "s3://lake/logs", "2026-11-22T10"
PERSON, ASKED = "u-abcdefgh", datetime(2026, 11, 24)


def layers(copy: Path) -> set[str]:
    """The layers that hold the person; ``copy`` is a folder to be made for the objects of the lake."""
    for stat in open_store(LAKE).list(""):
        path = copy / stat.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(open_store(LAKE).read(stat.key) or b"")
    return {key.split("/")[0] for key in holding(copy, PERSON).get(PERSON, [])}


@pytest.mark.parametrize("step", ["normalize", "publish", "aggregate", "check"])
def test_an_erasure_that_dies_half_way_is_completed_by_the_next(
    s3: S3Server, world: World, tmp_path: Path, step: str
) -> None:
    for stat in list(open_store(LAKE).list("")):
        open_store(LAKE).delete(stat.key)
    world.configure(
        '[sources.app]\nraw = "raw/app/%Y/%m/%d/%H/"\nformat = "logback"\nshards = 1\nstart = "2026-11-22T10"\n',
        lake=LAKE,
    )
    line = f"2026-11-22 10:04:05,123 [main] ERROR com.shop.Pay - cart of {PERSON} is out"
    world.land("app/2026/11/22/10/a.log", [line])
    world.run("app", HOUR)
    write(world.settings, "errors", parse_hour(HOUR), parse_hour(HOUR))
    assert layers(tmp_path / "before") == {"events", "staged", "metrics", "reports"}
    with dying(replay, step, after=True):
        erase(world.settings, "user_id", PERSON, ASKED)
    certificate = erase(world.settings, "user_id", PERSON, ASKED)
    assert layers(tmp_path / "after") == set()
    assert (certificate["rows"], [item["records"] for item in certificate["raw"]]) == (1, [1])
    assert {item["key"].split("/")[0] for item in certificate["objects"]} >= {"events", "staged", "metrics", "reports"}
    assert audit(world.settings, "app", parse_hour(HOUR), parse_hour(HOUR)) == []
    assert {stat.key.split("/")[1] for stat in open_store(LAKE).list("erasures/")} == {"subjects", "certificates"}
