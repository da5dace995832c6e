"""What concerns a person never gets into the lake, unless a source says so."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from etl.errors import ConfigError, QuarantineLimitExceeded
from etl.model.hours import parse_hour
from etl.stages.audit import audit
from etl.stages.catalog import write_catalog
from etl.stages.notify import digest
from etl.stages.replay import redo
from etl.stages.report import write
from tests.pipeline.conftest import World
from tests.support.search import holding

HOUR = "2026-11-22T13"
WEB = """
[sources.web]
raw = "raw/web/%Y/%m/%d/%H/"
format = "combined"
start = "2026-11-22T00"
shards = 1
"""
APP = """
[sources.app]
raw = "raw/app/%Y/%m/%d/%H/"
format = "logback"
start = "2026-11-22T00"
shards = 1
"""
SSH = """
[sources.ssh]
raw = "raw/ssh/%Y/%m/%d/%H/"
format = "syslog_rfc3164"
start = "2026-11-22T00"
shards = 1
"""
EVENTS = """
[sources.events]
raw = "raw/events/%Y/%m/%d/%H/"
format = "json_event"
start = "2026-11-22T00"
shards = 1
"""
LINES = [
    '203.0.113.9 - - [22/Nov/2026:13:04:05 +0000] "GET /cart?page=2&token=tk0815 HTTP/1.1" 200 5 '
    '"https://mail.example/read?user=alice%40example.org" "Mozilla/5.0"',
    '203.0.113.77 - - [22/Nov/2026:13:04:06 +0000] "GET /u/bob@example.org/cart HTTP/1.1" 200 5 "-" "Mozilla/5.0"',
    '2001:db8:1:2::77 - - [22/Nov/2026:13:04:07 +0000] "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0"',
    "198.51.100.23 is no line of mallory@example.org ?card=4111111111111111",
]
EVENT = {
    "event_time": "2026-11-22T13:00:01Z",
    "event_name": "login",
    "password": "needle01",
    "needle02@example.org": 1,
    "203.0.113.44": 1,
    "2001:db8:7:8::9": 2,
    "needle03%40example.org": 2,
    "nested": {"password": "needle04", "list": ["needle05@example.org", {"api_key": "needle06"}]},
    "Authorization": "Bearer needleseven",
    "headers": {"Cookie": "sid=needle08; theme=dark", "X-Forwarded-For": "203.0.113.66"},
    "card": 4111111111111111,
    "paid": "with 5500 0000 0000 0004",
    "note": 'sent {"mail": "needle09%2540example.org"}',
}
PERSONAL = [
    *(f"needle{number:02}" for number in range(1, 14)), "needleseven", "needlefourteen", "203.0.113.66", "5500 0000", "4111 1111",
    "203.0.113.44", "2001:db8:7:8", "203.0.113.9", "203.0.113.77", "2001:db8:1:2", "198.51.100.23", "tk0815", "alice", "bob@", "mallory", "41111111",
    "hunter2", "carol@", "10.1.2.3", "203.0.113.55",
]  # fmt: skip


SOURCES = ("web", "app", "ssh", "events")
# alerts of the project's own that quote what was rejected and what was logged
QUOTING = """-- title: what was logged
-- severity: warning
-- reads: quarantine, metrics_error_hourly
-- resolved: nothing is
SELECT raw AS key, 'Quoted: ' || raw AS headline, reject_reason AS detail, 'etl status' AS check_sql FROM quarantine
UNION ALL SELECT error_fingerprint, 'Quoted: ' || sample_body || message_template, coalesce(sample_stack, '-'), 'etl status' FROM metrics_error_hourly
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("privacy") / "world")
    world.root.mkdir()
    world.configure(WEB + APP + SSH + EVENTS)
    world.land(
        "events/2026/11/22/13/a.log", [json.dumps(EVENT), json.dumps({**EVENT, "event_time": "needle10@example.org"})]
    )
    world.land("web/2026/11/22/13/a.log", LINES)
    world.land(
        "app/2026/11/22/13/a.log",
        [
            "2026-11-22 13:04:05,123 [main] ERROR c.e.Login - login of carol@example.org from 203.0.113.55 failed, password=hunter2",
            "java.lang.IllegalStateException: carol@example.org",
            "\tat com.example.Login.check(Login.java:12)",
            "Caused by: java.io.IOException: https://me:needle11@host/x for needle12%40example.org",
            "2026-11-22 13:04:05,124 [needle13@example.org] ERROR c.e.Login - Bearer needlefourteen.needlefourteen, card 4111 1111 1111 1111",
            "2026-11-22 13:04:06,123 [main] INFO c.e.Login - broker 10.0.0.1 took 1795356000123 ms",
        ],
    )
    world.land(
        "ssh/2026/11/22/13/a.log",
        ["Nov 22 13:04:05 web-1 sshd[12]: Failed password for frank from 10.1.2.3 port 22 ssh2"],
    )
    for source in SOURCES:
        world.run(source, HOUR)
    shutil.copytree(world.root, world.root.with_name("kept"))
    return world


@pytest.fixture
def shop(made: World) -> World:
    """As it was made, at the place where it was made: rows name the URIs of their objects."""
    shutil.rmtree(made.root)
    shutil.copytree(made.root.with_name("kept"), made.root)
    return made


def test_nothing_personal_is_anywhere_in_the_lake_nor_in_what_people_look_at(shop: World) -> None:
    (shop.root / "sql/alerts").mkdir(parents=True)
    (shop.root / "sql/alerts/quoting.sql").write_text(QUOTING)
    shop.configure('sql = ["sql"]' + WEB + APP + SSH + EVENTS)
    for report in shop.settings.report_names:
        write(shop.settings, report, parse_hour(HOUR), parse_hour(HOUR))
    told = [digest(shop.settings, source, HOUR)["told"] for source in SOURCES]
    write_catalog(shop.settings)
    assert any("Quoted" in item["headline"] for items in told for item in items)
    layers = {"events", "staged", "metrics", "quarantine", "ledger", "work", "reports", "alerts", "catalog.duckdb"}
    assert {path.relative_to(shop.lake).parts[0] for path in shop.lake.rglob("*") if path.is_file()} == layers
    assert holding(shop.lake, *PERSONAL) == {}
    assert shop.query("SELECT DISTINCT client_network FROM metrics_client_hourly ORDER BY 1") == [
        ("2001:db8:1::/48",),
        ("203.0.113.0/24",),
    ]
    [(body, stack)] = shop.query(
        "SELECT sample_body, sample_stack FROM metrics_error_hourly WHERE exception_type IS NOT NULL"
    )
    assert body == "login of <email> from 203.0.113.0 failed, password=<secret>"
    assert "com.example.Login.check" in stack


def test_a_refused_hour_tells_nothing_personal(world: World) -> None:
    world.configure(WEB + "quarantine_limit = { share = 0, lines = 0 }\n")
    world.land("web/2026/11/22/13/a.log", LINES)
    with pytest.raises(QuarantineLimitExceeded) as error:
        world.run("web", HOUR)
    assert not [text for text in PERSONAL if text in str(error.value)]
    assert holding(world.lake, *PERSONAL) == {}


def test_what_is_cut_in_the_middle_of_an_address_has_no_beginning_of_it(world: World) -> None:
    world.configure(EVENTS)
    words = "x" * 44 + " needle01@example.org"
    long = ("x" * 1012 + " needle02@example.org ").ljust(2 << 20)
    world.land("events/2026/11/22/13/a.log", [json.dumps({**EVENT, "event_time": words}), long])
    world.run("events", HOUR)
    [(reason,), _] = world.query("SELECT reject_reason FROM quarantine ORDER BY source_line")
    assert words[:44] in reason
    assert holding(world.lake, *PERSONAL) == {}


def test_what_is_left_can_still_be_worked_with(shop: World) -> None:
    assert shop.query("SELECT client_address, client_network, url_path, url_query, http_request_referrer FROM events_web_access ORDER BY source_line") == [
        ("203.0.113.0", "203.0.113.0/24", "/cart", "page=2&token=*", "https://mail.example/read?user=*"),
        ("203.0.113.0", "203.0.113.0/24", "/u/<email>/cart", None, None),
        ("2001:db8:1::", "2001:db8:1::/48", "/", None, None),
    ]  # fmt: skip
    assert shop.query("SELECT raw FROM quarantine WHERE source_name = 'web'") == [
        ("198.51.100.0 is no line of <email> ?card=*",)
    ]
    assert shop.query("SELECT thread_name, body, exception_message FROM events_app_log ORDER BY source_line") == [
        ("main", "login of <email> from 203.0.113.0 failed, password=<secret>", "<email>"),
        ("<email>", "Bearer <token>, card <card>", None),
        ("main", "broker 10.0.0.1 took 1795356000123 ms", None),
    ]
    # a field named by a person has its place in its name: two are not one
    [(fields,)] = shop.query("SELECT attributes FROM events_json_event")
    assert fields == {
        "password": "<secret>",
        "<email> 2": "1",
        "203.0.113.0 3": "1",
        "2001:db8:7:: 4": "2",
        "<email> 5": "2",
        "nested": '{"password":<secret>,"list":["<email>",{"api_key":<secret>}]}',
        "Authorization": "<secret>",
        "headers": '{"Cookie":"<secret>","X-Forwarded-For":"203.0.113.0"}',
        "card": "<card>",
        "paid": "with <card>",
        "note": 'sent {"mail": "<email>"}',
    }
    assert shop.query("SELECT client_address, user_name, body FROM events_audit") == [
        ("10.1.2.0", "frank", "Failed password for frank from 10.1.2.0 port 22 ssh2")
    ]


def test_visitors_are_told_apart_within_a_day_by_the_full_address_and_not_beyond_it(world: World) -> None:
    world.configure(WEB)
    line = '{} - - [{}/Nov/2026:13:04:05 +0000] "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0"'
    world.land("web/2026/11/23/13/a.log", [line.format(address, day) for day in (22, 23) for address in ("203.0.113.1", "203.0.113.1", "203.0.113.2")])  # fmt: skip
    world.run("web", "2026-11-23T13")
    assert world.query("SELECT count(DISTINCT visitor_id) FROM events_web_access GROUP BY event_date") == [(2,), (2,)]
    [(ids,)] = world.query("SELECT list(DISTINCT visitor_id) FROM events_web_access")
    assert len(ids) == 4 and all(re.fullmatch("[0-9a-f]{32}", text) for text in ids)


def test_an_hour_without_a_single_row_is_run_as_any_other(world: World) -> None:
    world.configure(WEB)
    world.land("web/2026/11/22/13/a.log", LINES[-1:])
    [books] = world.run("web", HOUR)
    assert (books["rows"], books["quarantined"]) == (0, 1)
    assert holding(world.lake, *PERSONAL) == {}


def test_a_source_may_keep_everything(world: World) -> None:
    world.configure('privacy = "off"' + WEB)
    world.land("web/2026/11/22/13/a.log", LINES)
    world.run("web", HOUR)
    assert world.query("SELECT client_address, url_query FROM events_web_access ORDER BY source_line LIMIT 1") == [
        ("203.0.113.9", "page=2&token=tk0815")
    ]
    assert not (world.root / "logbucket.secret").exists()


def test_another_secret_stops_a_run_until_everything_is_computed_again(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = shop.objects()
    shop.run("web", HOUR, reprocess=True)
    assert shop.objects() == before
    monkeypatch.setenv("LOGBUCKET_SECRET", "another secret of this test")
    for again in (lambda: shop.run("web", "2026-11-22T14"), lambda: redo(shop.settings, "web", parse_hour(HOUR), None)):
        with pytest.raises(ConfigError, match=r"LOGBUCKET_SECRET.*--reprocess") as error:
            again()
        assert "another secret" not in str(error.value)
    shop.run("app", HOUR)
    shop.run("web", HOUR, reprocess=True)
    shop.run("web", "2026-11-22T14")
    assert not audit(shop.settings, "web", parse_hour(HOUR), parse_hour(HOUR))
    assert holding(shop.lake, "another secret") == {}


def test_the_secret_is_not_in_the_lake(shop: World) -> None:
    assert holding(shop.lake, Path(shop.root / "logbucket.secret").read_text().strip()) == {}
