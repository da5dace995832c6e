"""Does anything run at all? Freshness of every source, from the work lists that runs leave behind."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from etl import layout
from etl.config import Settings
from etl.io.store import open_store
from etl.model.hours import HOUR, format_hour, to_hour

_SEARCHED = timedelta(days=3)


def watch(settings: Settings, now: datetime, hours: int) -> list[dict[str, Any]]:
    """One record per source: the newest landing hour that a run listed, and whether it is ``stale``.

    At ``now`` (naive UTC) the run of the hour before should have started; a source is stale when its newest run is more
    than ``hours`` hours behind that. Sources that have not started or have ended are not. A run that is older than three
    days is not searched for: then ``newest_run`` is None.
    """
    due = to_hour(now) - HOUR
    lake = open_store(settings.lake)
    found = []
    for source in settings.sources.values():
        newest = None
        for days in range(_SEARCHED.days + 1):
            day = (due - timedelta(days=days)).date()
            listed = [layout.hours_of_key(stat.key) for stat in lake.list(layout.work_list_prefix(source.name, day))]
            if known := [hours[0] for hours in listed if hours and hours[0] <= due]:
                newest = max(known)
                break
        last_due = min(due, to_hour(source.end)) if source.end else due
        is_stale = to_hour(source.start) + hours * HOUR <= last_due and (
            newest is None or newest + hours * HOUR < last_due
        )
        is_over = source.end is not None and newest is None and to_hour(source.end) + _SEARCHED < due
        found.append(
            {
                "source": source.name,
                "newest_run": format_hour(newest) if newest else None,
                "due": format_hour(last_due),
                "stale": is_stale and not is_over,
            }
        )
    return found
