"""Lakes that are odd in one way: what reports say of them is true, and the query beside a finding gives its number."""

from __future__ import annotations

import gzip
import json
import shutil
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest

from etl.stages.report import render
from tests.pipeline.conftest import World
from tests.pipeline.report_tables import tables_of

NOON = datetime(2026, 11, 22, 12)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
LANDED = "2026/11/23/00/a.log"
SOURCE = """
[sources.{name}]
raw = "raw/{name}/%Y/%m/%d/%H/"
format = "{format}"
start = "2026-11-22T00"
shards = 1
look_back_hours = 0
max_lateness_days = 36500
"""


def asked(
    moment: datetime, path: str = "/", status: int = 200, referrer: str = "-", agent: str = "Mozilla/5.0 Firefox/100", address: str = "203.0.113.9"
) -> str:  # fmt: skip
    return f'{address} - - [{moment:%d/%b/%Y:%H:%M:%S} +0000] "GET {path} HTTP/1.1" {status} 512 "{referrer}" "{agent}"'


def logged(world: World, **logs: list[str]) -> None:
    """One object of each web server, whatever the hours of its requests."""
    world.configure("".join(SOURCE.format(name=name, format="combined") for name in logs))
    for name, lines in logs.items():
        world.land(f"{name}/{LANDED}", lines)
        world.run(name, "2026-11-23T00")


def findings(
    world: World, report: str, first: datetime = NOON, last: datetime | None = None
) -> dict[str, dict[str, Any]]:
    """Headline → what the report opens with."""
    tables = tables_of(world.settings, report, first, last or first)
    return {row["headline"]: row for name, rows in tables.items() if name.startswith("finding_") for row in rows}


def checked(world: World, finding: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The query beside a finding, as somebody runs it: over all of the lake."""
    return world.query(finding["check_sql"])


def test_a_log_that_begins_within_an_hour_does_not_look_sampled(world: World) -> None:
    logged(world, web=[asked(NOON + 40 * MINUTE + number * 4 * SECOND) for number in range(300)])
    assert findings(world, "traffic") == {}


def test_a_log_of_one_minute_in_each_hour_looks_sampled(world: World) -> None:
    logged(world, web=[asked(NOON + number % 3 * HOUR + 5 * MINUTE) for number in range(600)])
    found = findings(world, "traffic", NOON, NOON + 2 * HOUR)
    assert found["This log looks sampled"]["number"] == "web: only 3 of 121 minutes have a request"


def test_hours_of_a_version_that_did_not_count_minutes_do_not_look_sampled(world: World) -> None:
    logged(world, web=[asked(NOON + number * MINUTE / 5) for number in range(300)])
    [path] = (world.lake / "metrics/traffic_hourly").rglob("*.parquet")
    duckdb.sql(f"COPY (SELECT * EXCLUDE (minutes) FROM '{path}') TO '{path}.old' (FORMAT parquet)")
    shutil.move(f"{path}.old", path)
    assert findings(world, "traffic") == {}
    assert "1/1 hours · –/60 minutes" in render(world.settings, "traffic", NOON, NOON)


def test_a_source_that_fell_silent_is_told_beside_one_that_did_not(world: World) -> None:
    logged(world, web=[asked(NOON), asked(NOON + HOUR)], api=[asked(NOON - DAY)], ended=[asked(NOON - 8 * DAY)])
    found = findings(world, "traffic", NOON, NOON + HOUR)
    assert found["Hours without data"]["number"] == "api: no data in 2 of 2 hours"
    assert len(checked(world, found["Hours without data"])) == 2


def test_an_hour_in_which_everything_fails_is_told_also_where_it_is_the_only_one(world: World) -> None:
    logged(world, web=[asked(NOON + number * SECOND, status=500 if number % 2 else 200) for number in range(100)])
    found = findings(world, "traffic")["Server errors"]
    assert found["number"] == "Sun 22 Nov 12:00 UTC: 50 responses with 5xx, 50% of 100 requests"
    assert (None, 50, 100) in checked(world, found)


def test_a_day_of_errors_is_told_against_the_days_before(world: World) -> None:
    hours = [NOON + number * HOUR for number in range(-6, 3)]
    lines = [asked(hour + number * SECOND, status=500 if hour >= NOON else 200) for hour in hours for number in range(20)]  # fmt: skip
    logged(world, web=lines)
    found = findings(world, "traffic", NOON, NOON + 2 * HOUR)
    assert found["Server errors"]["baseline"] == "Over 9 hours, 6 of them before, the median is 0%"


def test_a_broken_link_is_on_a_page_of_the_site_itself(world: World) -> None:
    lines = [asked(NOON + number * SECOND, "/style.css", referrer="https://shop.example/") for number in range(50)]
    lines += [asked(NOON, "/gone", 404, "https://shop.example/about")] * 20
    lines += [asked(NOON, "/gone", 404, "https://elsewhere.example/links")] * 30
    logged(world, web=lines)
    found = findings(world, "traffic")["Broken link on your own site"]
    assert (found["number"], found["who"]) == ("/gone: 20 clicks led to a 404", "Linked from shop.example/about")
    assert checked(world, found) == [("shop.example", "/about", "Firefox", 20, 20)]


def test_a_long_path_does_not_hide_how_often_it_is_missed(world: World) -> None:
    path = "/" + "ä€" * 900
    lines = [asked(NOON, path, 404, address=f"203.0.{number}.9") for number in range(80)] + [asked(NOON, "/b", 404)]
    logged(world, web=lines)
    found = findings(world, "traffic")["Most-missed file"]
    assert found["number"].endswith("… is 80 of 81 not found (99%)")
    assert found["number"] in render(world.settings, "traffic", NOON, NOON)
    assert checked(world, found) == [(None, None, "Firefox", 80, 80)]


def of_weeks(hour: datetime, amounts: list[int], **how: str) -> list[str]:
    """That many requests in an hour of each of the weeks before."""
    return [
        asked(hour - week * WEEK + number * SECOND, address=f"198.51.{number % 25}.7", **how)
        for week, amount in enumerate(amounts, 1)
        for number in range(amount)
    ]


def busiest(world: World, measure: str = "requests") -> dict[str, Any]:
    rows = tables_of(world.settings, "traffic", NOON, NOON)["busiest"]
    return next(row for row in rows if row["measure"] == measure)


def test_an_hour_of_three_times_the_usual_is_a_spike_of_the_network_behind_it(world: World) -> None:
    now = [asked(NOON + number * SECOND) for number in range(200)]
    logged(world, web=of_weeks(NOON, [100, 104, 98, 101]) + of_weeks(NOON + WEEK, [100]) + now)
    found = findings(world, "traffic")["Spike of requests"]
    assert found["who"] == "67% from network 203.0.113.0/24, usually nothing"
    assert checked(world, found)[-1] == (NOON, 300, 200)


def test_requests_of_a_new_source_are_no_spike(world: World) -> None:
    logged(
        world,
        web=of_weeks(NOON, [100, 104, 98, 101]) + of_weeks(NOON + WEEK, [100]),
        api=[asked(NOON + number * SECOND) for number in range(200)],
    )
    found = busiest(world)
    assert (found["amount"], found["weeks"], found["is_spike"]) == (300, 0, False)
    assert findings(world, "traffic") == {}


def test_what_weeks_alike_do_not_have_is_no_spike_under_twice_as_much(world: World) -> None:
    logged(world, web=of_weeks(NOON, [100, 100, 100, 101]) + of_weeks(NOON + WEEK, [160]))
    found = busiest(world)
    assert found["z"] > 3.5 and not found["is_spike"]


def test_where_everybody_asks_more_nobody_is_named(world: World) -> None:
    usual = of_weeks(NOON, [100, 104, 98, 101]) + of_weeks(NOON + WEEK, [100])
    many = [
        asked(NOON + number * SECOND, f"/{number}", agent=f"a{number}/1", address=f"10.{number}.0.1")
        for number in range(300)
    ]
    logged(world, web=usual + many)
    found = findings(world, "traffic")["Spike of requests"]
    assert found["who"] == "Many at once: no network, agent or path has 5% of it and more than usual"
    assert checked(world, found)[0][1:] == (4, 400)


def test_shares_are_compared_with_the_weeks_that_have_them(world: World) -> None:
    web = of_weeks(NOON, [100, 104, 98, 101]) + of_weeks(NOON + WEEK, [100])
    web += [line for week in range(5) for line in [asked(NOON - week * WEEK)] * (300 if week == 0 else 100)]
    logged(world, web=web)
    usual = busiest(world)["usual_share"]
    assert usual == pytest.approx(400 / 803)
    for week in (3, 4):
        shutil.rmtree(world.lake / f"metrics/client_hourly/event_date={NOON - week * WEEK:%Y-%m-%d}")
    assert busiest(world)["usual_share"] == pytest.approx(200 / 404)


def test_ai_crawlers_count_also_where_they_are_not_among_the_first(world: World) -> None:
    agents = [f"{number}bot/1.0" for number in range(20)]
    lines = [asked(NOON + number * SECOND, agent=agent) for agent in agents for number in range(10)]
    logged(world, web=[*lines, asked(NOON, agent="compatible; GPTBot/1.0"), asked(NOON)])
    found = findings(world, "traffic")["Who is the traffic"]
    assert found["number"] == "over 99% of requests are bots and feed readers (201 of 202)"
    assert found["who"].endswith("; AI crawlers 0.50%")
    assert checked(world, found)[0][2:] == (10, 201, 202)


def test_checks_of_landed_lines_give_those_of_the_report(world: World) -> None:
    world.configure(
        SOURCE.format(name="web", format="combined") + "quarantine_limit = { share = 1.0, lines = 100000 }\n"
    )
    for hour in ("12", "18"):
        lines = [asked(datetime(2026, 11, 22, int(hour)) + number * SECOND) for number in range(80)]
        world.land(f"web/2026/11/22/{hour}/a.log", [*lines, *["broken"] * 20])
        world.land(f"web/2026/11/22/{hour}/b.log", gzip.compress(b"cut")[:-9])
        world.land(f"web/2026/11/22/{hour}/c.log", [asked(datetime(2026, 11, 22, int(hour) - 3))] * 3)
        world.run("web", f"2026-11-22T{hour}")
    found = {**findings(world, "traffic"), **findings(world, "quality")}
    assert found["Rejected lines of web"]["baseline"] == "Too few hours to say what is usual"
    quarantined = sum(row[2] for row in checked(world, found["Rejected lines"]))
    assert found["Rejected lines"]["number"].startswith(f"web: {quarantined} of ")
    assert len(checked(world, found["Rejected lines of web"])) == 20
    assert len(checked(world, found["Objects not read"])) == 1
    late = findings(world, "quality", NOON - 3 * HOUR, NOON)["Late rows of web"]
    assert [row[0] for row in checked(world, late)] == [NOON - 3 * HOUR, NOON]


def test_a_log_of_every_hour_that_stops_misses_the_hours_after(world: World) -> None:
    hours = [NOON - number * HOUR for number in range(30)]
    logged(world, web=[asked(hour) for hour in [*hours, NOON + HOUR]], gone=[asked(hour) for hour in hours[1:]], now_and_then=[asked(NOON - DAY)])  # fmt: skip
    tables = tables_of(world.settings, "quality", NOON, NOON + 4 * HOUR)
    told = {row["headline"]: row for row in tables["finding_missing_hours"]}
    assert {name: row["number"] for name, row in told.items()} == {
        "Hours missing in web": "2 hours without a row in web_access",
        "Hours missing in gone": "4 hours without a row in web_access",
    }
    assert told["Hours missing in gone"]["baseline"] == "In the week before 29 hours had rows"
    assert len(checked(world, told["Hours missing in gone"])) == 4
    assert [(row["source_name"], row["hours_present"]) for row in tables["hours"]] == [("gone", 0), ("now_and_then", 0), ("web", 2)]  # fmt: skip


def test_an_hour_that_changed_twice_had_its_rows_once(world: World) -> None:
    world.configure(SOURCE.format(name="web", format="combined"))
    for count in (100, 60, 30):
        world.land("web/2026/11/22/12/a.log", [asked(NOON + number * SECOND) for number in range(count)])
        world.run("web", "2026-11-22T12", reprocess=True)
    found = findings(world, "quality")["Published hours of web changed"]
    assert (found["number"], found["baseline"]) == ("1 hour, -70 rows", "They had 100 rows before, 30 after")
    assert ">changed: 1 hour revised, -70 rows<" in render(world.settings, "traffic", NOON, NOON)


def test_an_error_of_two_services_is_two_groups_with_their_own_rows(world: World) -> None:
    world.configure(SOURCE.format(name="app", format="json_log"))
    days = [NOON - number * DAY for number in range(9)]
    lines = [{"time": f"{day}Z", "level": "info", "service": service, "message": "fine"} for day in days for service in ("pay", "ship")]  # fmt: skip
    lines += [
        {"time": f"{NOON}Z", "level": "error", "service": service, "message": "Lost the database"}
        for service, count in (("pay", 3), ("ship", 5)) for _ in range(count)
    ]  # fmt: skip
    world.land(f"app/{LANDED}", [json.dumps(line) for line in lines])
    world.run("app", "2026-11-23T00")
    tables = tables_of(world.settings, "errors", NOON, NOON)
    assert [(row["service_name"], row["errors"]) for row in tables["groups"]] == [("ship", 5), ("pay", 3)]
    for row, finding in zip(tables["groups"], tables["finding_states"], strict=True):
        assert [errors for _, errors, *_ in checked(world, finding)] == [row["errors"]]
        assert len(world.query(row["rows_command"].split('"')[1])) == row["errors"]


def test_a_number_that_cannot_be_measured_stays_an_attribute_and_out_of_sums(world: World) -> None:
    world.configure(
        SOURCE.format(name="api", format="json")
        + 'dataset = "web_access"\nfields = { event_time = "t", duration_ms = "ms", http_response_body_size_bytes = "size" }\n'
    )
    odd = [("nan", "-1"), ("inf", "9000000000000000000"), ("1e300", "9000000000000000000"), ("-5", "-1")]
    world.land(
        f"api/{LANDED}", [json.dumps({"t": f"{NOON}Z", "ms": ms, "size": of}) for ms, of in [*odd, ("7", "100")]]
    )
    world.run("api", "2026-11-23T00")
    tables = tables_of(world.settings, "traffic", NOON, NOON)
    assert (tables["totals"][0]["bytes"], tables["totals"][0]["partial"]) == (100, len(odd))
    assert tables["slow"][0]["total_ms"] == 7
    kept = "SELECT attributes['ms'], attributes['size'] FROM events_web_access WHERE duration_ms IS NULL ORDER BY source_line"
    assert world.query(kept) == odd
