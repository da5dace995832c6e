"""Records → judged rows: the one place where a format's SQL meets raw objects, for the pipeline and ``etl parse``."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from etl.config import PRIVACY_OFF, Privacy, Source
from etl.errors import ConfigError, EtlError, StatementError
from etl.io import engine
from etl.io.framing import wrapper_of
from etl.io.raw import CorruptObject, Cut, RawInput, Reading, RecordReader, chunks, sample
from etl.io.secret import load_secret
from etl.io.statements import DECLARED, Statement
from etl.io.workspace import Workspace
from etl.layout import Partition
from etl.model.hours import to_hour
from etl.model.worklist import RawObject
from etl.schema import DATASETS, ENVELOPE, QUARANTINE, Column, columns
from etl.stages.erasures import Erased, bind_subjects, erased_sql
from etl.stages.private import VISITORS, private_sql, private_text, unkeyed_visitor, visitor_key

UNKNOWN = "unknown"
_PASSED = {"object_no", "source_line", "source_part", "source_lines", "source_offset"}
_OF_FORMAT = {"origin", "raw", "reject_reason"}
_OPTIONAL = {"dataset", "ignored"}
_NEVER, _WRAPPED_ONLY = "never", "wrapped"
_TIME_NAMES = ("event_time", "timestamp", "@timestamp", "time", "ts", "datetime", "date", "asctime", "created_at")
_ABOUT_EQUAL = 0.1
_DOCUMENT_LINES = 20_000
_GOOD_ENOUGH = 0.6
_KIND = r"regexp_replace(reject_reason, '\d+', 'N', 'g')"
_REASONS = 20
_PARTIAL_WORTH = 0.25
_ANY_AGE, _END_OF_TIME = timedelta(days=365 * 2000), datetime(9999, 1, 1)
_EARLY = timedelta(hours=25)
# slices read one hour each of a file: smaller row groups save them more than they cost
_SKIPPED = 16_384
# bytes, compressed or not, below which a plan costs more than a second thread saves
_SMALL = 200_000


@dataclass(frozen=True)
class Object:
    """A fetched raw object: what to read, its URI, and how it was listed."""

    raw: RawInput
    uri: str
    listed: RawObject


@dataclass
class Parsed:
    """Judged records of some objects. ``files`` maps dataset → local Parquet files of ``sql/stages/parsed.sql``, ``private``
    those of its rows from which what is personal was taken out."""

    objects: Sequence[Object]
    files: dict[str, list[Path]] = field(default_factory=dict)
    formats: dict[int, str] = field(default_factory=dict)
    readings: dict[int, Reading] = field(default_factory=dict)
    privacy: Privacy = PRIVACY_OFF
    has_erased: bool = False
    private: dict[str, list[Path]] = field(default_factory=dict)
    corrupt: dict[int, str] = field(default_factory=dict)

    def counts(self, connection: duckdb.DuckDBPyConnection) -> dict[int, dict[str, Any]]:
        """Object number → rows, row_lines, quarantined, rejects, ignored, partial, first_event, last_event, as DuckDB counts them."""
        if not self.files:
            return {}
        found = engine.rows(
            connection,
            f"""SELECT object_no,
                count(*) FILTER (outcome = 'row') AS rows,
                coalesce(sum(source_lines) FILTER (outcome = 'row'), 0)::BIGINT AS row_lines,
                coalesce(sum(source_lines) FILTER (outcome = 'quarantined'), 0)::BIGINT AS quarantined,
                count(*) FILTER (outcome = 'quarantined') AS rejects,
                coalesce(sum(source_lines) FILTER (outcome = 'ignored'), 0)::BIGINT AS ignored,
                count(*) FILTER (outcome = 'row' AND parse_status = 'partial') AS partial,
                strftime(min(event_time) FILTER (outcome = 'row'), '%Y-%m-%dT%H:%M:%S.%f') AS first_event,
                strftime(max(event_time) FILTER (outcome = 'row'), '%Y-%m-%dT%H:%M:%S.%f') AS last_event
            FROM read_parquet({engine.file_list(self._all)}, union_by_name = true) GROUP BY object_no""",
        )
        return {row.pop("object_no"): row for row in found}

    def reject_reasons(self, connection: duckdb.DuckDBPyConnection) -> dict[int, dict[str, int]]:
        """Object number → reason, with N for numbers → lines rejected for it; the rarest are summed up as ``other``."""
        found = {number: {problem: self.readings[number].lines} for number, problem in self.corrupt.items()}
        if self.files:
            counted = connection.execute(
                f"""SELECT object_no, CASE WHEN place <= {_REASONS} THEN kind ELSE 'other' END AS reason, sum(lines)::BIGINT
                FROM (SELECT object_no, {_KIND} AS kind, sum(source_lines)::BIGINT AS lines,
                        row_number() OVER (PARTITION BY object_no ORDER BY sum(source_lines) DESC, kind) AS place
                    FROM read_parquet({engine.file_list(self._all)}, union_by_name = true)
                    WHERE outcome = 'quarantined' GROUP BY object_no, kind)
                GROUP BY ALL ORDER BY ALL"""
            ).fetchall()
            for number, reason, lines in counted:
                found.setdefault(number, {})[reason] = lines
        return found

    def reasons(self, connection: duckdb.DuckDBPyConnection) -> list[tuple[str, int, str]]:
        """The most frequent reject reasons: (reason, lines, first place as ``uri:line``)."""
        found = [
            (problem, self.readings[number].lines, self.objects[number].uri) for number, problem in self.corrupt.items()
        ]
        if self.files:
            found += connection.execute(
                f"""SELECT {_KIND} AS kind, sum(greatest(source_lines, 1))::BIGINT AS lines,
                    arg_min(getvariable('object_uris')[object_no + 1] || ':' || source_line, (object_no, source_line)) AS place
                FROM read_parquet({engine.file_list(self._all)}, union_by_name = true)
                WHERE outcome = 'quarantined' GROUP BY kind ORDER BY lines DESC, kind LIMIT 3"""
            ).fetchall()
        return found[:3]

    def erased(self, connection: duckdb.DuckDBPyConnection) -> dict[int, int]:
        """Object number → rows and rejected records that held an erased subject."""
        paths = [*self._all, *(path for _, paths in sorted(self.private.items()) for path in paths)]
        if not self.has_erased or not paths:
            return {}
        scan = f"read_parquet({engine.file_list(paths)}, union_by_name = true)"
        return dict(connection.execute(f"SELECT object_no, count(*) FROM {scan} WHERE erased GROUP BY ALL").fetchall())

    def partitions(self, connection: duckdb.DuckDBPyConnection) -> list[Partition]:
        """All partitions that have rows."""
        return [
            Partition(dataset, hour)
            for dataset, paths in sorted(self.files.items())
            for (hour,) in connection.execute(
                f"SELECT DISTINCT date_trunc('hour', event_time) FROM {_scan(paths, dataset)} WHERE outcome = 'row' ORDER BY 1"
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
        query = space.statements.stages["rows"].filled(
            parsed=_scan(self.private.get(dataset) or self.files[dataset], dataset),
            columns=wanted,
            visitors=unkeyed_visitor(dataset, self.privacy),
            enrich=enrich.sql if enrich else "SELECT * FROM enveloped",
            where=where,
        )
        return space.provide(query)

    def quarantine_sql(self, space: Workspace) -> str | None:
        """The rejected records as a query, corrupt objects included as one record each; None if there are none."""
        parts = [space.statements.stages["quarantine"].filled(parsed=_scan([path])) for path in self._all]
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
        return list(dict.fromkeys(path for _, paths in sorted(self.files.items()) for path in paths))


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
    subjects: Sequence[Erased] = (),
) -> Parsed:
    """Parse and judge objects of one shard; a corrupt or unrecognised object is set aside whole.

    ``objects`` are numbered 0, 1, … in reading order. Event times from ``landing - max_lateness`` to ``until``
    (default: 25 hours after ``landing``, the start of the landing hour) are accepted. Rows that hold one of ``subjects``
    are anonymised. Raises StatementError where a format breaks its contract.
    """
    parsed = Parsed(objects, privacy=source.privacy, has_erased=bool(subjects))
    if subjects:
        bind_subjects(space.connection, load_secret(space.settings), list(subjects))
    for item in objects:
        parsed.formats[item.raw.number] = detect(space, source, item.raw.path) if source.is_auto else source.format
    if source.is_auto and source.options:
        raise ConfigError(f"sources.{source.name}.options", dict(source.options), "a format beside them, not auto")
    if not source.is_auto:
        _require_options(space, source, space.statements.labelled(source.format)[1])
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
            _parse_group(space, source, parsed, name, members)
    parsed.bind_objects(space.connection)
    _make_private(space, parsed)
    return parsed


def _make_private(space: Workspace, parsed: Parsed) -> None:
    """Copies of the parsed rows without what is personal: once for all slices, since most values occur in many."""
    for dataset, paths in sorted(parsed.files.items()):
        for path in paths:
            plain = f"SELECT * FROM {_scan([path], dataset)} WHERE outcome = 'row'"
            given = plain
            if parsed.has_erased:
                visitor = "visitor" if parsed.privacy.visitor == "daily" else "visitor_id"
                given = erased_sql(dataset, f"SELECT * EXCLUDE (erased) FROM ({plain})", visitor)
            private = private_sql(dataset, parsed.privacy, given)
            if private == plain:
                continue
            if dataset == VISITORS and parsed.privacy.visitor == "daily":
                bind_visitors(space, plain)
            copy = space.scratch("private")
            engine.write_parquet(
                space.connection,
                space.provide(private),
                copy,
                compression="lz4",
                row_group=_SKIPPED,
                is_small=path.stat().st_size < _SMALL,
            )
            parsed.private.setdefault(dataset, []).append(copy)


def bind_visitors(space: Workspace, rows: str) -> None:
    """The keys of the days of a query of rows, for the macro ``keyed_visitor``."""
    secret = load_secret(space.settings)
    found = space.connection.execute(f"SELECT DISTINCT event_time::DATE FROM ({rows}) ORDER BY 1").fetchall()
    # a list of none has no type
    days = [day for (day,) in found] or [date.min]
    engine.set_variables(
        space.connection,
        visitor_days=[f"{day:%Y-%m-%d}" for day in days],
        visitor_pads=[list(secret.day_pads(day)) for day in days],
    )


def _parse_group(space: Workspace, source: Source, parsed: Parsed, label: str, members: list[Object]) -> None:
    wrapper, statement = space.statements.labelled(label)
    cut = statement.cut(dict(source.options), source.encoding, wrapper)
    while members:
        path = space.scratch(f"parsed-{statement.name}")
        reader = RecordReader([item.raw for item in members], cut)
        try:
            sql = _parsed_sql(space, source, statement, reader, parsed.has_erased)
            engine.write_parquet(
                space.connection,
                sql,
                path,
                compression="lz4",
                is_small=sum(item.raw.path.stat().st_size for item in members) < _SMALL,
            )
        except duckdb.Error as failure:
            if reader.failed is None:
                raise StatementError(f"{statement.path}: {failure}") from None
            members = _without(parsed, members, reader.failed)
            # one attempt for each of many damaged objects would read the others as often
            for item in members[:]:
                if item.raw.number > reader.failed.number and (error := _damage(item)):
                    members = _without(parsed, members, error)
        else:
            parsed.readings.update(reader.readings)
            for dataset in _datasets(source, statement):
                parsed.files.setdefault(dataset, []).append(path)
            return


def _without(parsed: Parsed, members: list[Object], failed: CorruptObject) -> list[Object]:
    """Set one object aside; what it tore apart does not join."""
    after = next(at for at, item in enumerate(members) if item.raw.number == failed.number)
    broken = members[after]
    _set_aside(parsed, broken, failed.problem)
    return [item if at < after else _torn_off(item, broken) for at, item in enumerate(members) if at != after]


def _damage(item: Object) -> CorruptObject | None:
    try:
        for _ in chunks(item.raw.path, item.raw.number, Reading()):
            pass
    except CorruptObject as error:
        return error
    return None


def _torn_off(item: Object, broken: Object) -> Object:
    producer = f"{item.raw.producer}\0{broken.raw.number}"
    return item if item.raw.producer != broken.raw.producer else replace(item, raw=replace(item.raw, producer=producer))


def _datasets(source: Source, statement: Statement) -> list[str]:
    """The datasets that a format yields for a source. Raises ConfigError where the source has to declare it."""
    if statement.dataset != DECLARED:
        return statement.datasets
    if source.dataset is None:
        where = f"sources.{source.name}.dataset"
        raise ConfigError(where, None, f"one of {', '.join(DATASETS)}, since format {statement.name} fits any")
    return [source.dataset]


def _set_aside(parsed: Parsed, item: Object, problem: str) -> None:
    """Book an object as quarantined whole, with the lines that can be counted in it.

    One of blank lines has no format to be recognised by: it is ignored."""
    reading = Reading()
    newlines, last, blank = 0, b"", parsed.formats[item.raw.number] == UNKNOWN
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


def _parsed_sql(
    space: Workspace, source: Source, statement: Statement, reader: RecordReader, has_erased: bool = False
) -> str:
    """The judged query over a reader; columns the format does not give are NULL, unknown ones are refused."""
    space.connection.register("arrow_records", reader.reader())
    datasets = _datasets(source, statement)
    sql = space.provide(_declared_sql(space, source, statement) if statement.dataset == DECLARED else statement.sql)
    known = list({column.name: column for dataset in datasets for column in columns(dataset)}.values())
    given = _given_columns(space, statement, sql, datasets, {column.name for column in known})
    wanted = [column for column in known if column.name not in _MADE_LATER]
    named = engine.quote(datasets[0])
    if "dataset" in given:
        listed = "[" + ", ".join(engine.quote(item) for item in datasets) + "]"
        wrong = f"error('{statement.name}: dataset ' || dataset || ' is not in its header')"
        named = f"CASE WHEN dataset IS NULL THEN {named} WHEN NOT list_contains({listed}, dataset) THEN {wrong} ELSE dataset END"
    query = space.statements.stages["parsed"].filled(
        format=sql,
        columns=engine.projection(wanted, given),
        dataset=named,
        ignored="coalesce(ignored, false)" if "ignored" in given else "false",
        visitor=visitor_key(datasets, source.privacy, given),
        reason=private_text("problem", source.privacy, has_erased, is_reason=True),
        raw=private_text("raw", source.privacy, has_erased),
        erased="outcome = 'quarantined' AND len(erased_in(raw)) > 0" if has_erased else "false",
    )
    return space.provide(query)


def _declared_sql(space: Workspace, source: Source, statement: Statement) -> str:
    """A format that gives entries, with the columns of the source's dataset picked from them by name."""
    mapped = dict(source.fields)
    wanted = [
        column for column in (*ENVELOPE, *DATASETS[_datasets(source, statement)[0]])
        if column.name in ("service_name", "host_name") or column not in ENVELOPE
    ]  # fmt: skip
    unknown = set(mapped) - {column.name for column in wanted} - {"event_time"}
    if unknown:
        where = f"sources.{source.name}.fields.{sorted(unknown)[0]}"
        names = ", ".join(["event_time", *(column.name for column in wanted)])
        raise ConfigError(where, mapped[sorted(unknown)[0]], f"a column of {source.dataset} on the left: {names}")
    times = [mapped["event_time"]] if "event_time" in mapped else list(_TIME_NAMES)
    casts = {column.name: _cast(column) for column in wanted}
    picks = {column.name: _entry([mapped.get(column.name, column.name)]) for column in wanted}
    failed = {name: f"(dash_null(entry_{name}.value) IS NOT NULL AND {cast} IS NULL)" for name, cast in casts.items()}
    return space.statements.stages["declared"].filled(
        format=statement.sql,
        picked=", ".join(
            [f"{_entry(times)} AS entry_event_time", *(f"{pick} AS entry_{name}" for name, pick in picks.items())]
        ),
        cast=", ".join(f"{cast} AS {engine.name(name)}" for name, cast in casts.items()),
        failed=" OR ".join(failed.values()),
        kept="[" + ", ".join(f"CASE WHEN {test} THEN entry_{name}.key END" for name, test in failed.items()) + "]",
        taken="[entry_event_time.key, " + ", ".join(f"entry_{name}.key" for name in casts) + "]",
        time_names=engine.quote(", ".join(times)),
    )


def _entry(names: list[str]) -> str:
    """The entry with the first of the names that has one."""
    listed = "[" + ", ".join(engine.quote(name) for name in names) + "]"
    return f"json_field(entries, {listed})"


def _cast(column: Column) -> str:
    value = f"dash_null(entry_{column.name}.value)"
    if column.type == "TIMESTAMP":
        return f"moment({value}).time"
    if column.type == "VARCHAR":
        return value
    cast = f"try_cast({value} AS {column.type})"
    return f"measured({cast})" if column.name.endswith(("_ms", "_bytes")) else cast


_MADE_LATER = {*_PASSED, "source_name", "source_uri", "observed_time", "event_id"}
_SAMPLE_RECORDS = """(SELECT {'object_no': 0, 'line': 1, 'part': 0, 'lines': 1, 'byte_offset': 0, 'flag': '', 'stream': '',
    'wrapper_time': ''} AS origin, '' AS raw, TIMESTAMP '2000-01-01' AS observed_time, '' AS heading)"""


def given_columns(space: Workspace, statement: Statement) -> set[str]:
    """The columns that a format's statement gives. Raises StatementError where it breaks its contract."""
    _bind(space, Source(name="given", raw="./"), datetime(2026, 1, 1), _ANY_AGE, _END_OF_TIME)
    known = {column.name for dataset in statement.datasets for column in columns(dataset)}
    return _given_columns(space, statement, statement.sql, statement.datasets, known)


def _given_columns(space: Workspace, statement: Statement, sql: str, datasets: list[str], known: set[str]) -> set[str]:
    with engine.failing(statement):
        given = set(
            space.describe(f"WITH records AS {_SAMPLE_RECORDS}, formatted AS ({sql}\n) SELECT * FROM formatted")
        )
    needed = _OF_FORMAT | {"event_time", "time_basis", "parse_status", "attributes"}
    if len(datasets) > 1:
        needed = needed | {"dataset"}
    if needed - given:
        raise StatementError(
            f"{statement.path}: column {sorted(needed - given)[0]} is missing; a format gives {', '.join(sorted(needed))}"
        )
    unknown = given - (known - _MADE_LATER) - _OF_FORMAT - _OPTIONAL
    if unknown:
        raise StatementError(
            f"{statement.path}: column {sorted(unknown)[0]} is not in dataset {' or '.join(datasets)}; "
            "expected columns of etl/schema.py, anything else belongs into attributes"
        )
    return given


def parse_file(space: Workspace, source: Source, path: Path, uri: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """("row", canonical row) and ("reject", rejected record) of one file, each kind in the order of its lines.

    Times of any age are accepted, and nothing is taken out for privacy: nothing of it is stored. Raises EtlError where the file cannot be read.
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
    source = replace(source, privacy=PRIVACY_OFF)
    parsed = parse(space, source, objects, to_hour(modified), _ANY_AGE, _END_OF_TIME)
    for dataset in parsed.files:
        for row in iterate(space, parsed.rows_sql(space, dataset)):
            yield "row", row
    if sql := parsed.quarantine_sql(space):
        for row in iterate(space, sql):
            yield "reject", row


def _bind(space: Workspace, source: Source, landing: datetime, max_lateness: timedelta, until: datetime) -> None:
    options = dict(source.options)
    pattern, groups = named_groups(f"sources.{source.name}.options.pattern", options.get("pattern", ""))
    engine.set_variables(
        space.connection,
        source_name=source.name,
        service_name=source.service_name,
        zone=source.zone,
        fields=dict(source.fields),
        options=options,
        pattern=pattern,
        groups=groups,
        landing=landing,
        max_lateness=max_lateness,
        until=until,
    )


def named_groups(where: str, pattern: str) -> tuple[str, list[str]]:
    """An RE2 pattern and the names of its groups in order, ``_1`` for one without a name. Raises ConfigError."""
    written = re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", pattern)
    _require_pattern(where, written)
    opened = re.sub(r"\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]", "", written)
    names = [found[1] or "" for found in re.finditer(r"\((?!\?)|\(\?P<(\w+)>", opened)]
    return written, [name or f"_{number}" for number, name in enumerate(names, 1)]


def _require_pattern(where: str, pattern: str) -> None:
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        raise ConfigError(where, pattern, f"a pattern as RE2 has it ({str(error).split(':', 1)[-1].strip()})") from None


def _require_options(space: Workspace, source: Source, statement: Statement) -> None:
    given = dict(source.options)
    for option, meaning in statement.options.items():
        if "(required)" in meaning and not given.get(option):
            raise ConfigError(
                f"sources.{source.name}.options.{option}", None, f"it for format {statement.name}: {meaning}"
            )
    for option, value in source.options:
        where = f"sources.{source.name}.options.{option}"
        if option not in statement.options:
            known = ", ".join(statement.options) or "none: it has no options"
            raise ConfigError(where, value, f"an option of {statement.name}: {known}")
        if "pattern" in option or option == "record_start":
            _require_pattern(where, re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", value))
        if option == "pattern" and not [name for name in named_groups(where, value)[1] if not name.startswith("_")]:
            raise ConfigError(where, value, "at least one named group, such as (?P<body>.*)")
        if option == "time_format" and not value.startswith("epoch"):
            try:
                engine.one(space.connection, f"SELECT strftime(TIMESTAMP '2026-01-01', {engine.quote(value)})")
                engine.one(space.connection, f"SELECT try_strptime('', {engine.quote(value)})")
            except duckdb.Error as error:
                raise ConfigError(where, value, f"strptime directives such as %Y-%m-%d %H:%M:%S ({error})") from None


def detect(space: Workspace, source: Source, path: Path) -> str:
    """The format that reads the first lines of a file best, such as ``combined`` or ``docker/logback``, or ``unknown``."""
    return best(space, scores(space, source, path))


def best(space: Workspace, found: dict[str, float]) -> str:
    """Of those that read about as well as the best one, the format of the highest priority; ``unknown`` if there is none."""
    near = [name for name in found if found[name] >= max(found.values()) - _ABOUT_EQUAL]
    return max(near, key=lambda name: (space.statements.labelled(name)[1].priority, found[name], name), default=UNKNOWN)


def scores(space: Workspace, source: Source, path: Path) -> dict[str, float]:
    """Format → share of the sample's lines it reads, for those good enough; a partial row is worth a quarter.

    Only formats whose ``detect`` pattern some line matches are tried, the highest priority first, and no more once one is
    found that no lower one can beat. Times of any age count: whether a line is too late is not a question of its format.
    """
    data = sample(path)
    if not data.strip():
        return {}
    head = space.folder / "sample"
    head.write_bytes(data)
    _bind(space, source, datetime(2026, 1, 1), _ANY_AGE, _END_OF_TIME)
    wrapper = source.format.partition("/")[0] if "/" in source.format else wrapper_of(data)
    found: dict[str, float] = {}
    enough = 0
    for statement in _candidates(space, source, head, wrapper):
        if statement.priority < enough:
            break
        cut = statement.cut({}, source.encoding, wrapper)
        tried = head
        if cut.elements:
            # a record of a document may take more lines than a sample of lines has
            tried = space.folder / "document"
            tried.write_bytes(sample(path, lines=_DOCUMENT_LINES))
        worth = _worth(space, source, statement, tried, cut, path.stat().st_size)
        if worth >= _GOOD_ENOUGH:
            found[f"{wrapper}/{statement.name}" if wrapper else statement.name] = worth
            if worth >= 1 - _ABOUT_EQUAL:
                enough = statement.priority
    return found


def _worth(space: Workspace, source: Source, statement: Statement, head: Path, cut: Cut, size: int) -> float:
    """Share of a sample's lines that a format reads. The last of several records, which the sample may cut, says nothing."""
    sql = _parsed_sql(space, replace(source, privacy=PRIVACY_OFF), statement, _reader_of(head, cut))
    with engine.failing(statement):
        judged = space.connection.execute(
            f"SELECT greatest(source_lines, 1), outcome, parse_status FROM ({sql}) WHERE outcome <> 'ignored' "
            "ORDER BY source_offset"
        ).fetchall()
    if len(judged) > 1 and head.stat().st_size != size:
        judged.pop()
    read = sum(
        lines * (1 if status == "ok" else _PARTIAL_WORTH) for lines, outcome, status in judged if outcome == "row"
    )
    return float(read / sum(lines for lines, _, _ in judged)) if judged else 0.0


def _candidates(space: Workspace, source: Source, head: Path, wrapper: str | None) -> list[Statement]:
    lines = Cut(wrapper=wrapper, encoding=source.encoding)
    texts = pa.Table.from_batches(_reader_of(head, lines).batches()).column("text")
    found = []
    for statement in space.statements.formats.values():
        pattern = statement.detect
        if statement.dataset == DECLARED or pattern == _NEVER or (pattern == _WRAPPED_ONLY and not wrapper):
            continue
        if pattern in (None, _WRAPPED_ONLY) or pc.any(pc.match_substring_regex(texts, pattern)).as_py():
            found.append(statement)
    return sorted(found, key=lambda item: -item.priority)


def _reader_of(path: Path, cut: Cut) -> RecordReader:
    return RecordReader([RawInput(0, path, datetime(1970, 1, 1), "")], cut)


def _scan(paths: list[Path], dataset: str | None = None) -> str:
    scan = f"read_parquet({engine.file_list(paths)}, union_by_name = true)"
    return f"(SELECT * FROM {scan} WHERE dataset = {engine.quote(dataset)})" if dataset else scan


def iterate(space: Workspace, sql: str, batch: int = 10_000) -> Iterator[dict[str, Any]]:
    """The rows of a query as records, in bounded memory."""
    cursor = space.connection.execute(sql)
    names = [item[0] for item in cursor.description or ()]
    while found := cursor.fetchmany(batch):
        for row in found:
            yield dict(zip(names, row, strict=True))
