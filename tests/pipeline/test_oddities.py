"""One odd object, name or number never stops the others and is never lost."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable

import duckdb
import pytest

from etl import layout
from etl.cli import main
from etl.io.raw import LONGEST_LINE
from etl.model.hours import parse_hour
from etl.model.worklist import RawObject, in_producer_order
from tests.pipeline.conftest import World

Line = Callable[..., str]
HOUR = "2026-11-22T10"
SOURCE = '[sources.{name}]\nraw = "raw/{name}/%Y/%m/%d/%H/"\nformat = "{format}"\nstart = "2026-11-22T00"\nshards = {shards}\n'


def configure(world: World, name: str = "web", format: str = "auto", shards: int = 1) -> None:
    world.configure(SOURCE.format(name=name, format=format, shards=shards))


def run_eight_hosts(world: World, line: Line) -> None:
    configure(world, format="combined", shards=4)
    for host in "abcdefgh":
        world.land(f"web/2026/11/22/10/{host}.log", [line("2026-11-22T10:00:00+0000", f"/{host}")])
    world.run("web", HOUR)


def test_empty_and_blank_objects_are_ignored_not_rejected(world: World, line: Line) -> None:
    configure(world)
    world.land("web/2026/11/22/10/empty.log.gz", b"")
    world.land("web/2026/11/22/10/blank.log", b"\n  \n\n")
    world.land("web/2026/11/22/10/good.log", [line("2026-11-22T10:00:00+0000")])
    [book] = world.run("web", HOUR)
    assert (book["objects"], book["lines"], book["rows"], book["quarantined"], book["ignored"]) == (3, 4, 1, 0, 3)


def test_a_truncated_object_says_so_also_where_its_format_was_not_declared(world: World, line: Line) -> None:
    configure(world)
    path = world.land("web/2026/11/22/10/web.log.gz", b"")
    path.write_bytes(gzip.compress(f"{line('2026-11-22T10:00:00+0000')}\n".encode() * 3, mtime=0)[:-9])
    world.run("web", HOUR)
    [(reason,)] = world.query("SELECT reject_reason FROM quarantine")
    assert reason.startswith("corrupt gzip data")


@pytest.mark.parametrize(
    ("old", "rows"),
    [
        ('200 512 "-" "Mozilla/5.0"', '200 9223372036854775807 "-" "Mozilla/5.0"'),
        ('200 512 "-" "Mozilla/5.0"', f'200 512 "-" "Mozilla/5.0" {"9" * 45}.0'),
        ('200 512 "-" "Mozilla/5.0"', f'200 512 "-" "Mozilla/5.0" {"9" * 400}'),
        ("200 512", "99999 512"),
    ],
)
def test_absurd_numbers_do_not_stop_the_metrics(world: World, line: Line, old: str, rows: str) -> None:
    configure(world, format="combined")
    world.land("web/2026/11/22/10/web.log", [line("2026-11-22T10:00:00+0000").replace(old, rows)] * 3)
    world.run("web", HOUR)
    assert world.query("SELECT sum(requests)::BIGINT FROM metrics_traffic_hourly") == [(3,)]


@pytest.mark.parametrize(
    "ts", ["9999999999999999999", "18446744073709551616", "1e400", "-1", '"9999-99-99"', "true", "[]", "{}"]
)
def test_absurd_times_are_quarantined(world: World, ts: str) -> None:
    configure(world, "game", "json_event")
    world.land(
        "game/2026/11/22/10/a.jsonl",
        ['{"ts": "2026-11-22T10:00:00Z", "event": "login"}', f'{{"ts": {ts}, "event": "login"}}'],
    )
    [book] = world.run("game", HOUR)
    assert (book["rows"], book["quarantined"]) == (1, 1)


def test_a_file_name_that_is_not_utf8(world: World, line: Line) -> None:
    configure(world, format="combined")
    good = world.land("web/2026/11/22/10/good.log", [line("2026-11-22T10:00:00+0000")])
    os.link(good, os.fsencode(good.parent) + b"/caf\xe9.log")
    [book] = world.run("web", HOUR)
    assert (book["objects"], book["rows"]) == (2, 2)
    assert sorted(key.rsplit("/", 1)[-1] for (key,) in world.query("SELECT key FROM ledger")) == [
        "caf\\xe9.log",
        "good.log",
    ]
    before = world.objects()
    world.run("web", HOUR)
    assert world.objects() == before


@pytest.mark.parametrize(
    "name", ["a b.log", "a'b.log", 'a"b.log', "a*b?[c].log", "ü–日本.log", "a\nb.log", "a;b$c.log", "..x.log", "%d.log"]
)
def test_awkward_names(world: World, line: Line, name: str) -> None:
    configure(world, format="combined")
    path = world.land("web/2026/11/22/10/placeholder.log", [line("2026-11-22T10:00:00+0000")])
    path.rename(path.with_name(name))
    [book] = world.run("web", HOUR)
    assert book["rows"] == (0 if name.startswith(".") else 1)


def test_a_line_longer_than_a_mebibyte_is_rejected_with_its_first_kilobyte(world: World, line: Line) -> None:
    configure(world, format="combined")
    data = line("2026-11-22T10:00:00+0000").encode()
    world.land("web/2026/11/22/10/web.log", data + b"\n" + b"x" * (LONGEST_LINE + 1) + b"\n" + data + b"\n")
    [book] = world.run("web", HOUR)
    assert (book["lines"], book["rows"], book["quarantined"]) == (3, 2, 1)
    assert world.query("SELECT source_line, length(raw) FROM quarantine") == [(2, 1024)]


def test_a_late_upload_into_a_folder_of_an_earlier_day(world: World, line: Line) -> None:
    """The landing hour is LastModified; the date in the key is the producer's."""
    world.configure(
        '[sources.web]\nraw = "raw/web/%Y/%m/%d/"\nformat = "combined"\nstart = "2026-11-01T00"\nshards = 1\n'
    )
    world.land("web/2026/11/18/web.log", [line("2026-11-18T10:00:00+0000")], at="2026-11-22T10:30:00")
    [book] = world.run("web", HOUR)
    assert book["rows"] == 1


def test_rotated_files_are_read_from_old_to_new() -> None:
    keys = ["app.log", "app.log.1", "app.log.10", "app.log.2.gz", "web-1-0010.log", "web-1-0009.log"]
    ordered = in_producer_order([RawObject(key, "", 1, "") for key in keys])
    assert [item.key for item in ordered] == [
        "app.log.10",
        "app.log.2.gz",
        "app.log.1",
        "app.log",
        "web-1-0009.log",
        "web-1-0010.log",
    ]


def test_slices_of_another_run_are_noticed_and_computed_again(world: World, line: Line) -> None:
    configure(world, format="combined")
    world.land("web/2026/11/22/10/web.log", [line("2026-11-22T10:00:00+0000")])
    world.run("web", HOUR)
    good = world.objects()
    foreign = next((world.lake / "staged").rglob("*.parquet"))
    world.land("web/2026/11/22/10/web.log", [line("2026-11-22T10:00:00+0000")] * 2)
    world.run("web", HOUR)
    foreign.write_bytes(next(data for key, (_, data) in good.items() if key.startswith("staged/")))
    world.run("web", HOUR)
    assert world.counts() == {HOUR: 2}


def test_a_retired_shard_that_crashed_before_its_ledger_gives_up_its_rows(world: World, line: Line) -> None:
    run_eight_hosts(world, line)
    note = '{"landing_hour": "2026-11-22T10", "shard": 3, "partitions": ["web_access/2026-11-22T10"], "ledger": ""}'
    (world.lake / layout.pending_prefix("web")).mkdir(parents=True, exist_ok=True)
    (world.lake / layout.pending_key("web", parse_hour(HOUR), 3)).write_text(note)
    (world.lake / layout.ledger_key("web", parse_hour(HOUR), 3)).unlink(missing_ok=True)
    configure(world, format="combined", shards=2)
    world.run("web", HOUR)
    assert world.counts() == {HOUR: 8}


def test_slices_from_before_a_column_existed_are_published_with_null(world: World, line: Line) -> None:
    import pyarrow.parquet as pq

    run_eight_hosts(world, line)
    columns = world.query("DESCRIBE events_web_access")
    for path in sorted((world.lake / "staged").rglob("*.parquet"))[:1]:
        from etl.io import engine
        from etl.stages.publish import publish

        books = json.loads(pq.read_metadata(path).metadata[b"logbucket"])
        with duckdb.connect() as connection:
            table = connection.execute(
                f"SELECT * EXCLUDE (bot_name) FROM read_parquet({engine.file_list([path])}, hive_partitioning = false)"
            ).to_arrow_table()
            connection.register("older", table)
            engine.write_parquet(connection, "SELECT * FROM older", path, compression="lz4", books=books)
        publish(world.settings, "web", [f"web_access/{HOUR}"])
    assert world.query("DESCRIBE events_web_access") == columns
    assert world.counts() == {HOUR: 8}


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM ledger JOIN books USING (source_name)",
        "SELECT count(*) FROM Events_Web_Access",
        "PIVOT metrics_traffic_hourly ON is_bot USING sum(requests)",
        "WITH e AS (FROM events_web_access) SELECT * FROM e",
    ],
)
def test_etl_sql_takes_any_query(world: World, line: Line, query: str) -> None:
    configure(world, format="combined")
    world.land("web/2026/11/22/10/web.log", [line("2026-11-22T10:00:00+0000")])
    world.run("web", HOUR)
    assert main(["--config", str(world.root / "sources.toml"), "sql", query, "--format", "json"]) == 0
