"""The pages over lakes of every condition: empty, unreachable, on S3, large; and addresses that nobody should ask for."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from etl.io.store import use_credentials
from etl.stages import browse
from etl.stages.report import write
from tests.pipeline.conftest import World, access
from tests.support.servers import free_port, s3_server

DAY = date(2026, 11, 22)
SOURCE = """
[sources.web]
raw = "raw/web/%Y/%m/%d/%H/"
format = "combined"
start = "2026-11-22T00"
end = "2026-11-22T23"
shards = 2
"""


@pytest.fixture
def get(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[World, str], Any]]:
    """What a reader whom Airflow knows gets at an address, of this world's lake."""
    from airflow.api_fastapi.core_api.security import get_user
    from starlette.testclient import TestClient

    from plugins.logbucket_reports import application

    monkeypatch.setenv("LOGBUCKET_STORE_DEADLINE", "2")
    app = application()
    app.dependency_overrides[get_user] = lambda: "somebody"
    with TestClient(app, raise_server_exceptions=False) as client:

        def answer(world: World, path: str) -> Any:
            monkeypatch.setenv("LOGBUCKET_CONFIG", str(world.root / "sources.toml"))
            return client.get(path)

        yield answer


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two landing hours of a source, something late, a report; and beside it what no page has to read."""
    world = World(tmp_path_factory.mktemp("shop"))
    world.configure(SOURCE)
    for hour in ("00", "01"):
        lines = [access(f"2026-11-22T{hour}:{minute:02}:00+0000") for minute in range(30)]
        world.land(f"web/2026/11/22/{hour}/a.log", [*lines, f"rubbish {hour}1", f"rubbish {hour}2", "<b>other"])
    world.run("web", "2026-11-22T00", "2026-11-22T01")
    world.land("web/2026/11/22/00/late.log", [access("2026-11-22T00:59:00+0000")])
    world.run("web", "2026-11-22T01")
    write(world.settings, "traffic", datetime(2026, 11, 22), datetime(2026, 11, 22, 23))
    for folder in (world.root, world.lake):
        (folder / "2026-11-22T00--2026-11-22T00.html").write_text("secret")
    for kind in ("ledger", "quarantine"):
        broken = world.lake / kind / "web/landing_date=2026-11-20/landing_hour=3"
        broken.mkdir(parents=True)
        (broken / "shard-00.json").write_text("broken")
        (broken / "shard-00.parquet").write_text("broken")
    return world


def over(shop: World, root: Path, config: str, lake: str | None = None) -> World:
    """The same lake, or another one, by another sources.toml."""
    world = World(root)
    world.configure(config, lake or str(shop.lake))
    return world


def text(answer: Any) -> str:
    """What a reader sees of a page."""
    body = re.sub(r"<(style|title)>.*?</\1>|<[^>]+>", " ", answer.text, flags=re.DOTALL)
    return " ".join(unescape(body).split())


def test_freshness_says_how_far_a_source_is(shop: World) -> None:
    at = datetime(2026, 11, 22, 4, 10)
    [found] = browse.freshness(shop.settings, at)
    assert (found["newest"], found["lag_hours"], found["state"]) == (datetime(2026, 11, 22, 1), 2, "fresh")
    counts = {name: found[name] for name in ("objects", "lines", "rows", "quarantined", "closed")}
    assert counts == {"objects": 3, "lines": 67, "rows": 61, "quarantined": 6, "closed": True}
    assert [(hour["lines"], hour["quarantined"]) for hour in found["hours"]] == [*[(None, None)] * 22, (34, 3), (33, 3)]
    states = {hour: browse.freshness(shop.settings, datetime(2026, 11, 22, hour))[0]["state"] for hour in (5, 6)}
    assert states == {5: "fresh", 6: "late"}


def test_a_source_that_was_silent_for_weeks_is_found_and_one_whose_end_is_reached_is_complete(
    shop: World, tmp_path: Path
) -> None:
    [found] = browse.freshness(shop.settings, datetime(2026, 12, 31))
    assert (found["newest"], found["lag_hours"]) == (datetime(2026, 11, 22, 1), 38 * 24 + 22)
    ended = over(shop, tmp_path, SOURCE.replace("T23", "T01"))
    assert browse.freshness(ended.settings, datetime(2026, 12, 31))[0]["state"] == "complete"


def test_a_source_is_complete_when_its_last_hour_was_run_though_nothing_landed_in_it(world: World) -> None:
    world.configure(SOURCE.replace("T23", "T01"))
    world.land("web/2026/11/22/00/a.log", [access("2026-11-22T00:00:00+0000")])
    states = []
    for hour in ("2026-11-22T00", "2026-11-22T01"):
        world.run("web", hour)
        states += [browse.freshness(world.settings, datetime(2026, 11, 22, 2))[0]["state"]]
    assert states == ["fresh", "complete"]


def test_one_is_not_written_as_many(world: World, get: Callable[[World, str], Any]) -> None:
    world.configure(SOURCE)
    world.land("web/2026/11/22/00/a.log", ["rubbish"])
    world.run("web", "2026-11-22T00")
    pages = [text(get(world, path)) for path in ("/", "/sources/web", "/sources/web/books?day=2026-11-22")]
    assert ["of 1 line" in pages[0], "1 object" in pages[1], "1 landing hour" in pages[2]] == [True] * 3
    assert [re.findall(r"\b1 \w*s\b|\b1 landing hours", page) for page in pages] == [[], [], []]


def test_the_overview_draws_lines_also_of_records_that_have_many(
    world: World, get: Callable[[World, str], Any]
) -> None:
    world.configure(SOURCE.replace("combined", "logback").replace('end = "2026-11-22T23"', ""))
    trace = ["2026-11-22 00:00:01,000 ERROR [main] a.B - no", "java.lang.Error: no", *["\tat a.B.c(B.java:1)"] * 10]
    world.land("web/2026/11/22/00/a.log", trace)
    world.run("web", "2026-11-22T00")
    [bar] = re.findall(r'class="rows"[^>]* height="([\d.]+)"', get(world, "/").text)
    assert bar == "24.0"


def test_the_books_of_a_day_are_those_of_its_landing_hours_page_by_page(shop: World) -> None:
    pages = [browse.books_of_day(shop.settings, "web", DAY, number, 2) for number in (1, 2, 3)]
    assert [len(page["objects"].records) for page in pages] == [2, 1, 0]
    assert {(page["objects"].total, page["objects"].pages, page["total"]["rows"]) for page in pages} == {(3, 2, 61)}
    assert browse.books_of_day(shop.settings, "web", date(2026, 11, 21), 1, 2)["total"]["objects"] == 0
    [first, _] = browse.partitions_of_day(shop.settings, "web", DAY)
    assert (first["rows"], first["revision"], first["landing_hours"]) == (31, 2, 1)
    changed = browse.revisions_of_days(shop.settings, "web", DAY, DAY, 1, 10)
    assert [(item["rows_before"], item["rows_after"]) for item in changed.records] == [(30, 31)]


def test_rejected_records_are_counted_by_reason_and_chosen_by_it(shop: World) -> None:
    found = browse.quarantined(shop.settings, "web", DAY, None, 1, 4)
    [reason] = found["reasons"]
    assert (reason["records"], reason["lines"]) == (6, 6)
    assert [record["raw"] for record in found["records"].records] == [
        "rubbish 001",
        "rubbish 002",
        "<b>other",
        "rubbish 011",
    ]
    assert browse.quarantined(shop.settings, "web", DAY, reason["reason"], 2, 4)["records"].total == 6
    nothing = browse.quarantined(shop.settings, "web", DAY, "' OR 1 = 1 --", 1, 4)
    assert (nothing["records"].total, len(nothing["reasons"])) == (0, 1)
    assert browse.quarantine_days(shop.settings, "web", DAY, 2) == {date(2026, 11, 21): False, DAY: True}


@pytest.mark.parametrize(
    "path",
    [
        "/reports/traffic/../../secret",
        "/reports/..%2f../2026-11-22T00--2026-11-22T00",
        "/reports/../2026-11-22T00--2026-11-22T00/html",
        "/reports/%2e%2e/2026-11-22T00--2026-11-22T00/html",
        "/reports/traffic/2026-11-22T00--..%2f..%2f2026-11-22T00",
        "/reports/traffic/2026-11-22T00--2026-11-22T99/html",
        "/reports/traffic/2026-11-22T0--2026-11-22T0/html",
        "/reports/traffic/2026-11-22T05--2026-11-22T05",
        "/sources/nobody",
        "/sources/..%2f..%2fetc/books",
        "/sources/web/books?day=yesterday",
        "/sources/web/quarantine?day=2026-11-22%27%20OR%201=1",
        "/sources/web/quarantine/record?hour=now&uri=x&line=1",
        "/sources/web/quarantine/record?hour=2026-11-22T00&uri=%27%20OR%201=1&line=1",
    ],
)
def test_an_address_that_leads_nowhere_is_told_so(path: str, shop: World, get: Callable[[World, str], Any]) -> None:
    answer = get(shop, path)
    assert answer.status_code == 404
    assert "There is no such page" in text(answer)
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    "path", ["/reports?page=0", "/reports?page=x", "/sources/web/books?page=-1", "/reports?page=1e9"]
)
def test_a_page_that_is_no_number_is_refused(path: str, shop: World, get: Callable[[World, str], Any]) -> None:
    answer = get(shop, path)
    assert (answer.status_code, "page:" in text(answer)) == (422, True)


def test_a_stored_report_is_served_as_it_lies_in_the_lake(shop: World, get: Callable[[World, str], Any]) -> None:
    address = "/reports/traffic/2026-11-22T00--2026-11-22T23"
    assert get(shop, f"{address}/html").text == (shop.lake / f"{address[1:]}.html").read_text()
    assert f'src="{address}/html" sandbox=""' in get(shop, address).text
    assert "attachment" in get(shop, f"{address}/html?download=true").headers["content-disposition"]
    assert address in get(shop, "/").text
    assert address in get(shop, "/dag/report_traffic").text


def test_a_lake_without_data_says_what_to_do(world: World, get: Callable[[World, str], Any]) -> None:
    world.configure(SOURCE)
    assert "no data yet" in text(get(world, "/"))
    assert "Unpause its DAG ingest_web" in text(get(world, "/sources/web"))
    assert "Nothing landed" in text(get(world, "/sources/web/books"))
    assert "Nothing was rejected" in text(get(world, "/sources/web/quarantine"))
    assert "None: what was published first" in text(get(world, "/sources/web/revisions"))
    assert "No such report is written yet" in text(get(world, "/reports"))


def test_a_lake_that_does_not_answer_and_a_broken_configuration_are_named(
    world: World, get: Callable[[World, str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.configure(SOURCE, lake="s3://lake/logs")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    begun = time.monotonic()
    answer = get(world, "/sources/web")
    assert (answer.status_code, time.monotonic() - begun < 10) == (503, True)
    assert "The lake cannot be read now" in text(answer)
    assert "s3://lake/logs" in text(answer)
    (world.root / "sources.toml").write_text("lake = 1")
    answer = get(world, "/")
    assert (answer.status_code, "sources.toml" in text(answer)) == (503, True)


def test_a_lake_on_s3_is_read_with_airflows_connection(
    shop: World, get: Callable[[World, str], Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with s3_server("lake") as s3:
        client = s3.client()
        for path in sorted(path for path in shop.lake.rglob("*") if path.is_file()):
            client.upload_file(str(path), "lake", f"logs/{path.relative_to(shop.lake)}")
        world = over(shop, tmp_path, SOURCE, "s3://lake/logs")
        monkeypatch.setenv("AIRFLOW_CONN_LOGS_S3", s3.airflow_connection)
        monkeypatch.setenv("LOGBUCKET_STORE_DEADLINE", "20")
        try:
            assert "61 of 67 lines" in text(get(world, "/"))
            assert "6 rejected records" in text(get(world, "/sources/web/quarantine"))
            assert "a.log" in text(get(world, "/sources/web/books"))
            assert "1 change of published hours" in text(get(world, "/sources/web/revisions"))
            assert "Web traffic" in get(world, "/reports/traffic/2026-11-22T00--2026-11-22T23/html").text
            monkeypatch.setenv(
                "AIRFLOW_CONN_LOGS_S3", json.dumps({**json.loads(s3.airflow_connection), "password": "no"})
            )
            refused = get(world, "/")
            assert (refused.status_code, "The lake cannot be read now" in text(refused)) == (503, True)
            monkeypatch.setenv("LOGBUCKET_AWS_CONN_ID", "nobody")
            assert "does not exist" in text(get(world, "/"))
        finally:
            use_credentials()


def test_the_plugin_is_light_where_nobody_asks_for_pages() -> None:
    code = """
import sys
import airflow.plugins_manager
before = set(sys.modules)
from plugins.logbucket_reports import LogReports
LogReports().external_views
print(sorted({name.partition(".")[0] for name in set(sys.modules) - before if not name.startswith("_")}))
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['plugins']"
