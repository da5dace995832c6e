"""What analysts are given: catalog.duckdb, the cookbook and the notebook, over a small simulated lake."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

import etl
from etl import cli
from etl.config import Settings
from etl.io import engine
from etl.io.statements import load_statements
from etl.io.store import LocalStore, open_store, take, use_credentials
from etl.layout import CATALOG
from etl.schema import DATASETS, columns
from etl.simulate import simulate
from etl.stages.catalog import write_catalog
from etl.stages.enrich import enrich
from tests.pipeline.conftest import World
from tests.support.mmdb import write_mmdb
from tests.support.servers import s3_server

ROOT = Path(__file__).parents[2]
HOURS = ["2026-11-22T00", "2026-11-22T01"]
# what the simulated shop does not log: the formats' own samples
SAMPLES = {"gc": "jvm_gc_unified", "slow": "mysql_slow"}
COOKBOOK = (ROOT / "docs/cookbook.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"^### (\d+)\. (.+?)\n.*?^```sql\n(.*?)^```$", COOKBOOK, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> World:
    root = tmp_path_factory.mktemp("it's a [shop]")
    simulate(root, start=datetime(2026, 11, 22), hours=len(HOURS), lines_per_hour=500, seed=11)
    world = World(root)
    for source, name in SAMPLES.items():
        sample = load_statements().formats[name].header["sample"]
        world.land(f"{source}/2026/11/22/00/{source}.log", [sample], at="2026-11-22T00:30:00")
        with (root / "sources.toml").open("a") as settings:
            settings.write(f'\n[sources.{source}]\nraw = "raw/{source}/%Y/%m/%d/%H/"\nformat = "{name}"\n')
            settings.write('start = "2026-11-22T00"\nshards = 1\nmax_lateness_days = 36500\n')
    for source in world.settings.sources:
        world.run(source, *(HOURS[:1] if source in SAMPLES else HOURS))
    with (root / "sources.toml").open("a") as settings:
        settings.write('\n[enrich]\nmmdb = ["networks.mmdb"]\n')
    write_mmdb(root / "networks.mmdb", "Test-ASN", {"203.0.0.0/16": {"autonomous_system_organization": "Example Net"}})
    enrich(world.settings)
    write_catalog(world.settings)
    return world


@pytest.fixture(scope="module")
def catalog(shop: World) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(shop.lake / CATALOG, read_only=True) as connection:
        connection.execute("SET TimeZone = 'Asia/Seoul'")
        yield connection


@pytest.fixture(scope="module")
def connected(shop: World) -> Iterator[duckdb.DuckDBPyConnection]:
    with etl.connect(shop.settings.lake) as connection:
        yield connection


def in_another_process(code: str, folder: Path) -> str:
    """What a program prints that knows duckdb and nothing of this project."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env={"PATH": ""}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_catalog_has_the_views_of_a_connection_with_the_same_columns_and_rows(
    catalog: duckdb.DuckDBPyConnection, connected: duckdb.DuckDBPyConnection
) -> None:
    views = [row[0] for row in connected.execute("SHOW TABLES").fetchall()]
    assert [row[0] for row in catalog.execute("SHOW TABLES").fetchall()] == views
    for view in views:
        found = catalog.sql(f'SELECT * FROM "{view}" ORDER BY ALL')
        expected = connected.sql(f'SELECT * FROM "{view}" ORDER BY ALL')
        if not view.startswith("metrics_") or expected.fetchall():
            assert dict(zip(found.columns, found.types, strict=True)) == dict(
                zip(expected.columns, expected.types, strict=True)
            ), view
        assert found.fetchall() == expected.fetchall(), view


def test_another_process_in_another_folder_reads_it(shop: World, tmp_path: Path) -> None:
    code = f"""import duckdb
catalog = duckdb.connect({str(shop.lake / CATALOG)!r}, read_only=True)
print(catalog.execute("SELECT count(*) FROM events_web_access").fetchall())"""
    assert in_another_process(code, tmp_path) == f"{shop.query('SELECT count(*) FROM events_web_access')}\n"


def test_an_attached_catalog_gives_views_and_macros(shop: World, catalog: duckdb.DuckDBPyConnection) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{str(shop.lake / CATALOG).replace(chr(39), chr(39) * 2)}' AS lake (READ_ONLY)")
        found = connection.execute(
            """SELECT lake.percentile(lake.merge_histograms(list(duration_histogram)), 0.9), lake.mask_address('10.1.2.3'),
                len(lake.hours_between(min(hour_start), max(hour_start))) FROM lake.metrics_latency_hourly"""
        ).fetchall()
    assert found[0][0] > 0
    assert found[0][1:] == ("10.1.2.0", len(shop.counts()))


def test_it_is_written_in_the_storage_version_of_duckdb_1_2(catalog: duckdb.DuckDBPyConnection) -> None:
    [(tags,)] = catalog.execute("SELECT tags FROM duckdb_databases() WHERE NOT internal").fetchall()
    assert tags["storage_version"].startswith("v1.2.0")


def test_it_holds_no_rows(shop: World, catalog: duckdb.DuckDBPyConnection) -> None:
    assert catalog.execute("SELECT count(*) FROM duckdb_tables()").fetchall() == [(0,)]
    assert (shop.lake / CATALOG).stat().st_size < 2**20


def test_views_columns_and_macros_have_comments(catalog: duckdb.DuckDBPyConnection) -> None:
    def uncommented(sql: str) -> list[Any]:
        return catalog.execute(f"{sql} NOT internal AND comment IS NULL").fetchall()

    assert uncommented("SELECT view_name FROM duckdb_views() WHERE") == []
    assert uncommented("SELECT function_name FROM duckdb_functions() WHERE") == []
    assert uncommented("SELECT table_name, column_name FROM duckdb_columns() WHERE") == [], (
        "say in etl/schema.py what they mean (MEASURES, for what a metric has beside the columns of its dataset)"
    )
    comments = dict(
        catalog.execute(
            "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'events_web_access'"
        ).fetchall()
    )
    assert comments.items() >= {column.name: column.meaning for column in columns("web_access")}.items()


def test_the_macros_are_those_of_the_documentation(catalog: duckdb.DuckDBPyConnection) -> None:
    named = re.findall(r"^\| `(\w+)\(", (ROOT / "docs/querying.md").read_text(encoding="utf-8"), re.MULTILINE)
    found = catalog.execute("SELECT function_name FROM duckdb_functions() WHERE NOT internal").fetchall()
    assert sorted(name for (name,) in found) == sorted(named)


def test_a_condition_on_the_event_date_and_hour_reads_only_those_objects(
    shop: World, catalog: duckdb.DuckDBPyConnection
) -> None:
    plan = catalog.execute(
        "EXPLAIN ANALYZE SELECT count(url_path) FROM events_web_access WHERE event_date = '2026-11-22' AND event_hour = 1"
    ).fetchall()[0][1]
    assert re.search(r"Total Files Read:\s*1\b", plan), plan


def test_writing_it_again_changes_nothing(shop: World) -> None:
    before = (shop.lake / CATALOG).stat()
    assert write_catalog(shop.settings) == (str(shop.lake / CATALOG), False)
    assert (shop.lake / CATALOG).stat() == before


def test_an_open_reader_neither_blocks_a_new_catalog_nor_loses_the_old_one(shop: World, tmp_path: Path) -> None:
    path = tmp_path / "catalog.duckdb"
    assert write_catalog(shop.settings, path) == (str(path), True)
    held = (shop.lake / CATALOG).read_bytes() == path.read_bytes()
    assert held, "the same lake gives the same bytes"
    code = f"""import duckdb, sys, time
catalog = duckdb.connect({str(path)!r}, read_only=True)
print(len(catalog.execute("SHOW TABLES").fetchall()), flush=True)
sys.stdin.readline()
print(catalog.execute("SELECT count(*) FROM events_app_log").fetchall())"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdout is not None
        assert int(reader.stdout.readline()) > len(DATASETS)
        (tmp_path / "more/metrics").mkdir(parents=True)
        (tmp_path / "more/metrics/mine_hourly.sql").write_text(
            "-- title: mine\n-- dataset: app_log\n-- grain: hour_start\n"
            "SELECT getvariable('hour_start')::TIMESTAMP AS hour_start, count(*) AS rows FROM events"
        )
        text = (shop.root / "sources.toml").read_text()
        (tmp_path / "sources.toml").write_text(
            'sql = ["more"]\n'
            + text.replace('"raw/', f'"{shop.root}/raw/').replace('lake = "lake"', f'lake = "{shop.lake}"')
        )
        assert cli.main(["--config", str(tmp_path / "sources.toml"), "catalog", "--output", str(path)]) == 0
        output, _ = reader.communicate("\n", timeout=60)
    assert output == f"{shop.query('SELECT count(*) FROM events_app_log')}\n"
    with duckdb.connect(path, read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM metrics_mine_hourly").fetchall() == [(0,)]


def test_a_dataset_without_objects_is_empty_and_once_it_has_some_an_old_catalog_says_so(web: World, line: Any) -> None:
    write_catalog(web.settings)
    with duckdb.connect(web.lake / CATALOG, read_only=True) as connection:
        for (view,) in connection.execute("SHOW TABLES").fetchall():
            assert connection.execute(f"SELECT * FROM {view}").fetchall() == []
        web.land("web/2026/11/22/13/a.log", [line("2026-11-22T13:00:00+0000")])
        web.run("web", "2026-11-22T13")
        assert connection.execute("SELECT count(*) FROM events_app_log").fetchall() == [(0,)]
        for query in ("SELECT count(*) FROM events_web_access", "SELECT url_path FROM events_web_access"):
            with pytest.raises(duckdb.Error, match="run `etl catalog` again"):
                connection.execute(query).fetchall()
    assert write_catalog(web.settings)[1]
    with duckdb.connect(web.lake / CATALOG, read_only=True) as connection:
        assert connection.execute("SELECT url_path FROM events_web_access").fetchall() == [("/",)]


def test_of_a_lake_in_s3_the_views_are_the_same_at_another_place(
    shop: World, catalog: duckdb.DuckDBPyConnection
) -> None:
    views = "SELECT view_name, sql, comment FROM duckdb_views() WHERE NOT internal ORDER BY 1"
    local = LocalStore(str(shop.lake))
    with s3_server("lake") as server:
        use_credentials(**server.credentials)
        try:
            remote = open_store("s3://lake/logs")
            for view in ("events/", "metrics/", "quarantine/", "dimensions/"):
                for stat in local.list(view):
                    remote.put(shop.lake / stat.key, stat.key)
            settings = Settings(remote.root, {}, shop.root)
            assert write_catalog(settings) == (f"s3://lake/logs/{CATALOG}", True)
            fetched = take(remote, CATALOG, shop.root)
        finally:
            use_credentials()
    data = fetched.read_bytes()
    assert server.credentials["aws_access_key_id"].encode() not in data
    assert server.credentials["aws_secret_access_key"].encode() not in data
    place = engine.literal(str(shop.lake)).replace("'", "''")
    with duckdb.connect(fetched, read_only=True) as connection:
        found = connection.execute(views).fetchall()
    for (view, sql, comment), expected in zip(found, catalog.execute(views).fetchall(), strict=True):
        own = expected[1].replace(place, "s3://lake/logs").replace(str(shop.lake).replace("'", "''"), "s3://lake/logs")
        assert (view, sql, comment) == (expected[0], own, expected[2])


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("203.0.113.9", "203.0.113.0"),
        ("from 203.0.113.9:8080, 10.0.0.255", "from 203.0.113.0:8080, 10.0.0.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("[2001:db8:1:2::3]", "[2001:db8:1::]"),
        ("2001:db8::7", "2001:db8::"),
        ("fe80::1%eth0", "fe80::%eth0"),
        ("at 13:04:05 version 1.2.3", "at 13:04:05 version 1.2.3"),
        (None, None),
    ],
)
def test_mask_address_shortens_the_addresses_of_a_text_and_is_idempotent(
    catalog: duckdb.DuckDBPyConnection, text: str | None, masked: str | None
) -> None:
    found = catalog.execute("SELECT mask_address($t), mask_address(mask_address($t))", {"t": text}).fetchall()
    assert found == [(masked, masked)]


@pytest.mark.parametrize(("p", "b"), [(0, -3), (0.01, -3), (0.3, -3), (0.31, 0), (0.4, 0), (0.41, 7), (1, 7)])
def test_percentile_is_the_bucket_of_the_nearest_rank(catalog: duckdb.DuckDBPyConnection, p: float, b: int) -> None:
    histogram = "[{'b': -3::SMALLINT, 'n': 3::UINTEGER}, {'b': 0, 'n': 1}, {'b': 7, 'n': 6}]"
    found = catalog.execute(f"SELECT percentile({histogram}, {p}), percentile({histogram}[:0], {p})").fetchall()
    assert found == [(pytest.approx(2 * 1.02**b / 2.02), None)]


def test_the_cookbook_answers_28_questions() -> None:
    assert [int(number) for number, _, _ in QUESTIONS] == list(range(1, 29))
    assert COOKBOOK.count("```sql") == 28


@pytest.mark.parametrize(("number", "question", "sql"), QUESTIONS, ids=[number for number, _, _ in QUESTIONS])
def test_each_answer_is_the_same_by_connection_and_by_catalog(
    connected: duckdb.DuckDBPyConnection, catalog: duckdb.DuckDBPyConnection, number: str, question: str, sql: str
) -> None:
    found = connected.execute(sql).fetchall()
    assert found, f"{number}. {question}: no rows"
    assert len(found) <= 500, f"{number}. {question}: that is no answer, but a listing"
    assert catalog.execute(sql).fetchall() == found


def test_the_notebook_runs_and_shows_what_the_lake_holds(
    shop: World, connected: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGBUCKET_CONFIG", str(shop.root / "sources.toml"))
    _, found = runpy.run_path(str(ROOT / "notebooks/explore.py"))["app"].run()
    requests = connected.execute("SELECT sum(requests) FROM metrics_traffic_hourly").fetchall()
    assert [(found["traffic"]["requests"].sum(),)] == requests
    assert found["errors"].to_numpy().sum() == len(
        connected.execute("SELECT 1 FROM events_app_log WHERE error_fingerprint IS NOT NULL").fetchall()
    )
    for name in ("traffic", "latency"):
        values = [value for rows in found[f"{name}_chart"].to_dict()["datasets"].values() for value in rows]
        assert len(values) == len(found[name]) > 0
    found["lake"].close()
