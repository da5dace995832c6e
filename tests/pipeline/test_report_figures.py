"""Every figure of the traffic report, against pandas over the raw files: a parser of its own, no SQL of the project."""

from __future__ import annotations

import gzip
import ipaddress
import math
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from etl import text
from etl.io.engine import set_variables
from etl.io.snapshot import snapshot
from etl.io.statements import load_statements
from etl.model.hours import HOUR, format_hour
from etl.simulate import simulate
from etl.stages.enrich import complete, needed
from etl.stages.report import queried, render
from tests.pipeline.conftest import World

CORPUS = Path(__file__).resolve().parents[3] / "shared/corpus/access"
REAL_LOGS = {
    "apache": CORPUS / "elastic-examples__apache_logs",
    "shop": CORPUS / "ClickHouse-examples__small_logs.log",
    "nasa": CORPUS / "andrewkroh-beats__nasa-50k.log",
}
FIRST, HOURS = datetime(2026, 11, 22, 22), 4
LAST = FIRST + (HOURS - 1) * HOUR
LINE = re.compile(r'(\S+) - - \[([^\]]+)\] "(.*?)" (\d{3}) (\d+) "([^"]*)" "([^"]*)(" (\d+\.\d{3})$)?')
BOTS = {
    "Googlebot": "search", "bingbot": "search", "UptimeRobot": "monitor", "GPTBot": "ai", "ClaudeBot": "ai", "PerplexityBot": "ai",
    "CCBot": "ai", "python-requests": "library", "curl": "library", "Go-http-client": "library", "zgrab": "other",
}  # fmt: skip
ASSETS = (".js", ".css", ".ico", ".png", ".woff2")
PROBES = {"/wp-login.php", "/.env", "/.git/config", "/phpmyadmin/index.php", "/xmlrpc.php", "/vendor/.env"}
PURPOSES = {
    "Googlebot": ("search", "Google"), "bingbot": ("search", "Microsoft"), "UptimeRobot": ("monitoring", None), "GPTBot": ("AI training", "OpenAI"),
    "ClaudeBot": ("AI training", "Anthropic"), "PerplexityBot": ("AI search", "Perplexity"), "CCBot": ("archive", "Common Crawl"),
    "python-requests": ("library", None), "curl": ("library", None), "Go-http-client": ("library", None),
}  # fmt: skip
OWN = "shop.example"


def network(address: str) -> str:
    parsed = ipaddress.ip_address(address)
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False))


def raw_requests(folder: Path) -> tuple[pd.DataFrame, int, int]:
    """(requests, lines read, lines rejected); the second upload of an object is read, and counts no request again."""
    records, lines, rejected = [], 0, 0
    seen: set[bytes] = set()
    for path in sorted(folder.rglob("*.gz")):
        data = gzip.decompress(path.read_bytes())
        again = data in seen
        seen.add(data)
        for line in data.decode("utf-8", "replace").splitlines():
            lines += 1
            found = LINE.match(line)
            if not found:
                rejected += bool(line.strip())
            elif not again:
                records.append(record(found))
    return pd.DataFrame(records), lines, rejected


def record(found: re.Match[str]) -> dict[str, Any]:
    address, time, request, status, size, referrer, agent, whole, seconds = found.groups()
    asked = re.fullmatch(r"([A-Z]+) (\S+) HTTP/[\d.]+", request)
    path = asked[2].partition("?")[0] if asked else None
    bot = next((name for name in BOTS if name in agent), None)
    moment = datetime.strptime(time, "%d/%b/%Y:%H:%M:%S %z").replace(tzinfo=None)
    referring = re.match(r"https?://(?:www\.)?([^/]+)", referrer)
    return {
        "hour": moment.replace(minute=0, second=0), "minute": moment.replace(second=0), "network": network(address),
        "path": path, "method": asked[1] if asked else None, "status": int(status), "bytes": int(size),
        "ms": float(seconds) * 1000 if seconds else None, "bot": bot, "is_bot": bot is not None, "host": referring and referring[1],
        "asset": path is not None and path.endswith(ASSETS), "visitor": (moment.date(), address, agent),
        "partial": not whole or (asked is None and request != "-"),
    }  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> World:
    root = tmp_path_factory.mktemp("figures")
    simulate(root, start=FIRST, hours=HOURS, lines_per_hour=900, seed=5)
    world = World(root)
    world.run("shop_web", *(format_hour(FIRST + n * HOUR) for n in range(HOURS)))
    return world


@pytest.fixture(scope="module")
def raw(shop: World) -> tuple[pd.DataFrame, int, int]:
    requests, lines, rejected = raw_requests(shop.root / "raw/shop_web")
    return requests[requests.hour.between(FIRST, LAST)], lines, rejected


@pytest.fixture(scope="module")
def true(raw: tuple[pd.DataFrame, int, int]) -> pd.DataFrame:
    return raw[0]


def tables_of(world: World, first: datetime, last: datetime) -> dict[str, list[dict[str, Any]]]:
    statements = load_statements()
    report = statements.reports["traffic"]
    views, macros = needed(report.reads, statements), statements.macros_in_order
    with snapshot(world.settings.lake, statements, views, first, last, macros=macros) as connection:
        complete(connection, world.settings, report.reads)
        set_variables(connection, first_hour=first, last_hour=last)
        return queried(connection, report)


@pytest.fixture(scope="module")
def tables(shop: World) -> dict[str, list[dict[str, Any]]]:
    return tables_of(shop, FIRST, LAST)


Tables = dict[str, list[dict[str, Any]]]


def percentile(values: pd.Series, p: float) -> float:
    """Nearest rank."""
    return float(values.sort_values().iloc[math.ceil(p * len(values)) - 1])


def by(true: pd.DataFrame, column: str, how: Callable[[pd.DataFrame], Any]) -> dict[Any, Any]:
    return {key: how(group) for key, group in true.groupby(column)}


def test_the_simulation_crosses_midnight_and_has_what_is_counted(true: pd.DataFrame) -> None:
    assert true.hour.dt.date.nunique() == 2
    assert true.partial.sum() > 2 and true.is_bot.sum() > 100 and (true.status >= 500).sum() > 3


def test_totals(true: pd.DataFrame, tables: Tables) -> None:
    people = true[~true.is_bot]
    assert tables["totals"] == [{
        "requests": len(true), "page_views": int((~people.asset).sum()), "bytes": int(true.bytes.sum()),
        "client_errors": int(true.status.between(400, 499).sum()), "server_errors": int((true.status >= 500).sum()),
        "bots": int(true.is_bot.sum()), "partial": int(true.partial.sum()), "hours": HOURS,
        "visitors": people.visitor.nunique(), "ai_crawlers": int((true.bot.map(BOTS) == "ai").sum()),
    }]  # fmt: skip


def test_the_page_shows_the_totals_it_was_given(shop: World, tables: Tables) -> None:
    html = render(shop.settings, "traffic", FIRST, LAST)
    total = tables["totals"][0]
    errors = total["client_errors"] + total["server_errors"]
    shown = [text.count(total["requests"]), text.count(total["visitors"]), text.size(total["bytes"])]
    for value in (*shown, text.share(errors, total["requests"]), text.share(total["bots"], total["requests"])):
        assert f"<b>{value}</b>" in html


def test_completeness_and_books(raw: tuple[pd.DataFrame, int, int], tables: Tables) -> None:
    true, lines, rejected = raw
    [complete] = tables["completeness"]
    assert (complete["hours_present"], complete["hours_asked"]) == (HOURS, HOURS)
    assert (complete["minutes_present"], complete["minutes_asked"]) == (true.minute.nunique(), 60 * HOURS)
    assert complete["published"] == len(true)
    [book] = tables["books"]
    assert (book["lines"], book["quarantined"]) == (lines, rejected)


def test_what_is_drawn_over_time(true: pd.DataFrame, tables: Tables) -> None:
    assert {row["hour_start"]: (row["people_pages"], row["people_assets"], row["bots"], row["requests"]) for row in tables["hours"]} == by(
        true, "hour", lambda g: ((~g.is_bot & ~g.asset).sum(), (~g.is_bot & g.asset).sum(), g.is_bot.sum(), len(g))
    )  # fmt: skip
    assert {row["hour_start"]: (row["client_errors"], row["server_errors"]) for row in tables["errors"]} == by(
        true, "hour", lambda g: (g.status.between(400, 499).sum(), (g.status >= 500).sum())
    )
    assert {row["hour_start"]: row["bytes"] for row in tables["bandwidth"]} == by(true, "hour", lambda g: g.bytes.sum())
    heaviest = by(true, "hour", lambda g: g.groupby("network").bytes.sum().idxmax())
    marked = {row["hour_start"]: row["largest"].partition(" · ")[2] for row in tables["bandwidth"] if row["largest"]}
    busiest = true.groupby("hour").bytes.sum().nlargest(3)
    assert marked == {hour: heaviest[hour] for hour in busiest.index}


def test_status_classes(true: pd.DataFrame, tables: Tables) -> None:
    classes = true.assign(kind=(true.status // 100).astype(str) + "xx")
    assert {row["http_response_status_class"]: (row["requests"], row["bytes"]) for row in tables["status"]} == by(
        classes, "kind", lambda g: (len(g), g.bytes.sum())
    )


def test_percentiles_are_within_one_percent(true: pd.DataFrame, tables: Tables) -> None:
    timed = true.dropna(subset="ms")
    groups = {"all": timed, **{f"{kind}xx": group for kind, group in timed.groupby(timed.status // 100)}}
    compared = [(row, groups[row["http_response_status_class"]].ms) for row in tables["latency"]]
    compared += [(row, timed[timed.hour == row["hour_start"]].ms) for row in tables["latency_hours"]]
    assert len(compared) == len(groups) + HOURS
    for row, values in compared:
        assert row.get("requests", len(values)) == len(values)
        for name, p in (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99)):
            # a tenth of a permille for what divides two floats
            assert row[name] == pytest.approx(percentile(values, p), rel=0.0101, abs=0.002), row


def test_where_the_time_goes(true: pd.DataFrame, tables: Tables) -> None:
    timed = true.dropna(subset="ms")
    name = timed.method.fillna("") + " " + timed.path.fillna("(no path)")
    endpoints = timed.assign(endpoint=name.str.strip()).groupby("endpoint").ms.agg(["sum", "count"])
    first = endpoints.sort_values("sum", ascending=False).head(10)
    assert [row["endpoint"] for row in tables["slow"]] == list(first.index)
    for row, (total, count) in zip(tables["slow"], first.itertuples(index=False), strict=True):
        assert row["timed_requests"] == count
        assert row["total_ms"] == pytest.approx(total) and row["mean_ms"] == pytest.approx(total / count)
        assert row["share"] == pytest.approx(total / timed.ms.sum())


def test_top_pages(true: pd.DataFrame, tables: Tables) -> None:
    pages = true[~true.is_bot & ~true.asset & true.path.notna()]
    expected = by(pages, "path", lambda g: (g.visitor.nunique(), len(g), g.bytes.sum(), (g.status >= 400).sum()))
    first = sorted(expected.items(), key=lambda item: (-item[1][0], -item[1][1], item[0]))[:15]
    assert [
        (row["url_path"], (row["visitors"], row["requests"], row["bytes"], row["errors"])) for row in tables["pages"]
    ] == first


def test_not_found(true: pd.DataFrame, tables: Tables) -> None:
    missed = true[(true.status == 404) & true.path.notna()]
    asked = true.groupby("path").size()

    def told(group: pd.DataFrame) -> tuple[int, int, int, str]:
        path, linked = group.path.iloc[0], int((~group.is_bot & (group.host == OWN)).sum())
        kind = "flaky" if 2 * len(group) < asked[path] else "broken link" if linked else "missing file"
        return len(group), group.visitor.nunique(), linked, "probe" if path in PROBES else kind

    found = {
        row["url_path"]: (row["requests"], row["clients"], row["linked"], row["kind"]) for row in tables["not_found"]
    }
    assert found == by(missed, "path", told)
    assert len({kind for *_, kind in found.values()}) >= 2


def test_bots(true: pd.DataFrame, tables: Tables) -> None:
    # zgrab calls itself Mozilla first
    named = true[true.is_bot & (true.bot != "zgrab")]
    found = {
        row["bot_name"]: (row["bot_category"], row["requests"], row["bytes"], row["robots_txt"])
        for row in tables["bots"]
    }
    assert len(found) == true.bot.nunique()
    for name, expected in by(
        named, "bot", lambda g: (BOTS[g.bot.iloc[0]], len(g), g.bytes.sum(), (g.path == "/robots.txt").sum())
    ).items():
        assert found[name] == expected
    labels = {row["bot_name"]: (row["purpose"], row["operator"]) for row in tables["bots"]}
    assert {name: labels[name] for name in labels if name in PURPOSES} == {
        name: PURPOSES[name] for name in labels if name in PURPOSES
    }
    assert sum(name in PURPOSES for name in labels) >= 8


def test_referring_sites(true: pd.DataFrame, tables: Tables) -> None:
    outside = true[~true.is_bot & ~true.asset & true.path.notna() & true.host.notna() & (true.host != OWN)]
    expected = by(outside, "host", lambda g: (g.visitor.nunique(), len(g)))
    assert {row["referrer_host"]: (row["visitors"], row["requests"]) for row in tables["referrers"]} == expected


def test_heaviest_clients(true: pd.DataFrame, tables: Tables) -> None:
    expected = by(true, "network", lambda g: (g.bytes.sum(), len(g)))
    first = sorted(expected.items(), key=lambda item: (-item[1][0], item[0]))[:10]
    assert [(row["client_network"], (row["bytes"], row["requests"])) for row in tables["clients"]] == first


def test_who_is_the_traffic(true: pd.DataFrame, tables: Tables) -> None:
    columns = {"network": "network", "path": "path"}
    for measure in ("requests", "bytes"):
        amounts = true.groupby("hour").size() if measure == "requests" else true.groupby("hour").bytes.sum()
        found = [row for row in tables["busiest"] if row["measure"] == measure]
        assert [(row["hour_start"], row["amount"]) for row in found] == list(amounts.nlargest(3).items())
        for row in found:
            assert row["median_amount"] == amounts.median() and not row["is_spike"] and row["weeks"] == 0
            if row["kind"] in columns:
                own = true[true[columns[row["kind"]]] == row["name"]]
                parts = own.groupby("hour").size() if measure == "requests" else own.groupby("hour").bytes.sum()
                part, rest = int(parts[row["hour_start"]]), amounts.sum() - row["amount"]
                assert row["part"] == part and row["share"] == pytest.approx(part / row["amount"])
                assert row["usual_share"] == pytest.approx((parts.sum() - part) / rest)


def test_the_same_lake_gives_the_same_bytes(shop: World) -> None:
    assert render(shop.settings, "traffic", FIRST, LAST) == render(shop.settings, "traffic", FIRST, LAST)


REAL = re.compile(r'(\S+) \S+ \S+ \[([^\]]+)\] "(.*)" (\d{3}) (\d+|-)(?: "([^"]*)" "(.*?)(?:"(?: "[^"]*")?)?)?$')
ASKED = re.compile(r"(\S+) (.*?)(?: HTTP/V?[\d.]+)?$")


def counted(log: Path) -> pd.DataFrame:
    """A real log as rows, by one regular expression."""
    records = []
    for line in log.read_bytes().decode("utf-8", "replace").splitlines():
        found = REAL.match(line)
        assert found, line
        address, time, request, status, size, _, agent = found.groups()
        moment = datetime.strptime(time, "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC).replace(tzinfo=None)
        asked = ASKED.match(request)
        records.append({
            "hour": moment.replace(minute=0, second=0), "minute": moment.replace(second=0), "day": moment.date(), "address": address, "status": int(status),
            "path": asked[2].partition("?")[0] if asked else None, "bytes": 0 if size == "-" else int(size), "agent": agent,
        })  # fmt: skip
    return pd.DataFrame(records)


@pytest.mark.parametrize("name", REAL_LOGS)
def test_the_report_of_a_real_log_by_counts_of_its_lines(name: str, world: World) -> None:
    if not REAL_LOGS[name].exists():
        pytest.skip(f"no corpus of real logs at {CORPUS}")
    world.configure(
        f'[sources.web]\nraw = "raw/web/%Y/%m/%d/%H/"\nformat = "{"common" if name == "nasa" else "combined"}"\nstart = "2026-11-22T00"\n'
        'shards = 1\nmax_lateness_days = 36500\nlook_back_hours = 0\nprivacy = { address = "keep" }\n'
    )
    target = world.root / "raw/web/2026/11/22/10/access.log"
    target.parent.mkdir(parents=True)
    shutil.copyfile(REAL_LOGS[name], target)
    world.run("web", "2026-11-22T10")
    true = counted(REAL_LOGS[name])
    tables = tables_of(world, true.hour.min().to_pydatetime(), true.hour.max().to_pydatetime())
    [total], [complete] = tables["totals"], tables["completeness"]
    assert (total["requests"], total["bytes"], total["hours"]) == (len(true), true.bytes.sum(), true.hour.nunique())
    assert (total["client_errors"], total["server_errors"]) == (
        true.status.between(400, 499).sum(),
        (true.status >= 500).sum(),
    )
    assert (complete["hours_present"], complete["minutes_present"]) == (true.hour.nunique(), true.minute.nunique())
    classes = true.assign(kind=(true.status // 100).astype(str) + "xx")
    assert {row["http_response_status_class"]: (row["requests"], row["bytes"]) for row in tables["status"]} == by(
        classes, "kind", lambda g: (len(g), g.bytes.sum())
    )
    missed = true[true.status == 404].groupby("path").size()
    found = {row["url_path"]: row["requests"] for row in tables["not_found"]}
    assert (
        found and found == {path: missed[path] for path in found} and min(found.values()) == sorted(missed)[-len(found)]
    )
    asked = dict(
        world.query(
            "SELECT url_path, sum(requests)::BIGINT FROM metrics_path_hourly WHERE url_path IS NOT NULL GROUP BY ALL"
        )
    )
    assert asked == dict(true.groupby("path").size())
    if name == "nasa":
        return
    heaviest = by(true.assign(network=true.address.map(network)), "network", lambda g: (g.bytes.sum(), len(g)))
    first = sorted(heaviest.items(), key=lambda item: (-item[1][0], item[0]))[:10]
    assert [(row["client_network"], (row["bytes"], row["requests"])) for row in tables["clients"]] == first
    robots = {
        agent for (agent,) in world.query("SELECT DISTINCT user_agent_original FROM events_web_access WHERE is_bot")
    }
    people = true[~true.agent.isin(robots) & ~true.path.str.lower().str.endswith(REAL_ASSETS)]
    visitors = by(people, "path", lambda g: (len(g.groupby(["day", "address", "agent"])), len(g), g.bytes.sum()))
    first = sorted(visitors.items(), key=lambda item: (-item[1][0], -item[1][1], item[0]))[:15]
    assert [(row["url_path"], (row["visitors"], row["requests"], row["bytes"])) for row in tables["pages"]] == first
    assert total["bots"] == true.agent.isin(robots).sum()
    for row in tables["bots"]:
        # as grep -c would count them; Googlebot has an agent of its own for images
        if row["bot_name"] in REAL_BOTS:
            assert row["requests"] == true.agent.str.contains(REAL_BOTS[row["bot_name"]]).sum()


REAL_BOTS = {
    "Googlebot": "Googlebot(?!-Image)",
    "bingbot": "bingbot",
    "YandexBot": "YandexBot",
    "AhrefsBot": "AhrefsBot",
}
REAL_ASSETS = tuple(
    f".{kind}"
    for kind in [
        "css",
        "js",
        "mjs",
        "map",
        "png",
        "jpg",
        "jpeg",
        "gif",
        "svg",
        "ico",
        "webp",
        "avif",
        "bmp",
        "woff",
        "woff2",
        "ttf",
        "otf",
        "eot",
        "mp4",
        "webm",
        "mp3",
        "wasm",
    ]
)
