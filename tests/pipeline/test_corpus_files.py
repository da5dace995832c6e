"""Every file of the corpus: the right format is named, each line is booked, and totals equal independent ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from etl.config import Settings, Source
from etl.io import engine
from etl.io.raw import RawInput
from etl.io.workspace import Workspace, workspace
from etl.model.worklist import RawObject
from etl.stages.parse import _ANY_AGE as ANY_AGE
from etl.stages.parse import _END_OF_TIME as END
from etl.stages.parse import UNKNOWN, Object, Parsed, detect, parse

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no corpus of real logs at {CORPUS}")
LANDING = datetime(2026, 1, 1)
RIGHT_SHARE = 0.95

# The first pattern that fits a file says what it is, by its origin and a look at it; several where two names are true.
# "unknown" is what no format of ours is: guessing there is an error.
TRUTH: list[tuple[str, str]] = [
    ("access/*dummy.host*", UNKNOWN),
    ("access/*nasa*", "common"),
    # snapshots of NGINX Plus' status, not requests
    ("access/*nginxplus*", "json_event"),
    ("access/*regexp_access_log*", "combined_vhost"),
    ("access/*syslog_with_access*", "syslog_rfc3164"),
    ("access/*", "combined"),
    ("container/*bom8*", "w3c"),
    ("container/*__cri.log", "cri/plain"),
    ("container/*docker*", "docker/plain"),
    ("container/*elasticsearch*", "elasticsearch"),
    ("container/*json.log", "json_event json_log"),
    ("container/*json_id*", "json_event json_log"),
    ("container/*json_null*", "json_event json_log"),
    ("container/*json_type*", "json_event json_log"),
    ("container/*json_timestamp*", "json_event unknown"),
    ("container/*", UNKNOWN),
    ("game/*", UNKNOWN),
    ("gc/*krzysztofslusarski*", "jvm_gc_unified"),
    ("gc/*MACOSX*", UNKNOWN),
    ("gc/*", "jvm_gc_jdk8"),
    ("java/*gc__test__test-docker*", "elasticsearch"),
    ("java/*gc*", "jvm_gc_jdk8"),
    ("java/1_*audit*", "ecs_json"),
    ("java/*verbose.624*", "ecs_json"),
    ("java/*audit*", "elasticsearch"),
    ("java/*deprecation*", "elasticsearch"),
    ("java/*slowlog*", "elasticsearch"),
    ("java/*server__test*", "elasticsearch ecs_json"),
    ("java/*logstash*", "elasticsearch"),
    ("java/*", "kafka"),
    ("jsonl/*samples-large*", "cloudtrail"),
    ("jsonl/*linehaul*", "fastly"),
    ("jsonl/*bunyan*", "bunyan"),
    ("jsonl/*pino.*", "pino"),
    ("jsonl/*cloudflare*", "cloudflare_json"),
    ("jsonl/*ecs*", "ecs_json"),
    ("jsonl/*journald*", "journald_json"),
    ("jsonl/*otel*", UNKNOWN),
    ("jsonl/*subsec*", UNKNOWN),
    ("jsonl/*zap_console*", UNKNOWN),
    ("jsonl/*pinot*", "json_event"),
    ("jsonl/*example.txt", "json_event"),
    ("jsonl/*", "json_log json_event go_json"),
    ("mongodb/*", "mongodb_text"),
    ("mysql/*error*", "mysql_error"),
    ("mysql/*", "mysql_slow"),
    ("postgres/*.csv.log", "postgresql_csv"),
    ("postgres/*.json", "postgresql_json"),
    ("postgres/*", "postgresql"),
    ("proxy/*cloudfront*", "cloudfront"),
    ("proxy/*fastly*", "fastly"),
    ("proxy/*", "w3c"),
    ("redis/*", "redis"),
    ("syslog/*expected.out", UNKNOWN),
    ("syslog/*telegraf*rfc3164*", "syslog_rfc3164"),
    ("syslog/*telegraf*", "syslog_rfc5424"),
    ("syslog/*osquery*", "json_event"),
    ("syslog/*santa*", UNKNOWN),
    ("syslog/*beats__debug*", UNKNOWN),
    ("syslog/*beats__main*", UNKNOWN),
    ("syslog/*beats__log__*", "auditd"),
    ("syslog/*caddy*", "caddy_json"),
    ("syslog/*cloudflare*", "cloudflare_json"),
    ("syslog/*glog*", "klog"),
    ("syslog/*grafana*", "logfmt"),
    ("syslog/*logfmt*", "logfmt"),
    ("syslog/*haproxy*", "haproxy"),
    ("syslog/*muxed*", "json_event"),
    ("syslog/*rust_tracing*", "json_log"),
    ("syslog/*w3c*", "w3c"),
    ("syslog/*with_zones*", "syslog_rfc5424"),
    ("syslog/*datafile*", UNKNOWN),
    ("syslog/*syslog_fr*", UNKNOWN),
    ("syslog/*logfile_syslog*", "syslog_rfc3164"),
    ("syslog/*bad_syslog*", "syslog_rfc3164"),
    ("syslog/*blued*", "syslog_rfc3164"),
    ("syslog/*dst*", "syslog_rfc3164"),
    ("syslog/*filter.0", "syslog_rfc3164"),
    ("syslog/*partitions*", "syslog_rfc3164"),
    ("syslog/*pretty*", "syslog_rfc3164"),
    # time, level, name and message between colons: what Python's logging writes
    ("syslog/*crlf*", "python_log unknown"),
    ("syslog/*generic.[01]", "python_log unknown"),
    ("syslog/*generic.3", "python_log unknown"),
    ("syslog/*generic_*", "python_log unknown"),
    ("syslog/*multiline*", "python_log unknown"),
    ("syslog/*vami*", "python_log unknown"),
    ("syslog/*ts_value*", "logback unknown"),
    ("syslog/*xml_msg*", "logback unknown"),
    ("syslog/*tstack*", UNKNOWN),
    ("syslog/*", "syslog_rfc3164"),
    ("weberror/*apache__access__test__darwin*", "common"),
    ("weberror/*ssl-request*", "combined_vhost unknown"),
    ("weberror/*beats__error.log", "nginx_error"),
    ("weberror/*haproxy*", "haproxy"),
    ("weberror/*iis*", "w3c"),
    ("weberror/*traefik*", "traefik"),
    ("weberror/*nginx__access*", "combined combined_vhost"),
    ("weberror/*", "apache_error"),
    ("winjsonl/*", "json_log json_event"),
    ("zeek/*combined*", "json_event"),
    ("zeek/*", UNKNOWN),
]  # fmt: skip

FILES = sorted(
    str(path.relative_to(CORPUS)) for path in CORPUS.glob("*/*") if path.is_file() and path.parent.name != "cases"
)
_found: dict[str, tuple[str, Parsed | None]] = {}


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    root = tmp_path_factory.mktemp("lake")
    with workspace(Settings(str(root), {}, root / "sources.toml")) as opened:
        yield opened


def truth(name: str) -> list[str]:
    return next(formats.split() for pattern, formats in TRUTH if fnmatchcase(name, pattern))


def read(space: Workspace, name: str) -> tuple[str, Parsed | None]:
    """The format named for a file, and the file parsed in it."""
    if name not in _found:
        path = CORPUS / name
        label = detect(space, Source(name="corpus", raw="./"), path)
        parsed = None
        if label != UNKNOWN:
            listed = RawObject(name, "", path.stat().st_size, LANDING.isoformat())
            members = [Object(RawInput(0, path, LANDING, name), name, listed)]
            parsed = parse(space, Source(name="corpus", raw="./", format=label), members, LANDING, ANY_AGE, END)
        _found[name] = label, parsed
    return _found[name]


@pytest.mark.parametrize("name", FILES)
def test_every_line_is_booked(space: Workspace, name: str) -> None:
    label, parsed = read(space, name)
    if parsed is None:
        pytest.skip(f"no format of ours: {label}")
    data = (CORPUS / name).read_bytes()
    lines = data.count(b"\n") + (data != b"" and not data.endswith(b"\n"))
    book = parsed.counts(space.connection)[0]
    assert lines == parsed.readings[0].lines == book["row_lines"] + book["quarantined"] + book["ignored"]


def test_the_right_format_is_named(space: Workspace) -> None:
    named = {name: read(space, name)[0] for name in FILES}
    supported = [name for name in FILES if UNKNOWN not in truth(name)]
    wrong = {name: named[name] for name in supported if named[name] not in truth(name)}
    guessed = {name: named[name] for name in FILES if name not in supported and named[name] not in truth(name)}
    assert len(wrong) <= (1 - RIGHT_SHARE) * len(supported), wrong
    assert not guessed, "unknown is the answer for these"


def db_queries(space: Workspace, parsed: Parsed) -> list[tuple[Any, ...]]:
    sql = f"SELECT duration_ms, db_query_text FROM ({parsed.rows_sql(space, 'db_query')})"
    return space.connection.execute(sql).fetchall()


SLOW = [name for name in FILES if truth(name) == ["mysql_slow"]]
POSTGRES = [name for name in FILES if fnmatchcase(truth(name)[0], "postgresql*")]
MONGO = [name for name in FILES if truth(name) == ["mongodb_text"]]


@pytest.mark.parametrize("name", SLOW)
def test_slow_queries(space: Workspace, name: str) -> None:
    """grep '^# Query_time: ' and the sum of its first number."""
    _, parsed = read(space, name)
    assert parsed
    times = re.findall(rb"^# (?:Thread_id: \d+ .*)?Query_time: ([\d.]+)", (CORPUS / name).read_bytes(), re.MULTILINE)
    found = [row[0] for row in db_queries(space, parsed) if row[0] is not None]
    assert len(found) == len(times)
    assert sum(found) == pytest.approx(sum(map(float, times)) * 1000)


@pytest.mark.parametrize("name", POSTGRES)
def test_postgresql_durations(space: Workspace, name: str) -> None:
    """grep -o 'duration: [0-9.]* ms' and its sum; session times have another form."""
    _, parsed = read(space, name)
    assert parsed
    times = re.findall(rb"duration: ([\d.]+) ms", (CORPUS / name).read_bytes())
    found = [row[0] for row in db_queries(space, parsed)]
    assert len(found) == len(times)
    assert sum(found) == pytest.approx(sum(map(float, times)))


@pytest.mark.parametrize("name", MONGO)
def test_mongodb_operations(space: Workspace, name: str) -> None:
    """grep of operations that end in their milliseconds."""
    _, parsed = read(space, name)
    assert parsed
    pattern = rb"\] *(?:query|getmore|insert|update|remove|command|applied op:) .*?[^\d](\d+)ms\s*$"
    times = re.findall(pattern, (CORPUS / name).read_bytes(), re.MULTILINE)
    found = [row[0] for row in db_queries(space, parsed)]
    assert len(found) == len(times)
    assert sum(found) == sum(map(int, times))


def test_redis_and_syslog_by_grep(space: Workspace) -> None:
    """Facts that grep -c tells."""
    _, redis = read(space, "redis/andrewkroh-beats__redis-debian-1.2.6.log")
    _, auth = read(space, "syslog/elastic-examples__auth.log")
    assert redis and auth
    raw = (CORPUS / "redis/andrewkroh-beats__redis-debian-1.2.6.log").read_text(encoding="utf-8", errors="replace")
    saves = engine.one(
        space.connection,
        f"SELECT count(*) FROM ({redis.rows_sql(space, 'app_log')}) WHERE body LIKE '%DB saved on disk%'",
    )
    assert saves == len(re.findall("DB saved on disk", raw))
    text = (CORPUS / "syslog/elastic-examples__auth.log").read_text(encoding="utf-8", errors="replace")
    invalid = engine.one(
        space.connection,
        f"SELECT count(*) FROM ({auth.rows_sql(space, 'audit')}) WHERE event_action = 'ssh_invalid_user'",
    )
    assert invalid == len(re.findall(r"sshd\[\d+\]: (?:Invalid user|input_userauth_request: invalid user) ", text))
