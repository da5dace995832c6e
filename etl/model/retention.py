"""From which day on each layer of a source is kept, and what was removed because of its age."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, time
from typing import Any


@dataclass(frozen=True)
class Kept:
    """The first day that is kept, None: all. ``events`` and ``metrics`` are event dates, the others landing dates."""

    events: date | None = None
    metrics: date | None = None
    quarantine: date | None = None
    ledger: date | None = None

    def has_events(self, hour: datetime) -> bool:
        """Whether the rows of an event hour are kept."""
        return self.events is None or hour.date() >= self.events

    def has_quarantine(self, landing: datetime) -> bool:
        """Whether the rejected records of a landing hour are kept."""
        return self.quarantine is None or landing.date() >= self.quarantine

    def has_ledger(self, landing: datetime) -> bool:
        """Whether the account of a landing hour is kept."""
        return self.ledger is None or landing.date() >= self.ledger

    @property
    def first_event(self) -> datetime:
        """The first event hour whose rows are kept."""
        return datetime.combine(self.events or date.min, time.min)

    @property
    def first_landing(self) -> datetime:
        """The first landing hour that is accounted for."""
        return datetime.combine(self.ledger or date.min, time.min)

    def later(self, other: Kept) -> Kept:
        """The later day of both for each layer: what has expired does not come back."""
        days = {}
        for item in fields(self):
            given = [day for day in (getattr(self, item.name), getattr(other, item.name)) if day]
            days[item.name] = max(given, default=None)
        return Kept(**days)

    def to_json(self) -> bytes:
        """Deterministic bytes."""
        return json.dumps(asdict(self), sort_keys=True, default=str).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> Kept:
        """Inverse of :meth:`to_json`. Raises ValueError, TypeError or AttributeError for bytes that it did not write."""
        return cls(**{name: date.fromisoformat(day) if day else None for name, day in json.loads(data).items()})


@dataclass(frozen=True, order=True)
class Removed:
    """What was removed of one layer, of one dataset or metric (else empty) and date. ``rows`` are None where they are not counted,
    ``size`` is in bytes."""

    layer: str
    name: str
    date: str
    objects: int
    rows: int | None
    size: int


def removal_json(source: str, day: date, kept: Kept, removed: Iterable[Removed]) -> bytes:
    """The record of one day's removal, deterministic bytes."""
    listed = [asdict(item) for item in sorted(removed, key=_place)]
    record = {"source_name": source, "day": day, "first_kept": asdict(kept), "removed": listed}
    return json.dumps(record, sort_keys=True, default=str, indent=1).encode() + b"\n"


def removed_of_json(data: bytes) -> list[Removed]:
    """What such a record tells. Raises ValueError, TypeError or KeyError for bytes that are none."""
    record: dict[str, Any] = json.loads(data)
    return [Removed(**item) for item in record["removed"]]


def with_earlier(now: Iterable[Removed], earlier: Iterable[Removed]) -> list[Removed]:
    """Both; where an earlier attempt told of the same place, the one that found more: it was interrupted and is repeated."""
    found = {_place(item): item for item in now}
    for item in earlier:
        if _place(item) not in found or found[_place(item)].objects < item.objects:
            found[_place(item)] = item
    return [found[place] for place in sorted(found)]


def _place(item: Removed) -> tuple[str, str, str]:
    return item.layer, item.name, item.date
