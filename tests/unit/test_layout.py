"""Keys of the lake: built and taken apart in one place."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl import layout
from etl.layout import Partition
from etl.model.hours import format_hour, hours_between, parse_hour, to_hour

HOURS = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)).map(to_hour)
NAMES = st.from_regex(re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII), fullmatch=True)
AT = datetime(2026, 11, 22, 13)
PART = Partition("web_access", AT)


def test_keys_are_those_of_the_design() -> None:
    landing = datetime(2026, 11, 22, 14)
    assert [
        layout.slice_key("shop", PART, landing, 3),
        layout.partition_key("shop", PART),
        layout.metric_key("traffic_hourly", AT, "shop"),
        layout.quarantine_key("shop", landing, 3),
        layout.ledger_key("shop", landing, 3),
        layout.work_list_key("shop", landing),
        layout.report_key("traffic", AT, landing),
    ] == [
        "staged/shop/web_access/event_hour=2026-11-22T13/landing_hour=2026-11-22T14/shard-03.parquet",
        "events/web_access/event_date=2026-11-22/event_hour=13/shop.parquet",
        "metrics/traffic_hourly/event_date=2026-11-22/shop.parquet",
        "quarantine/shop/landing_date=2026-11-22/landing_hour=14/shard-03.parquet",
        "ledger/shop/landing_date=2026-11-22/landing_hour=14/shard-03.json",
        "work/shop/landing_date=2026-11-22/landing_hour=14.json.gz",
        "reports/traffic/2026-11-22T13--2026-11-22T14.html",
    ]


@given(NAMES, NAMES, HOURS, HOURS, st.integers(0, 7))
def test_a_slice_key_comes_back(source: str, dataset: str, hour: datetime, landing: datetime, shard: int) -> None:
    key = layout.slice_key(source, Partition(dataset, hour), landing, shard)
    assert layout.parse_slice_key(key) == (source, Partition(dataset, hour), landing, shard)
    assert key.startswith(layout.slice_prefix(source, Partition(dataset, hour)))


@given(NAMES, NAMES, HOURS)
def test_a_partition_key_comes_back(source: str, dataset: str, hour: datetime) -> None:
    key = layout.partition_key(source, Partition(dataset, hour))
    assert layout.parse_partition_key(key) == (source, Partition(dataset, hour))
    assert key.startswith(layout.dataset_prefix(dataset, hour))
    assert layout.hours_of_key(key) == (hour, hour)


@given(NAMES, HOURS)
def test_a_partition_survives_its_text(dataset: str, hour: datetime) -> None:
    assert Partition.parse(str(Partition(dataset, hour))) == Partition(dataset, hour)


SLICE = layout.slice_key("shop", PART, AT, 3)
FOREIGN = [
    "",
    "readme.txt",
    SLICE + ".tmp",
    "x/" + SLICE,
    SLICE.replace("shard-03", "shard-x"),
    SLICE.replace("event_hour=2026-11-22T13", "event_hour=2026-11-22"),
    SLICE.replace("landing_hour=2026-11-22T13", "landing_hour=2026-11-22T99"),
    SLICE.replace("web_access", "web/access"),
    SLICE.replace("web_access", ""),
    SLICE + "\n",
    layout.partition_key("shop", PART),
]


@pytest.mark.parametrize("key", FOREIGN)
def test_a_foreign_key_is_no_slice(key: str) -> None:
    with pytest.raises(ValueError, match="not"):
        layout.parse_slice_key(key)


EVENTS = layout.partition_key("shop", PART)


@pytest.mark.parametrize(
    "key",
    [
        "",
        EVENTS + ".tmp",
        EVENTS.replace("event_hour=13", "event_hour=x"),
        EVENTS.replace("event_hour=13", "event_hour=24"),
        EVENTS.replace("2026-11-22", "2026-02-30"),
        EVENTS.replace("events/", "metrics/"),
        EVENTS.replace("shop", "shop/x"),
        SLICE,
    ],
)
def test_a_foreign_key_is_no_partition(key: str) -> None:
    with pytest.raises(ValueError, match="not"):
        layout.parse_partition_key(key)


@pytest.mark.parametrize(
    "text", ["web_access", "web_access/", "web_access/2026-11-22", "/x", "web_access/2026-11-22T13:00"]
)
def test_a_partition_text_needs_dataset_and_hour(text: str) -> None:
    with pytest.raises(ValueError, match="is not an hour"):
        Partition.parse(text)


@pytest.mark.parametrize(
    ("key", "hours"),
    [
        (layout.metric_key("m", AT, "s"), ("2026-11-22T00", "2026-11-22T23")),
        (layout.ledger_key("s", AT, 0), ("2026-11-22T13", "2026-11-22T13")),
        (layout.quarantine_key("s", AT, 0), ("2026-11-22T13", "2026-11-22T13")),
        ("reports/traffic/x.html", None),
    ],
)
def test_a_key_says_which_hours_it_can_hold(key: str, hours: tuple[str, str] | None) -> None:
    assert layout.hours_of_key(key) == (hours and (parse_hour(hours[0]), parse_hour(hours[1])))


@pytest.mark.parametrize("text", ["", "2026-11-22", "2026-11-22T24", "2026-11-22T13:00", "22.11.2026", "2026-02-30T00"])
def test_what_is_no_hour_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write it as 2026-11-22T13"):
        parse_hour(text)


def test_hours_between_counts_both_ends() -> None:
    found = [format_hour(hour) for hour in hours_between(datetime(2026, 11, 22, 22), datetime(2026, 11, 23, 1))]
    assert found == ["2026-11-22T22", "2026-11-22T23", "2026-11-23T00", "2026-11-23T01"]
    assert list(hours_between(AT, datetime(2026, 11, 22, 12))) == []


def test_a_moment_with_a_zone_is_converted_to_utc() -> None:
    assert to_hour(datetime.fromisoformat("2026-11-22T13:59:59.9+09:00")) == datetime(2026, 11, 22, 4)
