"""How published partitions changed: one record a revision, kept beside the books.

The record is written before the partition is replaced. One whose replacement never happened is overwritten by the next:
its ``after`` is not what stands in the lake.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from etl import layout
from etl.io.engine import Footer
from etl.io.store import put_bytes
from etl.io.workspace import Workspace
from etl.layout import Partition
from etl.model.hours import HOUR, parse_hour


def record_revision(
    space: Workspace, source: str, partition: Partition, before: Footer | None, after: Footer | None, cause: str | None
) -> None:
    """Record that a published partition is replaced, removed (``after`` is None) or back again (``before`` is None).

    The first publication of a partition is no revision, nor is one that brings back what stood there last.

    ``cause`` is the reason, such as ``replay``; without one it is derived from the slices: ``on_time`` where only rows
    were added that landed in the event hour or the next one, ``late`` where later ones were, ``changed`` where slices
    were replaced or withdrawn, ``rebuilt`` where they are the same.
    """
    listed = list(space.lake.list(layout.revision_prefix(source, partition)))
    number = 2
    if before is None and not listed:
        return
    if listed:
        last = _record(space, listed[-1].key)
        if last["content_after"] == _content(after):
            return
        number = last["revision"] + (0 if last["content_before"] == _content(before) else 1)
    changes = _changes(before, after)
    record = {
        "source_name": source,
        "dataset": partition.dataset,
        "hour_start": f"{partition.hour:%Y-%m-%dT%H}:00:00",
        "revision": number,
        "reason": cause or _reason(partition.hour, changes),
        "rows_before": before.rows if before else 0,
        "rows_after": after.rows if after else 0,
        "landing_hours": sorted({change["landing_hour"] for change in changes}),
        "changes": changes,
        "content_before": _content(before),
        "content_after": _content(after),
    }
    data = json.dumps(record, sort_keys=True).encode() + b"\n"
    put_bytes(space.lake, data, layout.revision_key(source, partition, number), space.folder)


def _record(space: Workspace, key: str) -> dict[str, Any]:
    """A record; of one that is damaged, which is history only, its number."""
    try:
        return dict(json.loads(space.lake.read(key) or b""))
    except ValueError:
        return {
            "revision": int(key.rpartition("/")[2].partition(".")[0]),
            "content_before": None,
            "content_after": None,
        }


def _content(footer: Footer | None) -> str:
    return footer.content if footer else ""


def _changes(before: Footer | None, after: Footer | None) -> list[dict[str, Any]]:
    """The slices that differ, each with its rows before and after."""
    old, new = (footer.books.get("slices", {}) if footer else {} for footer in (before, after))
    changes = []
    for place in sorted(set(old) | set(new)):
        if old.get(place) != new.get(place):
            landing, _, shard = place.partition("/")
            rows = {"rows_before": old.get(place, [0])[0], "rows_after": new.get(place, [0])[0]}
            changes.append({"landing_hour": landing, "shard": shard, "added": place not in old, **rows})
    return changes


def _reason(hour: datetime, changes: list[dict[str, Any]]) -> str:
    if not changes:
        return "rebuilt"
    if not all(change["added"] for change in changes):
        return "changed"
    return "late" if any(parse_hour(change["landing_hour"]) > hour + HOUR for change in changes) else "on_time"
