"""Remove what is older than its retention, and remember from when on, so that nothing brings it back or misses it.

In this order: the days from which on each layer is kept, the record of what goes, the objects. Whoever looks in between sees
what is left as expired already, and an expiry that was interrupted is completed by the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any

from etl import layout
from etl.config import Retention, Settings
from etl.errors import ConfigError, ObjectCorrupt
from etl.io.engine import read_footer
from etl.io.leftovers import remove_leftovers
from etl.io.store import Stat, Store, open_store, put_bytes
from etl.model.hours import format_hour
from etl.model.retention import Kept, Removed, removal_json, removed_of_json, with_earlier

# layer → what decides it, prefixes of its objects ({} is the source)
_LAYERS = {
    "events": ("events", ["events/"]),
    "staged": ("events", ["staged/{}/"]),
    "revisions": ("events", ["revisions/{}/"]),
    "metrics": ("metrics", ["metrics/"]),
    "quarantine": ("quarantine", ["quarantine/{}/"]),
    "ledger": ("ledger", ["ledger/{}/"]),
    "work": ("ledger", ["work/{}/", "alerts/{}/backfilled/"]),
}
# their rows are what a reader may miss
_COUNTED = ("events", "quarantine")
_PARALLEL = 8


def read_kept(lake: Store, source: str) -> Kept:
    """From when on the layers of a source are kept. Raises ObjectCorrupt for a record that expire did not write."""
    key = layout.kept_key(source)
    data = lake.read(key)
    if data is None:
        return Kept()
    try:
        return Kept.from_json(data)
    except (ValueError, TypeError, AttributeError) as error:
        problem = f"not the record of what has expired: {error}; remove it, and `etl expire {source}` writes it again"
        raise ObjectCorrupt(lake.uri(key), problem) from None


def expire(settings: Settings, source_name: str, day: date, dry_run: bool = False) -> list[dict[str, Any]]:
    """Remove a source's objects that its ``[retention]`` does not keep on a day; one record per layer.

    What has expired once stays so, also where the retention is longer by now. Raises store errors; it may be repeated.
    """
    source = settings.source(source_name)
    lake = open_store(settings.lake)
    before = read_kept(lake, source.name)
    kept = before.later(_kept_on(source.retention, day))
    old = {layer: _older(lake, source.name, layer, kept) for layer in _LAYERS}
    if not dry_run:
        if kept != before:
            put_bytes(lake, kept.to_json(), layout.kept_key(source.name))
        if any(old.values()):
            removed = [item for layer, stats in old.items() for item in _removed(lake, source.name, layer, stats)]
            _record(lake, source.name, day, kept, removed)
        _remove(lake, [stat.key for stats in old.values() for stat in stats])
        remove_leftovers(lake)
    return [
        {
            "source": source.name,
            "layer": layer,
            "first_kept": getattr(kept, _LAYERS[layer][0]),
            "objects": len(stats),
            "size": sum(stat.size for stat in stats),
        }
        for layer, stats in old.items()
    ]


def expire_reports(settings: Settings, day: date, dry_run: bool = False) -> dict[str, Any]:
    """Remove reports whose last hour is older than ``reports_days`` of the file's ``[retention]``; their record."""
    lake, days = open_store(settings.lake), settings.retention.reports_days
    first = day - timedelta(days=days) if days is not None else None
    old = []
    for stat in lake.list("reports/") if first else ():
        try:
            _, _, last = layout.parse_report_key(stat.key)
        except ValueError:
            continue
        if first and last.date() < first:
            old.append(stat)
    if not dry_run:
        _remove(lake, [stat.key for stat in old])
    size = sum(stat.size for stat in old)
    return {"source": "", "layer": "reports", "first_kept": first, "objects": len(old), "size": size}


def require_kept(kept: Kept, source: str, landing: datetime) -> None:
    """Raise ConfigError for a landing hour whose account has expired: what became of its rows is known no more."""
    if not kept.has_ledger(landing):
        raise ConfigError(
            "landing hour",
            format_hour(landing),
            f"one from {kept.ledger} on: earlier ones of source {source} have expired by [retention] and are not processed "
            f"again. To have them back from raw: lengthen the retention, remove {layout.kept_key(source)} from the lake, and run them",
        )


def _kept_on(retention: Retention, day: date) -> Kept:
    """What a retention keeps on a day: that day and the number of full days before it."""

    def first(days: int | None) -> date | None:
        return day - timedelta(days=days) if days is not None else None

    return Kept(
        events=first(retention.events_days),
        metrics=first(retention.metrics_days),
        quarantine=first(retention.quarantine_days),
        ledger=first(retention.ledger_days),
    )


def _older(lake: Store, source: str, layer: str, kept: Kept) -> list[Stat]:
    decided_by, prefixes = _LAYERS[layer]
    first: date | None = getattr(kept, decided_by)
    return [stat for prefix in prefixes if first for stat in _before(lake, prefix.format(source), source, first)]


def _before(lake: Store, prefix: str, source: str, first: date) -> Iterator[Stat]:
    for stat in lake.list(prefix):
        # where sources share a folder, the file has the source's name
        if prefix in ("events/", "metrics/") and not stat.key.endswith(f"/{source}.parquet"):
            continue
        day = layout.day_of_key(stat.key)
        if day and day < first:
            yield stat


def _removed(lake: Store, source: str, layer: str, stats: Iterable[Stat]) -> list[Removed]:
    def rows_of(stat: Stat) -> int:
        footer = read_footer(lake, stat.key) if layer in _COUNTED else None
        return footer.rows if footer else 0

    groups: dict[tuple[str, str], list[Stat]] = {}
    for stat in stats:
        groups.setdefault((layout.name_of_key(stat.key), str(layout.day_of_key(stat.key))), []).append(stat)
    found = []
    with ThreadPoolExecutor(_PARALLEL) as pool:
        for (name, day), group in sorted(groups.items()):
            rows = sum(pool.map(rows_of, group)) if layer in _COUNTED else None
            found.append(Removed(layer, name, day, len(group), rows, sum(stat.size for stat in group)))
    return found


def _record(lake: Store, source: str, day: date, kept: Kept, removed: list[Removed]) -> None:
    key = layout.removal_key(source, day)
    data = lake.read(key)
    if data is not None:
        try:
            removed = with_earlier(removed, removed_of_json(data))
        except (ValueError, TypeError, KeyError) as error:
            problem = f"not the record of a removal: {error}; it is history only, remove it"
            raise ObjectCorrupt(lake.uri(key), problem) from None
    put_bytes(lake, removal_json(source, day, kept, removed), key)


def _remove(lake: Store, keys: list[str]) -> None:
    with ThreadPoolExecutor(_PARALLEL) as pool:
        list(pool.map(lake.delete, keys))
