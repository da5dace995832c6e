"""Any bytes through every format: no exception, one fate for each line, the same again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.config import Settings, Source
from etl.io.raw import codec_of
from etl.io.statements import DECLARED, load_statements
from etl.io.workspace import Workspace, workspace
from etl.stages.parse import parse_file

CASES = Path(__file__).parents[1] / "cases" / "formats"
STATEMENTS = load_statements()
OPTIONS = {
    "regex": {"pattern": r"(?P<event_time>\S+)\s(?P<body>.*)"},
    "delimited": {"columns": "event_time,body,severity_text"},
}


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    root = tmp_path_factory.mktemp("lake")
    with workspace(Settings(str(root), {}, root / "sources.toml")) as opened:
        yield opened


def real_lines(name: str) -> list[bytes]:
    """The lines of a format's own cases."""
    found = [STATEMENTS.formats[name].header["sample"].encode()]
    for path in sorted((CASES / name).glob("*/input.log")):
        found += path.read_bytes().split(b"\n")[:60]
    return found


def damaged(line: bytes, dice: random.Random, noise: bytes) -> bytes:
    """A line with pieces taken out, doubled or replaced."""
    for _ in range(dice.randrange(4)):
        at, end = sorted((dice.randrange(len(line) + 1), dice.randrange(len(line) + 1)))
        line = dice.choice(
            (
                line[:at],
                line[:at] + line[end:],
                line[:end] + line[at:],
                line[:at] + noise + line[end:],
                line[:at] + noise + line[at:],
            )
        )
    return line


NOISE = [b"", b'"', b"\\", b"\x00", b"\xff\xfe", b"\x1b[31m", b"9" * 25, b"-", b"{}", b"[", b"]", b"\t", b" " * 5, b"%", b"'", b"\r",
         b"1e999", b"NaN", b"-1", "é€😀".encode(), b"2026-02-30", b"99:99:99", b"=", b"\\u0000", b"\\ud800", b'{"a":{"a":1},"a":2}']  # fmt: skip


def source_of(name: str, wrapper: str = "") -> Source:
    declared = STATEMENTS.formats[name].dataset == DECLARED
    return Source(
        name="any",
        raw="./",
        format=wrapper + name,
        zone="Europe/Berlin",
        dataset="app_log" if declared else None,
        options=tuple(OPTIONS.get(name, {}).items()),
    )


def outcome(space: Workspace, source: Source, path: Path) -> tuple[int, list[tuple[str, str]]]:
    """(lines booked as rows and rejects, what each became)."""
    found = [(kind, record) for kind, record in parse_file(space, source, path, "any")]
    for kind, record in found:
        assert kind == "reject" or record["event_time"] is not None
        assert kind == "row" or record["reject_reason"]
    return sum(record["source_lines"] for _, record in found), [(kind, str(record)) for kind, record in found]


@pytest.mark.parametrize("name", sorted(STATEMENTS.formats))
@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 1 << 32),
    noise=st.lists(st.binary(max_size=12), min_size=1, max_size=6),
    junk=st.binary(max_size=200),
)
def test_any_bytes(name: str, space: Workspace, tmp_path: Path, seed: int, noise: list[bytes], junk: bytes) -> None:
    dice = random.Random(seed)
    lines = real_lines(name)
    data = b"\n".join(
        [
            *(damaged(dice.choice(lines), dice, dice.choice(NOISE + noise)) for _ in range(150)),
            junk,
            *dice.sample(NOISE, 9),
        ]
    )
    path = tmp_path / "any.log"
    path.write_bytes(b" " + data if codec_of(data) != "none" else data)
    source = source_of(name)
    booked, found = outcome(space, source, path)
    blank_or_directive = path.read_bytes().count(b"\n") + 1 - booked
    assert blank_or_directive >= 0
    assert outcome(space, source, path) == (booked, found)


def test_the_books_of_any_bytes_close(space: Workspace, tmp_path: Path) -> None:
    """Lines = lines of rows + quarantined + ignored, as the ledger has them."""
    from etl.io.raw import RawInput
    from etl.model.worklist import RawObject
    from etl.stages.parse import _ANY_AGE, _END_OF_TIME, Object, parse

    dice = random.Random(7)
    for name in sorted(STATEMENTS.formats):
        lines = real_lines(name)
        data = b"\n".join(damaged(dice.choice(lines), dice, dice.choice(NOISE)) for _ in range(200))
        path = tmp_path / f"{name}.log"
        path.write_bytes(data)
        when = datetime(2026, 11, 22, 14, tzinfo=UTC).replace(tzinfo=None)
        members = [Object(RawInput(0, path, when, name), name, RawObject(name, "", len(data), when.isoformat()))]
        parsed = parse(space, source_of(name), members, when, _ANY_AGE, _END_OF_TIME)
        book = parsed.counts(space.connection)[0]
        assert parsed.readings[0].lines == data.count(b"\n") + (not data.endswith(b"\n")), name
        assert parsed.readings[0].lines == book["row_lines"] + book["quarantined"] + book["ignored"], name
