"""What was told and what is still to tell: the state of one source's alerts, as pure values."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

# a message that was begun this often may have arrived each time: a process that dies while it sends does not repeat it for ever
_MOST_ATTEMPTS = 2
_MOST_KEPT = 200


@dataclass(frozen=True)
class Condition:
    """What an alert's statement returned for one key: ``state`` is the alert's name, ``resolved`` says what its end means."""

    state: str
    key: str
    severity: str
    headline: str
    detail: str
    check: str
    resolved: str

    @property
    def identity(self) -> str:
        """What a condition is known by, within its source."""
        return f"{self.state}:{self.key}"


@dataclass(frozen=True)
class Item:
    """Something to tell: ``kind`` is new, resolved or summary."""

    kind: str
    severity: str
    headline: str
    detail: str
    check: str


@dataclass(frozen=True)
class Parcel:
    """Items that a channel has not got. ``begun`` counts attempts whose outcome nobody noted."""

    items: tuple[Item, ...] = ()
    begun: int = 0


@dataclass(frozen=True)
class Alerts:
    """Open conditions by identity, parcels by channel, the newest hour that was judged, backfilled hours that were seen."""

    hour: str = ""
    open: dict[str, Condition] = field(default_factory=dict)
    parcels: dict[str, Parcel] = field(default_factory=dict)
    backfilled: str = ""

    @classmethod
    def from_json(cls, data: bytes | None) -> Alerts:
        """Inverse of :meth:`as_json`; nothing is known yet where there is no data. Raises ValueError, KeyError or TypeError."""
        if data is None:
            return cls()
        record: dict[str, Any] = json.loads(data)
        return cls(
            record["hour"],
            {name: Condition(**item) for name, item in record["open"].items()},
            {
                name: Parcel(tuple(Item(**item) for item in parcel["items"]), parcel["begun"])
                for name, parcel in record["parcels"].items()
            },
            record["backfilled"],
        )

    def as_json(self) -> bytes:
        """Stored form, the same for equal values."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False).encode("utf-8", "replace")

    def judged(self, hour: str, found: Iterable[Condition]) -> tuple[Alerts, list[Item]]:
        """After ``found`` was found for an hour: what is open now, and what there is to tell, worst first.

        A condition that is open already is not told again; one that is no longer found is resolved.
        """
        now = {item.identity: item for item in found}
        items = [
            Item("new", item.severity, item.headline, item.detail, item.check)
            for name, item in sorted(now.items())
            if name not in self.open
        ]
        items += [
            Item("resolved", item.severity, item.headline, item.resolved, "")
            for name, item in sorted(self.open.items())
            if name not in now
        ]
        # the words of the first time stay: a resolution names what was told
        kept = {name: self.open.get(name, item) for name, item in now.items()}
        return replace(self, hour=hour, open=kept), items

    def with_items(self, channels: Iterable[str], items: Iterable[Item]) -> Alerts:
        """The items put into the parcel of each channel; what channels missed that no longer exist is forgotten."""
        more = tuple(items)
        parcels = {}
        for channel in channels:
            parcel = self.parcels.get(channel, Parcel())
            old = () if parcel.begun >= _MOST_ATTEMPTS else parcel.items
            if old or more:
                parcels[channel] = Parcel((old + more)[-_MOST_KEPT:], parcel.begun if old else 0)
        return replace(self, parcels=parcels)

    def begun(self) -> Alerts:
        """An attempt at every parcel begins."""
        return replace(self, parcels={name: Parcel(item.items, item.begun + 1) for name, item in self.parcels.items()})

    def ended(self, failed: Iterable[str]) -> Alerts:
        """The attempts have ended: the parcels of the channels that failed are kept for the next one."""
        return replace(self, parcels={name: Parcel(self.parcels[name].items) for name in sorted(failed)})
