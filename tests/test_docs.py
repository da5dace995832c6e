"""What the documentation says is so: pages are current, examples run, names exist."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import docs
from etl import cli
from etl.config import Settings, Source
from etl.schema import REVISIONS

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "benchmarks/README.md", *(ROOT / "docs").glob("*.md")]
)
FENCE = re.compile(r"^```(?P<kind>\w*)(?: file=(?P<file>\S+))?\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
FILE_IN_CODE = re.compile(
    r"(?:etl|sql|dags|deploy|docs|tests|benchmarks)/[\w./-]+|[\w-]+\.(?:toml|lock|yml|md)|Makefile"
)
MADE_BY_USER = {"sources.toml", "case.toml"}

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def fenced(page: Path) -> Iterator[re.Match[str]]:
    yield from FENCE.finditer(page.read_text(encoding="utf-8"))


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def table(page: str, heading: str) -> dict[str, list[str]]:
    """First cell (without backticks) → other cells, of the first table below a heading."""
    section = (ROOT / page).read_text(encoding="utf-8").split(f"# {heading}\n", 1)[1]
    rows = re.search(r"^\|.*?\n(?=\n|\Z)", section, re.MULTILINE | re.DOTALL)
    assert rows, f"{page}: no table below {heading!r}"
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in rows[0].splitlines()[2:]]
    return {row[0].strip("`"): row[1:] for row in cells}


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page: Path) -> list[tuple[int, list[str]]]:
    """(line, words) of each `etl …` command in the fenced blocks of a page."""
    found = []
    text = page.read_text(encoding="utf-8")
    for block in fenced(page):
        if block["kind"] in ("console", "sh"):
            first = text[: block.start("body")].count("\n") + 1
            body = block["body"].replace("\\\n", "  ")
            for number, line in enumerate(body.splitlines()):
                words = shlex.split(line.removeprefix("$ "), comments=True) if re.match(r"(\$ )?etl ", line) else []
                if words:
                    found.append((first + number, words[1 : words.index("|") if "|" in words else None]))
    return found


def test_the_generated_pages_are_current() -> None:
    for path, text in docs.pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: stale; run python -m deploy.docs"


@every_page
def test_every_command_parses(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line, words in commands(page):
        try:
            cli._parser().parse_args(words)
        except SystemExit:
            pytest.fail(f"{page.name}:{line}: etl {' '.join(words)}: {capsys.readouterr().err}")


def test_the_readme_lists_the_commands_there_are() -> None:
    action = next(item for item in cli._parser()._actions if isinstance(item, argparse._SubParsersAction))
    assert [name.removeprefix("etl ") for name in table("README.md", "Commands")] == list(action.choices)


def test_operations_lists_the_keys_of_a_source() -> None:
    assert list(table("docs/operations.md", "Keys of a source")) == [
        name for name in Source.__dataclass_fields__ if name != "name"
    ]


def test_operations_lists_the_keys_of_the_file() -> None:
    assert set(table("docs/operations.md", "Keys of the file")) == set(Settings.__dataclass_fields__) - {"path"}


def test_a_reason_of_a_revision_is_in_the_comment_of_its_column() -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    (told,) = re.findall(r"^A \*\*revision\*\* is .*?\. Reports", page, re.MULTILINE | re.DOTALL)
    assert [reason for reason in re.findall(r"`(\w+)`", told) if reason not in REVISIONS["reason"]] == []


def test_operations_gives_the_defaults_there_are() -> None:
    source = Source(name="x", raw="x/")
    for key, (default, *_) in table("docs/operations.md", "Keys of a source").items():
        value = getattr(source, key)
        if isinstance(value, int):
            assert default == f"`{value}`", key


def test_operations_lists_the_environment_variables_that_are_read() -> None:
    code = "\n".join(
        path.read_text() for folder in ("etl", "dags", "benchmarks") for path in (ROOT / folder).rglob("*.py")
    )
    read = set(re.findall(r"LOGBUCKET_[A-Z_]*[A-Z]", code)) - {"LOGBUCKET_SOURCES"}
    named = {name for name in table("docs/operations.md", "Environment variables") if name.startswith("LOGBUCKET_")}
    assert {name for name in named if "<" not in name} == read


@every_page
def test_every_environment_variable_named_is_read_somewhere(page: Path) -> None:
    known = "\n".join(
        path.read_text(encoding="utf-8")
        for path in [
            *ROOT.glob("etl/**/*.py"),
            *ROOT.glob("deploy/*"),
            *ROOT.glob("benchmarks/*.py"),
            ROOT / "docker-compose.yml",
        ]
        if path.is_file()
    )
    for name in set(re.findall(r"\b(?:LOGBUCKET|AIRFLOW)_[A-Z][A-Z_]*[A-Z]", page.read_text(encoding="utf-8"))):
        if not name.startswith("LOGBUCKET_SOURCES__"):
            assert name in known, f"{page.name} names {name}, which nothing reads"


@every_page
def test_every_file_named_exists(page: Path) -> None:
    for code in CODE.findall(prose(page)):
        for name in FILE_IN_CODE.findall(code):
            if name in MADE_BY_USER or code.startswith(("s3://", "<lake>", "my-sql")) or "<" in code:
                continue
            assert (ROOT / name).exists(), f"{page.name} names {name}, which does not exist"


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([\w-]*))?\)", prose(page)):
        if not target.startswith("http"):
            there = page.parent / target if target else page
            assert there.exists(), f"{page.name} links to {target}, which does not exist"
            assert not anchor or anchor in anchors(there), f"{page.name} links to {target}#{anchor}: no such heading"


@every_page
def test_every_make_target_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^|\$ )make (\w+)", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= targets


def test_the_recipes_run_and_print_what_they_say(tmp_path: Path) -> None:
    page = ROOT / "docs/recipes.md"
    env = {name: value for name, value in os.environ.items() if not name.startswith("LOGBUCKET_")}
    env["PYTHONPATH"] = str(ROOT)
    ran = 0
    for block in fenced(page):
        if block["file"]:
            target = tmp_path / block["file"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block["body"], encoding="utf-8")
        elif block["kind"] == "console":
            for step in re.split(r"^\$ ", block["body"], flags=re.MULTILINE)[1:]:
                command, _, expected = step.partition("\n")
                words = shlex.split(command)
                assert words[0] == "etl"
                done = subprocess.run(
                    [sys.executable, "-m", "etl.cli", *words[1:]],
                    cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120,
                )  # fmt: skip
                assert done.returncode == 0, f"{command}\n{done.stderr}"
                if expected.strip():
                    assert done.stdout.replace("\r\n", "\n") == expected, command
                ran += 1
    assert ran == 6
    assert '"source_line": 3' in (tmp_path / "rejects.jsonl").read_text()
    report = (tmp_path / "networks.html").read_text()
    assert re.search(r"203\.0\.113\.0/24</span></th>\s*<td>2</td>\s*<td>6\.0 kB</td>", report)
    assert "2 requests, 67%" in report and "Network 203.0.113.0/24." in report and report.count('class="mark"') == 2


def test_every_fault_names_the_test_that_injects_it() -> None:
    page = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    files = {
        path: set(re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE))
        for path in (ROOT / "tests/faults").glob("test_*.py")
    }
    known = set().union(*files.values())
    assert named <= known, f"docs/reliability.md: no such tests: {sorted(named - known)}"
    silent = [path.name for path, tests in files.items() if not tests & named]
    assert silent == [], f"docs/reliability.md: name what {silent} prove"
