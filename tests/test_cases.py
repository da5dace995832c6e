"""Every statement of ``sql/`` against its cases: folders of input and expected rows, no Python per case.

    tests/cases/formats/<format>/<case>/     input.log[.gz|…], expected.jsonl, rejects.jsonl, case.toml
    tests/cases/metrics/<metric>/<case>/     events.jsonl, expected.jsonl
    tests/cases/dimensions/<dimension>/<case>/ found.jsonl (what the lists say), expected.jsonl
    tests/cases/checks/<check>/<case>/       one <view>.jsonl per view, expected.jsonl (the violations)
    tests/cases/reports/<report>/<case>/     one <view>.jsonl per view, expected/<query>.jsonl for each query that is shown,
                                             case.toml; of a report that is declared: sources.toml
    tests/cases/alerts/<alert>/<case>/       one <view>.jsonl per view, expected.jsonl (what it finds), case.toml

A statement without a case fails. Nothing may be left over on either side: rows, rejects, keys, files.
``case.toml`` of a format: zone, fields, options, dataset, encoding, wrapper (cri or docker), service_name, arrived (the
hour the input landed, which decides a missing year; default 2026-11-22T14:00:00Z), ignored (blank lines and directives,
default 0); of a report: first_hour, last_hour; of an alert: landing_hour. A format of several datasets names the dataset of each expected row.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest

from etl.config import Settings, Source, load
from etl.io import engine
from etl.io.lists import lists_of
from etl.io.raw import open_decompressed
from etl.io.snapshot import all_views, history_views, snapshot
from etl.io.statements import DECLARED, load_statements
from etl.io.workspace import Workspace, workspace
from etl.model.declared import KINDS, Declared
from etl.model.hours import parse_hour, to_hour
from etl.schema import DATASETS, DIMENSIONS, QUARANTINE, columns
from etl.stages.charts import Chart
from etl.stages.declared import prepare, views_read
from etl.stages.notify import found_by, make_tables, reads
from etl.stages.parse import parse_file
from etl.stages.report import findings_of, queried

CASES = Path(__file__).parent / "cases"
STATEMENTS = load_statements()
OBSERVED = 1_795_356_000  # 2026-11-22T14:00:00Z
SOURCE = "web"


def cases(kind: str) -> list[Any]:
    return [
        pytest.param(path, id=f"{path.parent.name}-{path.name}")
        for path in sorted((CASES / kind).glob("*/*"))
        if path.is_dir()
    ]


def jsonl(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def settings_of(case: Path, allowed: set[str]) -> dict[str, Any]:
    path = case / "case.toml"
    found = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    assert set(found) <= allowed, f"{path}: unknown keys {sorted(set(found) - allowed)}; allowed {sorted(allowed)}"
    return found


def only_files(case: Path, allowed: set[str]) -> None:
    found = {path.name for path in case.iterdir()}
    assert found <= allowed, f"{case}: unknown files {sorted(found - allowed)}; allowed {sorted(allowed)}"


def plain(value: Any) -> Any:
    """A database value as the JSON of the case files writes it."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds" if value.microsecond else "seconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def same(found: Any, wanted: Any) -> bool:
    """Equal in value and type; floats to twelve digits, since libm differs between machines."""
    if isinstance(found, float) and isinstance(wanted, float | int) and not isinstance(wanted, bool):
        return found == pytest.approx(wanted, rel=1e-12, abs=1e-12)
    return type(found) is type(wanted) and bool(found == wanted)


def assert_record(found: dict[str, Any], wanted: dict[str, Any], where: str, rest_is_null: set[str]) -> None:
    unknown = set(wanted) - set(found)
    assert not unknown, f"{where}: no such column {sorted(unknown)}; there are {sorted(found)}"
    compared = {key: plain(found[key]) for key in found if key in wanted or key in rest_is_null}
    expected = {key: wanted.get(key) for key in compared}
    differing = {key: (compared[key], expected[key]) for key in compared if not same(compared[key], expected[key])}
    assert not differing, f"{where}: found, expected = {differing}"


def assert_records(found: list[dict[str, Any]], wanted: list[dict[str, Any]], where: str) -> None:
    """All columns compared, in order."""
    shown = [{key: plain(value) for key, value in row.items()} for row in found]
    assert len(shown) == len(wanted), f"{where}: {len(shown)} rows found, {len(wanted)} expected: {shown}"
    for number, (row, expected) in enumerate(zip(shown, wanted, strict=True), 1):
        assert_record(row, expected, f"{where} row {number}", set(row))


def test_every_statement_has_a_case_and_every_case_a_statement() -> None:
    declared = {
        "formats": set(STATEMENTS.formats),
        "metrics": set(STATEMENTS.metrics),
        "dimensions": set(STATEMENTS.dimensions),
        "checks": set(STATEMENTS.checks),
        "reports": set(STATEMENTS.reports),
        "alerts": set(STATEMENTS.alerts),
    }
    for kind, names in declared.items():
        tried = {path.parent.name for path in (CASES / kind).glob("*/*") if path.is_dir()}
        assert tried == names, (
            f"sql/{kind} and tests/cases/{kind} differ: without a case {sorted(names - tried)}, "
            f"without a statement {sorted(tried - names)}; add a folder tests/cases/{kind}/<name>/<case>/"
        )
    assert {path.name for path in CASES.iterdir() if path.is_dir()} == set(declared)


@pytest.mark.parametrize("name", sorted(STATEMENTS.checks))
def test_every_check_has_a_passing_and_a_violating_case(name: str) -> None:
    outcomes = {bool(jsonl(path / "expected.jsonl")) for path in (CASES / "checks" / name).glob("*") if path.is_dir()}
    assert outcomes == {True, False}, f"tests/cases/checks/{name}: needs a case with violations and one without"


@pytest.mark.parametrize("name", sorted(name for name, item in STATEMENTS.formats.items() if item.dataset != DECLARED))
def test_every_sample_line_is_read_by_its_own_format(name: str, space: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "sample"
    path.write_text(STATEMENTS.formats[name].header["sample"] + "\n", encoding="utf-8")
    outcome = list(parse_file(space, Source(name="sample", raw="./", format=name), path, "sample"))
    assert [(kind, record["parse_status"]) for kind, record in outcome] == [("row", "ok")]


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    root = tmp_path_factory.mktemp("lake")
    with workspace(Settings(str(root), {}, root / "sources.toml")) as opened:
        yield opened


@pytest.fixture(scope="module")
def empty_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with every view of an empty lake, for its column types."""
    lake, views = str(tmp_path_factory.mktemp("empty")), [*all_views(STATEMENTS), *history_views(STATEMENTS)]
    with snapshot(lake, STATEMENTS, views, macros=STATEMENTS.macros_in_order) as connection:
        connection.execute("CREATE TABLE touched_hours (hour_start TIMESTAMP)")
        yield connection


@pytest.fixture
def views(empty_lake: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """The same for one case: tables, views and variables that it makes are gone afterwards."""
    empty_lake.execute("BEGIN")
    yield empty_lake
    empty_lake.execute("ROLLBACK")
    for variable in engine.rows(empty_lake, "SELECT name FROM duckdb_variables()"):
        empty_lake.execute(f"RESET VARIABLE {variable['name']}")


def fill(connection: duckdb.DuckDBPyConnection, name: str, path: Path, types: dict[str, str]) -> None:
    """Make ``name`` a table of the records of a JSON lines file; columns that are not there are NULL."""
    for number, record in enumerate(jsonl(path), 1):
        unknown = set(record) - set(types)
        assert not unknown, f"{path} line {number}: no such column {sorted(unknown)}; there are {sorted(types)}"
    listed = "{" + ", ".join(f"{engine.quote(key)}: {engine.quote(kind)}" for key, kind in types.items()) + "}"
    connection.execute(
        f"CREATE TABLE {engine.name(name + '_case')} AS "
        f"SELECT * FROM read_json({engine.quote(str(path))}, columns = {listed}, format = 'newline_delimited')"
    )
    for kind in ("VIEW", "TABLE"):
        exists = f"SELECT count(*) FROM duckdb_{kind.lower()}s() WHERE {kind.lower()}_name = {engine.quote(name)}"
        if engine.one(connection, exists):
            connection.execute(f"DROP {kind} {engine.name(name)}")
    connection.execute(f"ALTER TABLE {engine.name(name + '_case')} RENAME TO {engine.name(name)}")


def fill_views(connection: duckdb.DuckDBPyConnection, case: Path) -> set[str]:
    names = {path.stem for path in case.glob("*.jsonl")} - {"expected"}
    for name in sorted(names):
        fill(
            connection, name, case / f"{name}.jsonl", engine.describe(connection, f"SELECT * FROM {engine.name(name)}")
        )
    return names


FORMAT_KEYS = {"zone", "fields", "options", "dataset", "encoding", "wrapper", "service_name", "arrived", "ignored"}


def source_of(case: Path) -> Source:
    given = settings_of(case, FORMAT_KEYS)
    name = case.parent.name
    return Source(
        name=SOURCE,
        raw="./",
        format=f"{given['wrapper']}/{name}" if "wrapper" in given else name,
        zone=given.get("zone", "UTC"),
        fields=tuple(sorted(given.get("fields", {}).items())),
        options=tuple(sorted(given.get("options", {}).items())),
        dataset=given.get("dataset"),
        encoding=given.get("encoding", "utf-8"),
        service_name=given.get("service_name", ""),
    )


Outcome = tuple[list[dict[str, Any]], list[dict[str, Any]]]


def format_outcome(space: Workspace, case: Path, path: Path) -> Outcome:
    """(rows in the order of their lines, rejects) of a file."""
    outcome = list(parse_file(space, source_of(case), path, "file:///raw/input.log"))
    rows = [row for kind, row in outcome if kind == "row"]
    return sorted(rows, key=place_of), [row for kind, row in outcome if kind == "reject"]


@pytest.fixture(scope="module")
def outcome_of(space: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Outcome]:
    """What the input of a case becomes, read once for both of its tests."""
    return cache(lambda case: format_outcome(space, case, input_of(case, tmp_path_factory.mktemp("input"))))


def place_of(row: dict[str, Any]) -> tuple[int, int]:
    """Line of a row, and its number among the records of that line."""
    line, _, part = row["event_id"].rpartition("-")[2].partition(".")
    return int(line), int(part or 0)


def dataset_of(row: dict[str, Any], datasets: list[str]) -> str:
    """The dataset whose columns a row has."""
    (found,) = [name for name in datasets if [*row] == [column.name for column in columns(name)]]
    return found


def arrival_of(case: Path) -> float:
    arrived = settings_of(case, FORMAT_KEYS).get("arrived")
    return arrived.timestamp() if arrived else OBSERVED


def input_of(case: Path, folder: Path) -> Path:
    """A copy of the case's input whose modification time is always the same."""
    (path,) = case.glob("input.log*")
    copy = folder / path.name
    copy.write_bytes(path.read_bytes())
    os.utime(copy, (arrival_of(case), arrival_of(case)))
    return copy


def content_of(path: Path) -> bytes:
    _, stream = open_decompressed(path)
    with stream:
        return stream.read(1 << 30)


@pytest.mark.parametrize("case", cases("formats"))
def test_format(case: Path, outcome_of: Callable[[Path], Outcome]) -> None:
    (path,) = case.glob("input.log*")
    only_files(case, {path.name, "expected.jsonl", "rejects.jsonl", "case.toml"})
    rows, rejects = outcome_of(case)
    expected, expected_rejects = jsonl(case / "expected.jsonl"), jsonl(case / "rejects.jsonl")
    source = source_of(case)
    datasets = [source.dataset] if source.dataset else STATEMENTS.format(case.parent.name).datasets

    assert [row["source_line"] for row in rows] == [row["source_line"] for row in expected]
    for row, wanted in zip(rows, expected, strict=True):
        dataset = dataset_of(row, datasets)
        if len(datasets) > 1:
            assert wanted.pop("dataset") == dataset, f"dataset of line {wanted['source_line']}"
        assert_record(row, wanted, f"line {wanted['source_line']}", {column.name for column in DATASETS[dataset]})
        assert row["source_name"] == SOURCE and row["source_uri"] == "file:///raw/input.log"
        assert row["observed_time"] == datetime.fromtimestamp(arrival_of(case), UTC).replace(tzinfo=None)
        assert row["event_id"].partition(".")[0].endswith(f"-{row['source_line']}")

    where = [(item["source_line"], item["reject_reason"]) for item in rejects]
    assert [line for line, _ in where] == [item["source_line"] for item in expected_rejects], where
    for item, wanted in zip(rejects, expected_rejects, strict=True):
        assert [*item] == [column.name for column in QUARANTINE]
        assert item["reject_reason"].startswith(wanted["reject_reason"])
        exact = {key: value for key, value in wanted.items() if key != "reject_reason"}
        assert_record(item, exact, f"reject of line {wanted['source_line']}", set())

    content = content_of(path)
    lines = content.count(b"\n") + (content != b"" and not content.endswith(b"\n"))
    ignored = settings_of(case, FORMAT_KEYS).get("ignored", 0)
    booked = sum(item["source_lines"] for item in [*rows, *rejects])
    assert lines == booked + ignored, "lines = lines of rows + of rejects + ignored"


@pytest.mark.parametrize("case", cases("formats"))
def test_format_gives_the_same_again_and_from_a_compressed_copy(
    case: Path, space: Workspace, tmp_path: Path, outcome_of: Callable[[Path], Outcome]
) -> None:
    path = input_of(case, tmp_path)
    first = outcome_of(case)
    again = format_outcome(space, case, path)
    compressed = tmp_path / "copy"
    compressed.write_bytes(gzip.compress(content_of(path), mtime=0))
    os.utime(compressed, (arrival_of(case), arrival_of(case)))
    assert first == again
    assert first == format_outcome(space, case, compressed)


@pytest.mark.parametrize("case", cases("metrics"))
def test_metric(case: Path, views: duckdb.DuckDBPyConnection) -> None:
    only_files(case, {"events.jsonl", "expected.jsonl"})
    metric = STATEMENTS.metrics[case.parent.name]
    fill(views, "events", case / "events.jsonl", {column.name: column.type for column in columns(metric.dataset)})
    first = engine.one(views, "SELECT min(event_time) FROM events")
    engine.set_variables(views, hour_start=to_hour(first), source_name=SOURCE, dataset=metric.dataset)
    order = ", ".join(engine.name(column) for column in metric.grain)
    found = engine.rows(views, f"SELECT * FROM ({metric.sql}\n) ORDER BY {order}")
    assert_records(found, jsonl(case / "expected.jsonl"), str(case))
    grains = [tuple(row[column] for column in metric.grain) for row in found]
    assert len(grains) == len(set(grains)), "the grain identifies a row"


@pytest.mark.parametrize("case", cases("dimensions"))
def test_dimension(case: Path, views: duckdb.DuckDBPyConnection) -> None:
    only_files(case, {"found.jsonl", "expected.jsonl"})
    dimension = STATEMENTS.dimensions[case.parent.name]
    views.register("found", lists_of(Settings("", {}, case))[dimension.name].look_up([]))
    given = engine.describe(views, "FROM found")
    views.unregister("found")
    fill(views, "found", case / "found.jsonl", given)
    engine.set_variables(views, lists_version="list 1, sql 0")
    found = engine.rows(views, f"SELECT * FROM ({dimension.sql}\n) ORDER BY {engine.name(dimension.values[1])}")
    assert list(found[0]) == [column.name for column in DIMENSIONS[dimension.name]]
    assert_records(found, jsonl(case / "expected.jsonl"), str(case))


@pytest.mark.parametrize("case", cases("checks"))
def test_check(case: Path, views: duckdb.DuckDBPyConnection) -> None:
    check = STATEMENTS.checks[case.parent.name]
    assert (case / "expected.jsonl").exists(), "an empty expected.jsonl says that nothing is violated"
    read = {part.strip() for part in check.header["reads"].split(",")}
    only_files(case, {"expected.jsonl", "touched_hours.jsonl", *(f"{name}.jsonl" for name in read)})
    assert read <= fill_views(views, case), f"{case}: a file for each of {sorted(read)}"
    engine.set_variables(views, source_name=SOURCE)
    found = sorted(engine.rows(views, check.sql), key=lambda row: json.dumps(row, default=str))
    assert_records(found, jsonl(case / "expected.jsonl"), str(case))


@pytest.mark.parametrize("case", cases("reports"))
def test_report(case: Path, views: duckdb.DuckDBPyConnection) -> None:
    report = STATEMENTS.reports[case.parent.name]
    declares = report.name in KINDS
    read = report.reads | (views_read(*declared_by(case)) if declares else set())
    only_files(case, {"expected", "case.toml", *(f"{name}.jsonl" for name in read), *(["sources.toml"] * declares)})
    expected = {path.stem for path in (case / "expected").iterdir()}
    assert expected == set(report.shown), f"expected/: missing {sorted(set(report.shown) - expected)}"
    given = settings_of(case, {"first_hour", "last_hour"})
    fill_views(views, case)
    engine.set_variables(views, **{key: parse_hour(value) for key, value in given.items()})
    if declares:
        prepare(views, *declared_by(case))
    tables = queried(views, report)
    for name in report.shown:
        assert_records(tables[name], jsonl(case / "expected" / f"{name}.jsonl"), f"{case.name} {name}")
    for finding in findings_of(report, tables):
        said = [finding[part] for part in ("headline", "number", "baseline", "who")]
        assert not [part for part in said if NOT_A_WORD.search(part)], f"{case.name}: {said}"
        assert engine.rows(views, finding["check_sql"]), f"{case.name}: no row of {finding['check_sql']}"


def declared_by(case: Path) -> tuple[Settings, Declared]:
    """The only report that the case's sources.toml declares."""
    settings = load(case / "sources.toml", {})
    (declared,) = settings.reports.values()
    assert declared.kind == case.parent.name
    return settings, declared


NOT_A_WORD = re.compile(r"\b(nan|null|none|inf)\b|\b1 \w+s\b|\. *\.|  ", re.IGNORECASE)


@pytest.mark.parametrize("name", sorted(STATEMENTS.reports))
def test_every_finding_has_a_case_with_it_and_one_without(name: str) -> None:
    for finding in STATEMENTS.reports[name].findings:
        cases_of = (CASES / "reports" / name).glob(f"*/expected/{finding}.jsonl")
        assert {bool(jsonl(path)) for path in cases_of} == {True, False}, f"tests/cases/reports/{name}: {finding}"


@pytest.mark.parametrize("name", sorted(STATEMENTS.reports))
def test_a_chart_draws_columns_that_its_query_gives(name: str, views: duckdb.DuckDBPyConnection) -> None:
    engine.set_variables(views, first_hour=parse_hour("2026-11-22T00"), last_hour=parse_hour("2026-11-22T23"))
    if name in KINDS:
        prepare(views, *declared_by(min((CASES / "reports" / name).iterdir())))
    queried(views, STATEMENTS.reports[name])
    for query in STATEMENTS.reports[name].queries.values():
        if chart := Chart.declared(query):
            given = engine.describe(views, f"FROM report.{engine.name(query.name)}")
            assert {chart.x, *chart.y, chart.mark or chart.x} <= set(given), (
                f"{query.path}: it gives {', '.join(given)}"
            )


@pytest.mark.parametrize("name", sorted(STATEMENTS.alerts))
def test_every_alert_has_a_case_in_which_it_tells_and_one_in_which_it_is_silent(name: str) -> None:
    outcomes = {bool(jsonl(path / "expected.jsonl")) for path in (CASES / "alerts" / name).glob("*") if path.is_dir()}
    assert outcomes == {True, False}, (
        f"tests/cases/alerts/{name}: needs a case that tells something and one that does not"
    )


@pytest.mark.parametrize("case", cases("alerts"))
def test_alert(case: Path, views: duckdb.DuckDBPyConnection) -> None:
    alert = STATEMENTS.alerts[case.parent.name]
    assert (case / "expected.jsonl").exists(), "an empty expected.jsonl says that nothing is told"
    only_files(case, {"expected.jsonl", "case.toml", *(f"{name}.jsonl" for name in reads(alert))})
    make_tables(views)
    fill_views(views, case)
    hour = parse_hour(settings_of(case, {"landing_hour"})["landing_hour"])
    engine.set_variables(views, source_name=SOURCE, landing_hour=hour)
    assert_records(engine.rows(views, alert.sql), jsonl(case / "expected.jsonl"), str(case))
    # what a message holds of it is made of these columns
    assert len(found_by(views, alert)) == len(jsonl(case / "expected.jsonl")), "the key identifies a condition"


def test_a_misspelt_column_of_an_expectation_fails() -> None:
    with pytest.raises(AssertionError, match="no such column"):
        assert_record({"url_path": "/"}, {"url_pth": "/"}, "line 1", set())


def test_a_column_that_is_not_expected_must_be_null() -> None:
    with pytest.raises(AssertionError, match="user_name"):
        assert_record({"url_path": "/", "user_name": "frank"}, {"url_path": "/"}, "line 1", {"url_path", "user_name"})
