"""Hostile texts in every field of every log: reports, pages, tables, messages and queries are made as of harmless ones.

Beside ``tests/faults/test_injection.py``, which is about what ``etl sql``, ``parse`` and ``run`` print: two lakes that differ
in nothing but the texts, so that whatever differs in the structure of an output came from a log.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import Message
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest

from etl import connect
from etl.cli import main
from etl.stages.catalog import write_catalog
from etl.stages.notify import digest
from tests.faults.test_injection import FORMULA, HOSTILE, STEERING
from tests.pipeline.conftest import World
from tests.pipeline.test_digest import Hook, Mails, text_of

NOW = datetime(2026, 11, 22, 13)
HOURS = ("--from", "2026-11-21T00", "--to", "2026-11-22T23")
TEXTS = [
    *HOSTILE.values(),
    "<svg onload=alert(1)><style>@import 'http://evil.example'</style>",
    "' onfocus='alert(1)' autofocus='",
    "&lt;script&gt;alert(1)&lt;/script&gt; ]]><![CDATA[ <!--",
    "<!channel> <!here> @everyone @here <@U1> [x](javascript:alert(1)) ![i](http://evil.example/i.png) www.evil.example",
    "x\r\nBcc: evil@example.com\r\n\r\n<html>",
    "$(touch /tmp/owned) `id` ${HOME} !! \\ \"",
    "'; ATTACH 'evil.db'; COPY (SELECT 1) TO '/tmp/owned' --",
    "nul \0 and \ufeff",
    "%s %n {0} {settings.lake}",
    "<b>" + "long " * 4000 + "</b>",
]  # fmt: skip
# one that has more requests than any other, so that the findings are about it
MAIN = "".join(text for text in TEXTS if len(text) < 1000 and "?" not in text and "passwd" not in text)
REPORTS = ("traffic", "errors", "jvm", "quality")
SOURCES = "".join(
    f"""
[sources.{name}]
raw = "raw/{name}/%Y/%m/%d/%H/"
format = "json"
dataset = "{dataset}"
start = "2026-11-01T00"
shards = 1
max_lateness_days = 30
look_back_hours = 0
quarantine_limit = {{ share = 1.0 }}
"""
    for name, dataset in (("web", "web_access"), ("app", "app_log"), ("gc", "jvm_gc"))
)


def harmless(text: str) -> str:
    """The same words without what any format gives a meaning: it is judged alike as a path, an agent or a message."""
    return re.sub(r"[^\w ./:?-]|[\x80-\x9f]", "q", text)


def lake_of(root: Path, texts: list[str], main_text: str, hook: Hook, mails: Mails) -> World:
    """Web, application and JVM logs of two days: each text in each field, and so often that there are findings of every kind."""
    world = World(root)
    world.configure(f"[notify]\nurls = {json.dumps([hook.url, mails.url])}\n{SOURCES}")
    app, gc = ([], [])  # type: tuple[list[dict[str, Any]], list[dict[str, Any]]]
    web = [request(NOW.replace(hour=0) + timedelta(hours=hour), "/quiet", "quiet") for hour in range(12)]
    web += [request(NOW - timedelta(days=1, hours=hour), "/quiet", "quiet") for hour in range(14)]
    shop = "https://shop.example/"
    web += [request(NOW, "/style.css", "quiet", http_request_referrer=shop) for _ in range(len(texts) * 3 + 60)]
    for number, text in enumerate([*texts, *[main_text] * 40]):
        at = NOW + timedelta(seconds=number)
        more = {text: text, "user_name": text, "url_query": text, "server_address": text, "client_address": text}
        more |= {"http_request_method": text, "host_name": text, "service_name": text} if number < len(texts) else {}
        web += [
            request(at, f"/page/{text}", text, http_request_referrer=f"https://site{number}.example/{text}", **more),
            request(at, f"/failed/{text}", text, 500, duration_ms=number),
            request(at, f"/missing/{text}", text, 404, http_request_referrer=shop + text),
            {"time": text, "url_path": text},
        ]
        action, pause = ("Pause Full", 6000 + number) if number >= len(texts) else ("Pause Young", number)
        gc.append({"time": f"{at:%FT%T}Z", "host_name": text, "jvm_gc_cause": text, "jvm_gc_action": f"{action} {text}", "pause_ms": pause,
                   "heap_before_bytes": 2, "heap_after_bytes": 1, "heap_committed_bytes": 3, text: text})  # fmt: skip
    for number, text in enumerate([*texts, main_text]):
        app.append({"time": f"{NOW:%FT%T}Z", "severity_text": "ERROR", "body": f"kind {'x' * number}: {text}", "logger_name": text,
                    "exception_type": f"com.Example{'x' * number}.{text}", "exception_message": text, "thread_name": text, "host_name": text,
                    "exception_stacktrace": f"com.Example: {text}\n\tat {text}", "trace_id": text, "span_id": text, text: text})  # fmt: skip
    app += [{"time": f"{NOW - timedelta(days=days):%FT%T}Z", "body": "fine"} for days in range(1, 10)]
    for name, records in (("web", web), ("app", app), ("gc", gc)):
        # names of files take neither / nor NUL, and no more than 255 bytes
        land(world, name, NOW, main_text.replace("/", "_").replace("\0", "")[:60] + ".log", records)
        if name == "web":
            world.land(f"web/{NOW:%Y/%m/%d/%H}/{main_text.replace('/', '_')[:50]}.gz", b"\x1f\x8bnot gzip")
        world.run(name, f"{NOW:%Y-%m-%dT%H}")
    return world


def request(at: datetime, path: str, agent: str, status: int = 200, **fields: Any) -> dict[str, Any]:
    common = {"time": f"{at:%FT%T}Z", "url_path": path, "user_agent_original": agent, "client_address": "203.0.113.9"}
    return {**common, "http_response_status_code": status, "http_response_body_size_bytes": 10, **fields}


def land(world: World, source: str, hour: datetime, name: str, records: list[dict[str, Any]]) -> None:
    path = world.root / "raw" / source / f"{hour:%Y/%m/%d/%H}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in records), encoding="utf-8")
    moment = (hour + timedelta(minutes=50)).timestamp()
    os.utime(path, (moment, moment))


@pytest.fixture(scope="module")
def inboxes() -> Iterator[list[tuple[Hook, Mails]]]:
    from aiosmtpd.controller import Controller

    found, servers = [], []
    for _ in range(2):
        hook, mails = Hook(), Mails()
        servers.append(Controller(mails, hostname="127.0.0.1", port=mails.port))
        servers[-1].start()
        found.append((hook, mails))
    yield found
    for (hook, _), server in zip(found, servers, strict=True):
        server.stop()
        hook.server.shutdown()
        hook.server.server_close()


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory, inboxes: list[tuple[Hook, Mails]]) -> tuple[World, World]:
    """(hostile, harmless)"""
    return (
        lake_of(tmp_path_factory.mktemp("hostile"), TEXTS, MAIN, *inboxes[0]),
        lake_of(tmp_path_factory.mktemp("harmless"), [harmless(text) for text in TEXTS], harmless(MAIN), *inboxes[1]),
    )


def etl(world: World, capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    capsys.readouterr()
    code = main(["--config", str(world.root / "sources.toml"), *map(str, arguments)])
    found = capsys.readouterr()
    assert code == 0, found.err
    assert not STEERING.search(found.err)
    return found.out


class Structure(HTMLParser):
    """Elements with their attributes, and the texts of queries that a reader is offered."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self.values: set[tuple[str, str, str]] = set()
        self.others: list[str] = []
        self.queries: list[str] = []
        self._in_pre = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag, tuple(sorted(name for name, _ in attrs))] += 1
        drawn = {"d", "points", "transform", "style", "fill", "stroke", "aria-label"} if tag in SHAPES else set()
        self.values |= {(tag, name, re.sub(r"[\d.]+", "0", value or "")) for name, value in attrs if name not in drawn}
        if tag == "pre":
            self._in_pre = True
            self.queries.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_pre = self._in_pre and tag != "pre"

    def handle_data(self, data: str) -> None:
        if self._in_pre:
            self.queries[-1] += data

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    handle_pi = unknown_decl = handle_comment


SHAPES = {"path", "rect", "g", "text", "line", "svg"}


@pytest.fixture(scope="module")
def reports(lakes: tuple[World, World]) -> dict[str, list[str]]:
    """Report → it of hostile and of harmless logs."""
    found: dict[str, list[str]] = {name: [] for name in REPORTS}
    for world in lakes:
        for name, pages in found.items():
            path = world.root / f"{name}.html"
            assert main(["--config", str(world.root / "sources.toml"), "report", name, *HOURS, "-o", str(path)]) == 0
            pages.append(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_has_the_elements_and_attributes_that_it_has_of_harmless_logs(
    name: str, reports: dict[str, list[str]]
) -> None:
    hostile, plain = reports[name]
    found, known = Structure(hostile), Structure(plain)
    assert found.elements == known.elements
    assert found.values - known.values == set()
    assert found.others == known.others == []
    assert not STEERING.search(hostile) and "default-src 'none'" in hostile
    names = {each for _, names in found.elements for each in names}
    assert not [each for each in names if each.startswith("on") or each in ("href", "src")]
    assert "&lt;script&gt;" in hostile


@pytest.mark.parametrize("name", REPORTS)
def test_the_queries_that_a_report_offers_are_single_selects_that_find_something(
    name: str, reports: dict[str, list[str]], lakes: tuple[World, World]
) -> None:
    queries = [text for text in Structure(reports[name][0]).queries if text.startswith("SELECT")]
    assert queries
    with connect(lakes[0].settings.lake) as connection:
        for query in queries:
            assert len(connection.extract_statements(query)) == 1
            [(parsed,)] = connection.execute("SELECT json_serialize_sql(?)", [query]).fetchall()
            assert len(json.loads(parsed)["statements"]) == 1, query
            assert connection.execute(query).fetchall(), query
            # what a shell would expand between double quotes
            assert not re.search(r'["$`\\!]', query), query


VIEWS = (
    "metrics_path_hourly",
    "metrics_not_found_hourly",
    "metrics_error_hourly",
    "metrics_gc_hourly",
    "metrics_attribute_hourly",
    "ledger",
)


def test_tables_and_csv_of_metrics_and_books_have_no_formula_and_steer_no_terminal(
    lakes: tuple[World, World], capsys: pytest.CaptureFixture[str]
) -> None:
    for view in VIEWS:
        assert not STEERING.search(etl(lakes[0], capsys, "sql", f"FROM {view}"))
        rows = list(csv.reader(io.StringIO(etl(lakes[0], capsys, "sql", f"FROM {view}", "--format", "csv"))))
        assert len(rows) > 1 and len({len(row) for row in rows}) == 1
        for cell in (cell for row in rows for cell in row):
            assert not [
                part for part in re.split(r"[\r\n]", cell) if FORMULA.match(part) and not NUMBER.fullmatch(part)
            ], cell
            assert not STEERING.search(cell.replace("\t", "")), cell


NUMBER = re.compile(r"-?[\d.e+-]+")


PRINTED = (
    ["status"],
    ["books", "web", *HOURS],
    ["digest", "--all", "--dry-run"],
    ["trace", "{web}"],
    ["trace", "{app}"],
    ["trace", "{gc}"],
)


def test_what_else_is_printed_steers_no_terminal_and_has_the_shape_that_it_has_of_harmless_logs(
    lakes: tuple[World, World], capsys: pytest.CaptureFixture[str]
) -> None:
    offered = [
        {
            name: world.query(f"SELECT event_id FROM events_{view} ORDER BY event_time DESC, source_line DESC LIMIT 1")[
                0
            ][0]
            for name, view in (("web", "web_access"), ("app", "app_log"), ("gc", "jvm_gc"))
        }
        for world in lakes
    ]
    for arguments in PRINTED:
        shapes = []
        for world, ids in zip(lakes, offered, strict=True):
            shown = [part.format(**ids) for part in arguments]
            if world is lakes[0]:
                assert not STEERING.search(etl(world, capsys, *shown)), arguments
            out = etl(world, capsys, *shown, "--json")
            assert not STEERING.search(out), arguments
            shapes.append(shape_of(json.loads(out)))
        assert shapes[0] == shapes[1], arguments


def shape_of(value: Any) -> Any:
    """Types and keys of JSON, and how many keys a log chose."""
    if isinstance(value, dict):
        own = {key: shape_of(item) for key, item in value.items() if re.fullmatch(r"[a-z_]+", key)}
        return {**own, "": len(value) - len(own)}
    return [shape_of(item) for item in value] if isinstance(value, list) else type(value).__name__


def test_a_message_has_the_headers_lines_and_length_that_it_has_of_harmless_logs(
    lakes: tuple[World, World], inboxes: list[tuple[Hook, Mails]]
) -> None:
    for world in lakes:
        for source in ("web", "app", "gc"):
            digest(world.settings, source, f"{NOW:%Y-%m-%dT%H}")
    (hook, mails), (plain_hook, plain_mails) = inboxes
    assert len(hook.messages) == len(plain_hook.messages) > 0
    assert [message["title"] for message in hook.messages] == [message["title"] for message in plain_hook.messages]
    assert [headers_of(mail) for mail in mails.messages] == [headers_of(mail) for mail in plain_mails.messages]
    assert len(mails.messages) == len(hook.messages)
    for body in (*(message["message"] for message in hook.messages), *map(text_of, mails.messages)):
        body = body.replace("\r\n", "\n")
        assert len(body) < 3500 and not STEERING.search(body)
        assert not [active for active in ("<", ">", "@", "`", "](", "://", "www.e", "&") if active in body], body
        for line in body.splitlines():
            assert re.match(r"(INFO|WARNING|CRITICAL|RESOLVED)  |    |and \d+ more: |$", line), line


def headers_of(mail: Message) -> list[tuple[str, str]]:
    """Names of all headers, and what those say that a mail program acts on."""
    return [(name, value if name in ("Subject", "From", "To", "Content-Type") else "") for name, value in mail.items()]


def test_the_pages_in_airflow_have_the_elements_and_attributes_that_they_have_of_harmless_logs(
    lakes: tuple[World, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.api_fastapi.core_api.security import get_user
    from starlette.testclient import TestClient

    from plugins.logbucket_reports import application

    app = application()
    app.dependency_overrides[get_user] = lambda: "somebody"
    found: list[list[Structure]] = []
    with TestClient(app) as client:
        for world in lakes:
            monkeypatch.setenv("LOGBUCKET_CONFIG", str(world.root / "sources.toml"))
            [(uri, reason)] = world.query(
                "SELECT source_uri, reject_reason FROM quarantine WHERE source_line > 0 ORDER BY source_line LIMIT 1"
            )
            addresses: list[tuple[str, dict[str, Any]]] = [
                ("/", {}),
                *((f"/sources/web{page}", {}) for page in ("", "/books", "/quarantine", "/revisions")),
            ]
            addresses += [
                ("/sources/web/quarantine", {"reason": reason}),
                ("/sources/web/quarantine", {"reason": TEXTS[0]}),
            ]
            addresses += [
                ("/sources/web/quarantine/record", {"hour": f"{NOW:%Y-%m-%dT%H}", "uri": uri, "line": line})
                for line in (1, 60, 100)
            ]
            answers = [client.get(path, params=parameters) for path, parameters in addresses]
            assert all("default-src 'none'" in answer.headers["Content-Security-Policy"] for answer in answers)
            assert not [answer.text for answer in answers if STEERING.search(answer.text)]
            found.append([Structure(answer.text) for answer in answers])
    for hostile, plain, (path, _) in zip(*found, addresses, strict=True):
        assert hostile.elements == plain.elements, path
        assert hostile.others == plain.others, path
        assert not [name for _, names in hostile.elements for name in names if name.startswith("on")], path
        assert {
            value for _, name, value in hostile.values if name in ("href", "src") and not SAFE_LINK.match(value)
        } == set()
        assert not {tag for tag, _ in hostile.elements} & {"script", "iframe", "object", "embed", "base"}


SAFE_LINK = re.compile(r"data:,$|[\w%./?=&;+~#-]*$")


def test_the_catalog_shows_the_texts_as_they_are(lakes: tuple[World, World]) -> None:
    world = lakes[0]
    key, _ = write_catalog(world.settings)
    with duckdb.connect(str(world.lake / key), read_only=True) as connection, connect(world.settings.lake) as known:
        connection.execute("SET TimeZone = 'UTC'")
        for view in (*VIEWS, "events_web_access", "events_app_log", "events_jvm_gc", "quarantine"):
            query = f"SELECT COLUMNS(c -> c NOT IN ('processed_time')) FROM {view} ORDER BY ALL"
            assert connection.execute(query).fetchall() == known.execute(query).fetchall(), view
