"""The jvm report over simulated logs: every figure taken again from the raw files with pandas."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from etl.simulate import ALL_SOURCES, simulate
from etl.stages.report import has_data, render
from tests.pipeline.conftest import World, access
from tests.pipeline.report_tables import Tables, tables_of

FIRST, HOURS = datetime(2026, 11, 22), 4
LAST = FIRST + timedelta(hours=HOURS - 1)
GC = re.compile(r"\[(\S+?)\]\[\S+s\]\[(\S+)\]\[info\]\[gc\] GC\(\d+\) (.*?)(?: (\d+)M->(\d+)M\((\d+)M\))? ([\d.]+)ms$")
WEB = re.compile(r"\[(\d\d/Nov/2026:\d\d:\d\d:\d\d \+0000)\] \".*?\" (\d{3}) .*?(?:\" (\d+\.\d{3}))?$")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> World:
    root = tmp_path_factory.mktemp("shop")
    kept = [source for source in ALL_SOURCES if source.name in ("shop_gc", "shop_web")]
    simulate(root, start=FIRST, hours=HOURS, lines_per_hour=1500, seed=3, sources=kept)
    world = World(root)
    for source in kept:
        world.run(source.name, *(f"2026-11-22T{hour:02}" for hour in range(HOURS)))
    return world


@pytest.fixture(scope="module")
def tables(shop: World) -> Tables:
    return tables_of(shop.settings, "jvm", FIRST, LAST)


def lines(root: Path, source: str) -> Iterator[str]:
    seen = set()
    for path in sorted((root / "raw" / source).rglob("*.*")):
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        if data not in seen:
            seen.add(data)
            yield from data.decode("utf-8", "replace").split("\n")


@pytest.fixture(scope="module")
def gc(shop: World) -> pd.DataFrame:
    found = [match.groups() for line in lines(shop.root, "shop_gc") if (match := GC.match(line))]
    frame = pd.DataFrame(found, columns=["time", "host", "action", "before", "after", "committed", "ms"])
    frame["time"] = pd.to_datetime(frame["time"]).dt.tz_convert("UTC").dt.tz_localize(None)
    frame["us"] = frame["ms"].map(lambda text: round(float(text) * 1000))
    frame[["before", "after", "committed"]] = frame[["before", "after", "committed"]].astype(float) * 2**20
    frame["hour"], frame["minute"] = frame["time"].dt.floor("h"), frame["time"].dt.floor("min")
    return frame


@pytest.fixture(scope="module")
def pauses(gc: pd.DataFrame) -> pd.DataFrame:
    return gc[gc["action"].str.startswith("Pause")]


def nearest_rank(us: pd.Series, p: float) -> float:
    return float(np.sort(us)[int(np.ceil(p * len(us))) - 1]) / 1000


def test_pauses_of_each_jvm(tables: Tables, gc: pd.DataFrame, pauses: pd.DataFrame) -> None:
    found = {row["jvm"]: row for row in tables["jvms"]}
    assert set(found) == {"shop on app-1", "shop on app-2"}
    for host, own in pauses.groupby("host"):
        row = found[f"shop on {host}"]
        assert (row["pauses"], row["full_pauses"]) == (len(own), own["action"].str.contains("Full").sum())
        assert row["pause_sum_ms"] == pytest.approx(own["us"].sum() / 1000, rel=1e-12)
        assert row["pause_max_ms"] == own["us"].max() / 1000
        assert row["throughput"] == pytest.approx(1 - own["us"].sum() / 1000 / (HOURS * 3_600_000), rel=1e-12)
        freed = (gc["before"] - gc["after"]).clip(lower=0)[gc["host"] == host].sum()
        assert row["freed_bytes_per_hour"] == pytest.approx(freed / HOURS, abs=1)
        for name, p in {"p50_ms": 0.5, "p99_ms": 0.99}.items():
            assert row[name] == pytest.approx(nearest_rank(own["us"], p), rel=0.0101)


def test_totals(tables: Tables, gc: pd.DataFrame, pauses: pd.DataFrame) -> None:
    [found] = tables["totals"]
    assert (found["collections"], found["pauses"], found["jvms"], found["hours"]) == (len(gc), len(pauses), 2, HOURS)
    assert found["pause_sum_ms"] == pytest.approx(pauses["us"].sum() / 1000, rel=1e-12)
    assert found["p99_ms"] == pytest.approx(nearest_rank(pauses["us"], 0.99), rel=0.0101)
    assert found["pause_max_ms"] == pauses["us"].max() / 1000
    assert found["full_pauses"] == pauses["action"].str.contains("Full").sum()
    assert found["throughput"] == pytest.approx(1 - pauses["us"].sum() / 1000 / (2 * HOURS * 3_600_000), rel=1e-12)


def test_pauses_of_each_hour(tables: Tables, pauses: pd.DataFrame) -> None:
    true = pauses.groupby("hour")["us"]
    assert {row["hour_start"]: row["pause_sum_ms"] for row in tables["hours"]} == pytest.approx(
        dict(true.sum() / 1000), rel=1e-12
    )
    for row in tables["longest"]:
        own = true.get_group(row["hour_start"])
        assert row["pause_max_ms"] == own.max() / 1000
        for name, p in {"p50_ms": 0.5, "p99_ms": 0.99}.items():
            assert row[name] == pytest.approx(nearest_rank(own, p), rel=0.0101)
    for row in tables["service_hours"]:
        own = true.get_group(row["hour_start"])
        assert row["pause_sum_ms"] == pytest.approx(own.sum() / 1000, rel=1e-12)
        assert row["pause_max_ms"] == own.max() / 1000
        assert row["p99_ms"] == pytest.approx(nearest_rank(own, 0.99), rel=0.0101)
        assert row["throughput"] == pytest.approx(1 - own.sum() / 1000 / (2 * 3_600_000), rel=1e-12)
    by_service = {row["hour_start"]: row["pauses"] for row in tables["service_hours"]}
    assert by_service == dict(true.size())


def test_heap_after_collections(tables: Tables, gc: pd.DataFrame) -> None:
    known = gc.dropna(subset="after")
    for row in tables["heaps"]:
        own = known[known["host"] == row["jvm"].removeprefix("shop on ")]
        assert (row["heap_after_min_bytes"], row["heap_after_max_bytes"]) == (own["after"].min(), own["after"].max())
        assert row["heap_after_last_bytes"] == own.sort_values("time", kind="stable")["after"].iloc[-1]
        assert row["heap_committed_bytes"] == own["committed"].max()
    fullest = known.groupby(["hour", "host"])["after"].agg(["min", "max"]).groupby("hour").max()
    found = {row["hour_start"]: (row["heap_after_min_bytes"], row["heap_after_max_bytes"]) for row in tables["heap"]}
    assert found == {hour: tuple(values) for hour, values in fullest.iterrows()}


def test_the_worst_minutes_stand_beside_their_traffic(shop: World, tables: Tables, pauses: pd.DataFrame) -> None:
    by_minute = pauses.groupby(["host", "minute"])["us"].sum().sort_values(ascending=False)
    assert [row["pause_ms"] for row in tables["windows"]] == list(by_minute.head(15) / 1000)
    found = [match.groups() for line in lines(shop.root, "shop_web") if (match := WEB.search(line))]
    web = pd.DataFrame(found, columns=["time", "status", "seconds"])
    web["minute"] = pd.to_datetime(web["time"], format="%d/%b/%Y:%H:%M:%S %z").dt.tz_localize(None).dt.floor("min")
    per_minute = web["minute"].value_counts()
    failed = web[web["status"].astype(int) >= 500]["minute"].value_counts()
    mean_ms = (web["seconds"].astype(float) * 1000).groupby(web["minute"]).mean()
    for row in tables["windows"]:
        assert row["pause_ms"] == by_minute[row["jvm"].removeprefix("shop on "), row["minute"]] / 1000
        own = pauses[(pauses["host"] == row["jvm"].removeprefix("shop on ")) & (pauses["minute"] == row["minute"])]
        assert (row["pauses"], row["longest_ms"]) == (len(own), own["us"].max() / 1000)
        assert row["requests"] == per_minute.get(row["minute"], 0)
        if row["requests"]:
            assert row["server_errors"] == failed.get(row["minute"], 0)
            assert row["mean_ms"] == pytest.approx(mean_ms[row["minute"]])
            assert row["usual_mean_ms"] == pytest.approx(
                mean_ms[mean_ms.index.floor("h") == row["minute"].replace(minute=0)].median()
            )
        hour = row["minute"].replace(minute=0)
        minutes = [per_minute.get(hour + timedelta(minutes=number), 0) for number in range(60)]
        assert row["usual_requests"] == np.median(minutes)


def test_the_page_is_the_same_again(shop: World) -> None:
    page = render(shop.settings, "jvm", FIRST, LAST)
    assert page == render(shop.settings, "jvm", FIRST, LAST)
    assert page.count("<svg") >= 6
    assert not re.search(r"\bnan\b|Undefined", page)


def test_traffic_alone_makes_no_jvm_report(web: World) -> None:
    web.land("web/2026/11/22/00/a.log", [access("2026-11-22T00:04:05+0000")])
    web.run("web", "2026-11-22T00")
    assert has_data(web.settings, "traffic", FIRST, LAST)
    assert not has_data(web.settings, "jvm", FIRST, LAST)
