"""Late, changed, moved and deleted raw objects; days, zones and windows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pyarrow.parquet as pq
import pytest

from etl.errors import CheckFailed, QuarantineLimitExceeded, StoreRefused
from etl.stages.check import check
from etl.stages.land import land
from etl.stages.normalize import normalize
from etl.stages.publish import publish
from etl.stages.status import status
from tests.pipeline.conftest import World

Line = Callable[..., str]


def test_a_late_object_reopens_only_its_event_hours(web: World, line: Line) -> None:
    web.land("web/2026/11/22/10/a.log", [line("2026-11-22T10:00:01+0000"), line("2026-11-22T10:59:59+0000")])
    web.land("web/2026/11/22/11/a.log", [line("2026-11-22T11:00:01+0000")])
    web.run("web", "2026-11-22T10", "2026-11-22T11")
    before = web.objects()
    web.land("web/2026/11/22/10/late.log.gz", [line("2026-11-22T10:30:00+0000")])
    web.run("web", "2026-11-22T12")
    assert web.counts() == {"2026-11-22T10": 3, "2026-11-22T11": 1}
    assert web.query("SELECT hour_start, sum(requests)::BIGINT FROM metrics_traffic_hourly GROUP BY 1 ORDER BY 1") == [
        (datetime(2026, 11, 22, 10), 3),
        (datetime(2026, 11, 22, 11), 1),
    ]
    untouched = "events/web_access/event_date=2026-11-22/event_hour=11/web.parquet"
    assert web.objects()[untouched] == before[untouched]


def test_an_overwritten_object_replaces_its_rows(web: World, line: Line) -> None:
    web.land("web/2026/11/22/10/a.log", [line("2026-11-22T10:00:01+0000", "/one")])
    web.run("web", "2026-11-22T10")
    more = [
        line("2026-11-22T10:00:01+0000", "/one"),
        line("2026-11-22T10:00:02+0000", "/two"),
        line("2026-11-22T09:59:59+0000", "/old"),
    ]
    web.land("web/2026/11/22/10/a.log", more, at="2026-11-22T11:20:00")
    web.run("web", "2026-11-22T11")
    assert web.counts() == {"2026-11-22T09": 1, "2026-11-22T10": 2}


def test_an_overwritten_object_that_leaves_an_hour_empties_it(web: World, line: Line) -> None:
    web.land("web/2026/11/22/10/a.log", [line("2026-11-22T09:00:01+0000"), line("2026-11-22T10:00:01+0000")])
    web.run("web", "2026-11-22T10")
    web.land("web/2026/11/22/10/a.log", [line("2026-11-22T10:00:01+0000")], at="2026-11-22T11:20:00")
    web.run("web", "2026-11-22T11")
    assert web.counts() == {"2026-11-22T10": 1}
    assert not list((web.lake / "events").glob("web_access/*/event_hour=9/*"))
    assert web.query("SELECT sum(requests)::BIGINT FROM metrics_traffic_hourly") == [(1,)]


def test_a_deleted_object_takes_its_rows_along(web: World, line: Line) -> None:
    gone = web.land("web/2026/11/22/10/a.log", [line("2026-11-22T10:00:01+0000")])
    web.land("web/2026/11/22/10/b.log", [line("2026-11-22T10:00:02+0000")])
    web.run("web", "2026-11-22T10")
    gone.unlink()
    web.run("web", "2026-11-22T11")
    assert web.counts() == {"2026-11-22T10": 1}


def test_raw_that_vanished_altogether_is_not_followed(web: World, line: Line) -> None:
    path = web.land("web/2026/11/22/10/a.log", [line("2026-11-22T10:00:01+0000")])
    web.run("web", "2026-11-22T10")
    path.unlink()
    with pytest.raises(StoreRefused, match="no raw object is left"):
        web.run("web", "2026-11-22T11")
    assert web.counts() == {"2026-11-22T10": 1}


def test_midnight_belongs_to_the_day_of_the_event(web: World, line: Line) -> None:
    web.land("web/2026/11/23/00/a.log", [line("2026-11-22T23:59:59+0000"), line("2026-11-23T00:00:00+0000")])
    web.run("web", "2026-11-23T00")
    found = web.query(
        "SELECT event_date::VARCHAR, event_hour, count(*) FROM events_web_access GROUP BY ALL ORDER BY ALL"
    )
    assert found == [("2026-11-22", 23, 1), ("2026-11-23", 0, 1)]
    days = web.query(
        "SELECT event_date::VARCHAR, sum(requests)::BIGINT FROM metrics_traffic_hourly GROUP BY ALL ORDER BY ALL"
    )
    assert days == [("2026-11-22", 1), ("2026-11-23", 1)]


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("2026-11-22T13:04:05+0900", "2026-11-22T04"),
        ("2026-11-22T23:30:00-0500", "2026-11-23T04"),
        ("2026-11-22T05:44:59+0545", "2026-11-21T23"),
    ],
)
def test_offsets_decide_the_utc_hour(web: World, line: Line, written: str, hour: str) -> None:
    web.land("web/2026/11/22/10/a.log", [line(written)])
    web.run("web", "2026-11-22T10")
    assert web.counts() == {hour: 1}


@pytest.mark.parametrize(
    ("zone", "written", "utc", "basis"),
    [
        ("Asia/Seoul", "2026-11-22 08:59:59.999", "2026-11-21T23:59:59.999", "zone"),
        ("America/New_York", "2026-11-01 00:30:00.000", "2026-11-01T04:30:00", "zone"),
        ("America/New_York", "2026-11-01 01:30:00.000", "2026-11-01T05:30:00", "zone_ambiguous"),
        ("America/New_York", "2026-11-01 02:30:00.000", "2026-11-01T07:30:00", "zone"),
        ("America/New_York", "2026-03-08 02:30:00.000", "2026-03-08T07:30:00", "zone_gap"),
        ("Europe/Berlin", "2026-10-25 02:00:00.000", "2026-10-25T00:00:00", "zone_ambiguous"),
        ("Australia/Lord_Howe", "2026-04-05 01:45:00.000", "2026-04-04T14:45:00", "zone_ambiguous"),
    ],
)
def test_zoneless_times_are_read_in_the_zone_of_their_source(
    world: World, zone: str, written: str, utc: str, basis: str
) -> None:
    world.configure(
        f"""
[sources.app]
raw = "raw/app/%Y/%m/%d/%H/"
format = "logback"
zone = "{zone}"
start = "2026-01-01T00"
shards = 1
max_lateness_days = 400
"""
    )
    world.land("app/2026/11/22/10/app.log", [f"{written} [main] INFO  com.example.App - hello"])
    world.run("app", "2026-11-22T10")
    assert world.query("SELECT event_time, time_basis FROM events_app_log") == [(datetime.fromisoformat(utc), basis)]


def test_times_outside_the_window_go_to_quarantine(web: World, line: Line) -> None:
    web.land(
        "web/2026/11/22/10/a.log",
        [
            line("2026-11-22T10:00:00+0000"),
            line("2026-11-23T10:59:59+0000", "/tomorrow"),
            line("2026-11-23T11:00:00+0000", "/too-far-ahead"),
            line("2026-10-18T10:00:00+0000", "/just-in-time"),
            line("2026-10-18T09:59:59+0000", "/too-old"),
        ],
    )
    web.run("web", "2026-11-22T10")
    assert web.query("SELECT url_path FROM events_web_access ORDER BY event_time") == [
        ("/just-in-time",),
        ("/",),
        ("/tomorrow",),
    ]
    reasons = web.query("SELECT source_line, reject_reason FROM quarantine ORDER BY source_line")
    assert [number for number, _ in reasons] == [3, 5]
    assert "more than a day after" in reasons[0][1]
    assert "max_lateness_days" in reasons[1][1]


def test_a_source_without_times_in_its_keys_lands_by_last_modified(world: World, line: Line) -> None:
    world.configure('[sources.web]\nraw = "raw/flat/"\nformat = "combined"\nstart = "2026-11-22T00"\nshards = 2\n')
    world.land("flat/web-1.log", [line("2026-11-22T10:00:00+0000")], at="2026-11-22T10:15:00")
    world.land("flat/deep/web-2.log.gz", [line("2026-11-22T11:00:00+0000")], at="2026-11-22T11:15:00")
    [first] = world.run("web", "2026-11-22T10")
    assert first["objects"] == 1
    world.run("web", "2026-11-22T11")
    assert world.counts() == {"2026-11-22T10": 1, "2026-11-22T11": 1}
    world.land(
        "flat/web-1.log", [line("2026-11-22T10:00:00+0000"), line("2026-11-22T12:00:00+0000")], at="2026-11-22T12:15:00"
    )
    world.run("web", "2026-11-22T12")
    assert world.counts() == {"2026-11-22T10": 1, "2026-11-22T11": 1, "2026-11-22T12": 1}
    [book] = status(world.settings)
    assert (book["lines"], book["closed"]) == (3, True)


def test_an_object_overwritten_after_the_look_back_supersedes_its_old_rows(world: World, line: Line) -> None:
    world.configure(
        '[sources.web]\nraw = "raw/flat/"\nformat = "combined"\nstart = "2026-11-01T00"\nlook_back_hours = 2\nshards = 1\n'
    )
    world.land("flat/web-1.log", [line("2026-11-22T10:00:00+0000")], at="2026-11-22T10:15:00")
    world.run("web", "2026-11-22T10")
    world.land(
        "flat/web-1.log", [line("2026-11-22T10:00:00+0000"), line("2026-11-22T10:00:01+0000")], at="2026-11-23T10:15:00"
    )
    world.run("web", "2026-11-23T10")
    assert world.counts() == {"2026-11-22T10": 2}
    assert world.query("SELECT staged, rows, duplicates FROM books") == [(3, 2, 1)]


@pytest.mark.parametrize(
    ("deduplicate", "rows", "duplicates"),
    [('"none"', 5, 0), ('"objects"', 3, 2), ('["client_address", "url_path", "event_time"]', 2, 3)],
)
def test_deduplication(world: World, line: Line, deduplicate: str, rows: int, duplicates: int) -> None:
    world.configure(
        f'[sources.web]\nraw = "raw/web/%Y/%m/%d/%H/"\nformat = "combined"\nstart = "2026-11-22T00"\ndeduplicate = {deduplicate}\n'
    )
    pair = [line("2026-11-22T10:00:00+0000", "/a"), line("2026-11-22T10:00:00+0000", "/b")]
    world.land("web/2026/11/22/10/web-1-0001.log", pair)
    world.land("web/2026/11/22/11/web-1-0001-again.log.gz", pair)
    world.land("web/2026/11/22/11/other.log", [line("2026-11-22T10:00:00+0000", "/a")])
    world.run("web", "2026-11-22T10", "2026-11-22T11")
    assert world.query("SELECT staged, rows, duplicates FROM books") == [(5, rows, duplicates)]
    before = world.objects()
    world.run("web", "2026-11-22T10", "2026-11-22T11", reprocess=True)
    assert world.objects() == before


def test_a_trace_cut_between_two_objects_is_one_row(world: World) -> None:
    world.configure(
        '[sources.app]\nraw = "raw/app/%Y/%m/%d/%H/"\nformat = "logback"\nstart = "2026-11-22T00"\nshards = 1\n'
    )
    head = [
        "2026-11-22 10:00:00.000 [main] ERROR c.e.A - broken",
        "java.lang.IllegalStateException: no",
        "\tat c.e.A.a(A.java:1)",
    ]
    world.land("app/2026/11/22/10/app-1-0001.log", head)
    world.land(
        "app/2026/11/22/10/app-1-0002.log",
        ["\tat c.e.A.b(A.java:2)", "2026-11-22 10:00:01.000 [main] INFO  c.e.A - fine"],
    )
    world.land(
        "app/2026/11/22/10/app-2-0001.log",
        ["\tat c.e.B.c(B.java:3)", "2026-11-22 10:00:02.000 [main] INFO  c.e.B - fine"],
    )
    world.run("app", "2026-11-22T10")
    rows = world.query(
        "SELECT source_lines, parse_status, time_basis FROM events_app_log ORDER BY source_uri, source_line"
    )
    assert rows == [(4, "ok", "zone"), (1, "ok", "zone"), (1, "partial", "landing_hour"), (1, "ok", "zone")]
    books = world.query("SELECT lines, rows, row_lines, joined_in, joined_out FROM ledger ORDER BY uri")
    assert books == [(3, 1, 4, 1, 0), (2, 1, 1, 0, 1), (2, 2, 2, 0, 0)]


def test_a_corrupt_object_is_set_aside_whole_and_the_others_go_on(web: World, line: Line) -> None:
    good = [line("2026-11-22T10:00:01+0000")]
    broken = web.land(
        "web/2026/11/22/10/web-1-0001.log.gz", [line("2026-11-22T10:00:02+0000", f"/{n}") for n in range(500)]
    )
    broken.write_bytes(broken.read_bytes()[:-20])
    web.land("web/2026/11/22/10/web-1-0002.log.gz", good)
    web.configure(
        '[sources.web]\nraw = "raw/web/%Y/%m/%d/%H/"\nformat = "combined"\nstart = "2026-11-22T00"\nquarantine_limit = { share = 1.0 }\n'
    )
    [book] = web.run("web", "2026-11-22T10")
    assert book["rows"] == 1
    assert book["lines"] == book["quarantined"] + 1
    assert "corrupt gzip" in web.query("SELECT reject_reason FROM quarantine")[0][0]


def test_too_many_rejected_lines_fail_the_run_and_publish_nothing(web: World, line: Line) -> None:
    web.land("web/2026/11/22/10/a.log", [line("2026-11-22T10:00:01+0000")] * 50 + ["rubbish"] * 150)
    with pytest.raises(QuarantineLimitExceeded, match=r"150 of 200 lines were rejected.*time: none found"):
        web.run("web", "2026-11-22T10")
    assert {key.split("/")[0] for key in web.objects()} == {"work"}


def test_what_a_crash_left_unpublished_is_published_by_the_next_run(web: World, line: Line) -> None:
    web.land("web/2026/11/22/10/a.log", [line("2026-11-22T10:00:01+0000")])
    web.run("web", "2026-11-22T10")
    web.land("web/2026/11/22/10/late.log", [line("2026-11-22T08:00:01+0000")])
    work = land(web.settings, "web", "2026-11-22T11")
    for shard in range(2):
        normalize(web.settings, "web", work, shard)
    assert web.counts() == {"2026-11-22T10": 1}
    web.run("web", "2026-11-22T12")
    assert web.counts() == {"2026-11-22T08": 1, "2026-11-22T10": 1}
    assert not [key for key in web.objects() if "/pending/" in key]


def test_a_metric_that_lost_rows_is_found_by_the_checks(web: World, line: Line) -> None:
    web.land("web/2026/11/22/10/a.log", [line("2026-11-22T10:00:01+0000"), line("2026-11-22T10:00:02+0000")])
    web.run("web", "2026-11-22T10")
    metric = next((web.lake / "metrics" / "traffic_hourly").rglob("*.parquet"))
    whole = pq.read_table(metric)
    pq.write_table(whole.slice(0, 0).cast(whole.schema), metric)
    with pytest.raises(CheckFailed, match=r"traffic_matches_events: .*published 2, requests None"):
        check(web.settings, "web", "2026-11-22T10", ["web_access/2026-11-22T10"])


def test_a_metric_behind_its_partition_is_added_up_again(web: World, line: Line) -> None:
    """What an overlapping run does: it publishes between this run's aggregate and check."""
    web.land("web/2026/11/22/10/a.log", [line("2026-11-22T10:00:01+0000")])
    web.run("web", "2026-11-22T10")
    web.land("web/2026/11/22/10/b.log", [line("2026-11-22T10:00:02+0000")])
    work = land(web.settings, "web", "2026-11-22T10")
    touched = {text for shard in range(2) for text in normalize(web.settings, "web", work, shard)}
    publish(web.settings, "web", touched)
    check(web.settings, "web", "2026-11-22T10", touched)
    assert web.query("SELECT sum(requests)::BIGINT FROM metrics_traffic_hourly") == [(2,)]


@pytest.mark.parametrize(("before", "after"), [(4, 1), (1, 4), (3, 2)])
def test_another_number_of_shards_neither_loses_nor_repeats_rows(
    world: World, line: Line, before: int, after: int
) -> None:
    text = '[sources.web]\nraw = "raw/web/%Y/%m/%d/%H/"\nformat = "combined"\nstart = "2026-11-22T00"\nshards = {}\n'
    world.configure(text.format(before))
    for host in ("alpha", "beta", "gamma", "delta"):
        world.land(f"web/2026/11/22/10/{host}.log", [line("2026-11-22T10:00:01+0000", f"/{host}")])
    world.run("web", "2026-11-22T10")
    world.configure(text.format(after))
    world.run("web", "2026-11-22T10")
    assert world.counts() == {"2026-11-22T10": 4}
    assert world.query("SELECT count(*) FROM ledger") == [(4,)]


def test_a_source_of_mixed_formats_fills_a_dataset_for_each(world: World, line: Line) -> None:
    world.configure(
        '[sources.mixed]\nraw = "raw/mixed/%Y/%m/%d/%H/"\nformat = "auto"\nstart = "2026-11-22T00"\nshards = 2\n'
    )
    world.land("mixed/2026/11/22/10/web.log.gz", [line("2026-11-22T10:00:01+0000")])
    common = line("2026-11-22T10:00:02+0000").removesuffix(' "-" "Mozilla/5.0"')
    world.land("mixed/2026/11/22/10/old-web.log", [common])
    world.land("mixed/2026/11/22/10/app.log", ["2026-11-22 10:00:01.000 [main] INFO  c.e.A - fine"])
    world.land("mixed/2026/11/22/10/events.jsonl", ['{"ts": "2026-11-22T10:00:01Z", "event": "login"}'])
    world.land("mixed/2026/11/22/10/notes.txt", ["nothing that any format reads"])
    [book] = world.run("mixed", "2026-11-22T10")
    assert (book["objects"], book["lines"], book["rows"], book["quarantined"]) == (5, 5, 4, 1)
    assert world.query("SELECT dataset, rows FROM books ORDER BY ALL") == [
        ("app_log", 1),
        ("json_event", 1),
        ("web_access", 2),
    ]
    assert world.query("SELECT format, count(*) FROM ledger GROUP BY 1 ORDER BY 1") == [
        ("combined", 1), ("common", 1), ("json_event", 1), ("logback", 1), ("unknown", 1),
    ]  # fmt: skip
    [(reason,)] = world.query("SELECT reject_reason FROM quarantine")
    assert reason.startswith("format: none recognised")
    before = world.objects()
    world.run("mixed", "2026-11-22T10", reprocess=True)
    assert world.objects() == before
