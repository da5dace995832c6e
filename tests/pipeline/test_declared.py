"""Sources that declare what a format leaves open: datasets, options, wrappers, encodings; through the whole pipeline."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from etl.errors import ConfigError, QuarantineLimitExceeded
from tests.pipeline.conftest import World

HOUR = "2026-11-22T13"
FOLDER = "raw/app/2026/11/22/13"


def source(world: World, lines: str, **files: bytes) -> None:
    for name, data in files.items():
        path = world.root / FOLDER / f"{name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    world.configure(
        f'[sources.app]\nraw = "raw/app/%Y/%m/%d/%H/"\nstart = "2026-11-22T00"\nlook_back_hours = 0\nshards = 1\n{lines}\n'
    )


def docker(*texts: str, stream: str = "stdout") -> bytes:
    entries = ({"log": text + "\n", "stream": stream, "time": "2026-11-22T13:04:05.123456789Z"} for text in texts)
    return b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)


def tree(world: World) -> dict[str, bytes]:
    lake = world.root / "lake"
    return {str(path.relative_to(lake)): path.read_bytes() for path in lake.rglob("*.parquet")}


TRACE = ["2026-11-22 13:04:05.000 [main] ERROR com.example.Pay - failed", "java.lang.IllegalStateException: no", "\tat com.example.Pay.go(Pay.java:1)"]  # fmt: skip


@pytest.mark.parametrize("format_name", ["docker/logback", "docker/auto", "auto"])
def test_a_wrapped_source(world: World, format_name: str) -> None:
    source(
        world,
        f'format = "{format_name}"',
        one=docker(*TRACE) + docker("2026-11-22 13:04:06.000 [main] INFO com.example.Pay - ok"),
    )
    world.run("app", HOUR)
    rows = world.query(
        "SELECT severity_text, exception_type, source_lines, attributes['stream'] FROM events_app_log ORDER BY event_time"
    )
    assert rows == [("ERROR", "java.lang.IllegalStateException", 3, "stdout"), ("INFO", None, 1, "stdout")]
    before = tree(world)
    world.run("app", HOUR, reprocess=True)
    assert tree(world) == before


def test_a_wrapped_trace_across_two_objects(world: World) -> None:
    source(world, 'format = "cri/logback"')
    lines = [f"2026-11-22T13:04:05.1Z stderr F {line}\n".encode() for line in TRACE]
    folder = world.root / FOLDER
    folder.mkdir(parents=True)
    (folder / "app.log.2").write_bytes(b"".join(lines[:2]))
    (folder / "app.log.1").write_bytes(lines[2] + b"2026-11-22T13:04:06.1Z stderr F 2026-11-22 13:04:06 INFO x - y\n")
    world.run("app", HOUR)
    assert world.query("SELECT source_lines FROM events_app_log ORDER BY event_time") == [(3,), (1,)]
    assert world.query("SELECT sum(lines), sum(row_lines), sum(joined_in), sum(joined_out) FROM ledger") == [
        (4, 4, 1, 1)
    ]


def test_a_mixed_source_fills_several_datasets(world: World) -> None:
    source(
        world,
        'format = "auto"',
        syslog=b"Nov 22 13:04:05 web-1 sshd[12]: Accepted publickey for frank from 203.0.113.9 port 4711 ssh2\n"
        b"Nov 22 13:04:06 web-1 cron[13]: started\n",
        postgres=b"2026-11-22 13:04:05.123 UTC [12] LOG:  duration: 12.5 ms  statement: SELECT 1\n",
        gc=b"[2026-11-22T13:04:05.123+0000][1.5s][info][gc] GC(3) Pause Young (Normal) (G1 Evacuation Pause) 24M->4M(256M) 3.456ms\n",
    )
    world.run("app", HOUR)
    found = {
        "audit": world.query("SELECT user_name, auth_method FROM events_audit"),
        "log": world.query("SELECT logger_name, body FROM events_app_log"),
        "query": world.query("SELECT duration_ms, db_query_text FROM events_db_query"),
        "gc": world.query("SELECT pause_ms, heap_after_bytes FROM events_jvm_gc"),
    }
    assert found == {
        "audit": [("frank", "publickey")],
        "log": [("cron", "started")],
        "query": [(12.5, "SELECT 1")],
        "gc": [(3.456, 4 << 20)],
    }
    assert world.query("SELECT sum(lines), sum(rows), sum(quarantined) FROM ledger") == [(4, 4, 0)]


@pytest.mark.parametrize("encoding", ["big5", "utf-16", "utf-8"])
def test_delimited_text_in_an_encoding(world: World, encoding: str) -> None:
    lines = (
        f'encoding = "{encoding}"\n'
        + 'format = "delimited"\ndataset = "json_event"\noptions = { delimiter = ";" }\nfields = { event_time = "when", event_name = "what" }'
    )
    source(world, lines, one="when;what;where\n2026-11-22 13:04:05;登入;臺北\n".encode(encoding))
    world.run("app", HOUR)
    assert world.query("SELECT event_name, attributes['where'] FROM events_json_event") == [("登入", "臺北")]
    assert world.query("SELECT lines, rows, ignored FROM ledger") == [(2, 1, 1)]


def test_an_own_pattern_changed_is_applied_to_the_hour(world: World) -> None:
    data = b"13:04:05 22.11.2026 door 7 opened by frank\nnot a door\n"
    pattern = r"(?P<event_time>\S+ \S+) door (?P<door>\d+) (?P<event_action>\w+) by (?P<user_name>\S+)"
    form = 'time_format = "%H:%M:%S %d.%m.%Y"'
    source(world, f'format = "regex"\ndataset = "audit"\noptions = {{ pattern = \'{pattern}\', {form} }}', one=data)
    world.run("app", HOUR)
    assert world.query("SELECT event_action, user_name, attributes['door'] FROM events_audit") == [
        ("opened", "frank", "7")
    ]
    assert world.query("SELECT source_line FROM quarantine") == [(2,)]
    renamed = pattern.replace("<door>", "<gate>")
    source(world, f'format = "regex"\ndataset = "audit"\noptions = {{ pattern = \'{renamed}\', {form} }}')
    world.run("app", HOUR)
    assert world.query("SELECT attributes['gate'] FROM events_audit") == [("7",)]


BROKEN: dict[str, tuple[str, str]] = {
    "no dataset": ('format = "json"', "dataset"),
    "unknown option": ('format = "logfmt"\noptions = { colour = "red" }', "colour"),
    "options of auto": ('options = { delimiter = ";" }', "options"),
    "no pattern": ('format = "regex"\ndataset = "app_log"', "pattern"),
    "look-ahead": ("format = \"regex\"\ndataset = \"app_log\"\noptions = { pattern = '(?P<body>.*)(?=x)' }", "RE2"),
    "possessive": ("format = \"regex\"\ndataset = \"app_log\"\noptions = { pattern = '(?P<body>.*+)' }", "RE2"),
    "no named group": ("format = \"regex\"\ndataset = \"app_log\"\noptions = { pattern = '.*' }", "named group"),
    "record start": ("format = \"regex\"\ndataset = \"app_log\"\noptions = { pattern = '(?P<body>.*)', record_start = '(' }", "record_start"),
    "time format": ("format = \"json\"\ndataset = \"app_log\"\noptions = { time_format = '%Q' }", "time_format"),
    "column unknown": ('format = "json"\ndataset = "app_log"\nfields = { colour = "c" }', "colour"),
}  # fmt: skip


@pytest.mark.parametrize(("lines", "said"), BROKEN.values(), ids=BROKEN)
def test_a_declaration_that_cannot_be_is_a_clear_error(world: World, lines: str, said: str) -> None:
    source(world, lines, one=b'{"event_time":"2026-11-22T13:04:05Z"}\n')
    with pytest.raises(ConfigError, match=said):
        world.run("app", HOUR)


def test_rejected_records_of_one_line_count(world: World) -> None:
    good, bad = (
        '{"eventVersion":"1.08","eventTime":"2026-11-22T13:04:05Z","eventName":"Get","eventSource":"s3"}',
        '{"eventTime":"never"}',
    )
    data = ('{"Records":[' + ",".join([good] + [bad] * 500) + "]}").encode()
    source(world, 'format = "cloudtrail"', one=data)
    with pytest.raises(QuarantineLimitExceeded, match="500"):
        world.run("app", HOUR)
    source(world, 'format = "cloudtrail"\nquarantine_limit = { share = 1.0 }')
    world.run("app", HOUR)
    assert world.query("SELECT lines, rows, rejects FROM ledger") == [(1, 1, 500)]
    assert len(set(world.query("SELECT event_id FROM events_audit"))) == 1


def test_records_on_one_line_are_deduplicated_in_their_order(world: World) -> None:
    records = [
        {"eventVersion": "1.08", "eventTime": "2026-11-22T13:04:05Z", "eventName": f"n{number}", "eventSource": "s3", "userIdentity": {"userName": "frank"}}
        for number in range(300)
    ]  # fmt: skip
    source(world, 'format = "cloudtrail"\ndeduplicate = ["user_name"]', one=json.dumps({"Records": records}).encode())
    world.run("app", HOUR)
    assert world.query("SELECT event_action FROM events_audit") == [("n0",)]


def test_a_damaged_object_does_not_join_what_it_stood_between(world: World) -> None:
    folder = world.root / FOLDER
    folder.mkdir(parents=True)
    (folder / "app.log.3").write_text(TRACE[0] + "\n")
    (folder / "app.log.2").write_bytes(gzip.compress(b"2026-11-22 13:04:06 INFO x - y\n" * 50)[:-20])
    (folder / "app.log.1").write_text("\tat from.another.Error(Two.java:2)\n2026-11-22 13:04:07 INFO x - y\n")
    source(world, 'format = "logback"\nquarantine_limit = { share = 1.0 }')
    world.run("app", HOUR)
    rows: list[tuple[Any, ...]] = world.query(
        "SELECT parse_status, source_lines FROM events_app_log ORDER BY source_uri DESC, source_line"
    )
    assert rows == [("ok", 1), ("partial", 1), ("ok", 1)]
