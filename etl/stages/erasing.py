"""What was there before an erasure changed it: kept in the lake until its certificate is written, so that an erasure that was
interrupted is completed by the next, and its certificate tells of both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from etl import layout
from etl.errors import ObjectCorrupt
from etl.io.store import Store, put_bytes
from etl.model.hours import format_hour, parse_hour


@dataclass
class Erasing:
    """``digests`` are those of objects before they were touched, None: there was none. ``hours`` are (source, landing hour) →
    URI → records that were anonymised before, ``copies`` the keys of objects that are touched one by one."""

    lake: Store
    subject: str
    digests: dict[str, str | None] = field(default_factory=dict)
    hours: dict[tuple[str, datetime], dict[str, int]] = field(default_factory=dict)
    copies: set[str] = field(default_factory=set)

    @classmethod
    def resumed(cls, lake: Store, subject: str) -> Erasing:
        """With what attempts left behind that did not come to their end. Raises ObjectCorrupt."""
        found = cls(lake, subject)
        for stat in lake.list(layout.erasing_prefix(subject)):
            try:
                record = json.loads(lake.read(stat.key) or b"")
                found._add(record)
            except (ValueError, TypeError, KeyError) as error:
                problem = f"not the record of an erasure that began: {error}; remove it and erase the subject again"
                raise ObjectCorrupt(lake.uri(stat.key), problem) from None
        return found

    def begin_hour(self, source: str, landing: datetime, keys: Iterable[str], erased: Mapping[str, int]) -> None:
        """Remember all that is made of a landing hour, before it is computed again."""
        if (source, landing) not in self.hours:
            digests = {key: self.lake.digest(key) for key in sorted(keys)}
            record = {
                "source": source,
                "landing_hour": format_hour(landing),
                "digests": digests,
                "erased": dict(erased),
            }
            self._keep(f"{source}.{format_hour(landing)}", record)

    def begin(self, key: str) -> None:
        """Remember one object, before it is changed or removed."""
        if key not in self.copies:
            record = {"digests": {key: self.lake.digest(key)}}
            self._keep(hashlib.sha256(key.encode()).hexdigest()[:32], record)

    def changed(self, others: Iterable[str] = ()) -> list[dict[str, Any]]:
        """Key and digests before and after, of the objects that are not as they were; ``others`` were not there."""
        before = {**dict.fromkeys(others), **self.digests}
        now = {key: self.lake.digest(key) for key in sorted(before)}
        return [{"key": key, "before": before[key], "after": now[key]} for key in now if now[key] != before[key]]

    def end(self) -> None:
        """Forget everything: the certificate is written."""
        for stat in list(self.lake.list(layout.erasing_prefix(self.subject))):
            self.lake.delete(stat.key)

    def _keep(self, name: str, record: dict[str, Any]) -> None:
        put_bytes(
            self.lake, json.dumps(record, sort_keys=True).encode() + b"\n", layout.erasing_key(self.subject, name)
        )
        self._add(record)

    def _add(self, record: dict[str, Any]) -> None:
        # partitions and metrics are made of several hours: what was found first is what was there before
        self.digests = {**record["digests"], **self.digests}
        if "landing_hour" in record:
            self.hours[record["source"], parse_hour(record["landing_hour"])] = record["erased"]
        else:
            self.copies |= set(record["digests"])
