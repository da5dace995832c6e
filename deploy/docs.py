"""``docs/formats.md`` and ``docs/schema.md`` from what they describe: SQL headers, ``etl/schema.py`` and the lake's views.

python -m deploy.docs            write them
python -m deploy.docs --check    exit code 1 where one of them is stale
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from etl.config import Settings, Source
from etl.io.catalog import view_types
from etl.io.statements import DECLARED, Statement, Statements, load_statements
from etl.io.workspace import workspace
from etl.schema import BOOKS, DATASETS, DIMENSIONS, ENVELOPE, LEDGER, QUARANTINE, REVISIONS, Column, columns
from etl.stages.parse import given_columns, parse_file

DOCS = Path(__file__).absolute().parent.parent / "docs"
_NOTE = "<!-- Written by `python -m deploy.docs`; a change made here is lost. -->\n"
_SAMPLE_TIME = datetime(2026, 11, 22, 13, tzinfo=UTC).timestamp()
_NOT_SHOWN = {column.name for column in ENVELOPE} - {"event_time", "time_basis", "parse_status", "attributes"}


def formats_page(statements: Statements) -> str:
    """The page of all formats: header, and what the sample becomes."""
    listed = sorted(statements.formats.values(), key=lambda item: (item.dataset, item.name))
    every = {item.name: ", ".join(f"`{name}`" for name in item.datasets) for item in listed}
    parts = [
        _NOTE,
        "# Formats\n",
        "One file in `sql/formats/` is one format. `format = \"auto\"` in `sources.toml`, `etl parse` and `etl detect` try\n"
        "all of them on the first lines of each object. [Recipes](recipes.md) shows how to add one.\n",
        _table(("Format", "What it reads", "Dataset"), [(f"[{i.name}](#{i.name})", i.header["title"], every[i.name]) for i in listed]),
    ]  # fmt: skip
    for item in listed:
        parts += [f"## {item.name}\n", f"{item.header['title']}. Dataset: {every[item.name]}.\n"]
        if limits := item.header.get("limits"):
            parts.append(f"Limits: {limits.replace('<', '&lt;')}.\n")
        parts += [text for key, text in _CUTS.items() if key in item.header]
        if item.options:
            parts.append(_table(("Option", "Meaning"), [(f"`{name}`", text) for name, text in item.options.items()]))
        if item.dataset != DECLARED:
            filled = [f"`{name}`" for name in _filled(item)]
            parts.append(f"Columns it fills: {', '.join(filled)}.\n")
        parts.append(f"```text\n{item.header['sample']}\n```\n")
        if item.dataset != DECLARED:
            rows = [(name, _shown(value)) for name, value in _parsed_sample(item).items()]
            parts.append(_table(("Column", "Value"), rows))
    return "\n".join(parts)


def schema_page(statements: Statements) -> str:
    """The page of all columns: datasets, quarantine, books, dimensions, metrics; then checks and reports."""
    parts = [
        _NOTE,
        "# Schema\n",
        "Names follow the OpenTelemetry semantic conventions with dots as underscores; units stand in names. Every time is\n"
        "`TIMESTAMP`: UTC without a zone, in microseconds. NULL means that the line does not say it. The views are those of\n"
        "`etl sql` and `etl.connect()`; Hive columns (`event_date`, `event_hour`, …) come with them.\n",
        "## Every event\n",
        "These columns open every dataset.\n",
        _columns(ENVELOPE),
    ]
    for dataset, own in DATASETS.items():
        parts += [f"## events_{dataset}\n", _columns(own)]
    parts += ["## quarantine\n", "One row for each rejected record.\n", _columns(QUARANTINE)]
    views = view_types(statements)
    parts += ["## ledger\n", "One row for each raw object: its account. It closes:\n"
              "`lines + joined_in = row_lines + quarantined + ignored + joined_out`.\n", _meanings(views["ledger"], LEDGER)]  # fmt: skip
    parts += ["## books\n", "One row for each published partition, from the metadata of its file. It closes:\n"
              "`staged = rows + duplicates`.\n", _meanings(views["books"], BOOKS)]  # fmt: skip
    parts += ["## revisions\n", "One row for each change of a published partition.\n", _meanings(views["revisions"], REVISIONS)]  # fmt: skip
    for name, dimension in statements.dimensions.items():
        view, column = dimension.values
        parts += [f"## {name}\n", f"{_sentence(dimension.header['title'])} One row for each `{column}` of `{view}`; `etl enrich` looks up those that are new.\n", _columns(DIMENSIONS[name])]  # fmt: skip
    for metric in statements.metrics.values():
        grain = ", ".join(f"`{column}`" for column in metric.grain)
        given = [(f"`{name}`", f"`{kind}`") for name, kind in views[f"metrics_{metric.name}"].items()]
        parts += [
            f"## metrics_{metric.name}\n",
            f"{_sentence(metric.header['title'])} From {', '.join(f'`events_{name}`' for name in metric.datasets)}. One row for each {grain}.\n",
            _table(("Column", "Type"), given),
        ]
    checks = [
        (f"`{item.name}`", item.header["title"], _names(item.header["reads"])) for item in statements.checks.values()
    ]
    parts += [
        "## Checks\n",
        "A row that one of these returns fails the run.\n",
        _table(("Check", "What holds", "Reads"), checks),
    ]
    reports = [(f"`{item.name}`", ", ".join(item.queries[name].header["title"] for name in item.shown)) for item in statements.reports.values()]  # fmt: skip
    parts += ["## Reports\n", _table(("Report", "Tables"), reports)]
    return "\n".join(parts)


_CUTS = {
    "record_start": "A record may have several lines.\n",
    "continues": "A record may have several lines.\n",
    "heading": "Lines are read as the last directive, or the first line, before them says.\n",
    "elements": "Records are the elements of a JSON document, or JSON objects one after another.\n",
    "framing": "RFC 6587 octet counts are accepted.\n",
}


def _filled(statement: Statement) -> list[str]:
    """The columns a format gives, beside those that every row has."""
    with workspace(Settings("", {}, Path.cwd())) as space:
        given = given_columns(space, statement)
    known = dict.fromkeys(column.name for dataset in statement.datasets for column in columns(dataset))
    return [
        name
        for name in known
        if name in given and name not in {"event_time", "time_basis", "parse_status", "attributes"}
    ]


def _parsed_sample(statement: Statement) -> dict[str, Any]:
    """What the pipeline makes of a format's sample line: the columns that are not NULL."""
    source = Source(name="sample", raw="./", format=statement.name, service_name="sample")
    with tempfile.TemporaryDirectory() as folder, workspace(Settings("", {}, Path.cwd())) as space:
        path = Path(folder) / "sample.log"
        path.write_text(statement.header["sample"] + "\n", encoding="utf-8")
        # what a line does not say comes from its file: the page must not depend on the day it is written
        os.utime(path, (_SAMPLE_TIME, _SAMPLE_TIME))
        records = list(parse_file(space, source, path, "sample.log"))
    kind, record = records[0]
    if kind != "row":
        raise SystemExit(
            f"{statement.path}: its own sample is rejected: {record['reject_reason']}; correct one of them"
        )
    return {name: value for name, value in record.items() if name not in _NOT_SHOWN and value not in (None, {})}


def _columns(listed: Iterable[Column]) -> str:
    return _table(
        ("Column", "Type", "Meaning", "Origin"),
        [(f"`{item.name}`", f"`{item.type}`", item.meaning, item.origin) for item in listed],
    )


def _meanings(types: dict[str, str], meanings: dict[str, str]) -> str:
    if set(types) != set(meanings):
        raise SystemExit(f"deploy/docs.py: describe these columns, and no others: {sorted(set(types) ^ set(meanings))}")
    return _table(("Column", "Type", "Meaning"), [(f"`{name}`", f"`{types[name]}`", meanings[name]) for name in types])


def _names(listed: str) -> str:
    return ", ".join(f"`{name.strip()}`" for name in listed.split(","))


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _shown(value: object) -> str:
    return f"`{value:%Y-%m-%d %H:%M:%S.%f}`" if isinstance(value, datetime) else f"`{value}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def pages() -> dict[Path, str]:
    """Path → text of every generated page."""
    statements = load_statements()
    return {DOCS / "formats.md": formats_page(statements), DOCS / "schema.md": schema_page(statements)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages; with ``--check`` only compare: the exit code is 1 where one is stale."""
    parser = argparse.ArgumentParser(prog="python -m deploy.docs", description="Write the generated pages of docs/.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 where a page is stale")
    options = parser.parse_args(arguments)
    made = pages()
    stale = [path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        if options.check:
            print(f"{path}: stale; run python -m deploy.docs", file=sys.stderr)
        else:
            path.write_text(made[path], encoding="utf-8")
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
