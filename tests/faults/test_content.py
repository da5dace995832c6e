"""Damaged, huge and odd content: set aside whole or line by line, with its reason, in bounded memory, and the books close."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from tests.faults.closing import assert_closed, assert_same_from_raw
from tests.pipeline.conftest import World, access

HOUR = "2026-11-22T10"
FOLDER = "web/2026/11/22/10"
GOOD = f"{access('2026-11-22T10:00:00+0000', '/good')}\n".encode()
TEXT = b"".join(f"{access('2026-11-22T10:00:01+0000', f'/{n}', address=f'198.51.100.{n % 250}')}\n".encode() for n in range(3000))  # fmt: skip
GZ = gzip.compress(TEXT, mtime=0)


def source(format: str = "combined", **more: str) -> str:
    keys = {"format": f'"{format}"', "start": '"2026-11-22T00"', "shards": "1", "quarantine_limit": "{ share = 1.0 }", **more}  # fmt: skip
    return '[sources.web]\nraw = "raw/web/%Y/%m/%d/%H/"\n' + "".join(
        f"{key} = {value}\n" for key, value in keys.items()
    )


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


DAMAGED = {
    "gzip, truncated": GZ[: len(GZ) // 2],
    "gzip, truncated in its header": GZ[:5],
    "gzip, without its last byte": GZ[:-1],
    "gzip, a byte in the middle flipped": flipped(GZ, len(GZ) // 2),
    "gzip, checksum flipped": flipped(GZ, len(GZ) - 8),
    "gzip, length flipped": flipped(GZ, len(GZ) - 1),
    "gzip, second member truncated": GZ + GZ[:-9],
    "gzip, garbage behind it": GZ + b"garbage",
    "zstd, truncated": zstandard.compress(TEXT)[:-5],
    "zstd, second frame truncated": zstandard.compress(TEXT) + zstandard.compress(TEXT)[:-5],
    "bz2, truncated": bz2.compress(TEXT)[:-5],
    "xz, truncated": lzma.compress(TEXT)[:-5],
    "xz, checksum flipped": flipped(lzma.compress(TEXT), 40),
}


@pytest.mark.parametrize("format", ["combined", "auto"])
def test_a_damaged_object_is_set_aside_whole_and_the_others_go_on(world: World, format: str) -> None:
    world.configure(source(format))
    for name, data in DAMAGED.items():
        world.land(f"{FOLDER}/{name}", b"").write_bytes(data)
    world.land(f"{FOLDER}/good.log", GOOD)
    world.run("web", HOUR)
    assert world.query("SELECT url_path FROM events_web_access") == [("/good",)]
    found = dict(world.query("SELECT source_uri, reject_reason FROM quarantine"))
    for name in DAMAGED:
        reason = found.pop(f"{world.root}/raw/{FOLDER}/{name}")
        assert reason.startswith(f"corrupt {name.split(',')[0]} data: "), name
    assert not found
    # how far damaged bytes can be read is the decompressor's to say; what it read is booked, all of it as quarantined
    [(booked,)] = world.query("SELECT sum(lines) FROM ledger")
    assert_closed(world.settings, "web", int(booked))
    assert_same_from_raw(world.settings, "web", [HOUR])


def test_several_members_and_padding_are_one_object(world: World) -> None:
    world.configure(source())
    whole = {
        "concatenated.gz": gzip.compress(GOOD) + gzip.compress(b"") + gzip.compress(GOOD),
        "padded.gz": gzip.compress(GOOD * 2) + bytes(512),
        "frames.zst": zstandard.compress(GOOD) + zstandard.compress(GOOD),
        "streams.bz2": bz2.compress(GOOD) + bz2.compress(GOOD),
        "streams.xz": lzma.compress(GOOD) + lzma.compress(GOOD),
    }
    for name, data in whole.items():
        world.land(f"{FOLDER}/{name}x", b"").write_bytes(data)
    world.run("web", HOUR)
    assert assert_closed(world.settings, "web", 2 * len(whole))["published"] == 2 * len(whole)
    assert_same_from_raw(world.settings, "web", [HOUR])


def members(*parts: tuple[bytes, int]) -> bytes:
    """gzip of each text repeated, without ever holding it."""
    return b"".join(gzip.compress(text, 9) * times for text, times in parts)


MEBI = 1 << 20
HUGE = {
    "2 GiB of zeros": (members((bytes(64 * MEBI), 32)), None, "line: longer than 1 MiB"),
    "a line of 1 GiB": (members((GOOD + b"the head of it ", 1), (b"x" * (64 * MEBI), 16), (b"\n" + GOOD, 1)), 3, "line: longer than 1 MiB"),
    "256 MiB of line ends": (members((b"\n" * (64 * MEBI), 4)), 256 * MEBI, "decompression bomb: more than 10 records for each stored byte"),
    "64 MiB of short lines": (members((b"a\n" * (32 * MEBI), 1)), 32 * MEBI, "decompression bomb: more than 10 records for each stored byte"),
    "zeros of bz2": (bz2.compress(bytes(128 * MEBI)), None, "corrupt bz2 data: it expands to more than 1000 times its size"),
    "zeros of zstd": (zstandard.compress(bytes(256 * MEBI)), None, "corrupt zstd data: it expands to more than 1000 times its size"),
}  # fmt: skip
# the interpreter with its libraries takes 200 MB; four million records of a batch the rest
PEAK_BYTES = 1400 << 20
SCRATCH_BYTES = 64 << 20

MEASURED = """
import json, os, resource, sys, threading, time
from pathlib import Path
from etl.config import load
from etl.stages.run import run
config, scratch = Path(sys.argv[1]), Path(sys.argv[2])
most, done = 0, threading.Event()
def watch():
    global most
    while not done.wait(0.02):
        most = max(most, sum(os.lstat(p).st_size for p in scratch.rglob("*") if os.path.lexists(p) and not p.is_dir()))
watcher = threading.Thread(target=watch)
watcher.start()
try:
    run(load(config, {}), "web", "2026-11-22T10")
finally:
    done.set()
    watcher.join()
[peak] = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(json.dumps({"peak": int(peak) * 1024, "scratch": most}))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc to know the peak of memory")
@pytest.mark.parametrize("name", HUGE)
def test_a_bomb_takes_neither_memory_nor_disk(world: World, name: str) -> None:
    data, lines, reason = HUGE[name]
    world.configure(source())
    world.land(f"{FOLDER}/huge", b"").write_bytes(data)
    scratch = world.root / "scratch"
    scratch.mkdir()
    (world.root / "measured.py").write_text(MEASURED)
    command = [sys.executable, str(world.root / "measured.py"), str(world.root / "sources.toml"), str(scratch)]
    environment = {"PYTHONPATH": ":".join(sys.path), "LOGBUCKET_TMP": str(scratch), "PATH": ""}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert found.returncode == 0, found.stderr[-2000:]
    measured = json.loads(found.stdout)
    assert measured["peak"] < PEAK_BYTES and measured["scratch"] < SCRATCH_BYTES, measured
    [(line, said, kept)] = world.query("SELECT source_line, reject_reason, length(raw) FROM quarantine")
    assert said.startswith(reason)
    assert kept == (1024 if reason.startswith("line") else None)
    [(booked,)] = world.query("SELECT sum(lines) FROM ledger")
    assert lines is None or booked == lines
    assert_closed(world.settings, "web", int(booked))
    if name == "a line of 1 GiB":
        assert line == 2
        assert world.query("SELECT source_line, url_path FROM events_web_access ORDER BY 1") == [
            (1, "/good"),
            (3, "/good"),
        ]


def test_a_new_lake_quarantines_a_bomb_alike(world: World) -> None:
    world.configure(source())
    world.land(f"{FOLDER}/bomb", b"").write_bytes(gzip.compress(b"\n" * 1_100_000))
    world.land(f"{FOLDER}/good.log", GOOD)
    world.run("web", HOUR)
    assert assert_closed(world.settings, "web", 1_100_001)["published"] == 1
    assert_same_from_raw(world.settings, "web", [HOUR])


def in_agent(content: bytes) -> bytes:
    return GOOD.replace(b"Mozilla/5.0", content)


# content of an object: lines, rows, quarantined lines, ignored lines, and for the rows their user agents
ODD: dict[str, tuple[bytes, int, int, int, int, list[str]]] = {
    "empty": (b"", 0, 0, 0, 0, []),
    "blank lines only": (b"\n \n\t\r\n\n", 4, 0, 0, 4, []),
    "one blank line without end": (b"   ", 1, 0, 0, 1, []),
    "invalid UTF-8": (in_agent(b"caf\xe9\xff"), 1, 1, 0, 0, ["caf\ufffd\ufffd"]),
    "a lone surrogate in UTF-8": (in_agent(b"\xed\xa0\x80"), 1, 1, 0, 0, ["\ufffd\ufffd\ufffd"]),
    "overlong UTF-8": (in_agent(b"\xc0\xaf"), 1, 1, 0, 0, ["\ufffd\ufffd"]),
    "NUL": (in_agent(b"a\0b"), 1, 1, 0, 0, ["a\ufffdb"]),
    "byte order mark": (b"\xef\xbb\xbf" + in_agent(b"bom"), 1, 1, 0, 0, ["bom"]),
    "CRLF": (in_agent(b"x").replace(b"\n", b"\r\n") * 2, 2, 2, 0, 0, ["x", "x"]),
    "CR within a line": (in_agent(b"a\rb"), 1, 1, 0, 0, ["a\rb"]),
    "no end of the last line": (in_agent(b"a") + in_agent(b"b")[:-1], 2, 2, 0, 0, ["a", "b"]),
    "NUL only": (bytes(4096), 1, 0, 1, 0, []),
    "line separators that are none": (in_agent("a\u2028b\x0b\x0c\x85".encode()), 1, 1, 0, 0, ["a\u2028b\x0b\x0c\x85"]),
}


def test_odd_bytes_are_kept_line_by_line(world: World) -> None:
    world.configure(source())
    for name, (data, *_) in ODD.items():
        world.land(f"{FOLDER}/{name}.log", data)
    world.run("web", HOUR)
    books = {
        uri.rsplit("/", 1)[1]: book
        for uri, *book in world.query("SELECT uri, lines, rows, quarantined, ignored FROM ledger")
    }
    assert books == {f"{name}.log": [*numbers] for name, (data, *numbers, _) in ODD.items() if data}
    query = "SELECT source_uri, user_agent_original FROM events_web_access ORDER BY source_uri, source_line"
    agents: dict[str, list[str]] = {}
    for uri, agent in world.query(query):
        agents.setdefault(uri.rsplit("/", 1)[1].removesuffix(".log"), []).append(agent)
    assert agents == {name: found for name, (*_, found) in ODD.items() if found}
    assert_closed(world.settings, "web", sum(lines for _, lines, *_ in ODD.values()))
    assert_same_from_raw(world.settings, "web", [HOUR])


TIMES = {
    "2026-11-22T10:00:00Z": "row",
    "2026-11-23T10:59:59.999999Z": "row",
    "2026-11-23T11:00:00Z": "more than a day after the landing hour",
    "2026-10-18T10:00:00Z": "row",
    "2026-10-18T09:59:59.999999Z": "older than max_lateness_days",
    "0001-01-01T00:00:00Z": "older than max_lateness_days",
    "0000-01-01T00:00:00Z": "",
    "9999-12-31T23:59:59Z": "more than a day after the landing hour",
    "9999-12-31T23:59:59-14:00": "",
    "1969-12-31T23:59:59Z": "older than max_lateness_days",
    "1970-01-01T00:00:00Z": "older than max_lateness_days",
    "294247-01-10T04:00:54Z": "",
    "+12026-11-22T10:00:00Z": "",
    "infinity": "",
    "-infinity": "",
    "epoch": "",
    "2026-02-30T10:00:00Z": "",
    "2026-11-22T24:00:01Z": "",
    "2026-11-22T10:00:00+99:99": "",
    0: "",
    -1: "",
    1795341600: "row",
    1795341600000: "row",
    1795341600000000: "row",
    1795341600000000000: "row",
    9223372036854775807: "",
    -9223372036854775808: "",
    1e308: "",
}


def test_only_times_within_the_window_are_published(world: World) -> None:
    """Ancient, future and impossible times: quarantined line by line, so that no wrong clock makes a partition."""
    world.configure(source("json_event"))
    world.land(f"{FOLDER}/a.jsonl", [json.dumps({"ts": time, "event": "login"}) for time in TIMES])
    world.run("web", HOUR)
    lines = dict(
        world.query(
            "SELECT source_line, 'row' FROM events_json_event UNION ALL SELECT source_line, reject_reason FROM quarantine"
        )
    )
    for number, (time, expected) in enumerate(TIMES.items(), 1):
        assert (lines[number] == "row") == (expected == "row") and expected in lines[number], (time, lines[number])
    assert world.query("SELECT DISTINCT event_date::VARCHAR FROM events_json_event ORDER BY ALL") == [
        ("2026-10-18",), ("2026-11-22",), ("2026-11-23",),
    ]  # fmt: skip
    assert_closed(world.settings, "web", len(TIMES))
    assert_same_from_raw(world.settings, "web", [HOUR])
