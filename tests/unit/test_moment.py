"""Times as people write them: each written form, the missing year, the declared form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.io import engine
from etl.io.statements import load_statements

UTC_NOON = datetime(2026, 11, 22, 12)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with engine.engine(Path(tmp_path_factory.mktemp("spill"))) as opened:
        engine.create_macros(opened, load_statements().macros_in_order)
        yield opened


def moment(
    connection: duckdb.DuckDBPyConnection, text: str | None, zone: str = "UTC", landing: datetime = UTC_NOON
) -> tuple[datetime | None, str, str | None]:
    engine.set_variables(connection, zone=zone, landing=landing)
    found = engine.one(connection, "SELECT moment(t) FROM (SELECT $1::VARCHAR AS t)", [text])
    return found["time"], found["basis"], found["wrong_weekday"]


D = datetime
WRITTEN: dict[str, tuple[datetime | None, str]] = {
    "2026-11-22T13:04:05Z": (D(2026, 11, 22, 13, 4, 5), "offset"),
    "2026-11-22 13:04:05": (D(2026, 11, 22, 13, 4, 5), "zone"),
    "2026-11-22 13:04": (D(2026, 11, 22, 13, 4), "zone"),
    "2026-11-22": (D(2026, 11, 22), "zone"),
    "2026-11-22T13:04:05.138633": (D(2026, 11, 22, 13, 4, 5, 138633), "zone"),
    "2026-11-22T13:04:05,1": (D(2026, 11, 22, 13, 4, 5, 100000), "zone"),
    "2026-11-22T13:04:05.123456789Z": (D(2026, 11, 22, 13, 4, 5, 123456), "offset"),
    "2026-11-22T13:04:05.000000001+00:00": (D(2026, 11, 22, 13, 4, 5), "offset"),
    "2026-11-22T13:04:05+0900": (D(2026, 11, 22, 4, 4, 5), "offset"),
    "2026-11-22T13:04:05+09:00": (D(2026, 11, 22, 4, 4, 5), "offset"),
    "2026-11-22T13:04:05+09": (D(2026, 11, 22, 4, 4, 5), "offset"),
    "2026-11-22T13:04:05 -03:30": (D(2026, 11, 22, 16, 34, 5), "offset"),
    "2026-11-22 13:04:05 UTC": (D(2026, 11, 22, 13, 4, 5), "offset"),
    "2026-11-22 13:04:05.5 CET": (D(2026, 11, 22, 12, 4, 5, 500000), "offset"),
    "2026-11-22 13:04:05 GMT+2": (D(2026, 11, 22, 11, 4, 5), "offset"),
    "2026-11-22 13:04:05 XYZ": (None, "zone"),
    "2026/11/22 13:04:05": (D(2026, 11, 22, 13, 4, 5), "zone"),
    "2026 Nov 22 13:04:05": (D(2026, 11, 22, 13, 4, 5), "zone"),
    "20261122T130405Z": (D(2026, 11, 22, 13, 4, 5), "offset"),
    "20261122130405": (D(2026, 11, 22, 13, 4, 5), "zone"),
    "20261122130405123": (D(2026, 11, 22, 13, 4, 5, 123000), "zone"),
    "2026/11/22 13:04:05 +99:99": (None, "zone"),
    "261122 13:04:05": (D(2026, 11, 22, 13, 4, 5), "zone"),
    "261122  3:04:05": (D(2026, 11, 22, 3, 4, 5), "zone"),
    "991122 13:04:05": (D(1999, 11, 22, 13, 4, 5), "zone"),
    "22/Nov/2026:13:04:05 +0900": (D(2026, 11, 22, 4, 4, 5), "offset"),
    "22/Nov/2026:13:04:05.250 +0000": (D(2026, 11, 22, 13, 4, 5, 250000), "offset"),
    "22-Nov-2026 13:04:05": (D(2026, 11, 22, 13, 4, 5), "zone"),
    "Sun, 22 Nov 2026 13:04:05 GMT": (D(2026, 11, 22, 13, 4, 5), "offset"),
    "Sun Nov 22 13:04:05 2026": (D(2026, 11, 22, 13, 4, 5), "zone"),
    "Sun Nov 22 13:04:05.123456 2026": (D(2026, 11, 22, 13, 4, 5, 123456), "zone"),
    "Nov 22, 2026 1:04:05 PM": (D(2026, 11, 22, 13, 4, 5), "zone"),
    "Nov 22, 2026 12:04:05 AM": (D(2026, 11, 22, 0, 4, 5), "zone"),
    "11/22/2026 13:04:05": (D(2026, 11, 22, 13, 4, 5), "zone"),
    "22/11/2026 13:04:05": (D(2026, 11, 22, 13, 4, 5), "zone"),
    "2016-12-31T23:59:60Z": (D(2017, 1, 1), "offset"),
    "1795352645": (D(2026, 11, 22, 13, 4, 5), "epoch"),
    "1795352645.138633": (D(2026, 11, 22, 13, 4, 5, 138633), "epoch"),
    "1795352645123": (D(2026, 11, 22, 13, 4, 5, 123000), "epoch"),
    "1795352645123456": (D(2026, 11, 22, 13, 4, 5, 123456), "epoch"),
    "1795352645123456789": (D(2026, 11, 22, 13, 4, 5, 123456), "epoch"),
    "Nov 22 13:04:05": (D(2026, 11, 22, 13, 4, 5), "zone_year_inferred"),
    "Nov  2 13:04:05": (D(2026, 11, 2, 13, 4, 5), "zone_year_inferred"),
    "Nov 22 13:04:05.123 +0900": (D(2026, 11, 22, 4, 4, 5, 123000), "offset_year_inferred"),
    "2026-02-30 00:00:00": (None, "zone"),
    "2026-11-22 25:00:00": (None, "zone"),
    "Xyz 22 13:04:05": (None, "zone_year_inferred"),
    "yesterday": (None, "zone"),
    "12345": (None, "zone"),
    "": (None, "zone"),
}


def test_written_times(connection: duckdb.DuckDBPyConnection) -> None:
    engine.set_variables(connection, zone="UTC", landing=UTC_NOON)
    sql = "SELECT list(moment(t) ORDER BY place) FROM unnest($1) WITH ORDINALITY AS written(t, place)"
    found = zip(WRITTEN, engine.one(connection, sql, [list(WRITTEN)]), strict=True)
    # where there is no time, its basis says nothing
    assert {
        text: (moment["time"], moment["basis"] if moment["time"] else WRITTEN[text][1]) for text, moment in found
    } == WRITTEN


def test_no_time(connection: duckdb.DuckDBPyConnection) -> None:
    assert moment(connection, None)[0] is None


@pytest.mark.parametrize(
    ("text", "landing", "expected"),
    [
        ("Dec 31 23:59:59", D(2027, 1, 1, 0), D(2026, 12, 31, 23, 59, 59)),
        ("Jan  1 00:00:01", D(2026, 12, 31, 23), D(2027, 1, 1, 0, 0, 1)),
        ("Jan  1 00:00:01", D(2026, 1, 1, 0), D(2026, 1, 1, 0, 0, 1)),
        ("Jun 30 12:00:00", D(2026, 11, 22, 12), D(2026, 6, 30, 12)),
        ("Feb 29 12:00:00", D(2024, 3, 1, 0), D(2024, 2, 29, 12)),
        ("Feb 29 12:00:00", D(2025, 1, 1, 0), D(2024, 2, 29, 12)),
        ("Feb 29 12:00:00", D(2024, 11, 22, 0), D(2024, 2, 29, 12)),
        ("Feb 29 12:00:00", D(2026, 11, 22, 0), D(2024, 2, 29, 12)),
        ("May 20 12:00:00", D(2026, 11, 22, 0), D(2026, 5, 20, 12)),
        ("Dec 20 12:00:00", D(2026, 11, 22, 0), D(2026, 12, 20, 12)),
        ("Dec 25 12:00:00", D(2026, 11, 22, 0), D(2025, 12, 25, 12)),
    ],
)
def test_a_missing_year_is_the_nearest_to_arrival(
    connection: duckdb.DuckDBPyConnection, text: str, landing: datetime, expected: datetime
) -> None:
    assert moment(connection, text, landing=landing)[:2] == (expected, "zone_year_inferred")


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    landing=st.datetimes(D(1990, 1, 1), D(2050, 1, 1)),
    places=st.lists(st.tuples(st.integers(-330, 30), st.integers(0, 86399)), min_size=50, max_size=100),
)
def test_a_time_of_the_year_before_arrival_keeps_its_year(
    connection: duckdb.DuckDBPyConnection, landing: datetime, places: list[tuple[int, int]]
) -> None:
    midnight = landing.replace(hour=0, minute=0, second=0, microsecond=0)
    events = [midnight + timedelta(days=days, seconds=seconds) for days, seconds in places]
    engine.set_variables(connection, zone="UTC", landing=landing)
    sql = "SELECT list(moment(t).time ORDER BY place) FROM unnest($1) WITH ORDINALITY AS written(t, place)"
    assert engine.one(connection, sql, [[f"{event:%b %d %H:%M:%S}" for event in events]]) == events


def test_a_zoneless_time_is_in_the_zone_of_the_source(connection: duckdb.DuckDBPyConnection) -> None:
    assert moment(connection, "2026-11-22 13:04:05", "Asia/Seoul")[:2] == (D(2026, 11, 22, 4, 4, 5), "zone")
    assert moment(connection, "Nov  1 01:30:00", "America/New_York")[:2] == (
        D(2026, 11, 1, 5, 30),
        "zone_ambiguous_year_inferred",
    )
    assert moment(connection, "2026-03-08 02:30:00", "America/New_York")[:2] == (D(2026, 3, 8, 7, 30), "zone_gap")
    assert moment(connection, "2026-11-22 13:04:05 CST", "Asia/Shanghai")[:2] == (D(2026, 11, 22, 5, 4, 5), "offset")
    assert moment(connection, "2026-11-22 13:04:05 CST", "America/Chicago")[:2] == (D(2026, 11, 22, 19, 4, 5), "offset")
    assert moment(connection, "2026-11-22 13:04:05 XYT", "Asia/Jakarta")[:2] == (D(2026, 11, 22, 6, 4, 5), "zone")


def test_a_wrong_weekday_is_accepted_and_noted(connection: duckdb.DuckDBPyConnection) -> None:
    assert moment(connection, "Mon Nov 22 13:04:05 2026") == (D(2026, 11, 22, 13, 4, 5), "zone", "Mon")
    assert moment(connection, "Sun Nov 22 13:04:05 2026")[2] is None
    assert moment(connection, "Sunday, 22 Nov 2026 13:04:05 GMT")[2] is None


DECLARED: dict[tuple[str, str], datetime | None] = {
    ("0", "epoch"): D(1970, 1, 1),
    ("456", "epoch_ms"): D(1970, 1, 1, 0, 0, 0, 456000),
    ("1795352645123456", "epoch_us"): D(2026, 11, 22, 13, 4, 5, 123456),
    ("1795352645123456789", "epoch_ns"): D(2026, 11, 22, 13, 4, 5, 123456),
    ("x", "epoch"): None,
    ("99999999999999999999999", "epoch"): None,
    ("9223372036854775807", "epoch_us"): None,
    ("2026-11-22 UTC", "%Y-%m-%d %Z"): D(2026, 11, 22),
    ("13.04.05 22.11.2026", "%H.%M.%S %d.%m.%Y"): D(2026, 11, 22, 4, 4, 5),
    ("22.11.2026 13 +0100", "%d.%m.%Y %H %z"): D(2026, 11, 22, 12),
    ("22.11.", "%d.%m.%Y"): None,
}


@pytest.mark.parametrize(("text", "form"), DECLARED)
def test_declared_forms(connection: duckdb.DuckDBPyConnection, text: str, form: str) -> None:
    sql = f"SELECT moment_as(t, {engine.quote(form)}, 'Asia/Seoul').time FROM (SELECT $1::VARCHAR AS t)"
    found: Any = engine.one(connection, sql, [text])
    assert found == DECLARED[text, form]
