"""What has to hold after any fault: the books close against the raw files, and raw alone gives the same lake again."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from etl.config import Settings
from etl.io.snapshot import snapshot
from etl.io.statements import load_statements
from etl.io.store import open_store
from etl.schema import DATASETS
from etl.stages.run import run

_COMPARED = ("events/", "metrics/", "quarantine/", "staged/", "ledger/")


def raw_lines(folder: Path) -> int:
    """Lines of all raw files below a folder, counted without the project (as `zcat -f | wc -l`, a last line without its
    end included)."""
    return sum(_lines(path.read_bytes()) for path in folder.rglob("*") if path.is_file())


def _lines(data: bytes) -> int:
    text = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    return text.count(b"\n") + (0 if not text or text.endswith(b"\n") else 1)


def assert_closed(settings: Settings, source: str, lines: int) -> dict[str, int]:
    """raw lines = published + quarantined + ignored + duplicates, for a source whose records are lines; returns the sums."""
    events = [f"events_{dataset}" for dataset in DATASETS]
    with snapshot(settings.lake, load_statements(settings.sql), ["ledger", "books", *events]) as connection:
        [found] = connection.execute(
            """SELECT coalesce(sum(lines), 0), coalesce(sum(rows), 0), coalesce(sum(quarantined), 0), coalesce(sum(ignored), 0)
            FROM ledger WHERE source_name = $1""",
            [source],
        ).fetchall()
        [parts] = connection.execute(
            "SELECT coalesce(sum(rows), 0), coalesce(sum(duplicates), 0) FROM books WHERE source_name = $1",
            [source],
        ).fetchall()
        counts = [f"(SELECT count(*) FROM {view} WHERE source_name = $1)" for view in events]
        [(stored,)] = connection.execute(f"SELECT {' + '.join(counts)}", [source]).fetchall()
    booked, rows, quarantined, ignored = map(int, found)
    published, duplicates = map(int, parts)
    sums = {"lines": lines, "published": published, "quarantined": quarantined, "ignored": ignored, "duplicates": duplicates}  # fmt: skip
    assert booked == lines, f"{lines} lines in raw, {booked} in the ledger: {sums}"
    assert rows == published + duplicates, f"{rows} rows staged: {sums}"
    assert stored == published, f"{stored} rows can be read: {sums}"
    assert lines == published + quarantined + ignored + duplicates, sums
    return sums


def digests(lake: str) -> dict[str, str]:
    """Key → SHA-256 of every object that raw decides; of a ledger without the partitions that it once touched."""
    store = open_store(lake)
    found = {}
    for prefix in _COMPARED:
        for stat in store.list(prefix):
            data = store.read(stat.key)
            if data is not None and (decided := _without_history(stat.key, data)):
                found[stat.key] = hashlib.sha256(decided).hexdigest()
    return found


def _without_history(key: str, data: bytes) -> bytes:
    if not key.startswith("ledger/"):
        return data
    account: dict[str, Any] = json.loads(data)
    for name in ("touched", "digest"):
        account.pop(name, None)
    return json.dumps(account, sort_keys=True).encode() if account["objects"] else b""


def digests_from_raw(settings: Settings, source: str, hours: list[str]) -> dict[str, str]:
    """Key → digest of a new lake, made of the same raw objects in one quiet pass over these landing hours."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = replace(settings, lake=f"{folder}/lake")
        for hour in hours:
            run(fresh, source, hour)
        return {key: value for key, value in digests(fresh.lake).items() if source in re.split("[/.]", key)}


def assert_same_from_raw(settings: Settings, source: str, hours: list[str]) -> None:
    """A new lake, made of the same raw objects in one quiet pass over these landing hours, holds the same bytes of the source."""
    mine = {key: value for key, value in digests(settings.lake).items() if source in re.split("[/.]", key)}
    assert mine == digests_from_raw(settings, source, hours)
