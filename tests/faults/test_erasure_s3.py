"""An erasure in S3 that dies at a step: the next one leaves nothing, and tells of all."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pyarrow.parquet as pq
import pytest

from etl.io.store import open_store, use_credentials
from etl.model.hours import parse_hour
from etl.stages import replay
from etl.stages.audit import audit
from etl.stages.erase import erase
from etl.stages.report import write
from tests.pipeline.conftest import World
from tests.support.servers import S3Server, s3_server

LAKE, HOUR = "s3://lake/logs", "2026-11-22T10"
PERSON, ASKED = "u-abcdefgh", datetime(2026, 11, 24)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server("lake") as server:
        use_credentials(**server.credentials)
        yield server
        use_credentials()


def layers(s3: S3Server) -> set[str]:
    """The layers that hold the person."""
    found = set()
    for stat in open_store(LAKE).list(""):
        data = s3.client().get_object(Bucket="lake", Key=f"logs/{stat.key}")["Body"].read()
        if stat.key.endswith(".parquet"):
            data += str(pq.read_table(io.BytesIO(data)).to_pylist()).encode()
        if PERSON.encode() in data:
            found.add(stat.key.split("/")[0])
    return found


@pytest.mark.parametrize("step", ["normalize", "publish", "aggregate", "check"])
def test_an_erasure_that_dies_half_way_is_completed_by_the_next(
    s3: S3Server, world: World, step: str, monkeypatch: pytest.MonkeyPatch
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
    assert layers(s3) == {"events", "staged", "metrics", "reports"}
    done = getattr(replay, step)

    def die(*arguments: Any, **options: Any) -> None:
        done(*arguments, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(replay, step, die)
        with pytest.raises(KeyboardInterrupt):
            erase(world.settings, "user_id", PERSON, ASKED)
    certificate = erase(world.settings, "user_id", PERSON, ASKED)
    assert layers(s3) == set()
    assert (certificate["rows"], [item["records"] for item in certificate["raw"]]) == (1, [1])
    assert {item["key"].split("/")[0] for item in certificate["objects"]} >= {"events", "staged", "metrics", "reports"}
    assert audit(world.settings, "app", parse_hour(HOUR), parse_hour(HOUR)) == []
    assert {stat.key.split("/")[1] for stat in open_store(LAKE).list("erasures/")} == {"subjects", "certificates"}
