"""The true counts of a simulation, taken from the records as they are placed, never from what was written."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from etl.simulate.world import HOUR_MS, Fate, Record, World


@dataclass
class SourceTruth:
    """Counts of one source.

    `rows` are staged rows; `published` leaves out `duplicates`, the rows of an object uploaded a second time.
    `partial`, `late` (event hour before landing hour), `kinds` and `facts_by_event_hour` count published rows.
    Hours are UTC, "2026-11-22T13".
    """

    objects: int = 0
    lines: int = 0
    row_lines: int = 0
    rows: int = 0
    quarantined_lines: int = 0
    ignored_lines: int = 0
    duplicates: int = 0
    published: int = 0
    partial: int = 0
    late: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    lines_by_landing_hour: Counter[str] = field(default_factory=Counter)
    published_by_event_hour: Counter[str] = field(default_factory=Counter)
    duplicates_by_event_hour: Counter[str] = field(default_factory=Counter)
    facts_by_event_hour: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _seen: set[tuple[str, str, str]] = field(default_factory=set, repr=False)

    def enter(self, world: World, landing_hour: int, records: Iterable[Record], duplicate: bool = False) -> None:
        """Count one object that lands in an hour, a duplicate if it is a second upload."""
        self.objects += 1
        for record in records:
            self.lines += record.lines
            self.lines_by_landing_hour[world.label(landing_hour)] += record.lines
            if record.fate is Fate.QUARANTINED:
                self.quarantined_lines += record.lines
            elif record.fate is Fate.IGNORED:
                self.ignored_lines += record.lines
            else:
                self.rows += 1
                self.row_lines += record.lines
                event_hour = record.event_ms // HOUR_MS
                if duplicate:
                    self.duplicates += 1
                    self.duplicates_by_event_hour[world.label(event_hour)] += 1
                else:
                    self.late += event_hour < landing_hour
                    self._publish(world.label(event_hour), record)

    def _publish(self, event_hour: str, record: Record) -> None:
        self.published += 1
        self.partial += record.fate is Fate.PARTIAL
        self.kinds[record.kind] += 1
        self.published_by_event_hour[event_hour] += 1
        facts = self.facts_by_event_hour[event_hour]
        for name, number in record.counts.items():
            facts[name] += number
        for name, value in record.distinct:
            if (event_hour, name, value) not in self._seen:
                self._seen.add((event_hour, name, value))
                facts[name] += 1

    def as_dict(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


@dataclass
class Truth:
    """The arguments of a simulation, its outages as (from, to) minutes in UTC, and the counts of each source."""

    start: str
    hours: int
    lines_per_hour: int
    seed: int
    outages: list[tuple[str, str]]
    sources: dict[str, SourceTruth] = field(default_factory=dict)

    @classmethod
    def of(cls, world: World) -> Truth:
        outages = [
            (world.time(begin).isoformat(timespec="minutes"), world.time(end).isoformat(timespec="minutes"))
            for begin, end in world.outages()
        ]
        return cls(world.label(0), world.hours, world.lines_per_hour, world.seed, outages)

    def as_json(self) -> str:
        sources = {name: source.as_dict() for name, source in self.sources.items()}
        return json.dumps({**vars(self), "sources": sources}, indent=1, sort_keys=True) + "\n"
