"""Simulated logs through all stages: the published counts are the true counts, and a rerun changes nothing."""

from __future__ import annotations

import json
import math
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import etl
from etl.config import load
from etl.io.snapshot import snapshot
from etl.io.statements import load_statements
from etl.simulate import simulate
from etl.stages.run import run
from etl.stages.status import status
from tests.pipeline.conftest import World, read_with_plain_duckdb

HOURS = [f"2026-11-22T{hour:02}" for hour in range(4)]
SOURCES = {"shop_web": "web_access", "shop_app": "app_log", "game_events": "json_event"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> World:
    root = tmp_path_factory.mktemp("shop")
    simulate(root, start=datetime(2026, 11, 22), hours=len(HOURS), lines_per_hour=1500, seed=11)
    with (root / "sources.toml").open("a") as file:
        # for the true number of visitors
        file.write('[sources.shop_web.privacy]\naddress = "keep"\n')
    world = World(root)
    for source in SOURCES:
        world.run(source, *HOURS)
    return world


@pytest.fixture(scope="module")
def truth(shop: World) -> dict[str, Any]:
    return dict(json.loads((shop.root / "truth.json").read_text())["sources"])


@pytest.mark.parametrize("source", SOURCES)
def test_books_equal_the_true_counts(shop: World, truth: dict[str, Any], source: str) -> None:
    book = next(item for item in status(shop.settings) if item["source"] == source)
    true = truth[source]
    assert book["closed"]
    assert {
        "objects": book["objects"],
        "lines": book["lines"],
        "rows": book["rows"],
        "row_lines": book["rows"] + book["continuation_lines"],
        "quarantined_lines": book["quarantined"],
        "ignored_lines": book["ignored"],
        "duplicates": book["duplicates"],
        "published": book["published"],
    } == {key: true[key] for key in (
        "objects", "lines", "rows", "row_lines", "quarantined_lines", "ignored_lines", "duplicates", "published",
    )}  # fmt: skip


@pytest.mark.parametrize(("source", "dataset"), SOURCES.items())
def test_published_rows_per_event_hour_are_the_true_ones(
    shop: World, truth: dict[str, Any], source: str, dataset: str
) -> None:
    assert shop.counts(f"events_{dataset}") == truth[source]["published_by_event_hour"]
    partial = shop.query(f"SELECT count(*) FROM events_{dataset} WHERE parse_status = 'partial'")
    assert partial == [(truth[source]["partial"],)]


def test_traffic_metric_holds_the_true_facts(shop: World, truth: dict[str, Any]) -> None:
    found = shop.query(
        """SELECT strftime(hour_start, '%Y-%m-%dT%H'), sum(requests), sum(bytes),
            sum(requests) FILTER (http_response_status_class = '5xx') FROM metrics_traffic_hourly GROUP BY 1"""
    )
    facts = truth["shop_web"]["facts_by_event_hour"]
    true = {hour: (fact["requests"], fact["response_bytes"], fact.get("status_5xx")) for hour, fact in facts.items()}
    assert {hour: tuple(rest) for hour, *rest in found} == true


def test_visitors_of_an_hour_are_its_distinct_address_and_agent_pairs(shop: World) -> None:
    metric = shop.query("SELECT hour_start, sum(visitors) FROM metrics_traffic_hourly GROUP BY 1 ORDER BY 1")
    distinct = shop.query(
        """SELECT date_trunc('hour', event_time), count(DISTINCT (client_address, user_agent_original))
        FROM events_web_access GROUP BY 1 ORDER BY 1"""
    )
    assert metric == distinct


def test_every_kind_of_error_is_one_group_with_its_true_count(shop: World, truth: dict[str, Any]) -> None:
    true: Counter[str] = Counter()
    for facts in truth["shop_app"]["facts_by_event_hour"].values():
        true.update({key: count for key, count in facts.items() if key.startswith("error.")})
    found = shop.query("SELECT sum(errors) FROM metrics_error_hourly GROUP BY error_fingerprint")
    assert sorted(count for (count,) in found) == sorted(true.values())
    samples = shop.query(
        """SELECT count(*) FROM metrics_error_hourly AS m JOIN events_app_log AS e ON e.event_id = m.sample_event_id
        WHERE e.error_fingerprint = m.error_fingerprint AND e.source_line = m.sample_source_line"""
    )
    assert samples == shop.query("SELECT count(*) FROM metrics_error_hourly")


def test_event_metric_holds_the_true_counts(shop: World, truth: dict[str, Any]) -> None:
    found = shop.query("SELECT event_name, sum(events) FROM metrics_event_hourly GROUP BY 1")
    true: Counter[str] = Counter()
    for facts in truth["game_events"]["facts_by_event_hour"].values():
        true.update({key.removeprefix("event."): count for key, count in facts.items() if key.startswith("event.")})
    assert dict(found) == dict(true)


@pytest.mark.parametrize("p", [0.5, 0.95, 0.99])
def test_percentiles_from_histograms_are_within_one_percent(shop: World, p: float) -> None:
    [(found,)] = shop.query(
        f"""WITH items AS (SELECT unnest(duration_histogram) AS i FROM metrics_latency_hourly),
            merged AS (SELECT i.b AS b, sum(i.n) AS n FROM items GROUP BY 1)
        SELECT percentile(list({{'b': b, 'n': n}} ORDER BY b), {p}) FROM merged"""
    )
    values = np.sort(
        [value for (value,) in shop.query("SELECT duration_ms FROM events_web_access WHERE duration_ms IS NOT NULL")]
    )
    exact = values[math.ceil(p * len(values)) - 1]
    assert abs(found - max(exact, 0.001)) <= 0.0101 * max(exact, 0.001)


def test_running_again_changes_no_byte_and_no_time(shop: World) -> None:
    before = shop.objects()
    for source in SOURCES:
        shop.run(source, *HOURS)
    assert shop.objects() == before
    for source in SOURCES:
        shop.run(source, *HOURS, reprocess=True)
    assert shop.objects() == before


@pytest.mark.parametrize("layer", ["events", "metrics", "staged", "quarantine"])
@pytest.mark.parametrize("reprocess", [False, True])
def test_a_deleted_object_comes_back_byte_for_byte(shop: World, layer: str, reprocess: bool) -> None:
    before = {key: data for key, (_, data) in shop.objects().items()}
    victim = next(path for path in sorted((shop.lake / layer).rglob("*.parquet")) if "shop_web" in str(path))
    victim.unlink()
    shop.run("shop_web", *HOURS, reprocess=reprocess)
    assert {key: data for key, (_, data) in shop.objects().items()} == before


def test_etl_sql_and_a_plain_glob_agree(shop: World) -> None:
    for dataset in SOURCES.values():
        sql = "SELECT * FROM {} ORDER BY event_id"
        glob = f"read_parquet('{shop.lake}/events/{dataset}/**/*.parquet', hive_partitioning = true)"
        own, plain = shop.query(sql.format(f"events_{dataset}")), read_with_plain_duckdb(sql.format(glob))
        assert own == plain
        assert len(own) > 0


def test_pandas_reads_a_partition_folder(shop: World) -> None:
    folder = shop.lake / "events" / "web_access" / "event_date=2026-11-22" / "event_hour=1"
    frame = pd.read_parquet(folder)
    assert len(frame) == shop.counts()["2026-11-22T01"]
    assert frame["event_time"].dt.floor("h").unique().tolist() == [pd.Timestamp("2026-11-22T01:00")]


def test_every_row_leads_back_to_its_raw_line(shop: World) -> None:
    rows = shop.query(
        "SELECT source_uri, source_line, url_path FROM events_web_access WHERE url_path IS NOT NULL USING SAMPLE 50 (reservoir, 3)"
    )
    import gzip

    for uri, number, path in rows:
        raw = gzip.decompress(Path(uri).read_bytes()).split(b"\n")
        assert path.encode() in raw[number - 1]


def test_the_lake_holds_what_the_layout_says_and_no_leftovers(shop: World) -> None:
    kinds = {key.split("/")[0] for key in shop.objects()}
    assert kinds == {"revisions", "staged", "events", "metrics", "quarantine", "ledger", "work"}
    assert not [key for key in shop.objects() if "/pending/" in key or Path(key).name.startswith(".")]


def test_a_run_in_another_order_of_hours_gives_the_same_partitions(shop: World, tmp_path: Path) -> None:
    simulate(tmp_path, start=datetime(2026, 11, 22), hours=len(HOURS), lines_per_hour=1500, seed=11)
    other = load(tmp_path / "sources.toml", {})
    for hour in [HOURS[2], HOURS[0], HOURS[3], HOURS[1]]:
        run(other, "shop_web", hour)
    with etl.connect(other.lake) as connection:
        found = connection.execute("SELECT hour_start, rows, duplicates FROM books ORDER BY 1").fetchall()
    expected = shop.query("SELECT hour_start, rows, duplicates FROM books WHERE source_name = 'shop_web' ORDER BY 1")
    assert found == expected


def test_a_snapshot_does_not_see_what_happens_after_it_was_taken(shop: World) -> None:
    with snapshot(shop.settings.lake, load_statements()) as connection:
        before = connection.execute("SELECT count(*) FROM events_web_access").fetchall()
        victims = {path: path.read_bytes() for path in (shop.lake / "events" / "web_access").rglob("*.parquet")}
        for path in victims:
            path.unlink()
        assert connection.execute("SELECT count(*) FROM events_web_access").fetchall() == before
        for path, data in victims.items():
            path.write_bytes(data)
    assert not list((shop.lake / ".snapshots").iterdir())


def test_hours_bound_a_connection(shop: World) -> None:
    with etl.connect(shop.settings.lake, "2026-11-22T01", "2026-11-22T02") as connection:
        found = connection.execute(
            "SELECT DISTINCT date_trunc('hour', event_time) FROM events_web_access ORDER BY 1"
        ).fetchall()
        metric = connection.execute("SELECT DISTINCT hour_start FROM metrics_traffic_hourly ORDER BY 1").fetchall()
    first = datetime(2026, 11, 22, 1)
    assert found == metric == [(first,), (first + timedelta(hours=1),)]
