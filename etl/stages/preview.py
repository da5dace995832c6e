"""What a run would change, found by running it on a copy that is thrown away."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from etl import layout
from etl.config import Settings
from etl.io.engine import read_footer
from etl.io.overlay import OverlayStore
from etl.io.store import Store, open_store, overlay_uri, scratch_root
from etl.model.ledger import Ledger, ObjectBook
from etl.stages.run import run


def preview(
    settings: Settings,
    source_name: str,
    landing_hours: Iterable[str],
    *,
    reprocess: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> dict[str, list[dict[str, Any]]]:
    """What ``run`` over these landing hours would change; nothing is written to the lake.

    ``objects`` are the raw objects whose account would change (new, changed, gone, again) with lines, rows and
    quarantined lines before and after, ``partitions`` those that would be written or removed with their rows before
    and after, ``metrics`` the keys of metric objects that would change. Raises what the run would raise.
    """
    with tempfile.TemporaryDirectory(prefix="logbucket-preview-", dir=scratch_root()) as folder:
        uri = overlay_uri(Path(folder), settings.lake)
        for hour in landing_hours:
            run(replace(settings, lake=uri), source_name, hour, reprocess=reprocess, progress=progress)
        overlay = open_store(uri)
        assert isinstance(overlay, OverlayStore)
        changed = sorted({stat.key for stat in overlay.written.list("")} | set(overlay.removed()))
        return {
            "objects": [item for key in changed if key.startswith("ledger/") for item in _objects(overlay, key)],
            "partitions": [_partition(overlay, key) for key in changed if key.startswith("events/")],
            "metrics": [{"key": key} for key in changed if key.startswith("metrics/")],
        }


def _objects(overlay: OverlayStore, key: str) -> list[dict[str, Any]]:
    landing, shard = layout.parse_ledger_key(key)
    old, new = _accounts(overlay.below, key), _accounts(overlay, key)
    records = []
    for uri in sorted(set(old) | set(new)):
        before, after = old.get(uri), new.get(uri)
        if before == after:
            continue
        records.append(
            {
                "uri": uri,
                "change": _change(before, after),
                "landing_hour": f"{landing:%Y-%m-%dT%H}",
                "shard": shard,
                **{
                    f"{name}_{side}": getattr(book, name) if book else 0
                    for name in ("lines", "rows", "quarantined")
                    for side, book in (("before", before), ("after", after))
                },
            }
        )
    return records


def _change(before: ObjectBook | None, after: ObjectBook | None) -> str:
    if before is None or after is None:
        return "new" if before is None else "gone"
    return "again" if (before.etag, before.size) == (after.etag, after.size) else "changed"


def _accounts(lake: Store, key: str) -> dict[str, ObjectBook]:
    data = lake.read(key)
    return {book.uri: book for book in Ledger.from_json(data).objects} if data else {}


def _partition(overlay: OverlayStore, key: str) -> dict[str, Any]:
    _, partition = layout.parse_partition_key(key)
    before, after = read_footer(overlay.below, key), read_footer(overlay, key)
    rows = {"rows_before": before.rows if before else 0, "rows_after": after.rows if after else 0}
    return {
        "dataset": partition.dataset,
        "hour_start": partition.hour,
        **rows,
        "difference": rows["rows_after"] - rows["rows_before"],
        "landing_hours": sorted({place.partition("/")[0] for place in after.books.get("slices", {})} if after else ()),
    }
