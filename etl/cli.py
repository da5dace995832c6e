"""``etl``: everything the DAGs do, and more, on the command line. Data goes to stdout, progress to stderr."""

from __future__ import annotations

import argparse
import csv
import difflib
import json
import math
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from etl.config import Settings, Source, checked_encoding, checked_format, checked_zone, config_path, load
from etl.errors import ConfigError, EtlError
from etl.model.hours import format_hour, hours_between, parse_hour
from etl.schema import DATASETS
from etl.text import CONTROL, visible

# a spreadsheet skips blanks and quotes before it looks, and a careless reader takes a line of a cell for a row
_FORMULA = re.compile(r'(?m)^(?=[\s"]*[=+\-@＝＋－＠]|[\t\r])')
_SQL_FORMATS = ("table", "csv", "json", "parquet")
_NO_TABLE = re.compile(r"Table with name (\S+) does not exist")
_WIDTH_OF_PIPES = 180
# what fits a terminal; --json has all
_BOOK_COLUMNS = {
    "objects": (
        "landing_hour",
        "uri",
        "format",
        "lines",
        "rows",
        "quarantined",
        "ignored",
        "duplicates",
        "reject_reasons",
    ),
    "partitions": ("dataset", "hour_start", "staged", "rows", "duplicates", "slices", "landing_hours", "revision"),
}
_stderr = Console(stderr=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code: 0 ok, 1 failed, 2 usage or configuration, 3 quarantine over its limit."""
    options = _parser().parse_args(arguments)
    try:
        _require_order(options)
        return int(options.command(options) or 0)
    except EtlError as error:
        _stderr.print(f"etl: {visible(str(error))}", style="red", markup=False, highlight=False, soft_wrap=True)
        return error.exit_code
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="etl", description="Raw logs in, Parquet that people trust out.")
    parser.add_argument(
        "--config", type=Path, help="path of sources.toml (default: $LOGBUCKET_CONFIG or ./sources.toml)"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("parse", help="parse a file to JSON lines with the pipeline's own SQL")
    command.add_argument("file", nargs="?", default="-", help="a log file, - for standard input")
    command.add_argument(
        "--format", default="auto", help="a format, or docker/ or cri/ and a format (default: try them all)"
    )
    command.add_argument("--zone", default="UTC", help="IANA zone of timestamps without one")
    command.add_argument("--encoding", default="utf-8", help="of the text, such as latin-1 or big5")
    command.add_argument("--dataset", help="for formats that fit any dataset")
    command.add_argument(
        "--option", action="append", default=[], metavar="NAME=TEXT", help="an option of the format (repeatable)"
    )
    command.add_argument("--source", help="take all of this from a source of sources.toml")
    command.add_argument("--rejects", type=_output, metavar="FILE", help="write rejected records there as JSON lines")
    command.set_defaults(command=_parse)

    command = commands.add_parser("detect", help="name the format of files")
    command.add_argument("files", nargs="+", type=Path)
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=_detect)

    command = commands.add_parser("run", help="run all stages for landing hours, as a backfill would")
    command.add_argument("source")
    _add_hours(command, "landing hour")
    command.add_argument("--reprocess", action="store_true", help="read and build everything again")
    command.add_argument("--dry-run", action="store_true", help="say what would change, and write nothing")
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=_run)

    command = commands.add_parser("status", help="books, freshness and hours of every source")
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=_status)

    command = commands.add_parser("books", help="the accounts of raw objects and partitions")
    command.add_argument("source")
    _add_hours(command, "landing hour of objects, event hour of partitions")
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=_books)

    command = commands.add_parser("trace", help="from a row to its raw line, and to all it went into")
    command.add_argument("event_id", help="event_id of a row, or URI:LINE of a raw object")
    _add_hours(command, "landing hour to search", required=False)
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=_trace)

    command = commands.add_parser("replay", help="process landing hours with rejected lines again")
    command.add_argument("--source", required=True)
    _add_hours(command, "landing hour")
    command.add_argument("--reason", metavar="PATTERN", help="only hours with such a reject reason (RE2)")
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=_replay)

    command = commands.add_parser("revisions", help="published hours that changed, and why")
    command.add_argument("--since", type=_hour, metavar="HOUR", help="only changes made since then, UTC")
    command.add_argument("--source")
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=_revisions)

    command = commands.add_parser("audit", help="compare raw, ledger, slices, partitions and metrics by digest")
    command.add_argument("source", nargs="?", help="default: every source")
    _add_hours(command, "landing hour (default: all that late events may still reach)", required=False)
    command.add_argument("--repair", action="store_true", help="compute again what is wrong")
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=_audit)

    command = commands.add_parser("erase", help="anonymise all rows of a person, now and in every later run")
    command.add_argument(
        "--subject", required=True, metavar="KIND=VALUE", help="such as user_id=123 or email=a@example.org"
    )
    command.add_argument("--source", help="only from this source (default: every source)")
    command.add_argument("--dry-run", action="store_true", help="say what would change, and write nothing")
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=_erase)

    command = commands.add_parser("expire", help="remove what is older than its retention")
    command.add_argument("source", nargs="?", help="default: every source, and reports")
    command.add_argument("--day", type=_day, help="as of then, as 2026-11-22 (default: today, UTC)")
    command.add_argument("--dry-run", action="store_true", help="say what would go, and remove nothing")
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=_expire)

    command = commands.add_parser("drill", help="rebuild a published partition from raw in a scratch lake and compare")
    command.add_argument("source")
    command.add_argument(
        "--partition", metavar="DATASET/HOUR", help="such as web_access/2026-11-22T13 (default: a random one)"
    )
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=_drill)

    command = commands.add_parser("watch", help="whether every source has been run lately")
    command.add_argument("--hours", type=int, default=3, help="how late a run may be (default: %(default)s)")
    command.add_argument("--at", type=_hour, metavar="HOUR", help="as of then, UTC (default: now)")
    command.add_argument("--tell", action="store_true", help="tell the channels what changed, as the DAG watchdog does")
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=_watch)

    command = commands.add_parser("digest", help="tell the channels what is new after a landing hour, and what is over")
    command.add_argument("source", nargs="?")
    command.add_argument("--all", action="store_true", help="every source")
    command.add_argument("--hour", type=_hour, help="landing hour, UTC (default: the newest that was run)")
    command.add_argument("--backfill", action="store_true", help="only note that the hour was backfilled")
    command.add_argument("--dry-run", action="store_true", help="show what would be told; send and store nothing")
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=_digest)

    command = commands.add_parser("sql", help="query a snapshot of the lake")
    command.add_argument(
        "query", help="SQL over events_<dataset>, metrics_<name>, quarantine, ledger, books, revisions"
    )
    command.add_argument("--format", choices=_SQL_FORMATS, help="default: as the name of the output ends, else table")
    command.add_argument("-o", "--output", type=_output, help="file to write (needed for parquet)")
    _add_hours(command, "hour", required=False)
    command.set_defaults(command=_sql)

    command = commands.add_parser("catalog", help="write catalog.duckdb: the lake as views, for DuckDB of any origin")
    command.add_argument("-o", "--output", type=Path, help="a local file (default: catalog.duckdb in the lake)")
    command.set_defaults(command=_catalog)

    command = commands.add_parser(
        "enrich", help="look user agents and networks up in lists: the views agents and networks"
    )
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=_enrich)

    command = commands.add_parser("report", help="render a report")
    command.add_argument("report")
    _add_hours(command, "event hour")
    command.add_argument("-o", "--output", type=_output, required=True)
    command.set_defaults(command=_report)

    command = commands.add_parser("simulate", help="write realistic logs with their true counts")
    command.add_argument("folder", type=Path)
    command.add_argument("--hours", type=int, default=6)
    command.add_argument("--lines-per-hour", type=int, default=2000)
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--start", default="2026-11-22T00", help="first landing hour (default: %(default)s)")
    command.set_defaults(command=_simulate)

    command = commands.add_parser("doctor", help="try what the stores of sources.toml can do")
    command.add_argument("uri", nargs="?", help="a store to write to instead: a folder or s3://bucket/prefix")
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=_doctor)

    command = commands.add_parser("archive", help="copy raw objects of landing hours to an archive, with manifests")
    command.add_argument("source")
    _add_hours(command, "landing hour")
    command.add_argument("--to-archive", required=True, metavar="URI", help="a folder or s3://bucket/prefix")
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=_archive)

    command = commands.add_parser("restore", help="put archived raw objects back where they are missing")
    command.add_argument("source")
    _add_hours(command, "landing hour")
    command.add_argument("--archive", required=True, metavar="URI", help="where `etl archive` copied them to")
    command.add_argument("--into", metavar="URI", help="where to put them (default: where the source's raw begins)")
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=_restore)
    return parser


def _add_hours(command: argparse.ArgumentParser, what: str, *, required: bool = True) -> None:
    for option, name in (("--from", "first"), ("--to", "last")):
        command.add_argument(
            option, dest=name, type=_hour, required=required, metavar="HOUR",
            help=f"{name} {what}, UTC, included, as 2026-11-22T00",
        )  # fmt: skip


def _hour(text: str) -> datetime:
    try:
        return parse_hour(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _require_order(options: argparse.Namespace) -> None:
    first, last = getattr(options, "first", None), getattr(options, "last", None)
    if first and last and first > last:
        raise _usage(f"--from {format_hour(first)} is after --to {format_hour(last)}; expected an earlier hour")


def _output(text: str) -> Path:
    """A file that can be written: found out before the work, not after it."""
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a folder; expected a file, such as {path / 'out'}")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r}: no such folder {str(path.parent)!r}; make it first")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text!r} may not be written by this user; expected a file elsewhere")
    return path


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day; write it as 2026-11-22") from None


def _settings(options: argparse.Namespace) -> Settings:
    return load(options.config)


def _parse(options: argparse.Namespace) -> int:
    from etl.io.workspace import workspace
    from etl.stages.parse import parse_file

    settings, source = _parse_source(options)
    with tempfile.TemporaryDirectory() as folder, workspace(settings) as space:
        path, uri = Path(options.file), options.file
        if options.file == "-":
            path, uri = Path(folder) / "stdin", "-"
            path.write_bytes(sys.stdin.buffer.read())
        rows, rejects = 0, 0
        with (options.rejects or Path("/dev/null")).open("w", encoding="utf-8") as sink:
            for kind, record in parse_file(space, source, path, uri):
                if kind == "row":
                    rows += 1
                    print(_json(record))
                else:
                    rejects += 1
                    print(_json(record), file=sink)
    _stderr.print(f"{rows} rows, {rejects} rejected records", highlight=False)
    return 0


def _parse_source(options: argparse.Namespace) -> tuple[Settings, Source]:
    if options.source:
        settings = _settings(options)
        return settings, settings.source(options.source)
    if options.dataset is not None and options.dataset not in DATASETS:
        raise ConfigError("--dataset", options.dataset, f"one of {', '.join(DATASETS)}")
    given = [text.partition("=") for text in options.option]
    for name, separator, _ in given:
        if not separator:
            raise ConfigError("--option", name, "NAME=TEXT, such as delimiter=;")
    source = Source(
        name="parse",
        raw="./",
        format=checked_format("--format", options.format),
        zone=checked_zone("--zone", options.zone),
        service_name="parse",
        dataset=options.dataset,
        encoding=checked_encoding("--encoding", options.encoding),
        options=tuple((name, value) for name, _, value in given),
    )
    return _with_own_sql(options), source


def _with_own_sql(options: argparse.Namespace) -> Settings:
    """Settings without sources, but with the SQL folders of sources.toml where there is one."""
    path = options.config or config_path()
    return Settings("", {}, Path.cwd(), load(path).sql if options.config or path.exists() else ())


def _detect(options: argparse.Namespace) -> int:
    from etl.io.workspace import workspace
    from etl.stages.parse import best, scores

    source = Source(name="detect", raw="./", service_name="detect")
    found = []
    with workspace(_with_own_sql(options)) as space:
        for path in options.files:
            if not path.is_file():
                raise EtlError(
                    f"{path}: {'not a regular file' if path.exists() else 'no such file'}; expected a log file"
                )
            tried = scores(space, source, path)
            name = best(space, tried)
            found.append({"file": str(path), "format": name, "score": round(tried.get(name, 0.0), 4)})
    if options.json:
        print(_json(found))
    else:
        for item in found:
            print(visible(f"{item['file']}"), item["format"], sep="\t")
    return 0


def _run(options: argparse.Namespace) -> int:
    from etl.stages.run import run

    settings = _settings(options)
    settings.source(options.source)
    hours = [format_hour(hour) for hour in hours_between(options.first, options.last)]
    if options.dry_run:
        return _preview(options, settings, hours)
    books = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_stderr, disable=not _stderr.is_terminal) as progress:
        task = progress.add_task(options.source, total=len(hours))
        for hour in hours:

            def show(step: str, hour: str = hour) -> None:
                progress.update(task, description=f"{options.source} {hour} {step}")

            books.append(
                {
                    "landing_hour": hour,
                    **run(settings, options.source, hour, reprocess=options.reprocess, progress=show),
                }
            )
            progress.advance(task)
    if not any(book["objects"] for book in books):
        hint = visible(_nothing_landed(settings.source(options.source), options.first))
        _stderr.print(hint, markup=False, highlight=False, soft_wrap=True)
    if options.json:
        print(json.dumps(books, default=_plain))
    else:
        print_table(list(books[0]), [[_shown(value) for value in record.values()] for record in books])
    return 0


def _nothing_landed(source: Source, first: datetime) -> str:
    below = f"{source.raw_root.rstrip('/')}/{first.strftime(source.raw_template)}"
    when = "" if source.lands_by_key else ", last modified in these hours"
    return f"no raw object landed in these hours: expected them below {below}{when}"


def _preview(options: argparse.Namespace, settings: Settings, hours: list[str]) -> int:
    from etl.stages.preview import preview

    found = preview(settings, options.source, hours, reprocess=options.reprocess, progress=_tell)
    if options.json:
        print(_json(found))
        return 0
    for name, records in found.items():
        print_records(f"{name} that would change", records)
    return 0


def _tell(step: str) -> None:
    if _stderr.is_terminal:
        _stderr.print(step, style="dim", highlight=False, markup=False)


def _books(options: argparse.Namespace) -> int:
    from etl.stages.status import books

    settings = _settings(options)
    found = books(settings, options.source, options.first, options.last)
    if options.json:
        print(_json(found))
        return 0
    for name, shown in _BOOK_COLUMNS.items():
        print_records(name, [{column: record[column] for column in shown} for record in found[name]])
    return 0


def _trace(options: argparse.Namespace) -> int:
    from etl.stages.trace import trace

    found = trace(_settings(options), options.event_id, options.first, options.last)
    if options.json:
        print(_json(found))
        return 0
    for account in found:
        lines = ["(raw no longer holds this version of the object)"] if account["raw"] is None else account["raw"]
        print("\n".join(visible(line) for line in lines))
        book = {key: value for key, value in account.pop("object").items() if value not in (None, {}, "")}
        row = {key: value for key, value in (account.pop("row") or {}).items() if value not in (None, {}, "")}
        account.pop("raw")
        for name, record in (("account", account), ("object", book), ("row", row)):
            print_table([name, ""], [[key, _shown(value)] for key, value in record.items()])
    return 0


def _replay(options: argparse.Namespace) -> int:
    from etl.stages.replay import replay

    settings = _settings(options)
    found = replay(settings, options.source, options.first, options.last, options.reason, _tell)
    _print_found(options, "landing hours replayed", found)
    return 0


def _revisions(options: argparse.Namespace) -> int:
    from etl.stages.status import revisions

    settings = _settings(options)
    if options.source:
        settings.source(options.source)
    _print_found(options, "revisions", revisions(settings, options.since, options.source))
    return 0


def _audit(options: argparse.Namespace) -> int:
    from etl.stages.audit import audit, audit_window, foreign

    settings = _settings(options)
    sources = [settings.source(options.source)] if options.source else list(settings.sources.values())
    found = [] if options.source else foreign(settings)
    for source in sources:
        first, last = audit_window(source, datetime.now(UTC))
        first, last = options.first or first, options.last or last
        found += audit(settings, source.name, first, last, options.repair, _tell)
    _print_found(options, "findings", found)
    return 1 if any(item["is_problem"] and not item["repaired"] for item in found) else 0


def _erase(options: argparse.Namespace) -> int:
    from etl.stages.erase import erase

    kind, _, value = options.subject.partition("=")
    asked = datetime.now(UTC).replace(tzinfo=None)
    found = erase(_settings(options), kind, value, asked, options.source, options.dry_run, _tell)
    if options.json:
        print(_json(found))
        return 0
    print(f"records of the subject{' that would be' if options.dry_run else ''} anonymised: {found['rows']}")
    for name in ("objects", "raw", "raw_is_gone"):
        print_records(name.replace("_", " "), found[name])
    for note in found["notes"]:
        print(note)
    if not options.dry_run:
        print(f"certificate: {found['certificate']}")
    return 0


def _expire(options: argparse.Namespace) -> int:
    from etl.stages.expire import expire, expire_reports

    settings, today = _settings(options), datetime.now(UTC).date()
    day = options.day or today
    if day > today:
        raise ConfigError("--day", str(day), "a day that has begun: what expires does not come back")
    names = [settings.source(options.source).name] if options.source else list(settings.sources)
    found = [record for name in names for record in expire(settings, name, day, options.dry_run)]
    if not options.source:
        found.append(expire_reports(settings, day, options.dry_run))
    _print_found(options, "layers that would expire" if options.dry_run else "layers", found)
    return 0


def _drill(options: argparse.Namespace) -> int:
    from etl.layout import Partition
    from etl.stages.audit import drill

    try:
        partition = Partition.parse(options.partition) if options.partition else None
    except ValueError as error:
        raise ConfigError("--partition", options.partition, f"DATASET/HOUR ({error})") from None
    found = drill(_settings(options), options.source, partition, options.seed)
    _print_found(options, "restore drill", [found])
    return 1 if found["outcome"] == "differs" else 0


def _digest(options: argparse.Namespace) -> int:
    from etl.stages.notify import digest

    settings = _settings(options)
    if bool(options.source) == options.all:
        raise _usage("expected a source, or --all")
    hour = format_hour(options.hour) if options.hour else None
    found, failed = [], False
    for name in settings.sources if options.all else [options.source]:
        try:
            found.append(digest(settings, name, hour, is_backfill=options.backfill, dry_run=options.dry_run))
        except EtlError as error:
            # one source must not keep the others from being told
            if not options.all:
                raise
            failed = True
            _stderr.print(f"etl: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    if options.json:
        print(_json(found))
    else:
        for item in found:
            what = "would tell" if options.dry_run else "told"
            print_records(f"{item['source']} after {item['landing_hour']}: {what}", item["told"])
    return 1 if failed else 0


def _watch(options: argparse.Namespace) -> int:
    from etl.stages.watch import watch

    settings = _settings(options)
    found = watch(settings, options.at or datetime.now(UTC).replace(tzinfo=None), options.hours)
    if options.tell:
        from etl.stages.notify import tell_stale

        for problem in tell_stale(settings, found):
            _stderr.print(f"etl: {problem}", style="red", markup=False, highlight=False, soft_wrap=True)
    _print_found(options, "sources", found)
    return 1 if any(item["stale"] for item in found) else 0


def _print_found(options: argparse.Namespace, what: str, found: list[dict[str, Any]]) -> None:
    if options.json:
        print(_json(found))
    else:
        print_records(what, found)


def print_records(what: str, records: list[dict[str, Any]]) -> None:
    """A table of records that have the same keys, or the words that there are none."""
    if not records:
        print(f"{what}: none")
        return
    print(f"{what}: {len(records)}")
    print_table(list(records[0]), [[_shown(value) for value in record.values()] for record in records])


def _status(options: argparse.Namespace) -> int:
    from etl.stages.status import status

    found = status(_settings(options))
    if options.json:
        print(_json(found))
    else:
        print_books(found)
    return 0 if all(item["closed"] for item in found) else 1


def print_books(found: list[dict[str, Any]]) -> None:
    """What :func:`etl.stages.status.status` found, one column per source."""
    books = [{**item, "hours_missing": _few(item["hours_missing"])} for item in found]
    names = [name.replace("_", " ") for name in (books[0] if books else {}) if name != "source"]
    cells = [[name, *(_shown(item[name.replace(" ", "_")]) for item in books)] for name in names]
    print_table(["", *(str(item["source"]) for item in books)], cells)


def _few(hours: list[str]) -> str:
    return "none" if not hours else ", ".join(hours[:3]) + (f" and {len(hours) - 3} more" if len(hours) > 3 else "")


def _sql(options: argparse.Namespace) -> int:
    import duckdb

    from etl.io import engine
    from etl.io.snapshot import all_views, snapshot
    from etl.io.statements import load_statements

    kind = options.format or _kind_of(options.output)
    if kind == "parquet" and not options.output:
        raise _usage("--format parquet needs -o FILE")
    settings = _settings(options)
    try:
        with duckdb.connect() as connection:
            views = {name.lower() for name in connection.get_table_names(options.query)}
    except duckdb.ParserException as error:
        raise _usage(str(error)) from None
    except duckdb.Error:
        # a query that cannot be bound without its views does not tell which they are
        views = None
    statements = load_statements(settings.sql)
    with snapshot(
        settings.lake, statements, views, options.first, options.last, macros=statements.macros_in_order
    ) as connection:
        try:
            if kind == "parquet":
                engine.write_parquet(connection, options.query, options.output, compression="zstd")
                return 0
            cursor = connection.execute(options.query)
            if cursor is None:
                raise _usage(f"{options.query!r}: no statement; expected a query such as FROM ledger")
            names = [item[0] for item in cursor.description or ()]
            records = cursor.fetchall()
        except duckdb.CatalogException as error:
            raise _usage(_unknown_view(error, all_views(statements)) or str(error)) from None
        except duckdb.Error as error:
            raise _usage(str(error)) from None
    out = options.output.open("w", encoding="utf-8", newline="") if options.output else sys.stdout
    with out if options.output else _Kept():
        _emit(kind, names, records, out)
    return 0


def _kind_of(output: Path | None) -> str:
    ending = output.suffix.removeprefix(".") if output else ""
    return ending if ending in _SQL_FORMATS else "table"


def _unknown_view(error: Exception, views: list[str]) -> str | None:
    """What to ask for instead; DuckDB, which knows the views of this query only, would propose a table of its own."""
    found = _NO_TABLE.search(str(error))
    if not found:
        return None
    near = difflib.get_close_matches(found[1].lower(), views, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{found[1]}: no such view; {hint}There are {', '.join(views)}"


class _Kept:
    """Standard output stays open."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def _usage(message: str) -> EtlError:
    error = EtlError(message)
    error.exit_code = 2
    return error


def _emit(kind: str, names: list[str], records: list[tuple[Any, ...]], out: Any) -> None:
    if kind == "json":
        out.write(_json([dict(zip(names, row, strict=True)) for row in records]) + "\n")
    elif kind == "csv":
        writer = csv.writer(out)
        writer.writerow([_safe_cell(name) for name in names])
        writer.writerows([_safe_cell(value) for value in row] for row in records)
    else:
        print_table(names, [[_shown(value) for value in row] for row in records], _wide(Console(file=out)))


def _catalog(options: argparse.Namespace) -> int:
    from etl.stages.catalog import write_catalog

    uri, is_new = write_catalog(_settings(options), options.output)
    _stderr.print(
        f"{'written' if is_new else 'unchanged'}: {visible(uri)}", markup=False, highlight=False, soft_wrap=True
    )
    return 0


def _enrich(options: argparse.Namespace) -> int:
    from etl.stages.enrich import enrich

    found = enrich(_settings(options))
    if options.json:
        print(_json(found))
    else:
        told = [
            {**item, "lists": ", ".join(f"{name} {is_now}" for name, is_now in item["lists"].items())} for item in found
        ]
        print_table(list(told[0]), [[_shown(value) for value in item.values()] for item in told])
    return 0


def _report(options: argparse.Namespace) -> int:
    from etl.stages.report import render

    html = render(_settings(options), options.report, options.first, options.last)
    options.output.write_text(html, encoding="utf-8")
    _stderr.print(f"written: {visible(str(options.output))}", markup=False, highlight=False)
    return 0


def _simulate(options: argparse.Namespace) -> int:
    from etl.simulate import ALL_SOURCES, simulate

    try:
        truth = simulate(
            options.folder,
            start=parse_hour(options.start),
            hours=options.hours,
            lines_per_hour=options.lines_per_hour,
            seed=options.seed,
            sources=ALL_SOURCES,
        )
    except (ValueError, FileExistsError) as error:
        raise _usage(str(error)) from None
    print(
        json.dumps({name: {"lines": item.lines, "published": item.published} for name, item in truth.sources.items()})
    )
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from etl.stages.doctor import doctor

    found = doctor(None if options.uri else _settings(options), options.uri)
    if options.json:
        print(_json(found))
    else:
        for store in dict.fromkeys(item["store"] for item in found):
            mine = [item for item in found if item["store"] == store]
            marks = ["ok" if item["ok"] else ("FAILED" if item["needed"] else "no") for item in mine]
            names = [store, "", "found", "meaning"]
            cells = [
                [item["probe"], mark, item["found"], item["meaning"]] for item, mark in zip(mine, marks, strict=True)
            ]
            print_table(names, cells)
    return 0 if all(item["ok"] or not item["needed"] for item in found) else 1


def _archive(options: argparse.Namespace) -> int:
    from etl.stages.archive import archive

    settings = _settings(options)
    return _print_hours(options, archive(settings, options.source, options.first, options.last, options.to_archive))


def _restore(options: argparse.Namespace) -> int:
    from etl.stages.archive import restore

    settings, hours = _settings(options), (options.first, options.last)
    return _print_hours(options, restore(settings, options.source, *hours, options.archive, options.into))


def _print_hours(options: argparse.Namespace, found: list[dict[str, Any]]) -> int:
    """One record per landing hour; what is wrong with single objects goes to stderr, too."""
    if options.json:
        print(_json(found))
    elif found:
        names = [name for name in found[0] if name != "problems"]
        print_table(names, [[_shown(item[name]) for name in names] for item in found])
    problems = [text for item in found for text in item["problems"]]
    for text in problems:
        _stderr.print(f"etl: {visible(text)}", style="red", markup=False, highlight=False, soft_wrap=True)
    return 1 if problems else 0


def print_table(names: list[str], cells: list[list[str]], console: Console | None = None) -> None:
    """A table on standard output or another console; cells are shown as they are, without markup."""
    table = Table(header_style="bold")
    for name in names:
        table.add_column(Text(visible(name)), overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    (console or _wide(Console())).print(table)


def _wide(console: Console) -> Console:
    """Piped output is not folded into the 80 columns that are assumed where there is no terminal."""
    return console if console.is_terminal else Console(file=console.file, width=_WIDTH_OF_PIPES)


def _shown(value: object) -> str:
    if type(value) is int:
        return f"{value:,}"
    return "" if value is None else visible(str(_plain(value) if isinstance(value, datetime) else value))


def _json(value: object) -> str:
    """JSON that any reader takes, on one line; what could steer a terminal stands as an escape in it."""
    try:
        text = json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), default=_plain, ensure_ascii=False)
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _finite(value: object) -> object:
    """JSON has no word for NaN and infinity: they become null."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _safe_cell(value: object) -> object:
    """A spreadsheet must not run log content as a formula, nor may it steer a terminal."""
    if isinstance(value, str):
        return CONTROL.sub(
            lambda found: found[0] if found[0] in "\t\n" else visible(found[0]), _FORMULA.sub("'", value)
        )
    return _plain(value) if isinstance(value, (datetime, date)) else value


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return str(value)


if __name__ == "__main__":
    sys.exit(main())
