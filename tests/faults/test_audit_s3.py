"""The audit of a lake in S3, where the store itself refuses what is damaged."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from etl.errors import StoreUnavailable
from etl.io import store
from etl.io.store import S3Store, open_store
from etl.stages.audit import audit
from etl.stages.expire import expire
from etl.stages.status import status
from tests.faults.closing import digests
from tests.pipeline.conftest import World, access
from tests.support.servers import S3Server

FIRST, LAST = datetime(2026, 11, 22, 10), datetime(2026, 11, 22, 11)
LAKE = "s3://lake/logs"


@pytest.fixture(scope="module")
def shop(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("shop"))
    world.configure(
        '[sources.web]\nraw = "raw/web/%Y/%m/%d/%H/"\nformat = "combined"\nshards = 1\nlook_back_hours = 1\n'
        'start = "2026-11-22T10"\n',
        lake=LAKE,
    )
    for hour in ("10", "11"):
        world.land(f"web/2026/11/22/{hour}/a.log", [access("2026-11-22T10:00:01+0000", f"/{hour}"), "rubbish"])
        world.run("web", f"2026-11-22T{hour}")
    return world


@pytest.mark.parametrize(
    "key",
    [
        "staged/web/web_access/event_hour=2026-11-22T10/landing_hour=2026-11-22T11/shard-00.parquet",
        "events/web_access/event_date=2026-11-22/event_hour=10/web.parquet",
        "metrics/traffic_hourly/event_date=2026-11-22/web.parquet",
        "quarantine/web/landing_date=2026-11-22/landing_hour=11/shard-00.parquet",
        "ledger/web/landing_date=2026-11-22/landing_hour=11/shard-00.json",
    ],
)
def test_a_damaged_object_is_found_and_made_again(
    s3: S3Server, shop: World, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr(store, "_FIRST_PAUSE_SECONDS", 0.001)
    before = digests(LAKE)
    place = {"Bucket": "lake", "Key": f"logs/{key}"}
    found = s3.client().get_object(**place)
    data = bytearray(found["Body"].read())
    data[len(data) // 2] ^= 1
    s3.client().put_object(**place, Body=bytes(data), Metadata=found["Metadata"])
    records = audit(shop.settings, "web", FIRST, LAST, repair=True)
    assert any(item["problem"].startswith("corrupt") and item["where"] == key for item in records)
    assert [item for item in records if not item["repaired"]] == []
    assert digests(LAKE) == before


def test_an_object_that_cannot_be_read_now_is_not_taken_for_damaged(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digests(LAKE)
    fetch = S3Store.fetch

    def silent(self: S3Store, key: str, folder: Path, etag: str | None = None) -> Path:
        if key.startswith("events/"):
            raise StoreUnavailable(f"{self.uri(key)}: cannot read")
        return fetch(self, key, folder, etag)

    with monkeypatch.context() as patch:
        patch.setattr(S3Store, "fetch", silent)
        with pytest.raises(StoreUnavailable):
            audit(shop.settings, "web", FIRST, LAST, repair=True)
    assert digests(LAKE) == before


def test_what_expired_is_gone_from_the_bucket_and_stays_so(shop: World) -> None:
    text = (shop.root / "sources.toml").read_text().partition("\n")[2]
    shop.configure(f"retention = {{ events_days = 1, quarantine_days = 1 }}\n{text}", lake=LAKE)
    left = next(open_store(LAKE).list("staged/"))
    path = open_store(LAKE).fetch(left.key, shop.root)
    expire(shop.settings, "web", date(2026, 11, 24))
    open_store(LAKE).put(path, left.key)
    shop.run("web", "2026-11-22T11", reprocess=True)
    assert audit(shop.settings, "web", FIRST, LAST, repair=True) == []
    expire(shop.settings, "web", date(2026, 11, 24))
    assert {stat.key.split("/")[0] for stat in open_store(LAKE).list("")} == {"metrics", "ledger", "work", "expired"}
    assert status(shop.settings)[0]["closed"]
