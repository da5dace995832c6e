"""Real garbage collection logs, where they lie beside the project: every line has a fate, every pause is counted once.

The number of pauses and their sum are those of :func:`pauses_of`, which knows nothing of records, stamps or collectors:
it walks over the brackets of the whole file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from etl.config import Settings, Source
from etl.io.workspace import Workspace, workspace
from etl.stages.parse import detect, parse_file
from tests.pipeline.test_corpus import CORPUS, wc

UNIFIED, JDK8, UNKNOWN = "jvm_gc_unified", "jvm_gc_jdk8", "unknown"
NOT_DETECTED = {
    "microsoft-gctoolkit-testdata____MACOSX__mbtmec-pr02__._gc.log.0": (UNKNOWN, "a resource fork of macOS"),
    "microsoft-gctoolkit-testdata__g1gc__corrupted__broken_datetimestamp.log": (UNKNOWN, "a line with a broken time"),
    "microsoft-gctoolkit-testdata__g1gc__corrupted__no_young_intro.log": (
        UNKNOWN,
        "34 of its 36 lines are the end of a record",
    ),
    "microsoft-gctoolkit-testdata__ps__details__premature2.log": (
        UNKNOWN,
        "a line of 1,399, between bare carriage returns",
    ),
    "andrewkroh-beats__gc__test__test-docker.log": (
        "elasticsearch",
        "the console of a node: a line of 135 is of the JVM",
    ),
}
REFUSED = {
    "microsoft-gctoolkit-testdata__g1gc__corrupted__broken_datetimestamp.log": ["time: 2014-06-16T0,959 is not a time"],
    "microsoft-gctoolkit-testdata__ps__details__premature2.log": ["line: 1399 collections in one line"],
}
FILES = sorted([*CORPUS.glob("gc/*"), *CORPUS.glob("java/*gc*")])

pytestmark = pytest.mark.skipif(not FILES, reason=f"no corpus of real garbage collection logs at {CORPUS}")


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    root = tmp_path_factory.mktemp("lake")
    with workspace(Settings(str(root), {}, root / "sources.toml")) as opened:
        yield opened


def format_of(path: Path) -> str:
    """By the names of the files: those of one project are of unified logging, the others are older."""
    return UNIFIED if path.name.startswith("krzysztofslusarski") else JDK8


def pauses_of(text: str, format_name: str) -> list[float]:
    """The pauses in milliseconds, in the order in which they end.

    Unified: lines that end in ``Pause … <number>ms``. Before: a bracket that opens with GC or Full GC (but is not of a
    concurrent phase) and closes with ``, <number> secs]``, whatever stands between; a bracket that closes without having
    been opened, with its seconds, is one whose beginning the file does not have. A collection that begins a line ends
    what is still open: its end was lost.
    """
    if format_name == UNIFIED:
        found = re.findall(r"\) Pause .*?(\d+\.\d+) ?ms$", text, re.M)
        return [float(item) for item in found]
    pauses, open_names = [], []
    token = re.compile(
        r"(?:^|\r)(?P<new>[-0-9T:+.,Z ]*\[(?:Full )?GC(?! conc| ref| Work))"
        r"|\[(?P<name>(?:Full GC|GC(?! conc| ref| Work))?)"
        r"|(?:, (?P<secs>\d+[.,]\d+) secs?)?(?P<close>\])",
        re.M,
    )
    for found in token.finditer(text):
        if found["new"]:
            open_names = ["GC"]
        elif not found["close"]:
            open_names.append(found["name"])
        else:
            is_pause = bool(open_names.pop()) if open_names else True
            if is_pause and found["secs"]:
                pauses.append(float(found["secs"].replace(",", ".")) * 1000)
    return pauses


def read(space: Workspace, path: Path, format_name: str) -> list[tuple[str, dict[str, Any]]]:
    return list(parse_file(space, Source(name="corpus", raw="./", format=format_name), path, path.name))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_detection_names_the_format(space: Workspace, path: Path) -> None:
    expected, _ = NOT_DETECTED.get(path.name, (format_of(path), ""))
    assert detect(space, Source(name="detect", raw="./"), path) == expected


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if "MACOSX" not in path.name and "docker" not in path.name],
    ids=lambda path: path.name,
)
def test_every_line_has_a_fate_and_every_pause_is_counted_once(space: Workspace, path: Path) -> None:
    records = read(space, path, format_of(path))
    text = path.read_text(encoding="utf-8", errors="replace")
    assert sum(record["source_lines"] for _, record in records) == wc(path)

    reasons = [record["reject_reason"].partition(";")[0] for kind, record in records if kind == "reject"]
    assert reasons == REFUSED.get(path.name, [])
    if reasons:
        return

    found = [row["pause_ms"] for kind, row in records if kind == "row" and row.get("pause_ms") is not None]
    wanted = pauses_of(text, format_of(path))
    assert len(found) == len(wanted)
    assert math.isclose(sum(found), sum(wanted), rel_tol=1e-9, abs_tol=1e-9)
