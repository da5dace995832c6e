"""What the lake has to hold, counted again from the lines of raw objects alone: no DuckDB, nothing of the pipeline."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

NARROW = r"\S+ /shop/\S* \d+"
WIDE = r"\S+ /\S* \d+"
MAX_LATENESS = timedelta(days=1)
_TOO_FAR_AHEAD = timedelta(hours=25)
HOUR = "%Y-%m-%dT%H"

Line = tuple[str, int]
"""Key of an object and number of a line in it, from 1."""


@dataclass(frozen=True)
class Seen:
    """An object as a landing hour's last processing saw it: its lines, and the pattern of the lines that it accepted."""

    key: str
    landing: datetime
    lines: tuple[str, ...]
    accept: str


@dataclass
class Count:
    """The fate of every line; hours are event hours as ``2026-11-22T13``."""

    lines: int = 0
    ignored: int = 0
    published: dict[str, set[Line]] = field(default_factory=dict)
    duplicates: Counter[str] = field(default_factory=Counter)
    quarantined: set[Line] = field(default_factory=set)

    @property
    def requests(self) -> dict[str, int]:
        """What traffic_hourly has to add up to."""
        return {hour: len(lines) for hour, lines in self.published.items()}


def recount(objects: Iterable[Seen], deduplicate: str) -> Count:
    """Judge every line; of objects with equal content, the first by landing hour and key counts in each event hour."""
    count = Count()
    first: dict[tuple[str, str], str] = {}
    for item in sorted(objects, key=lambda item: (item.landing, item.key)):
        content = hashlib.sha256("\n".join(item.lines).encode()).hexdigest()
        for number, line in enumerate(item.lines, 1):
            count.lines += 1
            if not line.strip():
                count.ignored += 1
                continue
            hour = _event_hour(line, item)
            if hour is None:
                count.quarantined.add((item.key, number))
            elif deduplicate == "objects" and first.setdefault((hour, content), item.key) != item.key:
                count.duplicates[hour] += 1
            else:
                count.published.setdefault(hour, set()).add((item.key, number))
    return count


def _event_hour(line: str, item: Seen) -> str | None:
    if not re.fullmatch(item.accept, line):
        return None
    try:
        time = datetime.fromisoformat(line.split(" ")[0])
    except ValueError:
        return None
    if not item.landing - MAX_LATENESS <= time < item.landing + _TOO_FAR_AHEAD:
        return None
    return f"{time:{HOUR}}"
