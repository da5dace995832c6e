"""``make demo``: logs, a real Airflow, a backfill through its REST API, and the closed books at the end."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.client import AirflowError
from deploy.local import HOME, ROOT, LocalAirflow
from etl.cli import print_books, print_table
from etl.config import Settings, Source, load
from etl.errors import EtlError
from etl.io.engine import rows
from etl.io.snapshot import snapshot
from etl.io.statements import load_statements
from etl.io.store import open_store
from etl.io.workspace import workspace
from etl.model.hours import HOUR, format_hour, parse_hour, to_hour
from etl.simulate import simulate
from etl.stages.parse import UNKNOWN, detect
from etl.stages.report import has_data, write
from etl.stages.status import status

START, HOURS, LINES_PER_HOUR, SEED = "2026-11-22T00", 6, 2000, 7
FOLDER = Path("demo-data")
_TIMEOUT_SECONDS = 1800
_console = Console()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; 0 only if every backfill run succeeded, the books close, and simulated counts match."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--logs", type=Path, help="a file or folder of your own logs, of any age")
    parser.add_argument("--hours", type=int, default=HOURS)
    options = parser.parse_args(arguments)
    try:
        if options.logs:
            root, first, last = _own_logs(options.logs)
        else:
            root, first, last = _simulated(options.hours)
        settings = load(root / "sources.toml")
        _backfill(root, settings, first, last)
        return _show(root, settings, first, last)
    except (EtlError, AirflowError) as error:
        _console.print(f"demo failed: {error}", style="red", markup=False, soft_wrap=True)
        return 1


def _simulated(hours: int) -> tuple[Path, str, str]:
    root = _fresh(FOLDER / "simulated")
    start = parse_hour(START)
    truth = simulate(root, start=start, hours=hours, lines_per_hour=LINES_PER_HOUR, seed=SEED)
    lines = sum(source.lines for source in truth.sources.values())
    _console.print(
        f"Simulated {lines:,} lines of {len(truth.sources)} sources over {hours} hours: {_relative(root)}/raw",
        highlight=False,
        soft_wrap=True,
    )
    return root, START, format_hour(start + (hours - 1) * HOUR)


def _own_logs(logs: Path) -> tuple[Path, str, str]:
    """Link the files into the landing layout, one source per detected format, all in one landing hour."""
    if not logs.exists():
        raise EtlError(f"{logs}: no such file or folder; expected LOGS=<a folder of log files>")
    candidates = [logs] if logs.is_file() else logs.rglob("*")
    files = sorted(path for path in candidates if path.is_file() and not path.name.startswith("."))
    root = _fresh(FOLDER / "logs")
    landing = to_hour(datetime.now(UTC)) - HOUR
    formats: Counter[str] = Counter()
    with workspace(Settings("", {}, root)) as space:
        source = Source(name="detect", raw="./")
        for path in files:
            if not os.access(path, os.R_OK):
                _console.print(f"left out, not readable: {path}", style="yellow", markup=False, soft_wrap=True)
                continue
            name = detect(space, source, path)
            formats[name] += 1
            if name == UNKNOWN:
                lines = _count_lines(path)
                _console.print(
                    f"left out, format not recognised: {path} ({lines} lines)",
                    style="yellow",
                    markup=False,
                    soft_wrap=True,
                )
                continue
            link = (
                root
                / "raw"
                / _source_of(name)
                / f"{landing:%Y/%m/%d/%H}"
                / path.relative_to(logs if logs.is_dir() else logs.parent)
            )
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path.resolve())
    found = sorted(set(formats) - {UNKNOWN})
    if not found:
        known = ", ".join(load_statements().formats)
        raise EtlError(f"{logs}: none of its {len(files)} files is in a known format; known are {known}")
    hour = format_hour(landing)
    tables = [_OWN_SOURCE.format(name=_source_of(name), format=name, start=hour) for name in found]
    (root / "sources.toml").write_text('lake = "lake"\n' + "".join(tables), encoding="utf-8")
    _console.print(f"Detected {', '.join(f'{name}: {formats[name]} files' for name in found)}", highlight=False)
    return root, hour, hour


_OWN_SOURCE = """
[sources.{name}]
raw = "raw/{name}/%Y/%m/%d/%H/"
format = "{format}"
start = "{start}"
end = "{start}"
shards = 2
look_back_hours = 0
max_lateness_days = 36500
quarantine_limit = {{ share = 1.0, lines = 0 }}
"""


def _source_of(label: str) -> str:
    """A source's name for a format such as ``docker/logback``."""
    return label.replace("/", "_")


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder.absolute()


def _count_lines(path: Path) -> int:
    data = path.read_bytes()
    return data.count(b"\n") + (1 if data and not data.endswith(b"\n") else 0)


def _backfill(root: Path, settings: Settings, first: str, last: str) -> None:
    """Backfill every source over the landing hours first..last; raises AirflowError if a run fails."""
    dags = [f"ingest_{name}" for name in settings.sources]
    _console.print("Starting Airflow (SQLite, LocalExecutor) …", highlight=False)
    began = time.monotonic()
    with LocalAirflow(root / HOME, ROOT / "dags", settings.path) as airflow:
        _console.print(f"Airflow is up at {airflow.url} after {time.monotonic() - began:.0f} s", highlight=False)
        client = airflow.client
        client.wait_for_dags(dags)
        hours = 1 + int((parse_hour(last) - parse_hour(first)) / HOUR)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("runs"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=_console) as progress:
            bars = {dag: progress.add_task(dag, total=hours) for dag in dags}

            def show(states: Mapping[str, Counter[str]]) -> None:
                for dag, counts in states.items():
                    progress.update(bars[dag], completed=counts["success"] + counts["failed"])

            states = client.backfill(dags, first, last, _TIMEOUT_SECONDS, on_progress=show)
    for dag, counts in states.items():
        if counts["success"] != hours:
            raise AirflowError(f"{dag}: {dict(counts)}; expected {hours} successful runs")


def _show(root: Path, settings: Settings, first: str, last: str) -> int:
    books = status(settings)
    _console.print(
        "\n[bold]Books[/bold]: lines = rows + continuation lines + quarantined + ignored; staged = published + duplicates"
    )
    print_books(books)
    faults = [f"the books of {item['source']} do not close" for item in books if not item["closed"]]
    if (root / "truth.json").exists():
        wrong = _compare(settings, root, books)
        faults += wrong
        if not wrong:
            _console.print("The published counts equal the simulator's true counts, per event hour.", style="green")
    else:
        _per_file(settings)
    _metrics(settings)
    config = _relative(settings.path)
    _console.print("\n[bold]Reports[/bold]")
    for path in _reports(settings):
        _console.print(f"  {_relative(path)}", markup=False, highlight=False, soft_wrap=True)
    _console.print("\nGo on with")
    for command in (
        f".venv/bin/etl --config {config} status",
        f'.venv/bin/etl --config {config} sql "SELECT * FROM {_busiest_view(books, settings)} LIMIT 5"',
        f"make up CONFIG={config}      # the Airflow UI",
    ):
        _console.print(f"  {command}", markup=False, highlight=False, soft_wrap=True)
    for fault in faults:
        _console.print(f"demo failed: {fault}", style="red", markup=False)
    return 1 if faults else 0


def _compare(settings: Settings, root: Path, books: list[dict[str, Any]]) -> list[str]:
    """What differs from the counts that the simulator kept while it wrote."""
    truth = json.loads((root / "truth.json").read_text())["sources"]
    wrong = []
    with snapshot(settings.lake, load_statements(), ["books"]) as connection:
        for item in books:
            name, true = item["source"], truth[item["source"]]
            expected = {
                "objects": true["objects"],
                "lines": true["lines"],
                "rows": true["rows"],
                "quarantined": true["quarantined_lines"],
                "ignored": true["ignored_lines"],
                "duplicates": true["duplicates"],
                "published": true["published"],
            }
            wrong += [
                f"{name}: {key} {item[key]}, true {value}" for key, value in expected.items() if item[key] != value
            ]
            found = rows(connection, "SELECT hour_start, rows FROM books WHERE source_name = $name", {"name": name})
            hours = {format_hour(row["hour_start"]): row["rows"] for row in found}
            if hours != true["published_by_event_hour"]:
                wrong.append(f"{name}: published by event hour {hours}, true {true['published_by_event_hour']}")
    return wrong


def _per_file(settings: Settings) -> None:
    sql = r"""SELECT source_name AS source, regexp_replace(key, '^(\d+/){4}', '') AS file, lines, rows, quarantined, ignored,
        partial AS "rows that are partial" FROM ledger ORDER BY source, file"""
    with snapshot(settings.lake, load_statements(), ["ledger"]) as connection:
        found = rows(connection, sql)
    _console.print("\n[bold]Files[/bold]")
    _table(found)


def _metrics(settings: Settings) -> None:
    queries = {
        "traffic_hourly": "SELECT hour_start, http_response_status_class, is_bot, requests, bytes, visitors FROM metrics_traffic_hourly",
        "error_hourly": "SELECT hour_start, errors, exception_type, message_template FROM metrics_error_hourly",
        "event_hourly": "SELECT hour_start, event_name, events, users FROM metrics_event_hourly",
        "path_hourly": "SELECT hour_start, url_path, is_bot, requests, visitors FROM metrics_path_hourly",
    }
    shown = 0
    with snapshot(settings.lake, load_statements(), [f"metrics_{name}" for name in queries]) as connection:
        for name, query in queries.items():
            found = rows(connection, f"FROM ({query}) ORDER BY ALL LIMIT 5")
            if found and shown < 2:
                shown += 1
                _console.print(f"\n[bold]metrics_{name}[/bold], first rows")
                _table(found)


def _reports(settings: Settings) -> list[Path]:
    """Those that have something to show; of the event hours that people look at, or of all where there is no web traffic."""
    sql = """SELECT min(hour_start) AS first, max(hour_start) AS last FROM books
        WHERE dataset = 'web_access' OR NOT EXISTS (FROM books WHERE dataset = 'web_access')"""
    with snapshot(settings.lake, load_statements(), ["books"]) as connection:
        period = rows(connection, sql)[0]
    first, last, lake = period["first"], period["last"], open_store(settings.lake)
    if first is None:
        return []
    names = sorted(settings.report_names, key=lambda name: (name != "traffic", name))
    return [
        Path(lake.uri(write(settings, name, first, last))) for name in names if has_data(settings, name, first, last)
    ]


def _busiest_view(books: list[dict[str, Any]], settings: Settings) -> str:
    name = max(books, key=lambda item: int(item["published"]))["source"]
    return f"events_{load_statements().labelled(settings.source(name).format)[1].dataset}"


def _relative(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _table(found: list[dict[str, Any]]) -> None:
    print_table(
        list(found[0]),
        [[f"{value:,}" if type(value) is int else str(value) for value in row.values()] for row in found],
    )


if __name__ == "__main__":
    sys.exit(main())
