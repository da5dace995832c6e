"""A real browser for tests: Debian's Chromium, driven by Playwright; what it complains about and asks for is kept."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

PHONE = {"width": 390, "height": 844}


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A browser while the block runs."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if not path:
        pytest.skip("no browser: install the package chromium")
    with sync_playwright() as playwright:
        # its sandbox refuses root; what it opens here is ours
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """A page that remembers errors on its console, uncaught exceptions, and every address it asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda asked: self.requests.append(asked.url))

    def outside(self, *origins: str) -> list[str]:
        """The addresses asked for that do not begin with one of these."""
        return [url for url in self.requests if not url.startswith((*origins, "data:", "blob:", "about:"))]

    def is_wider_than_its_window(self) -> bool:
        """Whether the page as a whole scrolls sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def faint_texts(page: Any, least: float = 4.5) -> list[str]:
    """Texts of a page (or frame) whose contrast to what is behind them is below ``least``, from their computed styles."""
    found: list[str] = page.evaluate(_FAINT, least)
    return found


def empty_charts(page: Any) -> list[str]:
    """Names of the charts (``svg role=img``) that show nothing but axes, legends and a background."""
    found: list[str] = page.evaluate(_EMPTY)
    return found


_FAINT = """least => {
    const colour = text => {
        const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
        canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
    const behind = element => {
        const layers = [];
        for (let each = element; each; each = each.parentElement) layers.push(colour(getComputedStyle(each).backgroundColor));
        return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
    };
    const luminance = rgb => {
        const [r, g, b] = rgb.slice(0, 3).map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const faint = new Set();
    for (const element of document.querySelectorAll("h1, h2, h3, h4, th, td, p, a, b, dt, dd, li, code, pre, span, summary, div")) {
        const own = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
        if (!own || !element.checkVisibility()) continue;
        const below = behind(element), style = getComputedStyle(element);
        const [one, other] = [luminance(over(colour(style.color), below)), luminance(below)];
        const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        if (contrast < least)
            faint.add(`${contrast.toFixed(2)} ${element.tagName} ${style.color}: ${element.textContent.trim().slice(0, 40)}`);
    }
    return [...faint];
}"""
_EMPTY = """() => [...document.querySelectorAll("svg[role=img]")].filter(chart => chart.checkVisibility()).filter(chart =>
    ![...chart.querySelectorAll("rect, path, circle, line, polyline, polygon")].some(mark => {
        if (mark.closest(".role-axis, .role-legend, .role-title, .axis, .background, defs, clipPath, [aria-hidden=true]")) return false;
        const box = mark.getBBox();
        return box.width + box.height > 0 && (box.width > 0 && box.height > 0 || mark.tagName !== "rect");
    })
).map(chart => chart.getAttribute("aria-label") || chart.querySelector("title")?.textContent || "unnamed")"""
