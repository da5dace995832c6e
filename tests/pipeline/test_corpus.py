"""Real logs, where they lie beside the project: every line has a fate, and the counts are those of an independent look."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from etl.config import Settings, Source
from etl.io.workspace import workspace
from etl.stages.parse import detect, parse_file
from tests.pipeline.conftest import World

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
ELASTIC = "access/elastic-examples__apache_logs"
NASA = "access/andrewkroh-beats__nasa-50k.log"
LATE_SETTINGS = (
    'start = "2026-11-22T00"\nmax_lateness_days = 36500\nquarantine_limit = { share = 1.0 }\nlook_back_hours = 0\n'
)

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no corpus of real logs at {CORPUS}")


def wc(path: Path) -> int:
    """Lines as an editor counts them: a last line without newline is one."""
    data = path.read_bytes()
    return data.count(b"\n") + bool(data and not data.endswith(b"\n"))


def run_file(world: World, file: str, format_name: str) -> None:
    target = world.root / "raw" / "web" / "2026/11/22/10" / Path(file).name
    target.parent.mkdir(parents=True)
    shutil.copyfile(CORPUS / file, target)
    world.configure(f'[sources.web]\nraw = "raw/web/%Y/%m/%d/%H/"\nformat = "{format_name}"\n{LATE_SETTINGS}')
    world.run("web", "2026-11-22T10")


@pytest.mark.parametrize(
    ("file", "format_name"),
    [
        (ELASTIC, "combined"),
        (NASA, "common"),
        ("access/ClickHouse-examples__small_logs.log", "combined"),
        ("access/nielsbasjes-logparser__hackers-access.log", "combined"),
        ("access/opensearch-project-opensearch-catalog__raw.log", "combined"),
        ("access/elastic-examples__nginxplus_json_logs", "json_event"),
        ("access/torproject-metrics-lib__dummy.host.net__nix.server.org_dummy.host.net_access.log_20111111", "unknown"),
        ("access/tstack-lnav__logfile_syslog_with_access_log.0", "syslog_rfc3164"),
    ],
)
def test_detection_names_the_format_or_says_unknown(tmp_path: Path, file: str, format_name: str) -> None:
    with workspace(Settings(str(tmp_path), {}, tmp_path)) as space:
        assert detect(space, Source(name="detect", raw="./"), CORPUS / file) == format_name


def test_every_access_log_accounts_for_every_line(tmp_path: Path) -> None:
    for path in sorted((CORPUS / "access").iterdir()):
        with workspace(Settings(str(tmp_path), {}, tmp_path)) as space:
            source = Source(name="corpus", raw="./")
            if detect(space, source, path) == "unknown":
                continue
            records = list(parse_file(space, source, path, path.name))
        blank = sum(1 for line in path.read_bytes().splitlines() if not line.strip())
        assert sum(record["source_lines"] for _, record in records) + blank == wc(path), path.name


def test_the_ten_thousand_line_apache_sample(world: World) -> None:
    run_file(world, ELASTIC, "combined")
    assert world.query("SELECT parse_status, count(*) FROM events_web_access GROUP BY 1 ORDER BY 1") == [
        ("ok", 9999),
        ("partial", 1),
    ]
    data = (CORPUS / ELASTIC).read_bytes()
    for sql, pattern in (
        ("http_response_status_code = 404", rb'" 404 '),
        ("http_request_method = 'POST'", rb'"POST '),
        ("contains(user_agent_original, 'Googlebot')", rb'"[^"]*Googlebot[^"\n]*"?$'),
    ):
        assert world.query(f"SELECT count(*) FROM events_web_access WHERE {sql}") == [
            (len(re.findall(pattern, data, re.M)),)
        ], sql
    sizes = sum(int(size) for size in re.findall(rb'" \d{3} (\d+) ', data))
    assert world.query("SELECT sum(bytes)::BIGINT FROM metrics_traffic_hourly") == [(sizes,)]
    hours = len(set(re.findall(rb"\[(\d+/\w+/\d+:\d+)", data)))
    assert world.query("SELECT count(*) FROM books") == [(hours,)]


def test_the_nasa_log_keeps_dashes_as_null_and_loses_no_row(world: World) -> None:
    run_file(world, NASA, "common")
    data = (CORPUS / NASA).read_bytes()
    assert world.query(
        "SELECT count(*), count(*) FILTER (http_response_body_size_bytes IS NULL) FROM events_web_access"
    ) == [(50000, 482)]
    assert len(re.findall(rb" -$", data, re.M)) == 482
    assert world.query("SELECT lines, rows, quarantined, ignored FROM ledger") == [(wc(CORPUS / NASA), 50000, 0, 0)]


@pytest.mark.parametrize("file", ["server.log.2016-12-19-16", "controller.log.2016-12-19-17"])
def test_kafka_logs_are_read_with_their_traces(tmp_path: Path, file: str) -> None:
    path = CORPUS / "java" / f"elastic-examples__kafka0__logs__{file}"
    with workspace(Settings(str(tmp_path), {}, tmp_path)) as space:
        records = list(parse_file(space, Source(name="corpus", raw="./", format="logback"), path, path.name))
    starts = len(re.findall(rb"^\[\d{4}-", path.read_bytes(), re.M))
    assert len([kind for kind, _ in records if kind == "row"]) == starts
    assert sum(record["source_lines"] for _, record in records) == wc(path)
