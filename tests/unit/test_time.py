"""Timestamps to UTC: the SQL macros against Python's ``zoneinfo`` (PEP 495, fold = 0)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.io import engine
from etl.io.statements import load_statements

ZONES = [
    "UTC",
    "Asia/Seoul",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Antarctica/Troll",
    "Africa/Casablanca",
]


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with engine.engine(Path(tmp_path_factory.mktemp("spill"))) as opened:
        engine.create_macros(opened, load_statements().macros_in_order)
        yield opened


def one(connection: duckdb.DuckDBPyConnection, sql: str, *values: object) -> Any:
    return engine.one(connection, sql, list(values))


def reference(local: datetime, zone: str) -> tuple[datetime, str]:
    """UTC and basis of a local time by zoneinfo: the first of two, the offset before a gap."""
    aware = local.replace(tzinfo=ZoneInfo(zone), fold=0)
    moment = aware.astimezone(UTC).replace(tzinfo=None)
    back = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if back != local:
        return moment, "zone_gap"
    twice = aware.utcoffset() != aware.replace(fold=1).utcoffset()
    return moment, "zone_ambiguous" if twice else "zone"


def compare(connection: duckdb.DuckDBPyConnection, zone: str, times: list[datetime]) -> None:
    sql = "SELECT local_to_utc(t, $zone), local_basis(t, $zone) FROM (SELECT unnest($times::TIMESTAMP[]) AS t)"
    found = connection.execute(sql, {"zone": zone, "times": times}).fetchall()
    wrong = [
        (str(local), str(got), str(want))
        for local, got, want in zip(times, found, (reference(local, zone) for local in times), strict=True)
        if got != want
    ]
    assert not wrong, f"{zone}: {len(wrong)} of {len(times)} differ, first (local, found, expected): {wrong[0]}"


@pytest.mark.parametrize("zone", ZONES)
def test_local_times_of_a_year_are_read_as_zoneinfo_reads_them(
    connection: duckdb.DuckDBPyConnection, zone: str
) -> None:
    first = datetime(2026, 1, 1)
    compare(connection, zone, [first + timedelta(minutes=15 * step) for step in range(4 * 24 * 365)])


CHANGES = [
    ("America/New_York", datetime(2026, 3, 8, 2)),
    ("America/New_York", datetime(2026, 11, 1, 1)),
    ("Europe/Berlin", datetime(2026, 3, 29, 2)),
    ("Europe/Berlin", datetime(2026, 10, 25, 2)),
    ("Australia/Lord_Howe", datetime(2026, 4, 5, 1, 30)),
    ("Australia/Lord_Howe", datetime(2026, 10, 4, 2)),
    ("America/Sao_Paulo", datetime(2018, 11, 4, 0)),
    ("America/Sao_Paulo", datetime(2019, 2, 16, 23)),
    ("Asia/Seoul", datetime(1988, 5, 8, 2)),
    ("Antarctica/Troll", datetime(2026, 3, 29, 1)),
    ("Antarctica/Troll", datetime(2026, 10, 25, 1)),
    ("Asia/Pyongyang", datetime(2015, 8, 14, 23, 30)),
    ("Asia/Pyongyang", datetime(2018, 5, 4, 23, 30)),
]


@pytest.mark.parametrize(("zone", "change"), CHANGES, ids=[f"{zone} {change:%Y-%m-%d}" for zone, change in CHANGES])
def test_every_minute_around_a_change_of_clocks(
    connection: duckdb.DuckDBPyConnection, zone: str, change: datetime
) -> None:
    compare(connection, zone, [change + timedelta(minutes=step) for step in range(-240, 300)])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    zone=st.sampled_from(ZONES),
    times=st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2036, 12, 31)), min_size=1, max_size=20),
)
def test_any_local_time(connection: duckdb.DuckDBPyConnection, zone: str, times: list[datetime]) -> None:
    compare(connection, zone, times)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("Z", 0), ("z", 0), ("UTC", 0), ("GMT", 0), ("+00:00", 0), ("-00:00", 0), ("+09:00", 540), ("+0900", 540),
        ("+09", 540), ("-03:30", -210), ("-0330", -210), ("-12:00", -720), ("+14:00", 840), ("+05:45", 345), ("-00:30", -30),
    ],
)  # fmt: skip
def test_offsets_in_minutes_east_of_utc(connection: duckdb.DuckDBPyConnection, text: str, minutes: int) -> None:
    assert one(connection, "SELECT offset_minutes($1)", text) == minutes


ISO = "SELECT iso_time(iso_parts($1), $2)"


@pytest.mark.parametrize("digits", range(1, 13))
def test_a_fraction_of_any_length_is_a_decimal_fraction(connection: duckdb.DuckDBPyConnection, digits: int) -> None:
    fraction = "138633759042"[:digits]
    expected = datetime(2026, 11, 22, 13, 4, 5, int(fraction[:6].ljust(6, "0")))
    for mark in ".,":
        assert one(connection, ISO, f"2026-11-22 13:04:05{mark}{fraction}", "UTC") == expected


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moment=st.datetimes(datetime(1970, 1, 2), datetime(2199, 12, 31)),
    minutes=st.integers(-14 * 60, 14 * 60),
    colon=st.booleans(),
    separator=st.sampled_from("T "),
)
def test_any_written_time_with_an_offset_comes_back(
    connection: duckdb.DuckDBPyConnection, moment: datetime, minutes: int, colon: bool, separator: str
) -> None:
    local = (moment + timedelta(minutes=minutes)).isoformat(sep=separator, timespec="microseconds")
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    text = f"{local}{sign}{hours:02d}{':' if colon else ''}{rest:02d}"
    assert one(connection, ISO, text, "Asia/Seoul") == moment
    assert one(connection, "SELECT iso_basis(iso_parts($1), 'Asia/Seoul')", text) == "offset"


@pytest.mark.parametrize(
    "text",
    [
        "", "-", "2026-11-22", "2026-02-30 00:00:00", "2026-13-01 00:00:00", "2026-11-22 24:00:01", "2026-11-22 13:60:00",
        "2026-11-22 1:04:05", "22/11/2026 13:04:05", "2026-11-22 13:04:05 PM", "x2026-11-22 13:04:05", "2026-11-22T13:04:05.",
    ],
)  # fmt: skip
def test_what_is_no_time_is_null(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    assert one(connection, ISO, text, "UTC") is None


INSTANT = datetime(2026, 11, 22, 13, 4, 5, 123456)
AT_SECOND = datetime(2026, 11, 22, 13, 4, 5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1795352645", AT_SECOND),
        ("1795352645.123456", INSTANT),
        ("1795352645.123456789", INSTANT),
        ("1795352645123.456999", INSTANT),
        ("1795352645.5", AT_SECOND.replace(microsecond=500_000)),
        ("1795352645123", AT_SECOND.replace(microsecond=123_000)),
        ("1795352645123.456", INSTANT),
        ("1795352645123456", INSTANT),
        ("1795352645123456789", INSTANT),
        ("999999999", datetime(2001, 9, 9, 1, 46, 39)),
        ("99999999999", datetime(5138, 11, 16, 9, 46, 39)),
        ("12345", None),
        ("-1795352645", None),
        ("1e9", None),
        ("", None),
        ("17953526451234567890", None),
    ],
)
def test_epoch_numbers_are_told_apart_by_size(
    connection: duckdb.DuckDBPyConnection, text: str, expected: datetime | None
) -> None:
    assert one(connection, "SELECT epoch_time($1)", text) == expected


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(micros=st.integers(100_000_000_000_000, 99_999_999_999_999_999))
def test_any_epoch_number_in_each_unit(connection: duckdb.DuckDBPyConnection, micros: int) -> None:
    moment = datetime(1970, 1, 1) + timedelta(microseconds=micros)
    texts = {
        f"{micros // 10**6}": moment.replace(microsecond=0),
        f"{micros // 10**6}.{micros % 10**6:06d}": moment,
        f"{micros // 1000}": moment - timedelta(microseconds=micros % 1000),
        f"{micros}": moment,
    }
    for text, expected in texts.items():
        assert one(connection, "SELECT epoch_time($1)", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("22/Nov/2026:13:04:05 +0900", datetime(2026, 11, 22, 4, 4, 5)),
        ("10/Oct/2000:13:55:36 -0700", datetime(2000, 10, 10, 20, 55, 36)),
        ("31/Dec/2026:23:59:59 -0330", datetime(2027, 1, 1, 3, 29, 59)),
        ("29/Feb/2028:00:00:00 +0000", datetime(2028, 2, 29)),
        ("29/Feb/2026:00:00:00 +0000", None),
        ("22/Nov/2026:25:04:05 +0900", None),
        ("22/Now/2026:13:04:05 +0900", None),
        ("22/Nov/2026:13:04:05", None),
        ("2026-11-22T13:04:05+09:00", None),
        ("", None),
    ],
)
def test_the_time_of_the_common_log_format(
    connection: duckdb.DuckDBPyConnection, text: str, expected: datetime | None
) -> None:
    assert one(connection, "SELECT clf_time($1)", text) == expected


MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moment=st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1)).map(lambda item: item.replace(microsecond=0)),
    minutes=st.integers(-14 * 60, 14 * 60),
)
def test_any_time_of_the_common_log_format(
    connection: duckdb.DuckDBPyConnection, moment: datetime, minutes: int
) -> None:
    local = moment + timedelta(minutes=minutes)
    hours, rest = divmod(abs(minutes), 60)
    text = (
        f"{local:%d}/{MONTHS[local.month - 1]}/{local:%Y:%H:%M:%S} {'-' if minutes < 0 else '+'}{hours:02d}{rest:02d}"
    )
    assert one(connection, "SELECT clf_time($1)", text) == moment
