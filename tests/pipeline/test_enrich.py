"""What lists say of user agents and networks: the packages' lists, the operators' words, a user's own mmdb files."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import crawleruseragents
import duckdb
import maxminddb
import pytest
import ua_parser

import etl
from etl.cli import main
from etl.config import Enrich, Settings
from etl.errors import ConfigError
from etl.io import engine
from etl.io.lists import LONGEST_AGENT, AgentLists, NetworkLists
from etl.io.snapshot import snapshot
from etl.io.statements import load_statements
from etl.stages.enrich import complete, enrich, needed
from etl.stages.report import render
from tests.pipeline.conftest import World
from tests.support.mmdb import write_mmdb

HOUR = "2026-11-22T13"
FIRST = LAST = datetime(2026, 11, 22, 13)
GPTBOT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"
KOREA = {"country": {"iso_code": "KR", "names": {"en": "South Korea"}}}
SYSTEM = {"autonomous_system_number": 64500, "autonomous_system_organization": "Example Net"}


def line(agent: str, address: str = "203.0.113.9", path: str = "/") -> str:
    return f'{address} - - [22/Nov/2026:13:00:00 +0000] "GET {path} HTTP/1.1" 200 512 "-" "{agent}"'


def land(web: World, *lines: str, more: str = "") -> None:
    if more:
        text = (web.root / "sources.toml").read_text()
        (web.root / "sources.toml").write_text(text.replace("\n[sources.web]", f"\n{more}\n[sources.web]", 1))
    web.land("web/2026/11/22/13/a.log", list(lines), at="2026-11-22T13:59:59")
    web.run("web", HOUR)


def stored(web: World, sql: str) -> list[dict[str, Any]]:
    with etl.connect(web.settings.lake) as connection:
        return engine.rows(connection, sql)


def table(web: World, query: str) -> list[dict[str, Any]]:
    """Rows of one table of the traffic report, as a report shows them."""
    statements = load_statements(web.settings.sql)
    report = statements.reports["traffic"]
    views, macros = needed(report.reads, statements), statements.macros_in_order
    with snapshot(web.settings.lake, statements, views, FIRST, LAST, macros=macros) as connection:
        complete(connection, web.settings, report.reads)
        return engine.rows(connection, report.queries[query].sql)


def html_of(web: World) -> str:
    return render(web.settings, "traffic", FIRST, LAST)


# ---- user agents


def test_families_are_those_of_ua_parser_and_crawlers_those_of_the_list() -> None:
    examples = [agent for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA for agent in entry["instances"]]
    short = [agent for agent in examples if len(agent) <= LONGEST_AGENT]
    assert len(short) > 2000
    found = AgentLists().look_up(short).to_pylist()
    assert [row["user_agent_original"] for row in found] == short
    assert [agent for agent, row in zip(short, found, strict=True) if not row["crawler_name"]] == []
    for agent, row in list(zip(short, found, strict=True))[::7]:
        parsed = ua_parser.parse(agent)
        family = (parsed.user_agent.family, parsed.user_agent.major) if parsed.user_agent else (None, None)
        assert (row["agent_family"], row["agent_version"]) == family
        assert row["os_name"] == (parsed.os.family if parsed.os else None)


def test_of_several_patterns_ai_comes_first_and_a_library_last() -> None:
    tags = {
        row["user_agent_original"]: (row["crawler_name"], row["crawler_tags"])
        for row in AgentLists()
        .look_up(["W3C-checklink/4.5 libwww-perl/5.823", "libwww-perl/6", GPTBOT, FIREFOX])
        .to_pylist()
    }
    assert tags["W3C-checklink/4.5 libwww-perl/5.823"][0] == "W3C-checklink"
    assert tags["libwww-perl/6"] == ("libwww-perl", ["http-library"])
    assert tags[GPTBOT] == ("GPTBot", ["ai-crawler"])
    assert tags[FIREFOX] == (None, None)


def test_what_operators_document_as_ai_is_ai_at_ingest_too() -> None:
    """The coarse label of each row and the fine one of the list do not contradict each other."""
    statements = load_statements()
    documented = re.findall(r"\('([\w.-]+)', '[^']+', '(\w+)', ", statements.dimensions["agents"].sql)
    assert len(documented) > 30
    with duckdb.connect() as connection:
        engine.create_macros(connection, [statements.macros["web"]])
        for token, purpose in documented:
            full = f"Mozilla/5.0 (compatible; {token}/1.0; +https://bots.example/)"
            is_ai = purpose.startswith("ai_") or token == "CCBot"
            for agent in [full, f"{token}/1.0"] if is_ai else [full]:
                sql = "SELECT agent_is_bot($1), agent_bot_category($1), agent_bot_name($1)"
                is_bot, category, name = connection.execute(sql, [agent]).fetchall()[0]
                assert (is_bot, category == "ai", name) == (True, is_ai, token if is_ai else name), agent


def test_the_report_tells_purpose_operator_and_what_a_bot_does_about_robots_txt(web: World) -> None:
    land(web, line(GPTBOT), line(GPTBOT, path="/robots.txt"), line("Mozilla/5.0 (compatible; ChatGPT-User/1.0; +https://openai.com/bot)"), line(FIREFOX))  # fmt: skip
    html = html_of(web)
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", html, re.DOTALL)
    cells = [re.findall(r">([^<>\n]+)<", row) for row in rows if "OpenAI" in row]
    assert cells == [
        ["GPTBot", "AI training", "OpenAI", "2", "1.0 kB", "1", "obeys"],
        ["ChatGPT-User", "AI assistant", "OpenAI", "1", "512 B", "0", "may ignore"],
    ]
    assert "ua-parser-builtins 2" in html and "crawler-user-agents 1." in html and "Country" not in html


HOSTILE = {
    "long": "a" * 8000,
    "many brackets": "Mozilla/5.0 (" * 600,
    "many versions": "Version/1.1." * 600,
    "spaces": "Opera" + " " * 7000,
    "numbers": "Mozilla/5.0 (Linux; Android " + "1." * 3500,
    "semicolons": "Mozilla/5.0 (Linux; U; " + "x; " * 2400,
    "bots": "bot crawler spider " * 400,
    "a pattern": "((a+)+)+$" * 50,
    "control characters": "Firefox/1\\x00\\x1b[31m\x1b[2J\x07\u202e\u2028",
    "HTML": "GPTBot/1 <script>alert(1)</script><img src=x onerror=alert(1)>",
    "SQL": "GPTBot'; DROP TABLE agents; --",
    "a template": "{{ 7 * 7 }} ${HOME} {% raw %} GPTBot",
    "other scripts": "Роботы/1.0 (봇; 爬虫; 🤖)",
    "nearly a system": "Mozilla/5.0 (compatible; ; ) AppleWebKit Darwin/ CFNetwork/ ",
}


@pytest.mark.parametrize("agent", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_agent_is_looked_up_in_no_time(agent: str) -> None:
    lists = AgentLists()
    lists.look_up([FIREFOX])
    started = time.process_time()
    assert len(lists.look_up([agent])) == 1
    assert time.process_time() - started < 0.5


def test_hostile_agents_go_through_the_pipeline_as_they_are(web: World) -> None:
    land(web, *map(line, HOSTILE.values()))
    html = html_of(web)
    assert (
        "<script" not in html
        and "<img" not in html
        and "\x1b" not in html
        and "{{" not in html.replace("{{ 7 * 7 }}", "")
    )
    [found, _] = enrich(web.settings)
    assert found["values"] == found["looked_up"] == len(HOSTILE)
    assert stored(web, "SELECT max(length(user_agent_original)) AS longest FROM agents") == [{"longest": LONGEST_AGENT}]
    kept = stored(web, "SELECT left(user_agent_original, 512) AS agent FROM events_web_access ORDER BY 1")
    assert stored(web, "SELECT user_agent_original AS agent FROM agents ORDER BY 1") == kept


# ---- stored


def test_a_second_time_nothing_is_looked_up_and_nothing_written(web: World) -> None:
    land(web, line(GPTBOT), line(FIREFOX))
    assert [(item["values"], item["looked_up"], item["changed"]) for item in enrich(web.settings)] == [
        (2, 2, True),
        (0, 0, False),
    ]
    before = web.objects()
    assert [(item["values"], item["looked_up"], item["changed"]) for item in enrich(web.settings)] == [
        (2, 0, False),
        (0, 0, False),
    ]
    assert web.objects() == before


def test_only_new_values_are_looked_up_and_those_that_are_gone_leave(web: World) -> None:
    land(web, line(GPTBOT), line(FIREFOX))
    enrich(web.settings)
    land(web, line(FIREFOX), line("curl/8.5"))
    assert [item["looked_up"] for item in enrich(web.settings)] == [1, 0]
    assert stored(web, "SELECT crawler_name FROM agents ORDER BY ALL") == [
        {"crawler_name": "curl"},
        {"crawler_name": None},
    ]


def test_the_report_does_not_depend_on_what_is_stored(web: World) -> None:
    land(web, line(GPTBOT), line(FIREFOX))
    before = html_of(web)
    enrich(web.settings)
    assert html_of(web) == before


def test_another_list_is_seen_and_all_is_looked_up_again(web: World) -> None:
    land(web, line(GPTBOT), line("Housebot/1.0"))
    enrich(web.settings)
    [before] = {row["lists_version"] for row in stored(web, "SELECT lists_version FROM agents")}
    assert re.fullmatch(r"ua-parser-builtins \d+, crawler-user-agents [\d.]+, sql [0-9a-f]{8}", before)
    own = load_statements().dimensions["agents"].sql
    (web.root / "more/dimensions").mkdir(parents=True)
    (web.root / "more/dimensions/agents.sql").write_text(
        own.replace(
            "        ('GPTBot',",
            "        ('Housebot', 'The house', 'monitoring', 'obeys', 'https://house.example'),\n        ('GPTBot',",
            1,
        )
    )
    text = (web.root / "sources.toml").read_text()
    (web.root / "sources.toml").write_text('sql = ["more"]\n' + text)
    operators = {row["bot_name"]: row["operator"] for row in table(web, "bots")}
    assert operators == {"GPTBot": "OpenAI", "Housebot": "The house"}, "a report does not wait for `etl enrich`"
    [found, _] = enrich(web.settings)
    assert (found["looked_up"], found["changed"]) == (2, True)
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"SELECT crawler_operator, lists_version <> $1 FROM '{web.lake}/dimensions/agents.parquet' ORDER BY ALL",
            [before],
        ).fetchall()
    assert rows == [("OpenAI", True), ("The house", True)]


@pytest.mark.parametrize("content", ["cut", "of another version"])
def test_what_is_stored_and_of_no_use_is_made_again(web: World, content: str) -> None:
    land(web, line(GPTBOT))
    [made, _] = enrich(web.settings)
    path = web.lake / "dimensions/agents.parquet"
    whole = path.read_bytes()
    if content == "cut":
        path.write_bytes(whole[:-9])
    else:
        with duckdb.connect() as connection:
            old = "SELECT user_agent_original, 'Bot' AS since_renamed, 'list 1' AS lists_version FROM agents"
            connection.execute(f"CREATE VIEW agents AS FROM '{path}'")
            engine.write_parquet(
                connection, old, web.root / "old.parquet", compression="zstd", books={"dimension": "agents"}
            )
        path.write_bytes((web.root / "old.parquet").read_bytes())
    assert [row["purpose"] for row in table(web, "bots")] == ["AI training"]
    assert enrich(web.settings)[0] == made
    assert path.read_bytes() == whole


def test_of_too_many_agents_the_most_requested_are_looked_up(web: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etl.stages.enrich.MOST_VALUES", 2)
    land(web, *[line("curl/8.5")] * 3, *[line(GPTBOT)] * 2, line(FIREFOX), line("Housebot"))
    assert enrich(web.settings)[0]["values"] == 2
    assert stored(web, "SELECT crawler_name FROM agents ORDER BY ALL") == [
        {"crawler_name": "GPTBot"},
        {"crawler_name": "curl"},
    ]


def test_the_command_tells_values_lists_and_versions(web: World, capsys: pytest.CaptureFixture[str]) -> None:
    land(web, line(GPTBOT))
    config = str(web.root / "sources.toml")
    assert main(["--config", config, "enrich", "--json"]) == 0
    [agents, networks] = json.loads(capsys.readouterr().out)
    assert (agents["dimension"], agents["values"], sorted(agents["lists"])) == (
        "agents",
        1,
        ["crawler-user-agents", "ua-parser-builtins"],
    )
    assert (networks["dimension"], networks["values"], networks["lists"]) == ("networks", 0, {})
    assert main(["--config", config, "enrich"]) == 0
    assert "crawler-user-agents 1." in capsys.readouterr().out


def test_the_doctor_tells_the_lists(web: World, capsys: pytest.CaptureFixture[str]) -> None:
    land(web, line(GPTBOT), more='enrich = { mmdb = ["gone.mmdb"] }')
    assert main(["--config", str(web.root / "sources.toml"), "doctor", "--json"]) == 1
    found = {item["probe"]: item for item in json.loads(capsys.readouterr().out) if item["store"] == "lists"}
    assert found["crawler-user-agents"]["ok"] and found["ua-parser-builtins"]["found"].isdecimal()
    assert not found["networks"]["ok"] and "gone.mmdb" in found["networks"]["found"]


# ---- networks


def test_the_writer_of_the_tests_writes_what_the_library_reads(tmp_path: Path) -> None:
    long = {"text": "x" * 100, "list": ["a", 70_000, {}]}
    path = write_mmdb(
        tmp_path / "a.mmdb", "Test", {"203.0.113.0/24": KOREA, "2001:db8::/32": SYSTEM, "198.51.100.128/25": long}
    )
    with maxminddb.open_database(path) as reader:
        assert reader.get_with_prefix_len("203.0.113.77") == (KOREA, 24)
        assert reader.get_with_prefix_len("2001:db8:7::1") == (SYSTEM, 32)
        assert reader.get("198.51.100.200") == long and reader.get("198.51.100.1") is None
        assert (reader.metadata().database_type, reader.metadata().ip_version) == ("Test", 6)


@pytest.mark.parametrize("ip_version", [4, 6])
def test_of_a_network_all_records_within_it_are_found(tmp_path: Path, ip_version: int) -> None:
    said = {"192.0.2.0/25": "a", "192.0.2.128/26": "b", "192.0.2.192/32": "c", "198.51.0.0/16": "d"}
    said |= {"2001:db8:1::/49": "e", "2001:db8:1:8000::/56": "f", "2001:db9::/32": "g"} if ip_version == 6 else {}
    said = {str(ip_network(name, strict=False)): value for name, value in said.items()}
    path = write_mmdb(tmp_path / "a.mmdb", "Test", said, ip_version)
    lists = NetworkLists(Settings("", {}, tmp_path, enrich=Enrich((path,))))
    asked = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8:1::/48", "2001:db9:2::/48"]
    found = {row["client_network"]: row["records"] for row in lists.look_up(asked).to_pylist()}

    def by_hand(network: str) -> list[str]:
        """Every address of a /24; of a /48, one of each /56."""
        whole = ip_network(network)
        step = 1 if whole.version == 4 else 2**72
        first, last = int(whole.network_address), int(whole.broadcast_address)
        within = {name for name in said if ip_network(name).version == whole.version}
        texts = set()
        for number in range(first, last + 1, step):
            address = ip_address(number)
            texts.add(json.dumps(next((said[name] for name in within if address in ip_network(name)), None)))
        return sorted(texts)

    assert found == {network: by_hand(network) for network in asked}


def test_a_network_in_too_many_pieces_is_nobodys(tmp_path: Path) -> None:
    many = {f"2001:db8:1:{number:x}::/64": f"{number}" for number in range(0, 1200, 2)}
    path = write_mmdb(tmp_path / "a.mmdb", "Test", many)
    lists = NetworkLists(Settings("", {}, tmp_path, enrich=Enrich((path,))))
    assert lists.look_up(["2001:db8:1::/48"]).to_pylist()[0]["records"] is None


def test_country_and_system_of_a_users_own_files_are_in_view_and_report(web: World) -> None:
    write_mmdb(
        web.root / "country.mmdb",
        "Test-Country",
        {"203.0.113.0/24": KOREA, "198.51.100.0/25": KOREA, "2001:db8::/32": KOREA},
    )
    write_mmdb(web.root / "asn.mmdb", "Test-ASN", {"203.0.112.0/23": SYSTEM, "198.51.100.0/24": SYSTEM})
    # the /24 of the second is in Korea by half; the last is none of theirs
    addresses = ["203.0.113.9", "198.51.100.7", "2001:db8:1::5", "10.1.2.3"]
    land(
        web, *(line(FIREFOX, address) for address in addresses), more='enrich = { mmdb = ["country.mmdb", "asn.mmdb"] }'
    )
    [_, found] = enrich(web.settings)
    assert {name: version.split()[0] for name, version in found["lists"].items()} == {"1. Test-Country": "2026-11-20", "2. Test-ASN": "2026-11-20"}  # fmt: skip
    assert stored(web, "SELECT * EXCLUDE (lists_version) FROM networks ORDER BY client_network") == [
        {"client_network": network, "geo_country_iso_code": country, "as_number": number, "as_organization_name": name}
        for network, country, number, name in [
            ("10.1.2.0/24", None, None, None),
            ("198.51.100.0/24", None, 64500, "Example Net"),
            ("2001:db8:1::/48", "KR", None, None),
            ("203.0.113.0/24", "KR", 64500, "Example Net"),
        ]
    ]
    html = html_of(web)
    assert ">KR<" in html and ">Example Net<" in html and "1. Test-Country 2026-11-20" in html


def test_a_newer_file_replaces_what_the_older_said(web: World) -> None:
    path = web.root / "country.mmdb"
    write_mmdb(path, "Test-Country", {"203.0.113.0/24": KOREA})
    land(web, line(FIREFOX), more='enrich = { mmdb = ["country.mmdb"] }')
    enrich(web.settings)
    write_mmdb(path, "Test-Country", {"203.0.113.0/24": {"country": {"iso_code": "JP"}}})
    assert [row["country"] for row in table(web, "clients")] == ["JP"]
    assert [item["looked_up"] for item in enrich(web.settings)] == [0, 1]
    assert stored(web, "SELECT geo_country_iso_code AS country FROM networks") == [{"country": "JP"}]
    text = (web.root / "sources.toml").read_text()
    (web.root / "sources.toml").write_text(text.replace('mmdb = ["country.mmdb"]', ""))
    assert [item["changed"] for item in enrich(web.settings)] == [False, True]
    assert not (web.lake / "dimensions/networks.parquet").exists()


@pytest.mark.parametrize("content", [None, b"", b"no database", "cut"], ids=["missing", "empty", "other", "cut"])
def test_a_file_that_cannot_be_read_is_named_with_what_to_do(web: World, content: Any) -> None:
    path = web.root / "country.mmdb"
    if content == "cut":
        whole = write_mmdb(path, "Test", {f"203.0.{number}.0/24": KOREA for number in range(200)}).read_bytes()
        # its tree points to data that is not there
        content = whole[: 8 * 200] + whole[-200:]
    if content is not None:
        path.write_bytes(content)
    land(web, line(FIREFOX, "203.0.113.9"), more='enrich = { mmdb = ["country.mmdb"] }')
    with pytest.raises(
        ConfigError, match=r"sources\.toml, key enrich\.mmdb\[0\].*country\.mmdb.*MaxMind DB file.*fetch it again"
    ):
        enrich(web.settings)
