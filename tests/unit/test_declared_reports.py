"""``[reports.<name>]`` of sources.toml: what is accepted, and what every complaint says."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from etl.config import Settings, load
from etl.errors import ConfigError
from etl.model.declared import Funnel, Settlement, Side
from etl.stages.declared import check_declared

DOCS = Path(__file__).parents[2] / "docs"
SOURCES = """
lake = "lake"
[sources.shop]
raw = "raw/shop/"
[sources.bank]
raw = "raw/bank/"
"""
LEFT = 'left = { source = "shop", key = "order_id", amount = "amount", currency = "currency" }\n'
RIGHT = 'right = { source = "bank", key = "order_id", amount = "amount", fixed_currency = "KRW" }\n'
SETTLEMENT = "[reports.settlement]\n" + LEFT + RIGHT
FUNNEL = """
[reports.checkout_of_shop]
report = "funnel"
source = "shop"
session = "session_id"
states = ["visit", "cart", "paid"]
events = { add = "event_name = 'add'", pay = "event_name = 'pay'" }
transitions.visit = { add = "cart" }
transitions.cart = { add = "cart", pay = "paid" }
"""


def settings(folder: Path, text: str) -> Settings:
    path = folder / "sources.toml"
    path.write_text(SOURCES + text, encoding="utf-8")
    return load(path, {})


def test_the_smallest_settlement(tmp_path: Path) -> None:
    assert settings(tmp_path, SETTLEMENT).reports == {
        "settlement": Settlement(
            name="settlement",
            title="shop against bank",
            left=Side(source="shop", title="shop", key=("order_id",), amount="amount", currency="currency"),
            right=Side(source="bank", title="bank", key=("order_id",), amount="amount", fixed_currency="KRW"),
            window_hours=24,
            zone="UTC",
        )
    }


def test_every_key_of_a_settlement(tmp_path: Path) -> None:
    text = """
        [reports.payouts]
        report = "settlement"
        title = "Payouts"
        window_hours = 72
        zone = "Asia/Seoul"
        [reports.payouts.left]
        source = "shop"
        dataset = "json_event"
        title = "Shop"
        key = ["order_id", "part"]
        amount = "amount"
        currency = "currency"
        merchant = "merchant"
        where = "event_name = 'captured'"
        negative = "event_name = 'refunded'"
        decimal = ","
        minor_units = true
        [reports.payouts.right]
        source = "bank"
        key = ["reference", "part"]
        amount = "gross"
        fixed_currency = "KRW"
    """
    found = settings(tmp_path, text).reports["payouts"]
    assert found == Settlement(
        name="payouts",
        title="Payouts",
        left=Side(
            source="shop",
            dataset="json_event",
            title="Shop",
            key=("order_id", "part"),
            amount="amount",
            currency="currency",
            merchant="merchant",
            where="event_name = 'captured'",
            negative="event_name = 'refunded'",
            decimal=",",
            minor_units=True,
        ),
        right=Side(source="bank", title="bank", key=("reference", "part"), amount="gross", fixed_currency="KRW"),
        window_hours=72,
        zone="Asia/Seoul",
    )
    assert (found.sources, found.before(timedelta(hours=1)), found.after) == (
        ("shop", "bank"),
        timedelta(hours=144),
        timedelta(hours=72),
    )


def test_the_smallest_funnel(tmp_path: Path) -> None:
    found = settings(tmp_path, FUNNEL).reports["checkout_of_shop"]
    assert found == Funnel(
        name="checkout_of_shop",
        title="Checkout of shop",
        source="shop",
        session=("session_id",),
        states=("visit", "cart", "paid"),
        events=(("add", "event_name = 'add'"), ("pay", "event_name = 'pay'")),
        transitions=(("visit", "add", "cart"), ("cart", "add", "cart"), ("cart", "pay", "paid")),
        goal="paid",
        timeout_minutes=30,
    )
    assert isinstance(found, Funnel)
    assert found.machine == [2, 0, 2, 3, 0, 0], "the next state of visit, of cart and of paid, by add and by pay"
    assert (found.before(timedelta(hours=24)), found.after) == (timedelta(hours=24, minutes=30), timedelta(0))


def test_every_key_of_a_funnel(tmp_path: Path) -> None:
    text = FUNNEL.replace(
        'session = "session_id"',
        """title = "Checkout"
dataset = "json_event"
session = ["app_id", "session_id"]
timeout_minutes = 5
goal = "cart"
where = "attributes['mode'] = 'live'\"""",
    )
    found = settings(tmp_path, text).reports["checkout_of_shop"]
    assert isinstance(found, Funnel)
    assert (found.title, found.dataset, found.session, found.timeout_minutes, found.goal, found.where) == (
        "Checkout", "json_event", ("app_id", "session_id"), 5, "cart", "attributes['mode'] = 'live'",
    )  # fmt: skip


def test_a_report_that_needs_a_declaration_is_there_where_it_is_declared(tmp_path: Path) -> None:
    assert settings(tmp_path, "").report_names == ["errors", "jvm", "quality", "traffic"]
    text = SETTLEMENT + '[reports.payouts]\nreport = "settlement"\n' + LEFT + RIGHT
    assert settings(tmp_path, text).report_names == ["errors", "jvm", "payouts", "quality", "settlement", "traffic"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[reports.Payouts]\n" + LEFT + RIGHT, ["reports.Payouts", "a–z"]),
        ('[reports.traffic]\nreport = "settlement"\n' + LEFT + RIGHT, ["reports.traffic", "no other report has"]),
        ("[reports.payouts]\n" + LEFT + RIGHT, ["reports.payouts.report", "payouts", "one of settlement, funnel"]),
        ("[reports]\nsettlement = 1\n", ["reports.settlement", "a table"]),
        ("[reports.settlement]\n" + LEFT, ["reports.settlement.right", "a table such as"]),
        (SETTLEMENT + "window = 1\n", ["reports.settlement.window", "window_hours"]),
        (SETTLEMENT + "window_hours = 1000\n", ["reports.settlement.window_hours", "1000", "744"]),
        (SETTLEMENT + 'zone = "Seoul"\n', ["reports.settlement.zone", "perhaps Asia/Seoul"]),
        (SETTLEMENT.replace('"bank"', '"bnk"'), ["reports.settlement.right.source", "bnk", "bank, shop"]),
        (SETTLEMENT.replace('"bank"', '"shop"'), ["reports.settlement.right.title", "another title"]),
        (SETTLEMENT.replace('"order_id"', "7"), ["reports.settlement.left.key", "7", "an attribute such as"]),
        (SETTLEMENT.replace('"order_id"', '["order_id", "part"]', 1), ["reports.settlement.right.key", "left side has: 2"]),
        (SETTLEMENT.replace('"order_id"', "[]"), ["reports.settlement.left.key", "a list of them"]),
        (SETTLEMENT.replace('amount = "amount", ', ""), ["reports.settlement.left.amount", "where the amount stands"]),
        (SETTLEMENT.replace(', currency = "currency"', ""), ["reports.settlement.left.currency", "fixed_currency"]),
        (SETTLEMENT.replace('"KRW"', '"won"'), ["reports.settlement.right.fixed_currency", "won", "ISO 4217"]),
        (SETTLEMENT.replace('"KRW"', '"KRW", decimal = ";"'), ["reports.settlement.right.decimal", ";"]),
        (SETTLEMENT.replace('"KRW"', '"KRW", minor_units = 2'), ["reports.settlement.right.minor_units", "true"]),
        (SETTLEMENT.replace('"KRW"', '"KRW", dataset = "x"'), ["reports.settlement.right.dataset", "json_event"]),
        (FUNNEL.replace("states", "steps"), ["reports.checkout_of_shop.steps", "states"]),
        (FUNNEL.replace('"shop"', '"shp"'), ["reports.checkout_of_shop.source", "shp", "bank, shop"]),
        (FUNNEL.replace('"session_id"', '""'), ["reports.checkout_of_shop.session", "an attribute such as"]),
        (FUNNEL.replace('["visit", "cart", "paid"]', '["cart"]'), ["reports.checkout_of_shop.states", "2 to 50"]),
        (FUNNEL.replace('["visit", "cart", "paid"]', '["cart", "cart"]'), ["reports.checkout_of_shop.states", "different"]),
        (FUNNEL.replace("\"event_name = 'pay'\"", "true"), ["reports.checkout_of_shop.events", "event_name = 'paid'"]),
        (FUNNEL.replace("transitions.visit", "transitions.vist"), ["reports.checkout_of_shop.transitions.vist", "visit, cart, paid"]),
        (FUNNEL.replace('pay = "paid"', 'buy = "paid"'), ["reports.checkout_of_shop.transitions.cart.buy", "one of the events add, pay"]),
        (FUNNEL.replace('pay = "paid"', 'pay = "payd"'), ["reports.checkout_of_shop.transitions.cart.pay", "payd", "visit, cart, paid"]),
        (FUNNEL.replace(', pay = "paid"', ""), ["reports.checkout_of_shop.transitions", "'paid'", "lead from visit to every state"]),
        (FUNNEL.replace("session =", 'goal = "visit"\nsession ='), ["reports.checkout_of_shop.goal", "visit", "cart, paid"]),
        (FUNNEL.replace("session =", "timeout_minutes = 0\nsession ="), ["reports.checkout_of_shop.timeout_minutes", "0", "1 to 10080"]),
        (SETTLEMENT.replace('"KRW"', '"KRW", where = 1'), ["reports.settlement.right.where", "a text"]),
    ],
)  # fmt: skip
def test_a_complaint_names_file_key_value_and_what_is_expected(tmp_path: Path, text: str, said: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        settings(tmp_path, text)
    assert all(part in str(error.value) for part in [str(tmp_path / "sources.toml"), *said]), str(error.value)


EXAMPLES = re.findall(r"^```toml\n(.*?)^```$", (DOCS / "reports.md").read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_documentation_can_be_used(tmp_path: Path, example: str) -> None:
    (tmp_path / "sources.toml").write_text('lake = "lake"\n' + example, encoding="utf-8")
    check_declared(load(tmp_path / "sources.toml", {}))


def test_where_the_dataset_is_not_known_it_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"key reports\.settlement\.left\.dataset.*source shop: one of web_access"):
        check_declared(settings(tmp_path, SETTLEMENT))
