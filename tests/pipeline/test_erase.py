"""After an erasure nothing in the lake tells of the person, the books close, and no rerun brings the person back."""

from __future__ import annotations

import hmac
import json
import shutil
from datetime import date, datetime
from types import ModuleType
from typing import Any

import pytest

from etl.errors import ConfigError, QuarantineLimitExceeded
from etl.io.secret import load_secret
from etl.model.hours import parse_hour
from etl.stages import erase as erasing
from etl.stages import replay
from etl.stages.audit import audit, drill
from etl.stages.catalog import write_catalog
from etl.stages.enrich import enrich
from etl.stages.erase import erase
from etl.stages.erased_copies import pattern_of
from etl.stages.expire import expire
from etl.stages.notify import digest
from etl.stages.report import write
from etl.stages.status import status
from etl.text import inert
from tests.pipeline.conftest import World
from tests.support.dying import dying
from tests.support.search import holding

HOURS = ["2026-11-22T13", "2026-11-22T14"]
ASKED = datetime(2026, 11, 24, 12)
# an alert of the project's own that quotes a rejected line
QUOTING = """-- title: what was rejected
-- severity: warning
-- reads: quarantine
-- resolved: nothing is
SELECT 'first' AS key, 'Rejected: ' || min(raw) AS headline, 'look' AS detail, 'etl status' AS check_sql
FROM quarantine HAVING count(*) > 0
"""
WEB = """
[sources.web]
raw = "raw/web/%Y/%m/%d/%H/"
format = "combined"
start = "2026-11-22T00"
shards = 1
"""
GAME = """
[sources.game]
raw = "raw/game/%Y/%m/%d/%H/"
format = "json_event"
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
SOURCES = '\nsql = ["sql"]' + WEB + GAME + 'deduplicate = ["event_name", "user_id", "session_id"]\n' + SSH
PERSON = "u-47110815"
AGENT = "Mozilla/5.0 (X11) Chrome/120.0"


def event(minute: int, user: str, session: str, hour: int = 13) -> str:
    record = {
        "event_time": f"2026-11-22T{hour}:{minute:02}:05Z",
        "event_name": "login",
        "user_id": user,
        "session_id": session,
    }
    return json.dumps({**record, "app_id": "chess", "note": f"hello {user}", "level": 4711})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("erase") / "world")
    world.root.mkdir()
    world.configure(SOURCES)
    (world.root / "sql/alerts").mkdir(parents=True)
    (world.root / "sql/alerts/quoting.sql").write_text(QUOTING)
    for hour in (13, 14):
        lines = [event(1, PERSON, "s-one", hour), event(2, PERSON, "s-one", hour), event(3, "u-2", "s-two", hour)]
        world.land(f"game/2026/11/22/{hour}/a.log", [*lines, f'{{"broken": "{PERSON}"'])
        requests = [("203.0.113.9", "/a"), ("203.0.113.9", "/b"), ("203.0.113.10", f"/users/{PERSON}/cart")]
        world.land(
            f"web/2026/11/22/{hour}/a.log",
            [
                *(f'{address} - - [22/Nov/2026:{hour}:04:05 +0000] "GET {path} HTTP/1.1" 200 5 "-" "{AGENT}"' for address, path in requests),
                f'203.0.113.11 - - [22/Nov/2026:{hour}:04:06 +0000] "GET / HTTP/1.1" 200 5 "-" "App/1.0 (user {PERSON})"',
            ],
        )  # fmt: skip
        world.land(
            f"ssh/2026/11/22/{hour}/a.log",
            [
                f"Nov 22 {hour}:04:05 web-1 sshd[12]: Failed password for frank from 203.0.113.9 port 22 ssh2",
                f"Nov 22 {hour}:04:06 web-1 sshd[13]: Failed password for zoe from 203.0.113.20 port 22 ssh2",
            ],
        )
    for source in ("web", "game", "ssh"):
        world.run(source, *HOURS)
    tell(world)
    shutil.copytree(world.root, world.root.with_name("kept"))
    return world


def tell(world: World) -> None:
    """Write what people look at."""
    write(world.settings, "traffic", parse_hour("2026-11-22T00"), parse_hour("2026-11-22T23"))
    digest(world.settings, "game", HOURS[-1])
    enrich(world.settings)
    write_catalog(world.settings)


@pytest.fixture
def lake(made: World) -> World:
    """As it was made, at the place where it was made: rows name the URIs of their objects."""
    shutil.rmtree(made.root)
    shutil.copytree(made.root.with_name("kept"), made.root)
    return made


def books(world: World) -> list[dict[str, Any]]:
    return status(world.settings)


def assert_sound(world: World, repair: bool = False) -> None:
    found = [
        audit(world.settings, name, parse_hour(HOURS[0]), parse_hour(HOURS[-1]), repair)
        for name in ("web", "game", "ssh")
    ]
    assert [item for items in found for item in items if item["is_problem"]] == []


def test_a_person_is_nowhere_afterwards_and_stays_so(lake: World) -> None:
    before, totals = (
        books(lake),
        lake.query("SELECT hour_start, events, users, sessions FROM metrics_event_hourly ORDER BY ALL"),
    )
    assert all(item["closed"] for item in before)
    layers = {key.split("/")[0] for key in holding(lake.lake, PERSON)[PERSON]}
    assert layers == {"events", "staged", "quarantine", "metrics", "reports", "alerts", "dimensions"}

    certificate = erase(lake.settings, "user_id", PERSON, ASKED)

    assert holding(lake.lake, PERSON, "s-one", "47110815") == {}
    assert books(lake) == before
    assert lake.query("SELECT hour_start, events, users, sessions FROM metrics_event_hourly ORDER BY ALL") == totals
    assert lake.query("SELECT count(*) FROM events_json_event WHERE user_id = 'u-2' AND session_id = 's-two'") == [(2,)]
    assert_sound(lake)
    for source in ("web", "game"):
        lake.run(source, *HOURS, reprocess=True)
    tell(lake)
    assert holding(lake.lake, PERSON, "s-one") == {}
    lake.lake.joinpath("events/json_event/event_date=2026-11-22/event_hour=13/game.parquet").unlink()
    shutil.rmtree(lake.lake / "staged/game")
    audit(lake.settings, "game", parse_hour(HOURS[0]), parse_hour(HOURS[-1]), repair=True)
    assert_sound(lake)
    assert holding(lake.lake, PERSON, "s-one") == {}
    assert drill(lake.settings, "game")["outcome"] == "equal"

    kept = json.loads((lake.lake / certificate["certificate"]).read_text())
    assert kept["rows"] == 10
    assert {(item["uri"].rpartition("/raw/")[2], item["records"]) for item in kept["raw"]} == {
        (f"{name}/2026/11/22/{hour}/a.log", count) for hour in (13, 14) for name, count in (("game", 3), ("web", 2))
    }
    changed = {item["key"].split("/")[0] for item in kept["objects"]}
    assert changed == {"events", "staged", "metrics", "quarantine", "ledger", "reports", "alerts", "dimensions"}


def test_who_asks_first_sees_what_would_change_and_nothing_does(lake: World) -> None:
    before = lake.objects()
    told = erase(lake.settings, "user_id", PERSON, ASKED, "game", dry_run=True)
    assert lake.objects() == before
    done = erase(lake.settings, "user_id", PERSON, ASKED, "game")
    assert [item["key"] for item in told["objects"]] == [item["key"] for item in done["objects"]]
    # nor can a person be followed from hour to hour under another name
    [(names,)] = lake.query("SELECT list(DISTINCT user_id) FROM events_json_event WHERE user_id <> 'u-2'")
    assert len(names) == 2 and all(name.startswith("erased-") for name in names)


def visitors(world: World, address: str) -> list[str]:
    key = load_secret(world.settings).day_key(date(2026, 11, 22))
    return [hmac.digest(key, f"{address}|{AGENT}".encode(), "sha256").hex()[:32]]


@pytest.mark.parametrize("raw", ["there", "gone"])
def test_a_truncated_address_is_found_by_its_visitor(lake: World, raw: str) -> None:
    [mine], [other] = visitors(lake, "203.0.113.9"), visitors(lake, "203.0.113.10")
    [(my_number, other_number)] = lake.query(
        f"SELECT visitor_number('{mine}')::VARCHAR, visitor_number('{other}')::VARCHAR"
    )
    all_of_us = (mine, other, my_number, other_number)
    before = books(lake)
    assert set(holding(lake.lake, *all_of_us)) == set(all_of_us)
    metric = lake.query("SELECT hour_start, sum(visitors) FROM metrics_traffic_hourly GROUP BY 1 ORDER BY 1")
    if raw == "gone":
        shutil.rmtree(lake.root / "raw")
        (lake.root / "raw/web").mkdir(parents=True)
    certificate = erase(lake.settings, "client_address", "203.0.113.9", ASKED, "web")
    assert set(holding(lake.lake, *all_of_us)) == {other, other_number}
    assert [item["records"] for item in certificate["raw"]] == [2, 2]
    assert [item["is_gone"] for item in certificate["raw"]] == [raw == "gone"] * 2
    assert books(lake) == before
    assert lake.query("SELECT hour_start, sum(visitors) FROM metrics_traffic_hourly GROUP BY 1 ORDER BY 1") == metric
    assert_sound(lake)


@pytest.mark.parametrize("raw", ["there", "gone"])
@pytest.mark.parametrize(
    ("asked", "logged"),
    [
        ("2001:db8:85a3::8a2e:370:7334", "2001:0db8:85a3::8a2e:0370:7334"),
        ("2001:0DB8:85A3:0:0:8A2E:370:7334", "2001:db8:85a3::8a2e:370:7334"),
        ("203.0.113.9", "::ffff:203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
def test_an_address_is_found_however_a_log_spells_it(world: World, asked: str, logged: str, raw: str) -> None:
    world.configure(WEB)
    world.land("web/2026/11/22/13/a.log", [f'{logged} - - [22/Nov/2026:13:04:05 +0000] "GET / HTTP/1.1" 200 5 "-" "{AGENT}"'])  # fmt: skip
    world.run("web", HOURS[0])
    [(visitor,)] = world.query("SELECT visitor_id FROM events_web_access")
    if raw == "gone":
        shutil.rmtree(world.root / "raw/web/2026")
    assert erase(world.settings, "client_address", asked, ASKED, "web")["rows"] == 1
    assert holding(world.lake, visitor) == {}


@pytest.mark.parametrize("client", ["203.0.113.9:4711", "198.51.100.1, 203.0.113.9"])
def test_an_address_is_found_beside_its_port_and_among_others(world: World, client: str) -> None:
    world.configure(GAME.replace('"json_event"', '"json"\ndataset = "web_access"'))
    world.land("game/2026/11/22/13/a.log", [json.dumps({"time": "2026-11-22T13:04:05Z", "client_address": client})])
    world.run("game", HOURS[0])
    assert erase(world.settings, "client_address", "203.0.113.9", ASKED, "game")["rows"] == 1


@pytest.mark.parametrize("text", ['{"user": "frank"}', json.dumps({"user": "frank"}), "hello user frank."])
def test_a_short_name_is_found_where_a_text_calls_it_one(world: World, text: str) -> None:
    world.configure(GAME)
    record = {"event_time": "2026-11-22T13:00:00Z", "event_name": "login", "note": json.dumps(text)}
    world.land("game/2026/11/22/13/a.log", [json.dumps(record)])
    world.run("game", HOURS[0])
    erase(world.settings, "user_name", "Frank.", ASKED, "game")
    assert holding(world.lake, "frank") == {}


def test_what_raw_no_longer_has_is_anonymised_as_it_stands(lake: World) -> None:
    before = books(lake)
    shutil.rmtree(lake.root / "raw")
    certificate = erase(lake.settings, "user_id", PERSON, ASKED)
    assert holding(lake.lake, PERSON, "s-one") == {}
    assert books(lake) == before
    assert {item["source"] for item in certificate["raw_is_gone"]} == {"web", "game"}
    assert_sound(lake)


@pytest.mark.parametrize("kind", ["user_id", "visitor_id"])
def test_metrics_whose_rows_have_expired_are_anonymised_as_they_stand(lake: World, kind: str) -> None:
    [other] = visitors(lake, "203.0.113.10")
    [(number,)] = lake.query(f"SELECT visitor_number('{other}')::VARCHAR")
    value, traces = {"user_id": (PERSON, [PERSON]), "visitor_id": (other, [other, number])}[kind]
    lake.configure("retention = { events_days = 1, quarantine_days = 1 }" + SOURCES)
    for source in ("web", "game", "ssh"):
        expire(lake.settings, source, ASKED.date())
    figures = "SELECT sum(requests), count(DISTINCT visitor), count(*) FROM metrics_visitor_hourly"
    before = lake.query(figures)
    assert {key.split("/")[0] for keys in holding(lake.lake, *traces).values() for key in keys} >= {"metrics"}
    certificate = erase(lake.settings, kind, value, ASKED)
    assert holding(lake.lake, *traces) == {}
    [(requests, seen, rows)], [(requests_before, seen_before, rows_before)] = lake.query(figures), before
    # a visitor of two hours is two now
    assert (requests, rows, seen) == (requests_before, rows_before, seen_before + (kind == "visitor_id"))
    assert {item["key"].split("/")[0] for item in certificate["objects"]} >= {"metrics", "reports"}
    assert_sound(lake)


@pytest.mark.parametrize(("module", "step"), [(replay, "publish"), (erasing, "remove_reports")], ids=["early", "late"])
def test_an_erasure_that_was_interrupted_is_completed_by_the_next(lake: World, module: ModuleType, step: str) -> None:
    with dying(module, step):
        erase(lake.settings, "user_id", PERSON, ASKED)
    certificate = erase(lake.settings, "user_id", PERSON, ASKED)
    assert holding(lake.lake, PERSON, "s-one", "47110815") == {}
    assert_sound(lake)
    assert (certificate["rows"], len(certificate["raw"])) == (10, 4)
    changed = {item["key"].split("/")[0] for item in certificate["objects"]}
    assert changed == {"events", "staged", "metrics", "quarantine", "ledger", "reports", "alerts", "dimensions"}
    assert {path.name for path in (lake.lake / "erasures").iterdir() if any(path.rglob("*.json"))} == {
        "subjects",
        "certificates",
    }


def test_an_erasure_of_metrics_that_was_interrupted_removes_their_reports(lake: World) -> None:
    lake.configure("retention = { events_days = 1, quarantine_days = 1 }" + SOURCES)
    for source in ("web", "game"):
        expire(lake.settings, source, ASKED.date())
    with dying(erasing, "remove_reports"):
        erase(lake.settings, "user_id", PERSON, ASKED)
    erase(lake.settings, "user_id", PERSON, ASKED)
    assert holding(lake.lake, PERSON) == {}


def test_rows_whose_account_is_gone_are_anonymised_as_they_stand(lake: World) -> None:
    """Ledgers may be removed together with the raw objects of their landing hours."""
    shutil.rmtree(lake.root / "raw/game/2026")
    shutil.rmtree(lake.lake / "ledger/game")
    certificate = erase(lake.settings, "user_id", PERSON, ASKED, "game")
    assert [item["records"] for item in certificate["raw"]] == [3, 3]
    assert [item["landing_hour"] for item in certificate["raw_is_gone"]] == HOURS
    assert not [key for key in holding(lake.lake, PERSON)[PERSON] if "game" in key]
    assert lake.query("SELECT count(*), count(DISTINCT user_id) FROM events_json_event") == [(4, 3)]


def test_an_hour_that_is_refused_by_now_is_anonymised_as_it_stands(lake: World) -> None:
    before = books(lake)
    lake.configure(SOURCES.replace('"json_event"', '"json_event"\nquarantine_limit = { share = 0, lines = 0 }'))
    certificate = erase(lake.settings, "user_id", PERSON, ASKED, "game")
    assert {item["source"] for item in certificate["raw_is_gone"]} == {"game"}
    assert books(lake) == before
    assert lake.query("SELECT count(*) FROM events_json_event WHERE user_id = 'u-2'") == [(2,)]
    assert [item["is_gone"] for item in certificate["raw"]] == [False, False]


def test_a_drill_does_not_take_an_hour_in_which_privacy_left_nothing_of_a_subject_for_wrong(world: World) -> None:
    world.configure(WEB)
    line = f'203.0.113.9 - - [22/Nov/2026:13:04:05 +0000] "GET /a?user={PERSON} HTTP/1.1" 200 5 "-" "{AGENT}"'
    world.land("web/2026/11/22/13/a.log", [line])
    world.run("web", HOURS[0])
    assert erase(world.settings, "user_id", PERSON, ASKED)["rows"] == 0
    assert drill(world.settings, "web")["outcome"] == "outdated"
    world.run("web", HOURS[0], reprocess=True)
    assert drill(world.settings, "web")["outcome"] == "equal"


def test_names_and_mail_addresses_are_erased_from_messages(lake: World) -> None:
    assert set(holding(lake.lake, "frank", "zoe")) == {"frank", "zoe"}
    erase(lake.settings, "user_name", "frank", ASKED)
    assert set(holding(lake.lake, "frank", "zoe")) == {"zoe"}
    assert lake.query("SELECT body FROM events_audit ORDER BY event_time, source_line LIMIT 1") == [
        ("Failed password for <erased> from 203.0.113.0 port 22 ssh2",)
    ]


def test_a_name_is_erased_from_notes_and_accounts_in_any_script_and_case(world: World) -> None:
    world.configure('privacy = "off"' + GAME + "quarantine_limit = { share = 0, lines = 0 }\n")
    record = {"event_name": "login", "user_name": "Zażółć"}
    world.land("game/2026/11/22/13/a.log", [json.dumps({**record, "event_time": "Zażółć"}, ensure_ascii=False)])
    with pytest.raises(QuarantineLimitExceeded):
        world.run("game", HOURS[0])
    erase(world.settings, "user_name", "zażółć", ASKED)
    assert not list(world.lake.glob("work/game/refused/*"))
    world.configure('privacy = "off"' + GAME)
    (world.lake / "erasures").rename(world.root / "forgotten")
    world.run("game", HOURS[0])
    shutil.rmtree(world.root / "raw/game/2026")
    erase(world.settings, "user_name", "zażółć", ASKED)
    assert holding(world.lake, "Zażółć", json.dumps("Zażółć").strip('"')) == {}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("alice@example.org", "login of Alice@Example.org"),
        ("alice@example.org", "login of alice%2540example.org"),
        ("alice@example.org", inert("login of alice@example.org", 99)),
        ("https://idp.example/7", inert("login of https://idp.example/7", 99)),
        ("2001:db8:0:0:0:0:0:1", "login of 2001:db8::1"),
    ],
)
def test_what_messages_make_of_a_value_is_found(value: str, text: str) -> None:
    assert pattern_of(value).sub("<erased>", text) == "login of <erased>"


def test_an_erasure_keeps_no_value_and_needs_the_secret_that_it_was_made_with(
    lake: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase(lake.settings, "user_id", PERSON, ASKED, "game")
    assert not [
        key for key in holding(lake.lake, PERSON).get(PERSON, []) if key.startswith(("erasures/", "events/json"))
    ]
    lake.run("web", HOURS[0], reprocess=True)
    monkeypatch.setenv("LOGBUCKET_SECRET", "another secret of this test")
    with pytest.raises(ConfigError, match="the subject would come back"):
        lake.run("game", HOURS[0], reprocess=True)


def test_a_certificate_says_whose_objects_nobody_looked_at(world: World) -> None:
    for name in ("retired", "game"):
        world.configure(GAME.replace("game]", f"{name}]"))
        world.land("game/2026/11/22/13/a.log", [event(1, PERSON, "s-one")])
        world.run(name, HOURS[0])
    (world.lake / "staged/game/README").write_text("not a slice")
    notes = erase(world.settings, "user_id", PERSON, ASKED)["notes"]
    assert ["retired" in note for note in notes] == [False, True]
    assert {key for key in holding(world.lake, PERSON)[PERSON] if "game" in key} == set()


@pytest.mark.parametrize(
    ("kind", "value"), [("name", "x"), ("user_id", " "), ("client_address", "203.0.113"), ("email", "alice")]
)
def test_a_subject_that_is_none_is_refused(world: World, kind: str, value: str) -> None:
    world.configure(SOURCES)
    with pytest.raises(ConfigError, match="--subject"):
        erase(world.settings, kind, value, ASKED)
