"""Every report there is, opened as a file in a browser: nothing asked for, nothing broken, legible everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from etl.config import BUILT_IN_SQL, load
from etl.model.hours import HOUR, format_hour
from etl.simulate import simulate
from etl.stages.report import render
from etl.stages.run import run
from tests.support.browser import PHONE, Watched, chromium, empty_charts, faint_texts

FIRST, HOURS = datetime(2026, 11, 22), 2
REPORTS = sorted(path.name for path in (BUILT_IN_SQL / "reports").iterdir() if path.is_dir())
# of one account two that differ, and a machine that not everybody keeps to
DECLARED = """
[reports.settlement.left]
source = "game_events"
title = "Purchases"
key = ["user_id", "event_time"]
amount = "amount"
currency = "currency"
merchant = "app_id"
where = "event_name = 'purchase' AND attributes['item'] <> 'silver_ring'"

[reports.settlement.right]
source = "game_events"
title = "Receipts"
key = ["user_id", "event_time"]
amount = "amount"
currency = "currency"
where = "event_name = 'purchase' AND attributes['item'] <> 'dragon_scale'"

[reports.funnel]
source = "game_events"
session = "user_id"
states = ["away", "playing", "paying"]
events = { login = "event_name = 'login'", logout = "event_name = 'logout'", purchase = "event_name = 'purchase'" }
transitions.away = { login = "playing" }
transitions.playing = { login = "playing", purchase = "paying" }
transitions.paying = { purchase = "paying", login = "playing" }
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def rendered(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Report → its file, over two hours of a simulated lake."""
    root = tmp_path_factory.mktemp("reports")
    simulate(root, start=FIRST, hours=HOURS, lines_per_hour=500, seed=5)
    with (root / "sources.toml").open("a") as file:
        file.write(DECLARED)
    settings = load(root / "sources.toml", {})
    for source in settings.sources:
        for hour in range(HOURS):
            run(settings, source, format_hour(FIRST + hour * HOUR))
    paths = {name: root / f"{name}.html" for name in REPORTS}
    for name, path in paths.items():
        path.write_text(render(settings, name, FIRST, FIRST + 23 * HOUR))
    return paths


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_opens_without_an_error_or_a_request_and_its_charts_have_marks(
    name: str, rendered: dict[str, Path], browser: Browser
) -> None:
    with browser.new_context(color_scheme="light") as context:
        watched = Watched(context.new_page())
        page = watched.page
        page.goto(rendered[name].as_uri())
        assert watched.requests == [rendered[name].as_uri()]
        assert watched.complaints == []
        assert page.locator("h1").count() == 1
        assert page.locator("script, link[rel=stylesheet], iframe, object, embed, form").count() == 0
        assert empty_charts(page) == []
        for link in page.locator("a[href]").all():
            target = link.get_attribute("href") or ""
            assert target.startswith("#"), f"{target}: a report that is sent as a file can only link to its own parts"
            assert page.locator(f"[id='{target[1:]}']").count() == 1, f"{target} leads nowhere"
        assert faint_texts(page) == []
        assert page.pdf().startswith(b"%PDF-")


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_legible_on_a_phone_in_the_dark(name: str, rendered: dict[str, Path], browser: Browser) -> None:
    with browser.new_context(color_scheme="dark", viewport=PHONE, device_scale_factor=1) as context:
        watched = Watched(context.new_page())
        watched.page.goto(rendered[name].as_uri())
        assert not watched.is_wider_than_its_window()
        watched.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        assert not watched.is_wider_than_its_window()
        assert faint_texts(watched.page) == []
        assert watched.complaints == []


def test_the_eyes_of_these_tests_see(tmp_path: Path, browser: Browser) -> None:
    """What they would not see, they could not refuse."""
    path = tmp_path / "bad.html"
    path.write_text(
        """<body style="background: #fff"><p style="color: #888">faint</p><p style="color: #666">legible</p>
        <div style="width: 900px">wide</div><img src="http://127.0.0.1:1/x"><script>throw new Error("broken")</script>
        <svg role="img" aria-label="empty"><g class="role-axis"><line x2="9"/></g><rect width="9" height="0"/></svg>
        <svg role="img" aria-label="full"><rect width="9" height="1"/></svg>"""
    )
    with browser.new_context(viewport=PHONE) as context:
        watched = Watched(context.new_page())
        watched.page.goto(path.as_uri())
        assert [text.split(": ")[-1] for text in faint_texts(watched.page)] == ["faint"]
        assert empty_charts(watched.page) == ["empty"]
        assert watched.is_wider_than_its_window()
        assert watched.outside("file://") == ["http://127.0.0.1:1/x"]
        assert sorted(text.split(":")[0] for text in watched.complaints) == ["Failed to load resource", "broken"]
