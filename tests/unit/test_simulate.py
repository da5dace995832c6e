"""The simulator writes what it says: every count of truth.json is taken again here, from the raw bytes alone."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from etl.simulate import ALL_SOURCES, SOURCES, Truth, simulate

START = datetime(2026, 11, 22)
HOURS, LINES_PER_HOUR, SEED = 6, 1500, 7
NAMES = [source.name for source in ALL_SOURCES]


def run(root: Path, hours: int = HOURS, lines_per_hour: int = LINES_PER_HOUR, seed: int = SEED) -> Truth:
    return simulate(root, start=START, hours=hours, lines_per_hour=lines_per_hour, seed=seed, sources=ALL_SOURCES)


def digest(root: Path) -> str:
    """Of names, bytes and modification times."""
    sha = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        sha.update(f"{path.relative_to(root)} {path.stat().st_mtime_ns} ".encode() + path.read_bytes())
    return sha.hexdigest()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("simulated")
    run(root)
    return root


@pytest.fixture(scope="module")
def truth(tree: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((tree / "truth.json").read_text())
    return loaded


class RawObject(NamedTuple):
    landing_hour: str
    name: str
    content: bytes

    @property
    def lines(self) -> list[bytes]:
        return self.content.removesuffix(b"\n").split(b"\n")


def raw_objects(root: Path, source: str) -> Iterator[RawObject]:
    folder = root / "raw" / source
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        year, month, day, hour, name = path.relative_to(folder).parts
        content = path.read_bytes()
        yield RawObject(
            f"{year}-{month}-{day}T{hour}", name, gzip.decompress(content) if name.endswith(".gz") else content
        )


class Row(NamedTuple):
    event_time: datetime
    partial: bool = False
    facts: tuple[tuple[str, int], ...] = ()
    distinct: tuple[tuple[str, str], ...] = ()


WEB_ROW = re.compile(
    rb'^(?P<address>\S+) - - \[(?P<time>\d\d/Nov/2026:\d\d:\d\d:\d\d \+0000)\] "(?P<request>[^"]*)" '
    rb'(?P<status>\d{3}) (?P<size>\d+) "(?P<referrer>[^"]*)" "(?P<agent>[^"]*)(?P<end>" \d+\.\d{3})?$'
)
BOTS = ("Googlebot", "bingbot", "UptimeRobot", "GPTBot", "ClaudeBot", "PerplexityBot", "CCBot")


def web_row(line: bytes) -> Row | None:
    match = WEB_ROW.match(line)
    if not match:
        return None
    group = {name: (value or b"").decode() for name, value in match.groupdict().items()}
    facts = [("requests", 1), ("response_bytes", int(group["size"])), (f"status_{group['status'][0]}xx", 1)]
    facts += [(f"bot.{bot}", 1) for bot in BOTS if bot in group["agent"]]
    distinct = [("clients", group["address"])]
    if group["end"]:
        distinct.append(("visitors", f"{group['address']} {group['agent']}"))
    event_time = datetime.strptime(group["time"], "%d/%b/%Y:%H:%M:%S %z")
    partial = not group["end"] or group["request"].startswith("\\x16")
    return Row(event_time, partial, tuple(facts), tuple(distinct))


APP_START = re.compile(rb"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d")
APP_ROW = re.compile(r"^(\S+ \S+) \[[\w-]+\] (\w+) +([\w.]+) - (.*)$")
ERROR_OF_LOGGER = {
    "PaymentService": "payment_timeout",
    "StockService": "stock_conflict",
    "CartController": "cart_null",
    "OrderRepository": "pool_exhausted",
    "MailSender": "mail_rejected",
    "SearchService": "search_circuit_open",
}


def app_row(line: bytes) -> Row | None:
    match = APP_ROW.match(line.decode())
    assert match, line
    try:
        event_time = datetime.fromisoformat(f"{match[1]}+09:00")
    except ValueError:
        return None
    facts = [(f"severity.{match[2]}", 1)]
    if match[2] == "ERROR":
        facts.append((f"error.{ERROR_OF_LOGGER[match[3].rpartition('.')[2]]}", 1))
    return Row(event_time, facts=tuple(facts))


def game_row(line: bytes) -> Row | None:
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    facts = (("events", 1), (f"event.{fields['event']}", 1))
    return Row(datetime.fromisoformat(fields["ts"]), facts=facts, distinct=(("users", str(fields["user_id"])),))


GC_ROW = re.compile(
    r"^\[(\S+?)([+-]\d\d)00\]\[[\d.]+s\]\[(app-\d)\]\[info\]\[gc\] GC\(\d+\) (Pause|Concurrent) .* (\d+)\.(\d{3})ms$"
)


def gc_row(line: bytes) -> Row | None:
    match = GC_ROW.match(line.decode())
    if not match:
        return None
    facts = {"collections": 1}
    if match[4] == "Pause":
        pause_us = int(match[5] + match[6])
        facts |= {"pauses": 1, "pause_us": pause_us, f"pauses.{match[3]}": 1, f"pause_us.{match[3]}": pause_us}
    return Row(datetime.fromisoformat(f"{match[1]}{match[2]}:00"), facts=tuple(facts.items()))


READERS: dict[str, Callable[[bytes], Row | None]] = {
    "shop_web": web_row,
    "shop_app": app_row,
    "game_events": game_row,
    "shop_gc": gc_row,
}


def recount(root: Path, source: str) -> dict[str, Any]:
    """What truth.json should say, but for `kinds`, which no reader can know."""
    counts: Counter[str] = Counter()
    by_hour: dict[str, Counter[str]] = {
        name: Counter() for name in ("lines_by_landing_hour", "published_by_event_hour", "duplicates_by_event_hour")
    }
    facts: dict[str, Counter[str]] = {}
    contents: set[bytes] = set()
    distinct: set[tuple[str, str, str]] = set()
    for raw in raw_objects(root, source):
        duplicate = source != "shop_app" and raw.content in contents
        contents.add(raw.content)
        counts["objects"] += 1
        by_hour["lines_by_landing_hour"][raw.landing_hour] += len(raw.lines)
        for line in raw.lines:
            counts["lines"] += 1
            if not line:
                counts["ignored_lines"] += 1
                continue
            if source == "shop_app" and not APP_START.match(line):
                counts["row_lines"] += 1
                continue
            row = READERS[source](line)
            if row is None:
                counts["quarantined_lines"] += 1
                continue
            hour = row.event_time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="hours")
            counts.update(rows=1, row_lines=1, duplicates=duplicate, published=not duplicate)
            by_hour["duplicates_by_event_hour" if duplicate else "published_by_event_hour"][hour] += 1
            if duplicate:
                continue
            counts.update(partial=row.partial, late=hour < raw.landing_hour)
            of_hour = facts.setdefault(hour, Counter())
            of_hour.update(dict(row.facts))
            new = {(hour, *pair) for pair in row.distinct} - distinct
            of_hour.update(name for _, name, _ in new)
            distinct |= new
    return {**counts, **by_hour, "facts_by_event_hour": facts}


@pytest.mark.parametrize("source", NAMES)
def test_truth_is_what_a_reader_of_the_raw_bytes_counts(tree: Path, truth: dict[str, Any], source: str) -> None:
    expected = truth["sources"][source]
    assert {name: value for name, value in expected.items() if name != "kinds"} == {
        **{name: 0 for name, value in expected.items() if value == 0},
        **recount(tree, source),
    }


@pytest.mark.parametrize("source", NAMES)
def test_the_books_of_the_truth_close(truth: dict[str, Any], source: str) -> None:
    books = truth["sources"][source]
    assert books["lines"] == books["row_lines"] + books["quarantined_lines"] + books["ignored_lines"]
    assert books["rows"] == books["published"] + books["duplicates"]
    for name, total in {
        "lines_by_landing_hour": "lines",
        "published_by_event_hour": "published",
        "duplicates_by_event_hour": "duplicates",
        "kinds": "published",
    }.items():
        assert sum(books[name].values()) == books[total], name


def test_the_same_arguments_write_the_same_bytes_wherever_and_however_often(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = digest(tree)
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        run(tmp_path)
    time.tzset()
    assert digest(tmp_path) == expected
    run(tmp_path)
    assert digest(tmp_path) == expected


def test_another_seed_writes_other_bytes(tree: Path, tmp_path: Path) -> None:
    run(tmp_path, seed=SEED + 1)
    assert digest(tmp_path) != digest(tree)


def test_a_start_with_a_zone_is_the_same_hour_in_utc(tree: Path, tmp_path: Path) -> None:
    seoul = (START + timedelta(hours=9)).isoformat() + "+09:00"
    start = datetime.fromisoformat(seoul)
    simulate(tmp_path, start=start, hours=HOURS, lines_per_hour=LINES_PER_HOUR, seed=SEED, sources=ALL_SOURCES)
    assert digest(tmp_path) == digest(tree)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"hours": 0}, "hours = 0"),
        ({"lines_per_hour": 0}, "lines_per_hour = 0"),
        ({"start": START + timedelta(minutes=30)}, "full hour"),
    ],
)
def test_arguments_out_of_range_are_refused(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    arguments: dict[str, Any] = {"start": START, "hours": 1, "lines_per_hour": 10, "seed": 1} | change
    with pytest.raises(ValueError, match=expected):
        simulate(tmp_path, **arguments)
    assert not list(tmp_path.iterdir())


def test_another_simulation_is_not_mixed_into_a_folder(tmp_path: Path) -> None:
    run(tmp_path, hours=1, lines_per_hour=20)
    before = digest(tmp_path)
    with pytest.raises(FileExistsError, match="choose another folder"):
        run(tmp_path, hours=2, lines_per_hour=20)
    assert digest(tmp_path) == before


@pytest.mark.parametrize("source", [source.name for source in SOURCES])
def test_lines_per_hour_is_the_mean_of_a_day_with_a_peak_and_a_trough(tmp_path: Path, source: str) -> None:
    counted = run(tmp_path, hours=24, lines_per_hour=400).sources[source]
    lines = counted.lines - counted.duplicates
    assert lines == pytest.approx(24 * 400, rel=0.12)
    assert len(counted.lines_by_landing_hour) == 24
    by_hour = counted.published_by_event_hour
    assert by_hour["2026-11-22T09"] > 2 * by_hour["2026-11-22T21"]


@pytest.mark.parametrize("hours", [1, 2, 5])
@pytest.mark.parametrize("source", NAMES)
def test_objects_land_in_every_hour_of_the_span_and_in_no_other(tmp_path: Path, hours: int, source: str) -> None:
    run(tmp_path, hours=hours, lines_per_hour=200)
    landed = {raw.landing_hour for raw in raw_objects(tmp_path, source)}
    assert landed == {(START + timedelta(hours=hour)).isoformat(timespec="hours") for hour in range(hours)}


@pytest.mark.parametrize(
    ("source", "copies"),
    [
        ("shop_web", ["2026-11-22T02/web-1-0002.log.gz", "2026-11-22T03/web-1-0002-retry.log.gz"]),
        ("shop_app", []),
        ("game_events", ["2026-11-22T02/game-1-0001.jsonl.gz", "2026-11-22T03/game-1-0001-retry.jsonl.gz"]),
    ],
)
def test_one_object_is_uploaded_twice_with_other_stored_bytes(tree: Path, source: str, copies: list[str]) -> None:
    keys: dict[bytes, list[str]] = {}
    for raw in raw_objects(tree, source):
        keys.setdefault(raw.content, []).append(f"{raw.landing_hour}/{raw.name}")
    assert [found for found in keys.values() if len(found) > 1] == ([copies] if copies else [])
    stored = {(tree / "raw" / source / copy.replace("-", "/", 2).replace("T", "/", 1)).read_bytes() for copy in copies}
    assert len(stored) == len(copies)


@pytest.mark.parametrize("source", NAMES)
def test_what_a_pipeline_must_cope_with_occurs(truth: dict[str, Any], source: str) -> None:
    books = truth["sources"][source]
    assert books["late"] > 0
    # a blank line after a multi-line record belongs to that record
    assert (books["ignored_lines"] > 0) == (source not in ("shop_app", "shop_gc"))
    assert 0.001 < books["quarantined_lines"] / books["lines"] < 0.006


@pytest.mark.parametrize(
    ("source", "pattern"),
    [
        ("shop_web", rb'"\\x16\\x03\\x01[^"]*" 400 157 "-" "-" \d'),
        ("shop_web", rb'"-" 40[08] 0 "-" "-" \d'),
        ("shop_web", rb'" 304 0 "https://'),
        ("shop_web", rb"(?m)^2001:db8:"),
        ("shop_web", rb"GET /wp-login\.php HTTP/1\.1"),
        ("shop_web", rb"GET /\.env HTTP/1\.1"),
        ("shop_web", rb"/api/v1/search\?q=%EC"),
        ("shop_web", rb"(?m)^\n"),
        ("shop_app", rb"\nCaused by: java\.net\.SocketTimeoutException"),
        ("shop_app", rb"\n\t\.\.\. \d+ more\n"),
        ("shop_app", rb"(?m)^2026-13-45 99:99:99\.000 \[main\]"),
        ("game_events", rb'"ts":"[^"]+\+09:00"'),
        ("game_events", rb'"user_id":9007199254\d{6}'),
        ("game_events", rb'"device":{"os":'),
        ("game_events", rb'"amount":"\d+\.\d\d"'),
    ],
)
def test_the_oddities_of_real_logs_occur(tree: Path, source: str, pattern: bytes) -> None:
    assert any(re.search(pattern, raw.content) for raw in raw_objects(tree, source))


def test_outages_show_in_web_and_app_at_once(tree: Path, truth: dict[str, Any]) -> None:
    (outage,) = truth["outages"]
    begin, end = (datetime.fromisoformat(minute).replace(tzinfo=UTC) for minute in outage)
    share = {}
    for source, bad in (("shop_web", "status_5xx"), ("shop_app", "severity.ERROR")):
        found: Counter[tuple[bool, bool]] = Counter()
        for raw in raw_objects(tree, source):
            for line in raw.lines:
                if not line or (source == "shop_app" and not APP_START.match(line)):
                    continue
                if row := READERS[source](line):
                    found[begin <= row.event_time < end, bad in dict(row.facts)] += 1
        share[source] = [found[inside, True] / (found[inside, True] + found[inside, False]) for inside in (True, False)]
    assert all(inside > 5 * outside for inside, outside in share.values()), share


def test_one_kind_of_error_is_new_midway(truth: dict[str, Any]) -> None:
    by_hour = truth["sources"]["shop_app"]["facts_by_event_hour"]
    first = min(hour for hour, facts in by_hour.items() if facts.get("error.search_circuit_open"))
    assert first == (START + timedelta(hours=HOURS // 2)).isoformat(timespec="hours")


def test_a_stack_trace_goes_on_in_the_next_object_of_the_hour(tree: Path) -> None:
    continued = [raw for raw in raw_objects(tree, "shop_app") if raw.content.startswith(b"\t")]
    assert continued
    assert all("-0002." in raw.name for raw in continued)


def test_modification_times_are_the_end_of_the_landing_hour(tree: Path) -> None:
    path = next((tree / "raw/shop_app/2026/11/22/01").iterdir())
    assert path.stat().st_mtime == datetime(2026, 11, 22, 2, tzinfo=UTC).timestamp()


def test_sources_toml_declares_the_sources(tree: Path) -> None:
    settings = tomllib.loads((tree / "sources.toml").read_text())
    assert {
        name: (source["format"], source["zone"], source.get("deduplicate"), source["shards"])
        for name, source in settings["sources"].items()
    } == {
        "shop_web": ("combined", "UTC", "objects", 2),
        "shop_app": ("logback", "Asia/Seoul", "none", 2),
        "game_events": ("json_event", "UTC", "objects", 2),
        "shop_gc": ("jvm_gc_unified", "Asia/Seoul", None, 2),
    }
    assert {source["start"] for source in settings["sources"].values()} == {"2026-11-22T00"}
