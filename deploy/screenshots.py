"""The pictures in `docs/images`, made anew from simulated logs: the traffic report, and the pages inside Airflow.

    python -m deploy.screenshots [--only traffic] [--root FOLDER]

Needs Chromium and the development requirements. With `--root`, the folder's `sources.toml` and lake are taken as they are.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import shutil
import struct
import sys
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from deploy.local import ROOT, LocalAirflow
from etl.config import Settings, load
from etl.model.hours import HOUR, format_hour, hours_between
from etl.simulate import simulate
from etl.stages.report import render, write
from etl.stages.run import run

IMAGES = ROOT / "docs" / "images"
FIRST, HOURS, LINES_PER_HOUR, SEED = datetime(2026, 11, 21, 12), 24, 1500, 7
LAST = FIRST + (HOURS - 1) * HOUR
SHOWN_RUNS = 8
DESKTOP, PHONE = {"width": 1200, "height": 1300}, {"width": 390, "height": 1300}
_TIMEOUT_SECONDS = 900


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; writes the pictures and prints their sizes."""
    parser = argparse.ArgumentParser(prog="python -m deploy.screenshots", description=__doc__)
    parser.add_argument("--only", choices=["traffic", "airflow"], help="one of the two sets of pictures")
    parser.add_argument("--root", type=Path, help="a folder with sources.toml and a filled lake; default: simulated")
    options = parser.parse_args(arguments)
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, _chromium() as browser:
        settings = load(options.root / "sources.toml") if options.root else _simulated(Path(scratch))
        if options.only != "airflow":
            _traffic(browser, settings, Path(scratch) / "traffic.html")
        if options.only != "traffic":
            _airflow(browser, settings, Path(scratch) / "airflow")
    return 0


def _simulated(root: Path) -> Settings:
    simulate(root, start=FIRST, hours=HOURS, lines_per_hour=LINES_PER_HOUR, seed=SEED)
    settings = load(root / "sources.toml")
    for source in settings.sources:
        for hour in hours_between(FIRST, LAST):
            run(settings, source, format_hour(hour))
    return settings


@contextlib.contextmanager
def _chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


def _traffic(browser: Browser, settings: Settings, path: Path) -> None:
    path.write_text(render(settings, "traffic", FIRST, LAST), encoding="utf-8")
    for name, scheme, size in [
        ("traffic", "light", DESKTOP),
        ("traffic-dark", "dark", DESKTOP),
        ("traffic-phone", "light", PHONE),
    ]:
        with _page(browser, scheme, size) as page:
            page.goto(path.as_uri())
            _save(page, name)


def _airflow(browser: Browser, settings: Settings, home: Path) -> None:
    write(settings, "traffic", FIRST, LAST)
    source = next(iter(settings.sources))
    dag = f"ingest_{source}"
    with LocalAirflow(home, ROOT / "dags", settings.path) as airflow:
        airflow.client.wait_for_dags([dag])
        airflow.client.backfill([dag], format_hour(LAST - (SHOWN_RUNS - 1) * HOUR), format_hour(LAST), _TIMEOUT_SECONDS)
        pages = f"{airflow.url}/plugin/log-reports/log-reports"
        for suffix, scheme in [("", "light"), ("-dark", "dark")]:
            with _page(browser, scheme, {"width": 1280, "height": 800}) as page:
                page.goto(airflow.url)
                page.fill("input[name=username]", airflow.user)
                page.fill("input[name=password]", airflow.password)
                page.click("button[type=submit]")
                page.wait_for_url(f"{airflow.url}/")
                _open(page, f"{pages}/", f"airflow{suffix}")
                if not suffix:
                    _open(page, f"{airflow.url}/dags/{dag}/plugin/log-reports-of-dag", "airflow-tab")
                    _open(page, f"{pages}/sources/{source}/quarantine", "airflow-quarantine")


def _open(page: Page, url: str, name: str) -> None:
    page.goto(url)
    page.frame_locator("iframe").locator("h1").wait_for()
    page.get_by_text("Backfill in progress").wait_for(state="hidden", timeout=60_000)
    # Airflow draws its grid of runs after the frame is there
    page.wait_for_timeout(3000)
    _save(page, name)


@contextlib.contextmanager
def _page(browser: Browser, scheme: Any, size: Any) -> Iterator[Page]:
    with browser.new_context(color_scheme=scheme, viewport=size) as context:
        yield context.new_page()


def _save(page: Page, name: str) -> None:
    path = IMAGES / f"{name}.png"
    path.write_bytes(with_palette(_pixels(page, page.screenshot())))
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def _pixels(page: Page, png: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Rows of RGB pixels; the browser decodes its own picture."""
    canvas = page.context.new_page()
    width, height, data = canvas.evaluate(_DECODE, base64.b64encode(png).decode())
    canvas.close()
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)[:, :, :3]


_DECODE = """async data => {
    const image = new Image();
    image.src = "data:image/png;base64," + data;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
    canvas.drawImage(image, 0, 0);
    const bytes = canvas.getImageData(0, 0, image.width, image.height).data;
    let text = "";
    for (let start = 0; start < bytes.length; start += 32768) text += String.fromCharCode(...bytes.subarray(start, start + 32768));
    return [image.width, image.height, btoa(text)];
}"""


def with_palette(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    """A PNG of at most 256 colours: the commonest, and the commonest of each hue. Every other pixel gets the nearest of them."""
    height, width, _ = pixels.shape
    colours, inverse, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True)
    common = np.argsort(-counts, kind="stable")
    # without these, the many shades at the edges of letters would push out what is small and coloured, such as a dot
    _, of_each_hue = np.unique(colours[common] >> 4, axis=0, return_index=True)
    chosen = dict.fromkeys([*common[:128], *common[np.sort(of_each_hue)], *common])
    palette = colours[list(chosen)[:256]].astype(np.int32)
    distances = ((colours[:, None, :].astype(np.int32) - palette[None, :, :]) ** 2).sum(axis=2)
    indexes = distances.argmin(axis=1).astype(np.uint8)[inverse.reshape(-1)].reshape(height, width)
    rows = np.hstack([np.zeros((height, 1), np.uint8), indexes])
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = [
        (b"IHDR", header),
        (b"PLTE", palette.astype(np.uint8).tobytes()),
        (b"IDAT", zlib.compress(rows.tobytes(), 9)),
    ]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in [*parts, (b"IEND", b"")]
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


if __name__ == "__main__":
    sys.exit(main())
