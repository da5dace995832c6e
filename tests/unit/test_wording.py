"""How numbers are written: in tables by Python, in the sentences of findings by SQL, and both alike."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pytest

from etl import text
from etl.io.engine import create_macros, engine, one
from etl.io.statements import load_statements


@pytest.fixture(scope="module")
def macros(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with engine(tmp_path_factory.mktemp("engine")) as connection:
        create_macros(connection, [load_statements().macros["wording"]])
        yield connection


SHARES = [
    (0, 10, "0%"), (1, 100_000, "under 0.01%"), (1, 1000, "0.10%"), (22, 1000, "2.2%"), (29, 100, "29%"), (1, 3, "33%"),
    (994, 1000, "99%"), (999, 1000, "over 99%"), (99_999, 100_000, "over 99%"), (10, 10, "100%"), (15, 10, "150%"),
]  # fmt: skip
SIZES = [
    (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (99_949, "99.9 kB"), (711_000, "711 kB"), (999_400, "999 kB"),
    (999_600, "1.0 MB"), (2_700_000_000, "2.7 GB"), (5_000_000_000_000, "5.0 TB"),
]  # fmt: skip
TIMES = [
    (0.4, "0.4 ms"), (52.0, "52.0 ms"), (120.4, "120 ms"), (4843.0, "4,843 ms"), (12_300.0, "12.3 s"), (204_000.0, "3.4 min"),
    (7_200_000.0, "2.0 h"),
]  # fmt: skip


@pytest.mark.parametrize(("part", "whole", "written"), SHARES)
def test_a_share_says_no_more_than_it_is(
    macros: duckdb.DuckDBPyConnection, part: int, whole: int, written: str
) -> None:
    assert text.share(part, whole) == written
    assert one(macros, "SELECT human_share($part, $whole)", {"part": part, "whole": whole}) == written


@pytest.mark.parametrize(("value", "written"), SIZES)
def test_a_size_has_decimal_units(macros: duckdb.DuckDBPyConnection, value: int, written: str) -> None:
    assert text.size(value) == written
    assert one(macros, "SELECT human_bytes($value)", {"value": value}) == written


@pytest.mark.parametrize(("value", "written"), TIMES)
def test_a_duration_has_the_unit_people_think_in(macros: duckdb.DuckDBPyConnection, value: float, written: str) -> None:
    assert text.ms(value) == written
    assert one(macros, "SELECT human_ms($value)", {"value": value}) == written


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), Decimal("NaN")])
@pytest.mark.parametrize("unit", sorted(text.FORMATS))
def test_what_is_not_there_is_a_dash(unit: str, value: object) -> None:
    assert text.FORMATS[unit](value) == "–"


def test_a_share_of_nothing_is_a_dash_and_null() -> None:
    assert text.share(1, 0) == text.share(None, 5) == "–"


def test_an_amount_keeps_every_digit() -> None:
    assert text.amount(Decimal("12345678901234567.10")) == "12,345,678,901,234,567.10"


@pytest.mark.parametrize(
    ("sql", "written"),
    [
        ("plural(1, 'request')", "1 request"),
        ("plural(0, 'request')", "0 requests"),
        ("plural(6100, 'request')", "6,100 requests"),
        ("human_times(24, 1)", "24×"),
        ("human_times(12, 5)", "2.4×"),
        ("human_times(99500, 10)", "9,950×"),
        ("human_times(3, 0)", None),
        ("human_share(3, 0)", None),
        ("human_hour(TIMESTAMP '2015-05-18 21:00')", "Mon 18 May 21:00 UTC"),
        ("human_mostly('curl', 29, 100)", "the largest part from curl (29%)"),
        ("human_mostly('curl', 50, 100)", "the largest part from curl (50%)"),
        ("human_mostly('curl', 51, 100)", "mostly from curl (51%)"),
        ("human_mostly('curl', 100, 100)", "all from curl"),
        ("sql_text('it''s')", "'it''s'"),
        ("sql_text(NULL)", "NULL"),
        ("sql_text('$(id) ' || chr(10) || '''')", "('' || chr(36) || '(id) ' || chr(10) || '''')"),
        (
            "sql_hours(TIMESTAMP '2015-05-18 21:00', TIMESTAMP '2015-05-18 22:00')",
            "hour_start BETWEEN TIMESTAMP '2015-05-18 21:00:00' AND TIMESTAMP '2015-05-18 22:00:00'",
        ),
    ],
)
def test_words_of_a_finding(macros: duckdb.DuckDBPyConnection, sql: str, written: str | None) -> None:
    assert one(macros, f"SELECT {sql}") == written
