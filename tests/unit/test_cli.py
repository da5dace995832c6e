"""The ``etl`` command: data to stdout, messages to stderr, exit codes, nothing dangerous to terminal or spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from etl.cli import main
from etl.config import load
from etl.stages.run import run

HOUR = "2026-11-22T13"
NOW = ["--from", HOUR, "--to", HOUR]
BACKWARDS = ["--from", HOUR, "--to", "2026-11-22T12"]
LINE = '203.0.113.9 - - [22/Nov/2026:13:04:05 +0000] "GET /cart HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n'
ESCAPE = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202eevil"


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


class Etl:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str | Path) -> Outcome:
        self._capsys.readouterr()
        try:
            code = main([str(item) for item in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        found = self._capsys.readouterr()
        return Outcome(code, found.out, found.err)


@pytest.fixture
def etl(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Etl:
    for name in ("LOGBUCKET_CONFIG", "LOGBUCKET_LAKE"):
        monkeypatch.delenv(name, raising=False)
    return Etl(capsys)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_text(LINE + "garbage\n" + LINE.replace("/cart", "/b"))
    return path


CONFIG = """
lake = "lake"
[sources.web]
raw = "raw/%Y/%m/%d/%H/"
format = "combined"
shards = 1
service_name = "shop"
[sources.game]
raw = "game/"
format = "json_event"
zone = "Asia/Seoul"
[sources.game.fields]
event_time = "when"
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration and a lake made of three lines, one of them hostile, one rejected."""
    root = tmp_path_factory.mktemp("project")
    config = root / "sources.toml"
    config.write_text(CONFIG, encoding="utf-8")
    raw = root / "raw/2026/11/22/13"
    raw.mkdir(parents=True)
    hostile = LINE.replace("/cart", "=HYPERLINK(1)").replace("Mozilla/5.0", ESCAPE)
    (raw / "a.log").write_text(LINE + hostile + "-1+1 \x1b[2J rejected\n", encoding="utf-8")
    run(load(config, {}), "web", HOUR)
    return config


def test_parse_writes_rows_to_stdout_and_counts_to_stderr(etl: Etl, log: Path) -> None:
    found = etl("parse", "--format", "combined", log)
    assert found.code == 0
    assert [(row["source_line"], row["url_path"]) for row in found.records] == [(1, "/cart"), (3, "/b")]
    assert found.records[0]["event_time"] == "2026-11-22T13:04:05Z"
    assert found.records[0]["attributes"] == {}
    assert "2 rows, 1 rejected" in found.err


def test_parse_finds_the_format_itself(etl: Etl, tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_text('{"ts":"2026-11-22T13:04:05Z","event":"login"}\n')
    assert etl("parse", path).records[0]["event_name"] == "login"


def test_parse_writes_rejects_to_their_file(etl: Etl, log: Path, tmp_path: Path) -> None:
    assert etl("parse", "--format", "combined", "--rejects", tmp_path / "rejects", log).code == 0
    (reject,) = [json.loads(line) for line in (tmp_path / "rejects").read_text().splitlines()]
    assert (reject["source_line"], reject["raw"], reject["source_uri"]) == (2, "garbage", str(log))
    assert reject["reject_reason"].startswith("time: none found")


def test_parse_reads_standard_input() -> None:
    command = [sys.executable, "-m", "etl.cli", "parse", "--format", "combined", "-"]
    found = subprocess.run(command, input=LINE.encode(), capture_output=True, timeout=60, check=False)
    assert found.returncode == 0
    assert json.loads(found.stdout)["source_uri"] == "-"


def test_parse_survives_a_closed_pipe() -> None:
    command = f"{sys.executable} -m etl.cli parse --format combined - | head -1"
    data = (LINE * 20_000).encode()
    found = subprocess.run(["bash", "-c", command], input=data, capture_output=True, timeout=60, check=False)
    assert len(found.stdout.splitlines()) == 1
    assert b"Traceback" not in found.stderr and b"Exception" not in found.stderr


def test_parse_takes_zone_and_fields_of_a_source(etl: Etl, project: Path, tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_text('{"when":"2026-11-22 22:04:05","ts":"other"}\n')
    (row,) = etl("--config", project, "parse", "--source", "game", path).records
    assert (row["event_time"], row["attributes"]) == ("2026-11-22T13:04:05Z", {"ts": "other"})


def test_detect_names_the_format(etl: Etl, log: Path, tmp_path: Path) -> None:
    unknown = tmp_path / "unknown.txt"
    unknown.write_text("neither\nthis\nnor that\n")
    found = etl("detect", log, unknown)
    assert (found.code, found.out) == (0, f"{log}\tcombined\n{unknown}\tunknown\n")
    (first, second) = json.loads(etl("detect", "--json", log, unknown).out)
    assert (first["format"], second["format"], second["score"]) == ("combined", "unknown", 0.0)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["parse", "--format", "combimed", "{log}"], 2, ["combimed", "combined"]),
        (["parse", "--zone", "Mars/Olympus", "{log}"], 2, ["--zone", "Mars/Olympus", "IANA"]),
        (["parse", "{tmp}/none.log"], 1, ["none.log", "No such file"]),
        (["parse", "{tmp}"], 1, ["{tmp}"]),
        (["detect", "{tmp}/none.log"], 1, ["none.log", "no such file"]),
        (["--config", "{tmp}/none.toml", "status"], 2, ["none.toml", "no such file"]),
        (["--config", "{project}", "run", "wob", "--from", HOUR, "--to", HOUR], 2, ["wob", "game, web"]),
        (["--config", "{project}", "run", "web", *BACKWARDS], 2, ["--from 2026-11-22T13 is after --to 2026-11-22T12"]),
        (["--config", "{project}", "books", "web", *BACKWARDS], 2, ["is after --to"]),
        (["--config", "{project}", "audit", *BACKWARDS], 2, ["is after --to"]),
        (["--config", "{project}", "sql", "FROM ledger", *BACKWARDS], 2, ["is after --to"]),
        (["--config", "{project}", "report", "traffic", *BACKWARDS, "-o", "{tmp}/r"], 2, ["is after --to"]),
        (
            ["--config", "{project}", "archive", "web", *NOW, "--to-archive", "gs://b"],
            2,
            ["gs://b", "s3://bucket/prefix"],
        ),
        (["doctor", "s3:/bucket"], 2, ["s3:/bucket", "s3://bucket/prefix"]),
        (["--config", "{project}", "archive", "web", *BACKWARDS, "--to-archive", "{tmp}"], 2, ["is after --to"]),
        (["--config", "{project}", "run", "web", "--from", "2026-11-22", "--to", HOUR], 2, ["2026-11-22T13"]),
        (["--config", "{project}", "parse", "--source", "wob", "{log}"], 2, ["wob"]),
        (["--config", "{project}", "sql", "SELEC 1"], 2, ["SELEC"]),
        (["--config", "{project}", "sql", "SELECT nothing FROM ledger"], 2, ["nothing"]),
        (["--config", "{project}", "sql", "SELECT 1", "--format", "parquet"], 2, ["-o FILE"]),
        (
            ["--config", "{project}", "sql", "FROM events_web_acces"],
            2,
            ["events_web_acces: no such view; did you mean events_web_access?", "ledger"],
        ),
        (["--config", "{project}", "sql", "-- nothing"], 2, ["no statement"]),
        (["--config", "{project}", "sql", "SELECT 1", "-o", "{tmp}/none/x.csv"], 2, ["{tmp}/none", "no such folder"]),
        (["--config", "{project}", "sql", "SELECT 1", "-o", "{tmp}"], 2, ["{tmp}", "is a folder"]),
        (["parse", "--rejects", "{tmp}/none/x", "{log}"], 2, ["{tmp}/none", "no such folder"]),
        (
            ["--config", "{project}", "report", "wob", "--from", HOUR, "--to", HOUR, "-o", "{tmp}/r"],
            2,
            ["wob", "traffic"],
        ),
        (["frobnicate"], 2, ["frobnicate"]),
        ([], 2, ["COMMAND"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_failure_has_its_exit_code_and_says_what_is_wrong(
    etl: Etl, log: Path, project: Path, tmp_path: Path, arguments: list[str], code: int, said: list[str]
) -> None:
    def filled(text: str) -> str:
        return text.replace("{log}", str(log)).replace("{tmp}", str(tmp_path)).replace("{project}", str(project))

    found = etl(*map(filled, arguments))
    assert found.code == code
    assert all(filled(part) in found.err for part in said), found.err
    assert found.out == "" and "Traceback" not in found.err


def test_the_books_of_a_run_are_valid_json(etl: Etl, project: Path) -> None:
    found = etl("--config", project, "run", "web", "--from", HOUR, "--to", HOUR, "--json")
    (books,) = json.loads(found.out)
    assert found.code == 0
    assert (books["lines"], books["rows"], books["quarantined"], books["ignored"]) == (3, 2, 1, 0)


def test_a_run_of_hours_in_which_nothing_landed_says_where_it_looked(etl: Etl, project: Path) -> None:
    (project.parent / "game").mkdir(exist_ok=True)
    for source, said in (("web", "raw/2026/11/22/20/"), ("game", "game/, last modified in these hours")):
        found = etl("--config", project, "run", source, "--from", "2026-11-22T20", "--to", "2026-11-22T21", "--json")
        assert found.code == 0 and len(json.loads(found.out)) == 2
        assert f"no raw object landed in these hours: expected them below {project.parent}/{said}" in found.err


def test_status_is_valid_json_and_closed(etl: Etl, project: Path) -> None:
    found = etl("--config", project, "status", "--json")
    by_name = {item["source"]: item for item in json.loads(found.out)}
    assert found.code == 0
    assert (by_name["web"]["closed"], by_name["web"]["published"], by_name["game"]["lines"]) == (True, 2, 0)


def test_sql_as_json(etl: Etl, project: Path) -> None:
    query = (
        "SELECT source_line, event_time, service_name, attributes, NULL AS n FROM events_web_access ORDER BY 1 LIMIT 1"
    )
    assert json.loads(etl("--config", project, "sql", query, "--format", "json").out) == [
        {"source_line": 1, "event_time": "2026-11-22T13:04:05Z", "service_name": "shop", "attributes": {}, "n": None}
    ]


@pytest.mark.parametrize(
    "value", ["nan", "infinity", "-infinity"], ids=["not a number", "infinity", "negative infinity"]
)
def test_json_has_no_words_that_json_does_not_know(etl: Etl, project: Path, value: str) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    out = etl("--config", project, "sql", f"SELECT '{value}'::DOUBLE AS x", "--format", "json").out
    json.loads(out, parse_constant=refuse)


def controls(text: str) -> set[str]:
    return {char for char in text if (ord(char) < 32 and char != "\n") or 127 <= ord(char) < 160 or char == "\u202e"}


def test_log_content_does_not_steer_the_terminal(etl: Etl, project: Path) -> None:
    for query in ("SELECT user_agent_original FROM events_web_access", "SELECT raw FROM quarantine"):
        found = etl("--config", project, "sql", query)
        assert not controls(found.out) and "\\x1b" in found.out


def test_log_content_in_json_is_escaped(etl: Etl, project: Path, tmp_path: Path) -> None:
    path = tmp_path / "hostile.log"
    path.write_text(LINE.replace("Mozilla/5.0", ESCAPE), encoding="utf-8")
    parsed = etl("parse", "--format", "combined", path)
    query = "SELECT user_agent_original FROM events_web_access ORDER BY source_line"
    queried = etl("--config", project, "sql", query, "--format", "json")
    assert parsed.records[0]["user_agent_original"] == ESCAPE
    assert json.loads(queried.out)[1]["user_agent_original"] == ESCAPE
    assert not controls(parsed.out) and not controls(queried.out)


def test_an_error_message_does_not_steer_the_terminal(etl: Etl, tmp_path: Path) -> None:
    assert not controls(etl("parse", tmp_path / "\x1b[31mred\x07").err)


def test_a_cell_of_csv_is_never_a_formula(etl: Etl, project: Path, tmp_path: Path) -> None:
    query = """SELECT url_path, '+1' AS a, '-1' AS b, '@x' AS c, chr(9) || 't' AS d, -1 AS e, 'a=b' AS f, '=1' AS "=name"
        FROM events_web_access ORDER BY source_line DESC LIMIT 1"""
    found = etl("--config", project, "sql", query, "--format", "csv")
    names, cells = list(csv.reader(io.StringIO(found.out)))
    assert cells == ["'=HYPERLINK(1)", "'+1", "'-1", "'@x", "'\tt", "-1", "a=b", "'=1"]
    assert names[-1] == "'=name"
    etl("--config", project, "sql", query, "--format", "csv", "-o", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes().decode() == found.out.replace("\n", "\r\n").replace("\r\r", "\r")


@pytest.mark.parametrize(("name", "text"), [("x.csv", "a\n1\n"), ("x.json", '[{"a": 1}]\n')])
def test_a_file_is_written_as_its_name_says(etl: Etl, project: Path, tmp_path: Path, name: str, text: str) -> None:
    assert etl("--config", project, "sql", "SELECT 1 AS a", "-o", tmp_path / name).code == 0
    assert (tmp_path / name).read_text() == text


def test_parquet_is_read_by_pandas(etl: Etl, project: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    query = "SELECT * FROM events_web_access ORDER BY source_line"
    assert etl("--config", project, "sql", query, "--format", "parquet", "-o", path).code == 0
    frame = pd.read_parquet(path)
    assert frame["url_path"].tolist() == ["/cart", "=HYPERLINK(1)"]
    assert frame["event_time"].dt.tz is None and frame["http_response_status_code"].tolist() == [200, 200]


def test_hours_limit_what_is_read(etl: Etl, project: Path) -> None:
    query = "SELECT count(*) AS n FROM events_web_access"
    found = etl(
        "--config", project, "sql", query, "--format", "json", "--from", "2026-11-22T14", "--to", "2026-11-22T15"
    )
    assert json.loads(found.out) == [{"n": 0}]


def test_a_report_is_written(etl: Etl, project: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    assert etl("--config", project, "report", "traffic", "--from", HOUR, "--to", HOUR, "-o", path).code == 0
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>") or "<html" in path.read_text(encoding="utf-8")
