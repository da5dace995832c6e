"""What the simulated sources share: the span of time, the daily rhythm, the outages and the rate of late arrivals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from itertools import accumulate
from random import Random
from typing import NamedTuple

HOUR_MS = 3_600_000
MINUTE_MS = 60_000
_PEAK_HOUR_UTC = 9
_RHYTHM = 0.55
_LATE_SHARE = 0.005


class Fate(Enum):
    """What a correct reader makes of a record: books count each line under exactly one of row, quarantine, ignored."""

    ROW = "row"
    PARTIAL = "partial"
    QUARANTINED = "quarantined"
    IGNORED = "ignored"


class Record(NamedTuple):
    """Some whole lines of a log; times are milliseconds since the start of the span.

    `event_ms` is the time written in the line (meaningless for quarantined and ignored lines), `arrival_ms` decides
    the landing hour. `counts` are summed per event hour; of `distinct` (name, value) pairs the values are counted.
    """

    arrival_ms: int
    host: str
    text: bytes
    lines: int
    fate: Fate
    event_ms: int
    kind: str
    counts: dict[str, int]
    distinct: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class World:
    """The arguments of a simulation, and what follows from them alone. `start` is a naive UTC full hour."""

    start: datetime
    hours: int
    lines_per_hour: int
    seed: int

    def rng(self, *scope: object) -> Random:
        """A generator of its own for a scope, so that adding one source or hour leaves the others as they were."""
        return Random("/".join(str(part) for part in (self.seed, *scope)))

    def time(self, ms: int) -> datetime:
        """Naive UTC of a time in milliseconds since the start."""
        return self.start + timedelta(milliseconds=ms)

    def label(self, hour: int) -> str:
        """The hour with this index as "2026-11-22T13"; negative before the start."""
        return (self.start + timedelta(hours=hour)).isoformat(timespec="hours")

    @property
    def midway_ms(self) -> int:
        return self.hours * HOUR_MS // 2

    def rate(self, hour: int) -> float:
        """Share of the daily mean that this hour gets; the 24 hours of a day average 1."""
        hour_of_day = (self.start.hour + hour) % 24
        return 1 + _RHYTHM * math.cos(2 * math.pi * (hour_of_day - _PEAK_HOUR_UTC) / 24)

    def moments(self, hour: int, rng: Random, lines_per_record: float = 1.0) -> list[int]:
        """Times of an hour's events in order, as many as the daily rhythm asks for."""
        n = round(self.lines_per_hour * self.rate(hour) * rng.uniform(0.97, 1.03) / lines_per_record)
        return sorted(hour * HOUR_MS + int(rng.random() * HOUR_MS) for _ in range(n))

    def arrival(self, rng: Random, event_ms: int, delay_ms: int = 0) -> int:
        """When a line reaches the landing zone: at once, or for a few one to three hours later, never after the end."""
        late_ms = int(rng.uniform(1, 3) * HOUR_MS) if rng.random() < _LATE_SHARE else delay_ms
        return min(event_ms + late_ms, self.hours * HOUR_MS - 1)

    def outages(self) -> list[tuple[int, int]]:
        """Some minutes of every started day, in its middle hour, as (from, to) in milliseconds."""
        found = []
        for day in range(0, self.hours, 24):
            rng = self.rng("outage", day)
            hour = day + min(24, self.hours - day) // 2
            begin = hour * HOUR_MS + rng.randrange(5, 45) * MINUTE_MS
            found.append((begin, begin + rng.randrange(4, 10) * MINUTE_MS))
        return found


class Source(NamedTuple):
    """One simulated log: how its objects are laid out, and the two functions that write its lines."""

    name: str
    hosts: tuple[str, ...]
    suffix: str
    settings: str
    records: Callable[[World, int, Random], Iterator[Record]]
    malformed: Callable[[Random, bytes], bytes]
    objects_per_hour: int
    cut_inside_records: bool = False
    upload_twice: bool = False


def in_outage(outages: Sequence[tuple[int, int]], ms: int) -> bool:
    return any(begin <= ms < end for begin, end in outages)


def zipf(count: int, exponent: float = 1.0, scale: float = 1.0) -> list[float]:
    """Weights of ranks 1 to count that sum to scale."""
    weights = [rank**-exponent for rank in range(1, count + 1)]
    total = sum(weights)
    return [scale * weight / total for weight in weights]


def cumulative(weights: Sequence[float]) -> list[float]:
    return list(accumulate(weights))
