"""The pages in a real Airflow, with a real browser: navigation, the tab of a DAG, every link, and who may see them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, expect

from deploy.local import ROOT, LocalAirflow
from etl.config import load
from etl.model.hours import HOUR, format_hour
from etl.simulate import simulate
from etl.stages.report import write
from etl.stages.run import run
from tests.support.browser import PHONE, Watched, chromium, empty_charts, faint_texts

FIRST, HOURS = datetime(2026, 11, 22), 2
REPORT = "/reports/traffic/2026-11-22T00--2026-11-22T23"
HOSTILE = """
[sources.hostile]
raw = "raw/hostile/%Y/%m/%d/%H/"
format = "combined"
start = "2026-11-22T00"
end = "2026-11-22T01"
shards = 1
"""
MARKUP = '"><img src="http://evil.example/x" onerror="document.title=1"><script>document.title=2</script>'
LINES = [MARKUP, "\x1b[31mred\x1b[0m \u202egnp.exe", "{{ 7 * 7 }} ${7 * 7} ' OR 1 = 1; --", "x" * 5000]
OBJECT = '"><img src=x onerror=document.title=3>.log'


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hours of one simulated source, a source that is out to do harm, and a report."""
    root = tmp_path_factory.mktemp("plugin")
    simulate(root, start=FIRST, hours=HOURS, lines_per_hour=300, seed=5)
    config = root / "sources.toml"
    config.write_text("\n[sources.".join(config.read_text().split("\n[sources.")[:2]) + HOSTILE)
    path = root / "raw/hostile/2026/11/22/00" / OBJECT
    path.parent.mkdir(parents=True)
    path.write_text("".join(f"{line}\n" for line in LINES))
    settings = load(config, {})
    for source in settings.sources:
        for hour in range(HOURS):
            run(settings, source, format_hour(FIRST + hour * HOUR))
    write(settings, "traffic", FIRST, FIRST + 23 * HOUR)
    return root


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def airflow(browser: Browser, lake: Path) -> Iterator[LocalAirflow]:
    with LocalAirflow(lake / "airflow", ROOT / "dags", lake / "sources.toml") as started:
        started.client.wait_for_dags(["ingest_shop_web", "audit"])
        yield started


@pytest.fixture(scope="module")
def user(airflow: LocalAirflow, browser: Browser) -> Iterator[BrowserContext]:
    """A browser in which somebody has logged in by Airflow's own form."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(airflow.url)
        page.fill("input[name=username]", airflow.user)
        page.fill("input[name=password]", airflow.password)
        page.click("button[type=submit]")
        page.wait_for_url(f"{airflow.url}/")
        page.close()
        yield context


def test_the_navigation_and_the_tab_of_a_dag_lead_to_the_pages(airflow: LocalAirflow, user: BrowserContext) -> None:
    watched = Watched(user.new_page())
    page = watched.page
    inside = page.frame_locator("iframe")
    page.goto(f"{airflow.url}/")
    page.get_by_role("link", name="Log reports").click()
    expect(inside.locator("h1")).to_have_text("Log reports")
    inside.get_by_role("link", name="traffic", exact=True).click()
    expect(inside.frame_locator("iframe").locator("h1")).to_be_visible()
    page.goto(f"{airflow.url}/dags/ingest_shop_web")
    page.locator("a[href$='/plugin/log-reports-of-dag']").click()
    expect(inside.locator("h1")).to_have_text("shop_web")
    inside.get_by_role("link", name="Books", exact=True).click()
    expect(inside.get_by_role("heading", name="Raw objects that landed on 2026-11-22")).to_be_visible()
    page.goto(f"{airflow.url}/dags/audit/plugin/log-reports-of-dag")
    expect(inside.locator("h1")).to_have_text("Log reports")
    assert watched.complaints == []
    assert watched.outside(airflow.url) == []
    page.close()


def test_every_link_works_and_every_page_is_legible_asks_nobody_else_and_fits_a_phone(
    airflow: LocalAirflow, user: BrowserContext
) -> None:
    base = f"{airflow.url}/log-reports"
    watched = Watched(user.new_page())
    page = watched.page
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.emulate_media(color_scheme="dark")
    waiting, seen = [f"{base}/", f"{base}/dag/no_such_dag"], set()
    while waiting:
        url = waiting.pop()
        if url in seen:
            continue
        seen.add(url)
        assert url.startswith(base), f"{url} leads out of the pages"
        # other days are empty and lead to others again; a download is no page
        if re.search(r"day=(?!2026-11-22)|download=", url):
            assert user.request.get(url).status == 200, url
            continue
        answer = page.goto(url)
        assert answer is not None
        assert answer.status == 200, url
        assert not watched.is_wider_than_its_window(), url
        if not url.endswith("/html"):
            assert (faint_texts(page), empty_charts(page)) == ([], []), url
            waiting += page.eval_on_selector_all(
                "a[href]", "links => links.map(link => link.href).filter(link => !link.includes('#'))"
            )
    assert watched.complaints == []
    assert watched.outside(airflow.url) == []
    paths = {urlsplit(url).path.removeprefix("/log-reports") for url in seen}
    parts = ["", "/books", "/quarantine", "/quarantine/record", "/revisions"]
    assert {f"/sources/shop_web{part}" for part in parts} <= paths
    assert {"/", "/reports", REPORT, f"{REPORT}/html"} <= paths
    page.close()


@pytest.mark.parametrize(
    "path", ["/", "/reports", REPORT, f"{REPORT}/html", "/sources/shop_web", "/dag/ingest_shop_web"]
)
def test_whoever_is_not_logged_in_is_refused(airflow: LocalAirflow, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer x.y.z"}, {"Cookie": "_token=x.y.z"}):
        answer = requests.get(f"{airflow.url}/log-reports{path}", headers=headers, timeout=10, allow_redirects=False)
        assert answer.status_code in (401, 403)
        assert not re.search("<table|<iframe|<svg|Requests", answer.text)
        assert "Log in to Airflow" in answer.text


def test_nothing_can_be_written_and_only_airflow_may_frame_the_pages(
    airflow: LocalAirflow, user: BrowserContext
) -> None:
    url = f"{airflow.url}/log-reports{REPORT}"
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert user.request.fetch(url, method=method).status == 405
    page, report = user.request.get(url).headers, user.request.get(f"{url}/html").headers
    for headers in (page, report):
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
    assert report["content-security-policy"].startswith("sandbox;")
    assert "unsafe" not in page["content-security-policy"]


def test_what_logs_contain_stays_text(airflow: LocalAirflow, user: BrowserContext) -> None:
    watched = Watched(user.new_page())
    page = watched.page
    page.goto(f"{airflow.url}/log-reports/sources/hostile/quarantine")
    assert page.title() == "hostile · Quarantine"
    shown = page.locator(".record pre").all_inner_texts()
    assert shown[0] == MARKUP
    assert shown[1] == r"\x1b[31mred\x1b[0m \x202egnp.exe"
    assert shown[2] == LINES[2]
    assert shown[3] == "x" * 600 + " … 4,400 more"
    assert page.locator("img, script").count() == 0
    page.get_by_role("link", name=f"{OBJECT}:4").click()
    assert page.locator("pre").inner_text() == "x" * 5000
    page.goto(f"{airflow.url}/log-reports/sources/hostile/books")
    assert page.locator("td", has_text=OBJECT).count() == 1
    assert page.locator("img, script").count() == 0
    assert page.title() == "hostile · Books"
    assert watched.complaints == []
    assert watched.outside(airflow.url) == []
    page.close()
