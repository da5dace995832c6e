"""Accounts that can be asked: objects, partitions, revisions, one record's way, and what a run would change."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import etl
from etl.cli import main
from etl.errors import ConfigError, EtlError, ObjectCorrupt
from etl.io.statements import load_statements
from etl.stages.preview import preview
from etl.stages.report import write
from etl.stages.status import books, revisions
from etl.stages.trace import trace
from etl.stages.watch import watch
from tests.pipeline.conftest import World

Line = Callable[..., str]
TEN = datetime(2026, 11, 22, 10)


def cli(world: World, *arguments: str) -> int:
    return main(["--config", str(world.root / "sources.toml"), *arguments])


def test_an_object_has_an_account_of_every_line(web: World, line: Line) -> None:
    lines = [line("2026-11-22T10:00:01+0000"), "", "rubbish", "more rubbish", line("1999-11-22T10:00:01+0000")]
    web.land("web/2026/11/22/10/a.log.gz", lines, at="2026-11-22T10:59:00")
    web.run("web", "2026-11-22T10")
    [account] = books(web.settings, "web", TEN, TEN)["objects"]
    assert (account["lines"], account["rows"], account["ignored"], account["quarantined"]) == (5, 1, 1, 3)
    assert sorted(account["reject_reasons"].values()) == [1, 2]
    assert (account["codec"], account["format"]) == ("gzip", "combined")
    assert (account["first_event"], account["last_event"]) == (datetime(2026, 11, 22, 10, 0, 1),) * 2
    assert account["processed_time"].year >= 2026
    assert web.query("SELECT DISTINCT length(format_digest), length(inputs) FROM ledger") == [(64, 64)]


def test_the_duplicates_of_an_object_stand_in_its_account(world: World, line: Line) -> None:
    world.configure(
        '[sources.web]\nraw = "raw/web/%Y/%m/%d/%H/"\nformat = "combined"\nstart = "2026-11-22T00"\ndeduplicate = "objects"\n'
    )
    pair = [line("2026-11-22T10:00:00+0000", "/a"), line("2026-11-22T09:00:00+0000", "/b")]
    world.land("web/2026/11/22/10/one.log", pair)
    world.land("web/2026/11/22/10/two.log", pair)
    world.run("web", "2026-11-22T10")
    found = world.query("SELECT parse_filename(uri), rows, duplicates FROM ledger ORDER BY uri")
    assert found == [("one.log", 2, 0), ("two.log", 2, 2)]


def test_every_change_of_a_published_hour_is_a_revision(web: World, line: Line) -> None:
    web.land("web/2026/11/22/10/a.log", [line("2026-11-22T10:00:01+0000")])
    web.run("web", "2026-11-22T10")
    assert revisions(web.settings) == []
    web.land("web/2026/11/22/11/a.log", [line("2026-11-22T10:59:59+0000")])
    web.run("web", "2026-11-22T11")
    web.land("web/2026/11/22/13/a.log", [line("2026-11-22T10:30:00+0000"), line("2026-11-22T10:31:00+0000")])
    web.run("web", "2026-11-22T13")
    web.land("web/2026/11/22/13/a.log", [line("2026-11-22T10:30:00+0000")])
    web.run("web", "2026-11-22T13", "2026-11-22T13")
    web.run("web", "2026-11-22T13", reprocess=True)
    found = [
        (item["revision"], item["reason"], item["rows_before"], item["rows_after"], item["difference"], item["landing_hours"])
        for item in revisions(web.settings)
    ]  # fmt: skip
    assert found == [
        (2, "on_time", 1, 2, 1, ["2026-11-22T11"]),
        (3, "late", 2, 4, 2, ["2026-11-22T13"]),
        (4, "changed", 4, 3, -1, ["2026-11-22T13"]),
    ]
    assert web.query("SELECT revision, rows FROM books") == [(4, 3)]


def test_a_damaged_record_of_a_revision_does_not_stop_publishing(web: World, line: Line) -> None:
    for count in (1, 2, 3):
        web.land("web/2026/11/22/10/a.log", [line(f"2026-11-22T10:00:0{at}+0000") for at in range(count)])
        web.run("web", "2026-11-22T10")
        for path in (web.lake / "revisions").rglob("000002.json"):
            path.write_text("not a record")
    with pytest.raises(ObjectCorrupt, match=r"000002\.json.*history only"):
        revisions(web.settings)
    for path in (web.lake / "revisions").rglob("000002.json"):
        path.unlink()
    assert [item["revision"] for item in revisions(web.settings)] == [3]
    assert web.counts() == {"2026-11-22T10": 3}


def test_a_foreign_object_among_the_ledgers_is_passed_over(web: World, line: Line) -> None:
    web.land("web/2026/11/22/10/a.log", [line("2026-11-22T10:00:01+0000")])
    web.run("web", "2026-11-22T10")
    (web.lake / "ledger/web/landing_date=2026-11-22/notes.txt").write_text("mine")
    web.run("web", "2026-11-22T11")
    assert cli(web, "audit", "web", "--from", "2026-11-22T10", "--to", "2026-11-22T11") == 0


def test_an_hour_that_is_emptied_and_filled_again_keeps_its_history(web: World, line: Line) -> None:
    path = web.land("web/2026/11/22/10/a.log", [line("2026-11-22T10:00:01+0000")])
    web.land("web/2026/11/22/10/b.log", [line("2026-11-22T09:00:01+0000")])
    web.run("web", "2026-11-22T10")
    data = path.read_bytes()
    path.unlink()
    web.run("web", "2026-11-22T10")
    path.write_bytes(data)
    web.run("web", "2026-11-22T10")
    found = [(item["hour_start"].hour, item["rows_before"], item["rows_after"]) for item in revisions(web.settings)]
    assert found == [(10, 1, 0), (10, 0, 1)]


def test_a_dry_run_says_what_would_change_and_writes_nothing(web: World, line: Line) -> None:
    web.land("web/2026/11/22/10/a.log", [line("2026-11-22T10:00:01+0000"), line("2026-11-22T09:00:01+0000")])
    web.land("web/2026/11/22/10/b.log", [line("2026-11-22T10:00:01+0000")])
    web.run("web", "2026-11-22T10")
    before = web.objects()
    assert preview(web.settings, "web", ["2026-11-22T10"]) == {"objects": [], "partitions": [], "metrics": []}
    web.land("web/2026/11/22/10/a.log", [line("2026-11-22T10:00:01+0000"), line("2026-11-22T10:00:02+0000"), "rubbish"])
    web.land("web/2026/11/22/11/c.log", [line("2026-11-22T11:00:01+0000")])
    found = preview(web.settings, "web", ["2026-11-22T11"])
    assert web.objects() == before
    assert [(Path(item["uri"]).name, item["change"], item["rows_before"], item["rows_after"], item["quarantined_after"]) for item in found["objects"]] == [
        ("a.log", "changed", 2, 2, 1), ("c.log", "new", 0, 1, 0),
    ]  # fmt: skip
    predicted = {item["hour_start"].hour: (item["rows_before"], item["rows_after"]) for item in found["partitions"]}
    assert predicted == {9: (1, 0), 10: (2, 3), 11: (0, 1)}
    web.run("web", "2026-11-22T11")
    assert web.counts() == {"2026-11-22T10": 3, "2026-11-22T11": 1}


@pytest.mark.parametrize("arguments", [[], ["--json"], ["--reprocess"]])
def test_a_dry_run_of_the_first_hour_creates_no_lake(
    web: World, line: Line, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    web.land("web/2026/11/22/10/a.log", [line("2026-11-22T10:00:01+0000")])
    run = ["run", "web", "--from", "2026-11-22T10", "--to", "2026-11-22T10", "--dry-run"]
    assert cli(web, *run, *arguments) == 0
    assert "web_access" in capsys.readouterr().out
    assert not [path for path in web.lake.rglob("*") if path.is_file()]


def test_a_row_is_traced_to_its_line_and_to_all_it_went_into(
    web: World, line: Line, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["rubbish", line("2026-11-22T10:00:01+0000", "/one"), "", line("2026-11-22T10:00:02+0000", "/two")]
    path = web.land("web/2026/11/22/10/a.log.gz", lines)
    web.run("web", "2026-11-22T10")
    write(web.settings, "errors", TEN, TEN)
    reports = [write(web.settings, name, TEN, TEN) for name in ("quality", "traffic")]
    [(event_id,)] = web.query("SELECT event_id FROM events_web_access WHERE url_path = '/two'")
    [account] = trace(web.settings, event_id)
    assert account["raw"] == [lines[3]]
    assert (account["fate"], account["source_line"], account["row"]["url_path"]) == ("published", 4, "/two")
    assert (web.lake / account["slice"]).exists()
    assert (web.lake / account["partition"]).exists()
    made = {name for name, metric in load_statements().metrics.items() if "web_access" in metric.datasets}
    assert {Path(key).parts[1] for key in account["metrics"]} == made
    assert account["reports"] == reports
    [rejected] = trace(web.settings, f"{path}:1")
    assert (rejected["fate"], rejected["raw"], rejected["row"]["source_line"]) == ("quarantined", ["rubbish"], 1)
    [blank] = trace(web.settings, f"{path}:3")
    assert (blank["fate"], blank["raw"]) == ("ignored", [""])
    with pytest.raises(EtlError, match="no line 5"):
        trace(web.settings, f"{path}:5")
    with pytest.raises(EtlError, match="no ledger knows"):
        trace(web.settings, "0123456789abcdef-1")
    with pytest.raises(ConfigError, match="event_id"):
        trace(web.settings, "something")
    assert cli(web, "trace", event_id) == 0
    assert lines[3] in capsys.readouterr().out
    path.unlink()
    [account] = trace(web.settings, event_id)
    assert (account["raw"], account["fate"]) == (None, "published")


def test_a_trace_of_several_lines_is_found_by_any_of_them(world: World) -> None:
    world.configure('[sources.app]\nraw = "raw/app/%Y/%m/%d/%H/"\nformat = "logback"\nstart = "2026-11-22T00"\n')
    lines = ["2026-11-22 10:00:00.000 [main] ERROR c.e.A - broken", "java.lang.IllegalStateException: no", "\tat c.e.A.a(A.java:1)"]  # fmt: skip
    path = world.land("app/2026/11/22/10/app.log", [*lines, "2026-11-22 10:00:01.000 [main] INFO  c.e.A - fine"])
    world.run("app", "2026-11-22T10")
    for number in (1, 2, 3):
        [account] = trace(world.settings, f"{path}:{number}")
        assert account["raw"] == lines


def test_the_books_are_shown_on_the_command_line(web: World, line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    web.land("web/2026/11/22/10/a.log", [line("2026-11-22T10:00:01+0000")])
    web.run("web", "2026-11-22T10")
    hours = ["--from", "2026-11-22T10", "--to", "2026-11-22T10"]
    assert cli(web, "books", "web", *hours, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["objects"][0]["lines"], found["partitions"][0]["rows"]) == (1, 1)
    assert cli(web, "books", "web", *hours) == 0
    assert "a.log" in capsys.readouterr().out
    assert cli(web, "audit", "web", *hours) == 0
    assert "findings: none" in capsys.readouterr().out
    (web.lake / "metrics/traffic_hourly/event_date=2026-11-22/web.parquet").unlink()
    assert cli(web, "audit", "web", *hours) == 1
    assert "missing metric" in capsys.readouterr().out
    assert cli(web, "audit", *hours, "--repair", "--json") == 0
    assert [item["repaired"] for item in json.loads(capsys.readouterr().out)] == [True]
    assert cli(web, "drill", "web") == 0
    assert "equal" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("now", "stale"),
    [("2026-11-22T12", False), ("2026-11-22T14", False), ("2026-11-22T15", True), ("2026-11-29T15", True)],
)
def test_a_source_that_is_not_run_is_stale(web: World, line: Line, now: str, stale: bool) -> None:
    web.land("web/2026/11/22/10/a.log", [line("2026-11-22T10:00:01+0000")])
    web.run("web", "2026-11-22T10")
    [record] = watch(web.settings, datetime.fromisoformat(f"{now}:30:00"), 3)
    assert record["stale"] is stale
    assert cli(web, "watch", "--at", now) == (1 if stale else 0)


def test_a_connection_is_plain_and_shows_one_moment(web: World, line: Line) -> None:
    web.land("web/2026/11/22/10/a.log", [line("2026-11-22T10:00:01+0000")])
    web.run("web", "2026-11-22T10")
    connection = etl.connect(web.settings.lake)
    assert type(connection).__module__.strip("_").startswith("duckdb")
    web.land("web/2026/11/22/10/a.log", [line("2026-11-22T10:00:01+0000"), line("2026-11-22T10:00:02+0000")])
    web.run("web", "2026-11-22T10")
    assert connection.execute("SELECT count(*) FROM events_web_access").fetchall() == [(1,)]
    assert connection.execute("SELECT sum(requests) FROM metrics_traffic_hourly").fetchall() == [(1,)]
    taken = web.lake / ".snapshots"
    assert len(list(taken.iterdir())) == 1
    connection.close()
    del connection
    gc.collect()
    assert list(taken.iterdir()) == []


def test_what_a_killed_reader_left_behind_is_removed_by_the_next(web: World, line: Line) -> None:
    import socket

    web.land("web/2026/11/22/10/a.log", [line("2026-11-22T10:00:01+0000")])
    web.run("web", "2026-11-22T10")
    left = web.lake / ".snapshots" / f"{socket.gethostname()}.4194304.abc"
    elsewhere = web.lake / ".snapshots" / "another-machine.4194304.abc"
    for folder in (left, elsewhere):
        folder.mkdir(parents=True)
    etl.connect(web.settings.lake).close()
    assert (left.exists(), elsewhere.exists()) == (False, True)


def test_a_snapshot_of_a_lake_that_is_written_to_is_of_one_moment(web: World, line: Line) -> None:
    """Events and metrics of the same hour agree in every snapshot in which they both stand."""
    web.land("web/2026/11/22/10/a.log", [line("2026-11-22T10:00:01+0000")])
    web.run("web", "2026-11-22T10")
    stop = threading.Event()
    seen: list[Any] = []

    def read() -> None:
        while not stop.is_set():
            with etl.connect(web.settings.lake) as connection:
                rows = connection.execute("SELECT rows, duplicates FROM books").fetchall()
                counted = connection.execute("SELECT count(*) FROM events_web_access").fetchall()
                seen.append((rows[0][0], counted[0][0]))

    reader = threading.Thread(target=read)
    reader.start()
    for count in range(2, 6):
        web.land("web/2026/11/22/10/a.log", [line(f"2026-11-22T10:00:0{at}+0000") for at in range(count)])
        web.run("web", "2026-11-22T10")
    stop.set()
    reader.join()
    assert seen
    assert [pair for pair in seen if pair[0] != pair[1]] == []


def test_lines_of_a_record_that_was_cut_between_objects_are_traced_to_it(world: World) -> None:
    world.configure(
        '[sources.app]\nraw = "raw/app/%Y/%m/%d/%H/"\nformat = "logback"\nstart = "2026-11-22T00"\nshards = 1\n'
    )
    world.land("app/2026/11/22/10/a-0001.log", ["2026-11-22 10:00:01,000 ERROR [main] a.B - boom", "java.lang.X: boom"])
    rest = ["\tat a.B.c(B.java:1)", "2026-11-22 10:00:02,000 INFO [main] a.B - fine"]
    path = world.land("app/2026/11/22/10/a-0002.log", rest)
    world.run("app", "2026-11-22T10")
    assert world.query("SELECT sum(joined_out) FROM ledger") == [(1,)]
    [account] = trace(world.settings, f"{path}:1")
    assert (account["fate"], account["raw"]) == ("joined", rest[:1])


def test_a_traced_line_is_shown_in_the_encoding_of_its_source(world: World, line: Line) -> None:
    world.configure(
        '[sources.web]\nraw = "raw/web/%Y/%m/%d/%H/"\nformat = "combined"\nstart = "2026-11-22T00"\nencoding = "utf-16"\n'
    )
    lines = [line(f"2026-11-22T10:00:0{at}+0000") for at in range(3)]
    path = world.land("web/2026/11/22/10/a.log", "".join(f"{text}\n" for text in lines).encode("utf-16"))
    world.run("web", "2026-11-22T10")
    assert [trace(world.settings, f"{path}:{number}")[0]["raw"] for number in (1, 2, 3)] == [[text] for text in lines]


def test_a_revision_is_not_forgotten_when_the_partition_was_lost_in_between(web: World, line: Line) -> None:
    web.land("web/2026/11/22/10/a.log", [line("2026-11-22T10:00:01+0000")])
    web.run("web", "2026-11-22T10")
    web.land("web/2026/11/22/11/a.log", [line("2026-11-22T10:59:59+0000")])
    web.run("web", "2026-11-22T11")
    [partition] = web.lake.glob("events/web_access/*/event_hour=10/web.parquet")
    partition.unlink()
    web.land("web/2026/11/22/12/a.log", [line("2026-11-22T10:59:59+0000")])
    web.run("web", "2026-11-22T12")
    assert [(item["revision"], item["rows_after"]) for item in revisions(web.settings)] == [(2, 2), (3, 3)]
