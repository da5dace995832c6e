"""What stands in a log stays text: in no output does it become SQL, an element, a formula, markup or a command to a terminal."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from etl.cli import main
from etl.errors import EtlError
from tests.faults.closing import assert_closed, assert_same_from_raw
from tests.pipeline.conftest import World

HOUR = "2026-11-22T10"
HOSTILE = {
    "sql": "'); DROP TABLE events_web_access; --",
    "sql of a template": "{columns} {parsed} $1 ? getvariable('zone') || \"x\"",
    "element": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "attribute": "\" onmouseover=alert(1) x='&quot;><a href=javascript:alert(1)>y</a>",
    "end of a comment, a style and a title": "--></style></title></td></table><iframe src=//evil.example>",
    "template": "{{ 7 * 7 }}{% include '/etc/passwd' %}{# #}",
    "formula": '=HYPERLINK("http://evil.example";"x")',
    "formula with plus": "+cmd|' /C calc'!A0",
    "formula with minus": "-2+3",
    "formula with at": "@SUM(1+1)",
    "formula after blanks": " \t =1+1",
    "formula after a quote": '""=1+1',
    "formula in a later line": "one\n=1+1\r=2+2\r\n@x",
    "formula, full width": "＝1+1",
    "tab": "\t=1",
    "carriage return": "fine\roverwritten",
    "colours and clearing": "\x1b[31;2Jred",
    "title and hyperlink": "\x1b]0;title\x07\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "one byte controls": "\x9b31m\x90q\x9c\x85\x7f\x08\x08\x08",
    "direction": "\u202egnp.exe \u2066x\u2069 \u200f\u061c",
    "line separators": "a\u2028b\u2029c\vd\fe\x1cf",
    "markup of rich": "[bold red]x[/] [link=http://evil.example]y[/link] :warning:",
    "forged line of a log": "x\n[2026-11-22 10:00:00] INFO - all is well",
}
SOURCES = """
[sources.web]
raw = "raw/web/%Y/%m/%d/%H/"
format = "json"
dataset = "web_access"
start = "2026-11-22T00"
shards = 1
quarantine_limit = { share = 1.0 }
privacy = { address = "keep", visitor = "daily", query = ["*"], scrub = false }

[sources.app]
raw = "raw/app/%Y/%m/%d/%H/"
format = "json"
dataset = "app_log"
start = "2026-11-22T00"
shards = 1
privacy = { scrub = false }
"""
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
FORMULA = re.compile(r'[\s"]*[=+\-@＝]|[\t\r]')


def lake_of(root: Path, texts: list[str], *sources: str) -> World:
    """A page, its 404, a user, a log message with an exception and a rejected line, for each of the texts."""
    world = World(root)
    world.configure(SOURCES)
    web: list[dict[str, Any]] = []
    app: list[dict[str, Any]] = []
    for text in texts:
        at = {"time": "2026-11-22T10:00:00Z"}
        fields = {"url_path": text, "user_agent_original": text, "http_request_referrer": text, "user_name": text}
        web += [{**at, **fields, "http_response_status_code": status} for status in (200, 404)]
        web += [{**fields, "time": text}]
        app += [{**at, "severity_text": "ERROR", "body": text, "exception_message": text, text: text}]
    for name, records in (("web", web), ("app", app)):
        world.land(f"{name}/2026/11/22/10/{name}.log", [json.dumps(item, ensure_ascii=False) for item in records])
        if name in sources:
            world.run(name, HOUR)
    return world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return lake_of(tmp_path_factory.mktemp("hostile"), list(HOSTILE.values()), "web", "app")


def etl(world: World, capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(["--config", str(world.root / "sources.toml"), *map(str, arguments)])
    found = capsys.readouterr()
    return code, found.out, found.err


COLUMNS = {
    "events_web_access": "url_path, user_agent_original, http_request_referrer, user_name",
    "events_app_log": "body, exception_message, attributes",
    "quarantine": "raw, reject_reason",
}


@pytest.mark.parametrize("view", COLUMNS)
def test_every_text_is_stored_as_it_was_and_the_books_close(world: World, view: str) -> None:
    rows = world.query(f"SELECT {COLUMNS[view]} FROM {view} ORDER BY source_line")
    texts = list(HOSTILE.values())
    if view == "events_web_access":
        assert [row[0] for row in rows[::2]] == [row[0] for row in rows[1::2]] == texts
        assert all(set(row) == {row[0]} for row in rows)
    elif view == "events_app_log":
        assert rows == [(text, text, {text: text}) for text in texts]
    else:
        assert [json.loads(row[0])["time"] for row in rows] == texts
    for source, lines in (("web", 3), ("app", 1)):
        assert_closed(world.settings, source, lines * len(HOSTILE))


def test_the_same_lake_comes_from_raw_again(world: World) -> None:
    for source in ("web", "app"):
        assert_same_from_raw(world.settings, source, [HOUR])


@pytest.mark.parametrize("view", COLUMNS)
def test_a_table_does_not_steer_the_terminal(world: World, capsys: pytest.CaptureFixture[str], view: str) -> None:
    code, out, _ = etl(world, capsys, "sql", f"SELECT {COLUMNS[view]} FROM {view}")
    assert code == 0
    assert not STEERING.search(out)
    assert "\\x1b" in out and "\\x202e" in out and "[bold" in out


@pytest.mark.parametrize("view", COLUMNS)
def test_csv_has_no_formula_and_does_not_steer_the_terminal(
    world: World, capsys: pytest.CaptureFixture[str], view: str
) -> None:
    code, out, _ = etl(world, capsys, "sql", f"SELECT {COLUMNS[view]} FROM {view}", "--format", "csv")
    assert code == 0
    rows = list(csv.reader(io.StringIO(out)))
    assert len(rows) == 1 + world.query(f"SELECT count(*) FROM {view}")[0][0]
    for cell in (cell for row in rows for cell in row):
        assert not [part for part in re.split(r"[\r\n]", cell) if FORMULA.match(part)], cell
        assert not STEERING.search(cell.replace("\t", "")), cell


@pytest.mark.parametrize("view", COLUMNS)
def test_json_is_one_line_of_the_exact_texts(world: World, capsys: pytest.CaptureFixture[str], view: str) -> None:
    query = f"SELECT {COLUMNS[view]} FROM {view} ORDER BY source_line"
    code, out, _ = etl(world, capsys, "sql", query, "--format", "json")
    assert code == 0 and len(out.splitlines()) == 1
    assert not STEERING.search(out)
    assert [tuple(record.values()) for record in json.loads(out)] == world.query(query)


def test_parquet_has_the_exact_texts(world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / 'it\'s [a] "file"; --.parquet'
    query = "SELECT url_path FROM events_web_access ORDER BY source_line"
    assert etl(world, capsys, "sql", query, "--format", "parquet", "-o", path)[0] == 0
    assert pq.read_table(path)["url_path"].to_pylist()[::2] == list(HOSTILE.values())


def test_parse_prints_one_line_for_a_record(world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    raw = next((world.root / "raw/app").rglob("*.log"))
    code, out, _ = etl(world, capsys, "parse", "--source", "app", "--rejects", tmp_path / "rejects", raw)
    assert code == 0 and not STEERING.search(out)
    assert [json.loads(line)["body"] for line in out.splitlines()] == list(HOSTILE.values())
    raw = next((world.root / "raw/web").rglob("*.log"))
    assert etl(world, capsys, "parse", "--source", "web", "--rejects", tmp_path / "rejects", raw)[0] == 0
    rejects = (tmp_path / "rejects").read_text(encoding="utf-8")
    assert not STEERING.search(rejects)
    assert [json.loads(json.loads(line)["raw"])["time"] for line in rejects.splitlines()] == list(HOSTILE.values())


@pytest.mark.parametrize("arguments", [("status",), ("run", "web", "--from", HOUR, "--to", HOUR)])
def test_status_and_run_do_not_steer_the_terminal(
    world: World, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    for options in ((), ("--json",)):
        code, out, err = etl(world, capsys, *arguments, *options)
        assert code == 0
        assert not STEERING.search(out + err)


NAMES = {
    **{name: text.replace("/", "_") for name, text in HOSTILE.items()},
    "not UTF-8": b"caf\xe9.log".decode(errors="surrogateescape"),
}


def test_names_of_files_do_not_steer_the_terminal(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    paths = [tmp_path / name for name in NAMES.values()]
    for path in paths:
        path.write_text("neither this\nnor that\n")
    code, out, _ = etl(world, capsys, "detect", *paths)
    assert code == 0
    assert [line.endswith("\tunknown") for line in out.splitlines()] == [True] * len(paths)
    assert not STEERING.search(out.replace("\tunknown", ""))
    code, out, _ = etl(world, capsys, "detect", "--json", *paths)
    assert [item["file"] for item in json.loads(out)] == list(map(str, paths))
    assert not STEERING.search(out)
    for name in NAMES.values():
        code, out, err = etl(world, capsys, "parse", tmp_path / f"{name}-none")
        assert code == 1
        assert out == "" and not STEERING.search(err) and len(err.splitlines()) == 1


def test_an_error_that_shows_log_content_is_one_harmless_line(tmp_path: Path) -> None:
    """Airflow logs the text of the error, the command line prints it: both have it from the error itself."""
    failing = World(tmp_path)
    failing.configure(SOURCES.replace("share = 1.0", "share = 0.0, lines = 0"))
    for number, text in enumerate(NAMES.values()):
        failing.land(
            f"web/2026/11/22/10/{text.replace('/', '_')}{number}.log", [json.dumps({"time": text, "url_path": "/"})]
        )
    with pytest.raises(EtlError) as raised:
        failing.run("web", HOUR)
    said = str(raised.value)
    assert "1 x event_time: " in said and ".log:1" in said
    assert not STEERING.search(said) and "\n" not in said


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_query_that_fails_is_quoted_harmlessly(world: World, capsys: pytest.CaptureFixture[str], text: str) -> None:
    code, out, err = etl(world, capsys, "sql", f"SELECT error($hostile${text}$hostile$)")
    assert (code, out) == (2, "")
    assert not STEERING.search(err)


class Structure(HTMLParser):
    """Elements with their attributes in order, apart from the text between them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, Any]] = []
        self.text = ""

    def without_numbers(self) -> set[str]:
        """Apart from the shapes and colours of charts, and from numbers."""
        plain = (re.sub(r"\('d', '[-MhvLZ\d., ]*'\)|var\(--[a-z]+\)", "drawn", str(item)) for item in self.found)
        return {re.sub(r"[\d.]+", "0", text) for text in plain}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        self.found.append((f"/{tag}", None))

    def handle_comment(self, data: str) -> None:
        self.found.append(("comment", data))

    def handle_decl(self, decl: str) -> None:
        self.found.append(("declaration", decl))

    def handle_data(self, data: str) -> None:
        self.text += data


def report(world: World, capsys: pytest.CaptureFixture[str], path: Path) -> Structure:
    code, _, err = etl(world, capsys, "report", "traffic", "--from", HOUR, "--to", HOUR, "-o", path)
    assert code == 0 and not STEERING.search(err)
    html = path.read_text(encoding="utf-8")
    assert not STEERING.search(html)
    structure = Structure()
    structure.feed(html)
    structure.close()
    return structure


def test_no_element_attribute_or_address_of_a_report_comes_from_a_log(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The report over hostile texts has no element and no attribute that one over harmless texts has not."""
    (tmp_path / "harmless").mkdir()
    harmless = lake_of(tmp_path / "harmless", [f"/{number}" for number in range(len(HOSTILE))], "web")
    found = report(world, capsys, tmp_path / "hostile [bold].html")
    known = report(harmless, capsys, tmp_path / "harmless.html").without_numbers()
    assert found.without_numbers() <= known
    shown = [text for text in HOSTILE.values() if text in found.text]
    assert len(shown) >= 5 and any("<script>" in text or "onmouseover" in text for text in shown)
    assert not {tag for tag, _ in found.found} & {"script", "a", "img", "iframe", "link", "form", "object", "base"}


def test_a_report_forbids_scripts_and_every_other_source(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = report(world, capsys, tmp_path / "report.html").found
    [policy] = [dict(attrs)["content"] for tag, attrs in found if tag == "meta" and ("http-equiv", "Content-Security-Policy") in attrs]  # fmt: skip
    directives = dict(part.split(maxsplit=1) for part in policy.split("; "))
    assert directives == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
