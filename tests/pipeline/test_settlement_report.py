"""The settlement report over two written accounts: every figure taken again from the raw files with pandas and Decimal."""

from __future__ import annotations

import csv
import json
import random
import re
from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from etl.errors import ConfigError, StatementError
from etl.model.declared import Settlement
from etl.stages.doctor import doctor
from etl.stages.report import has_data, render
from tests.pipeline.conftest import World
from tests.pipeline.report_tables import Tables, tables_of

DAY = timedelta(days=1)
START = datetime(2026, 11, 20)
FIRST, LAST = datetime(2026, 11, 22), datetime(2026, 11, 23, 23)
END = LAST + timedelta(hours=1)
DIGITS = {"KRW": 0, "USD": 2, "KWD": 3}
SHOP_FIELDS = ("ts", "event", "order_id", "merchant", "currency", "amount")
SETTINGS = """
[sources.shop]
raw = "raw/shop/%Y/%m/%d/%H/"
format = "json_event"
start = "2026-11-20T00"
look_back_hours = 200
shards = 1

[sources.bank]
raw = "raw/bank/%Y/%m/%d/%H/"
format = "delimited"
dataset = "json_event"
zone = "Asia/Seoul"
start = "2026-11-20T00"
look_back_hours = 200
shards = 1
options = { delimiter = ";" }
fields = { event_time = "booked" }

[reports.settlement]
left = { source = "shop", title = "Shop", key = "order_id", amount = "amount", currency = "currency", merchant = "merchant", where = "event_name IN ('captured', 'refunded')", negative = "event_name = 'refunded'" }
right = { source = "bank", title = "Bank", key = "reference", amount = "gross", currency = "ccy", merchant = "shop", decimal = "," }
"""


def european(amount: Decimal, digits: int) -> str:
    """1.234,50"""
    return f"{amount:,.{digits}f}".translate(str.maketrans(",.", ".,"))


def written(amount: Decimal, currency: str) -> str:
    """1,234.50, as the report writes it."""
    fraction = f"{amount:f}".partition(".")[2].rstrip("0")
    return f"{amount:,.{max(len(fraction), DIGITS[currency])}f}"


def accounts(seed: int, orders: int) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Four days of orders and what the bank says of them, with all that goes wrong between the two."""
    rng = random.Random(seed)
    shop, bank = [], []
    for number in range(orders):
        # few hours, for each is a partition to publish
        time = START + timedelta(days=rng.randrange(4), hours=rng.choice([2, 20, 23]), seconds=rng.randrange(3600))
        currency = rng.choice(list(DIGITS))
        amount = Decimal(rng.randrange(1, 3_000_000)) / 10 ** DIGITS[currency]
        event = "refunded" if rng.random() < 0.1 else "captured"
        order = {"ts": f"{time.isoformat()}Z", "event": event, "order_id": f"A{number:05}", "currency": currency,
                 "merchant": rng.choice(["tea", "books", "<i>shoes"]), "amount": f"{amount}"}  # fmt: skip
        signed = -amount if event == "refunded" else amount
        delay = timedelta(hours=rng.choice([-3, 0, 3, 18]))
        fate = rng.random()
        if fate < 0.02:
            signed += Decimal(1) / 10 ** DIGITS[currency]
        if fate > 0.985:
            delay = timedelta(hours=30)
        booked = (time + delay + timedelta(hours=9)).isoformat(" ")
        line = {"booked": booked, "reference": order["order_id"], "shop": order["merchant"],
                "ccy": "USD" if 0.02 < fate < 0.03 and currency != "USD" else currency, "gross": european(signed, DIGITS[currency])}  # fmt: skip
        if 0.03 < fate < 0.035:
            order["amount"] = rng.choice(["free", "1e3", "", "12.3456789"])
        if 0.035 < fate < 0.04:
            line["reference"] = ""
        if not 0.04 < fate < 0.06:
            shop.append(order)
        if not 0.06 < fate < 0.08:
            bank.append(line)
        if 0.08 < fate < 0.09:
            shop.append(order | {"ts": f"{(time + timedelta(minutes=5)).isoformat()}Z"})
        shop.append(order | {"event": "viewed", "amount": "999"})
    return shop, bank


def utc_of_bank(row: dict[str, str]) -> datetime:
    return datetime.fromisoformat(row["booked"]) - timedelta(hours=9)


def land(world: World, source: str, rows: list[tuple[datetime, str]], head: str = "") -> None:
    """One object a day, all read by one run that looks back on them."""
    by_day = defaultdict(list)
    for time, line in sorted(rows):
        by_day[time.date()].append(line)
    for day, lines in by_day.items():
        world.land(f"{source}/{day:%Y/%m/%d}/23/a.log", [head, *lines] if head else lines)
    world.run(source, f"{max(by_day)}T23")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("settlement"))
    world.configure(SETTINGS)
    shop, bank = accounts(seed=7, orders=1200)
    land(world, "shop", [(datetime.fromisoformat(row["ts"][:-1]), json.dumps(row)) for row in shop])
    land(world, "bank", [(utc_of_bank(row), ";".join(row.values())) for row in bank], ";".join(bank[0]))
    return world


@pytest.fixture(scope="module")
def tables(world: World) -> Tables:
    return tables_of(world.settings, "settlement", FIRST, LAST)


@pytest.fixture(scope="module")
def rows(world: World) -> pd.DataFrame:
    """All rows that count, of both sides, read from the raw files."""
    found: list[dict[str, Any]] = []
    for path in sorted((world.root / "raw" / "shop").rglob("*.log")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            row = json.loads(line)
            if row["event"] == "viewed":
                continue
            good = re.fullmatch(r"\d+(\.\d{1,6})?", row["amount"])
            amount = Decimal(row["amount"]) * (-1 if row["event"] == "refunded" else 1) if good else None
            found.append({"side": "left", "time": datetime.fromisoformat(row["ts"][:-1]), "key": row["order_id"],
                          "merchant": row["merchant"], "currency": row["currency"], "amount": amount, "place": f"{path}:{number}"})  # fmt: skip
    for path in sorted((world.root / "raw" / "bank").rglob("*.log")):
        for number, row in enumerate(csv.DictReader(path.read_text().splitlines(), delimiter=";"), 2):
            amount = Decimal(row["gross"].translate(str.maketrans(",.", ".,")).replace(",", ""))
            found.append({"side": "right", "time": utc_of_bank(row), "key": row["reference"] or None,
                          "merchant": row["shop"], "currency": row["ccy"], "amount": amount, "place": f"{path}:{number}"})  # fmt: skip
    frame = pd.DataFrame(found)
    frame["amount"] = frame["amount"].astype(object).where(frame["amount"].notna(), None)
    frame["here"] = (frame["time"] >= FIRST) & (frame["time"] < END)
    return frame


def states_of(rows: pd.DataFrame) -> dict[tuple[Any, ...], tuple[str, list[int]]]:
    """First row of a group → (what became of it, its rows): a reading of docs/reports.md of its own."""
    # what a report of these hours can see
    seen = rows[(rows["time"] >= FIRST - 2 * DAY) & (rows["time"] < END + DAY)]
    until = seen["time"].max()
    groups: list[list[int]] = [[index] for index in seen.index[seen["key"].isna()]]
    for _, own in seen.dropna(subset="key").groupby("key"):
        last = None
        for index, time in own["time"].sort_values(kind="stable").items():
            if last is None or time - last > DAY:
                groups.append([])
            groups[-1].append(index)
            last = time
    found = {}
    for group in groups:
        own = rows.loc[group]
        left, right = own[own["side"] == "left"], own[own["side"] == "right"]
        if own["key"].isna().any() or any(amount is None for amount in own["amount"]):
            state = "unreadable"
        elif len(left) > 1 or len(right) > 1:
            state = "duplicate"
        elif len(left) and len(right):
            if left["currency"].iloc[0] != right["currency"].iloc[0]:
                state = "currency differs"
            elif left["amount"].iloc[0] != right["amount"].iloc[0]:
                state = "amount differs"
            else:
                state = "matched" if own["here"].all() else "matched across"
        elif own["time"].max() + DAY > until:
            state = "open"
        else:
            state = "left only" if len(left) else "right only"
        found[tuple(group)] = (state, group)
    return found


@pytest.fixture(scope="module")
def states(rows: pd.DataFrame) -> pd.DataFrame:
    """Each row with the state of its group."""
    frame = rows.copy()
    frame["state"] = None
    for state, group in states_of(rows).values():
        frame.loc[group, "state"] = state
        frame.loc[group, "group"] = group[0]
        frame.loc[group, "group_here"] = bool(rows.loc[group, "here"].any())
    return frame


def total(rows: pd.DataFrame, side: str) -> Decimal:
    return sum((amount for amount in rows[rows["side"] == side]["amount"] if amount is not None), Decimal(0))


def test_everything_that_can_happen_happens(states: pd.DataFrame) -> None:
    assert set(states[states["here"]]["state"]) == {
        "matched", "matched across", "open", "amount differs", "currency differs", "left only", "right only", "duplicate", "unreadable",
    }  # fmt: skip


def test_sums_of_each_state_and_currency(tables: Tables, states: pd.DataFrame) -> None:
    found = {
        (row["currency"], row["state"]): (
            row["left_rows"],
            row["left_amount"],
            row["right_rows"],
            row["right_amount"],
            row["difference"],
        )
        for row in tables["balance"]
    }
    here = states[states["here"]]
    true = {}
    for currency, own in here.groupby("currency"):
        for state, part in [*own.groupby("state"), ("all rows", own)]:
            left, right = total(part, "left"), total(part, "right")
            true[currency, state] = (
                (part["side"] == "left").sum(), written(left, currency),
                (part["side"] == "right").sum(), written(right, currency), written(left - right, currency),
            )  # fmt: skip
    assert found == true
    assert all(row["agrees"] for row in tables["balance"] if row["state"] == "all rows")


def test_sums_by_day_merchant_and_currency(tables: Tables, rows: pd.DataFrame) -> None:
    true = {}
    for (day, merchant, currency), own in rows[rows["here"]].groupby([rows["time"].dt.date, "merchant", "currency"]):
        left, right = total(own, "left"), total(own, "right")
        true[day, merchant, currency] = (written(left, currency), written(right, currency), written(left - right, currency), len(own))  # fmt: skip
    found = {
        (row["day"], row["merchant"], row["currency"]): (
            row["left_amount"], row["right_amount"], row["difference"], row["left_rows"] + row["right_rows"],
        ) for row in tables["days"]
    }  # fmt: skip
    assert found == true


def test_every_mismatch_is_listed_with_its_raw_lines(tables: Tables, states: pd.DataFrame) -> None:
    odd = states[(states["group_here"] == True) & ~states["state"].isin(["matched", "matched across"])]  # noqa: E712
    true = {}
    for _, own in odd.groupby("group"):
        places = {side: sorted(own[own["side"] == side]["place"]) for side in ("left", "right")}
        true[tuple(places["left"]), tuple(places["right"])] = own["state"].iloc[0]
    found = {
        (tuple(sorted(row["left_places"])), tuple(sorted(row["right_places"]))): row["state"]
        for row in tables["mismatches"]
    }
    assert found == true


def test_an_amount_that_differs_is_told_to_the_last_digit(tables: Tables, states: pd.DataFrame) -> None:
    differing = states[states["state"] == "amount differs"].groupby("key")
    found = [row for row in tables["mismatches"] if row["state"] == "amount differs"]
    assert found
    for row in found:
        own = differing.get_group(row["key"])
        currency = own["currency"].iloc[0]
        left, right = total(own, "left"), total(own, "right")
        assert row["left_amount"] == f"{written(left, currency)} {currency}"
        assert row["difference"] == f"{written(left - right, currency)} {currency}"
        assert abs(left - right) == Decimal(1) / 10 ** DIGITS[currency]


def test_keys_over_time_and_in_all(tables: Tables, states: pd.DataFrame) -> None:
    kinds = {"matched": "matched", "matched across": "matched", "open": "open", "amount differs": "differing",
             "currency differs": "differing", "left only": "missing", "right only": "missing", "duplicate": "other", "unreadable": "other"}  # fmt: skip
    here = states[states["here"]].groupby("group").agg({"time": "min", "state": "first"})
    counts = pd.crosstab(here["time"].dt.floor("h"), here["state"].map(kinds))
    assert len(tables["over_time"]) == 48
    for row in tables["over_time"]:
        for kind in set(kinds.values()):
            assert row[kind] == (counts.loc[row["hour_start"], kind] if row["hour_start"] in counts.index else 0)
    [totals] = tables["totals"]
    assert totals["groups"] == len(here)
    assert totals["matched"] == here["state"].isin(["matched", "matched across"]).sum()
    assert (totals["open"], totals["across"]) == ((here["state"] == "open").sum(), (here["state"] == "matched across").sum())  # fmt: skip


def test_what_was_open_the_day_before_and_stayed_alone_is_told(tables: Tables, states: pd.DataFrame) -> None:
    before = states[
        (states["group_here"] == False) & states["state"].isin(["left only", "right only"])  # noqa: E712
        & (states["time"] >= FIRST - DAY) & (states["time"] < FIRST)
    ]  # fmt: skip
    assert len(before) > 3
    assert {row["place"] for row in tables["late"]} == set(before["place"])
    assert tables["totals"][0]["late"] == len(before)


def test_a_later_report_of_the_same_hours_knows_more(world: World) -> None:
    """The hours of a day that is not over: what is alone is open, not missing."""
    [early] = tables_of(world.settings, "settlement", START + 3 * DAY, START + 4 * DAY + timedelta(hours=12))["totals"]
    assert early["open"] > 0
    lonely = tables_of(world.settings, "settlement", START, START + timedelta(hours=23))["totals"][0]
    assert lonely["open"] == 0, "two more days are in the lake"


def test_the_page_is_the_same_again(world: World, tmp_path: Path) -> None:
    page = render(world.settings, "settlement", FIRST, LAST)
    assert page == render(world.settings, "settlement", FIRST, LAST)
    assert "<h1>Shop against Bank</h1>" in page
    assert "all rows are accounted for" in page
    assert not re.search(r"\bnan\b|Undefined|None|<i>", page)
    assert "&lt;i&gt;shoes" in page


def test_a_condition_that_fails_on_some_row_says_so(world: World) -> None:
    declared = world.settings.reports["settlement"]
    assert isinstance(declared, Settlement)
    left = replace(declared.left, where="CAST(attributes['order_id'] AS DOUBLE) > 0")
    settings = replace(world.settings, reports={"settlement": replace(declared, left=left)})
    with pytest.raises(StatementError, match=r"Could not convert string '.*write try_cast"):
        render(settings, "settlement", FIRST, LAST)


def test_hours_without_rows_have_no_data_whatever_other_sources_have(world: World) -> None:
    assert has_data(world.settings, "settlement", FIRST, LAST)
    assert not has_data(world.settings, "settlement", FIRST - 30 * DAY, FIRST - 29 * DAY)


def test_a_condition_that_is_none_stops_report_and_doctor(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.configure(SETTINGS.replace("event_name IN (", "event_nam IN ("))
    for use in (lambda: render(world.settings, "settlement", FIRST, LAST), lambda: doctor(world.settings)):
        with pytest.raises(
            ConfigError, match=r"sources\.toml, key reports\.settlement\.left\.where: .*\"event_nam\" not found"
        ):
            use()
