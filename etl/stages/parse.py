"""Records → judged rows: the one place where a format's SQL meets raw objects, for the pipeline and ``etl parse``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from etl.config import Source
from etl.errors import EtlError, StatementError
from etl.io import engine
from etl.io.raw import CorruptObject, RawInput, Reading, RecordReader, chunks, sample
from etl.io.statements import Statement
from etl.io.workspace import Workspace
from etl.layout import Partition
from etl.model.hours import to_hour
from etl.model.worklist import RawObject
from etl.schema import QUARANTINE, columns

UNKNOWN = "unknown"
_PASSED = {"object_no", "source_line", "source_lines", "source_offset"}
_OF_FORMAT = {"origin", "raw", "reject_reason"}
_GOOD_ENOUGH = 0.6
_PARTIAL_WORTH = 0.25
_ANY_AGE, _END_OF_TIME = timedelta(days=365 * 2000), datetime(9999, 1, 1)
_EARLY = timedelta(hours=25)


@dataclass(frozen=True)
class Object:
    """A fetched raw object: what to read, its URI, and how it was listed."""

    raw: RawInput
    uri: str
    listed: RawObject


@dataclass
class Parsed:
    """Judged records of some objects. ``files`` maps dataset → local Parquet files of ``sql/stages/parsed.sql``."""

    objects: Sequence[Object]
    files: dict[str, list[Path]] = field(default_factory=dict)
    formats: dict[int, str] = field(default_factory=dict)
    readings: dict[int, Reading] = field(default_factory=dict)
    corrupt: dict[int, str] = field(default_factory=dict)

    def counts(self, connection: duckdb.DuckDBPyConnection) -> dict[int, dict[str, Any]]:
        """Object number → rows, row_lines, quarantined, ignored, partial, first_event, last_event, as DuckDB counts them."""
        if not self.files:
            return {}
        found = engine.rows(
            connection,
            f"""SELECT object_no,
                count(*) FILTER (outcome = 'row') AS rows,
                coalesce(sum(source_lines) FILTER (outcome = 'row'), 0)::BIGINT AS row_lines,
                coalesce(sum(source_lines) FILTER (outcome = 'quarantined'), 0)::BIGINT AS quarantined,
                coalesce(sum(source_lines) FILTER (outcome = 'ignored'), 0)::BIGINT AS ignored,
                count(*) FILTER (outcome = 'row' AND parse_status = 'partial') AS partial,
                strftime(min(event_time) FILTER (outcome = 'row'), '%Y-%m-%dT%H:%M:%S.%f') AS first_event,
                strftime(max(event_time) FILTER (outcome = 'row'), '%Y-%m-%dT%H:%M:%S.%f') AS last_event
            FROM read_parquet({engine.file_list(self._all)}, union_by_name = true) GROUP BY object_no""",
        )
        return {row.pop("object_no"): row for row in found}

    def reasons(self, connection: duckdb.DuckDBPyConnection) -> list[tuple[str, int, str]]:
        """The most frequent reject reasons: (reason, lines, first place as ``uri:line``)."""
        found = [
            (problem, self.readings[number].lines, self.objects[number].uri) for number, problem in self.corrupt.items()
        ]
        if self.files:
            found += connection.execute(
                f"""SELECT regexp_replace(reject_reason, '\\d+', 'N', 'g') AS kind, sum(source_lines)::BIGINT AS lines,
                    arg_min(getvariable('object_uris')[object_no + 1] || ':' || source_line, (object_no, source_line)) AS place
                FROM read_parquet({engine.file_list(self._all)}, union_by_name = true)
                WHERE outcome = 'quarantined' GROUP BY kind ORDER BY lines DESC, kind LIMIT 3"""
            ).fetchall()
        return found[:3]

    def partitions(self, connection: duckdb.DuckDBPyConnection) -> list[Partition]:
        """All partitions that have rows."""
        return [
            Partition(dataset, hour)
            for dataset, paths in sorted(self.files.items())
            for (hour,) in connection.execute(
                f"SELECT DISTINCT date_trunc('hour', event_time) FROM {_scan(paths)} WHERE outcome = 'row' ORDER BY 1"
            ).fetchall()
        ]

    def bind_objects(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Lists by object number, for the stage statements to look up in: a join would cost the order of rows."""
        engine.set_variables(
            connection,
            object_uris=[item.uri for item in self.objects],
            object_ids=[object_id(item.uri) for item in self.objects],
            object_times=[item.raw.observed for item in self.objects],
            object_formats=[self.formats[item.raw.number] for item in self.objects],
        )

    def rows_sql(self, space: Workspace, dataset: str, where: str = "") -> str:
        """The canonical rows of one dataset as a query; ``where`` is SQL that begins with AND."""
        wanted = ", ".join(engine.name(column.name) for column in columns(dataset))
        enrich = space.statements.enrich.get(dataset)
        return space.statements.stages["rows"].filled(
            parsed=_scan(self.files[dataset]),
            columns=wanted,
            enrich=enrich.sql if enrich else "SELECT * FROM enveloped",
            where=where,
        )

    def quarantine_sql(self, space: Workspace) -> str | None:
        """The rejected records as a query, corrupt objects included as one record each; None if there are none."""
        parts = [
            space.statements.stages["quarantine"].filled(parsed=_scan(paths)) for _, paths in sorted(self.files.items())
        ]
        parts += [self._corrupt_row(number, problem) for number, problem in sorted(self.corrupt.items())]
        return " UNION ALL BY NAME ".join(f"({part})" for part in parts) if parts else None

    def _corrupt_row(self, number: int, problem: str) -> str:
        values = {
            "source_name": "getvariable('source_name')",
            "source_uri": engine.quote(self.objects[number].uri),
            "source_line": "1",
            "source_lines": str(self.readings[number].lines),
            "source_offset": "0",
            "observed_time": engine.quote(str(self.objects[number].raw.observed)),
            "format_name": engine.quote(self.formats.get(number, UNKNOWN)),
            "reject_reason": engine.quote(problem),
            "raw": "NULL",
        }
        return "SELECT " + ", ".join(f"CAST({values[item.name]} AS {item.type}) AS {item.name}" for item in QUARANTINE)

    @property
    def _all(self) -> list[Path]:
        return [path for _, paths in sorted(self.files.items()) for path in paths]


def object_id(uri: str) -> str:
    """16 hex digits of SHA-256 of an object's URI: the first part of its rows' event_id."""
    return hashlib.sha256(uri.encode()).hexdigest()[:16]


def parse(
    space: Workspace,
    source: Source,
    objects: Sequence[Object],
    landing: datetime,
    max_lateness: timedelta,
    until: datetime | None = None,
) -> Parsed:
    """Parse and judge objects of one shard; a corrupt or unrecognised object is set aside whole.

    ``objects`` are numbered 0, 1, … in reading order. Event times from ``landing - max_lateness`` to ``until``
    (default: 25 hours after ``landing``, the start of the landing hour) are accepted. Raises StatementError where a format breaks its contract.
    """
    parsed = Parsed(objects)
    for item in objects:
        parsed.formats[item.raw.number] = (
            source.format if source.format != "auto" else detect(space, source, item.raw.path)
        )
    _bind(space, source, landing, max_lateness, until or landing + _EARLY)
    for name, group in groupby(
        sorted(objects, key=lambda item: parsed.formats[item.raw.number]), lambda item: parsed.formats[item.raw.number]
    ):
        members = sorted(group, key=lambda item: item.raw.number)
        if name == UNKNOWN:
            for item in members:
                _set_aside(
                    parsed,
                    item,
                    "format: none recognised in the first lines; expected one of "
                    + ", ".join(space.statements.formats),
                )
        else:
            _parse_group(space, parsed, space.statements.format(name), members)
    parsed.bind_objects(space.connection)
    return parsed


def _parse_group(space: Workspace, parsed: Parsed, statement: Statement, members: list[Object]) -> None:
    while members:
        path = space.scratch(f"parsed-{statement.name}")
        reader = RecordReader([item.raw for item in members], statement.record_start)
        try:
            engine.write_parquet(space.connection, _parsed_sql(space, statement, reader), path, compression="lz4")
        except duckdb.Error as error:
            if reader.failed is None:
                raise StatementError(f"{statement.path}: {error}") from None
            broken = next(item for item in members if item.raw.number == reader.failed.number)
            _set_aside(parsed, broken, reader.failed.problem)
            members = [item for item in members if item is not broken]
        else:
            parsed.readings.update(reader.readings)
            parsed.files.setdefault(statement.dataset, []).append(path)
            return


def _set_aside(parsed: Parsed, item: Object, problem: str) -> None:
    """Book an object as quarantined whole, with the lines that can be counted in it; one of blank lines is ignored."""
    reading = Reading()
    newlines, last, blank = 0, b"", True
    try:
        for chunk in chunks(item.raw.path, item.raw.number, reading):
            newlines += chunk.count(b"\n")
            last = chunk[-1:]
            blank = blank and not chunk.strip()
    except CorruptObject as error:
        last, blank, problem = b"", False, error.problem
    reading.lines = newlines + (1 if last not in (b"", b"\n") else 0)
    parsed.readings[item.raw.number] = reading
    if not blank:
        parsed.corrupt[item.raw.number] = problem


def _parsed_sql(space: Workspace, statement: Statement, reader: RecordReader) -> str:
    """The judged query over a reader; columns the format does not give are NULL, unknown ones are refused."""
    space.connection.register("arrow_records", reader.reader())
    given = _given_columns(space.connection, statement)
    wanted = [column for column in columns(statement.dataset) if column.name not in _MADE_LATER]
    return space.statements.stages["parsed"].filled(format=statement.sql, columns=engine.projection(wanted, given))


_MADE_LATER = {*_PASSED, "source_name", "source_uri", "observed_time", "event_id"}


def _given_columns(connection: duckdb.DuckDBPyConnection, statement: Statement) -> set[str]:
    sample_records = "(SELECT {'object_no': 0, 'line': 1, 'lines': 1, 'byte_offset': 0, 'flag': ''} AS origin, '' AS raw, TIMESTAMP '2000-01-01' AS observed_time)"
    try:
        given = set(
            engine.describe(
                connection,
                f"WITH records AS {sample_records}, formatted AS ({statement.sql}\n) SELECT * FROM formatted",
            )
        )
    except duckdb.Error as error:
        raise StatementError(f"{statement.path}: {error}") from None
    known = {column.name for column in columns(statement.dataset)} - _MADE_LATER
    needed = _OF_FORMAT | {"event_time", "time_basis", "parse_status", "attributes"}
    if needed - given:
        raise StatementError(
            f"{statement.path}: column {sorted(needed - given)[0]} is missing; a format gives {', '.join(sorted(needed))}"
        )
    if given - known - _OF_FORMAT:
        raise StatementError(
            f"{statement.path}: column {sorted(given - known - _OF_FORMAT)[0]} is not in dataset {statement.dataset}; "
            "expected columns of etl/schema.py, anything else belongs into attributes"
        )
    return given


def parse_file(space: Workspace, source: Source, path: Path, uri: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """("row", canonical row) and ("reject", rejected record) of one file, each kind in the order of its lines.

    Times of any age are accepted. Raises EtlError where the file cannot be read.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise EtlError(f"{path}: {error.strerror}; expected a readable log file") from None
    if not path.is_file():
        raise EtlError(f"{path}: not a regular file; expected a log file, or - and the log on standard input")
    modified = datetime.fromtimestamp(int(found.st_mtime), UTC).replace(tzinfo=None)
    listed = RawObject(uri, "", found.st_size, modified.isoformat())
    objects = [Object(RawInput(0, path, modified, uri), uri, listed)]
    parsed = parse(space, source, objects, to_hour(modified), _ANY_AGE, _END_OF_TIME)
    for dataset in parsed.files:
        for row in iterate(space, parsed.rows_sql(space, dataset)):
            yield "row", row
    if sql := parsed.quarantine_sql(space):
        for row in iterate(space, sql):
            yield "reject", row


def _bind(space: Workspace, source: Source, landing: datetime, max_lateness: timedelta, until: datetime) -> None:
    engine.set_variables(
        space.connection,
        source_name=source.name,
        service_name=source.service_name,
        zone=source.zone,
        fields=dict(source.fields),
        landing=landing,
        max_lateness=max_lateness,
        until=until,
    )


def detect(space: Workspace, source: Source, path: Path) -> str:
    """The format that reads the first lines of a file best, or ``unknown``."""
    found = scores(space, source, path)
    return max(found, key=lambda name: (found[name], name)) if found else UNKNOWN


def scores(space: Workspace, source: Source, path: Path) -> dict[str, float]:
    """Format name → share of the sample's lines it reads, for those good enough; a partial row is worth a quarter.

    Times of any age count: whether a line is too late is not a question of its format.
    """
    data = sample(path)
    if not data.strip():
        return {}
    head = space.folder / "sample"
    head.write_bytes(data)
    _bind(space, source, datetime(2026, 1, 1), _ANY_AGE, _END_OF_TIME)
    found = {}
    for statement in space.statements.formats.values():
        reader = RecordReader([RawInput(0, head, datetime(1970, 1, 1), "")], statement.record_start)
        sql = _parsed_sql(space, statement, reader)
        worth = engine.one(
            space.connection,
            f"""SELECT sum(source_lines * CASE WHEN outcome <> 'row' THEN 0 WHEN parse_status = 'ok' THEN 1
                ELSE {_PARTIAL_WORTH} END)::DOUBLE / sum(source_lines) FROM ({sql}) WHERE outcome <> 'ignored'""",
        )
        if worth is not None and worth >= _GOOD_ENOUGH:
            found[statement.name] = float(worth)
    return found


def _scan(paths: list[Path]) -> str:
    return f"read_parquet({engine.file_list(paths)})"


def iterate(space: Workspace, sql: str, batch: int = 10_000) -> Iterator[dict[str, Any]]:
    """The rows of a query as records, in bounded memory."""
    cursor = space.connection.execute(sql)
    names = [item[0] for item in cursor.description or ()]
    while found := cursor.fetchmany(batch):
        for row in found:
            yield dict(zip(names, row, strict=True))
