"""raw objects → work list: freeze the listing that one run works from."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from etl import layout
from etl.config import Settings, Source
from etl.errors import StoreRefused
from etl.io.statements import load_statements
from etl.io.store import Stat, Store, open_store, put_bytes
from etl.model.hours import HOUR, format_hour, hours_between, parse_hour, to_hour
from etl.model.worklist import RawObject, WorkList
from etl.stages.expire import read_kept, require_kept

_DAY = timedelta(days=1)
_MANY_HOURS = 4


def land(settings: Settings, source_name: str, landing_hour: str, alone: bool = False) -> str:
    """List the raw objects of a landing hour and of the hours it looks back on; returns the work list's key.

    ``alone`` leaves out the hours it looks back on, and lets an hour lose all its objects: its caller knows where they are.
    The same listing gives the same bytes. Raises ConfigError for an unknown format and an hour that has expired, StoreRefused
    where raw or lake cannot be reached.
    """
    source = settings.source(source_name)
    if not source.is_auto:
        load_statements(settings.sql).labelled(source.format, f"{settings.path}, key sources.{source.name}.format")
    hour = parse_hour(landing_hour)
    raw = open_store(source.raw_root)
    look_back = timedelta() if alone else source.look_back_hours * HOUR
    lake = open_store(settings.lake)
    kept = read_kept(lake, source.name)
    require_kept(kept, source.name, hour)
    first = min(max(hour - look_back, to_hour(source.start), kept.first_landing), hour)
    found = list_raw(raw, source, first, hour)
    if not found and not _reachable(raw):
        raise StoreRefused(
            f"{raw.root}: no such folder or bucket; expected the raw objects of source {source.name!r} there"
        )
    if not found and not alone and _was_there(lake, source.name, first, hour):
        raise StoreRefused(
            f"{raw.root}: no raw object is left of the landing hours {format_hour(first)} to {landing_hour}, though some were "
            f"processed. Their rows are kept. Bring the objects back, or lower look_back_hours of source {source.name!r} "
            "below the time that raw objects are kept"
        )
    hours = {format_hour(key): objects for key, objects in sorted(found.items())}
    work = WorkList(source.name, format_hour(first), landing_hour, hours)
    key = layout.work_list_key(source.name, hour, alone)
    put_bytes(lake, gzip.compress(work.to_json(), mtime=0), key)
    return key


def _was_there(lake: Store, source: str, first: datetime, last: datetime) -> bool:
    days = sorted({hour.date() for hour in hours_between(first, last)})
    listed = [layout.hours_of_key(stat.key) for day in days for stat in lake.list(layout.ledger_prefix(source, day))]
    return any(hours and first <= hours[0] <= last for hours in listed)


def read_work_list(lake: Store, key: str) -> WorkList:
    """The work list at a key. Raises StoreRefused where it is gone."""
    data = lake.read(key)
    if data is None:
        raise StoreRefused(
            f"{lake.uri(key)}: the work list is gone; run the task `land` of this run again, then this one"
        )
    return WorkList.from_json(gzip.decompress(data))


def list_raw(raw: Store, source: Source, first: datetime, last: datetime) -> dict[datetime, list[RawObject]]:
    """Landing hour → its raw objects sorted by key, for the landing hours first..last that have any."""
    found: dict[datetime, list[RawObject]] = {}
    for hour, stat in _landed(raw, source, first, last):
        if first <= hour <= last and stat.size > 0:
            item = RawObject(stat.key, stat.etag, stat.size, f"{stat.modified:%Y-%m-%dT%H:%M:%S}")
            found.setdefault(hour, []).append(item)
    return {hour: sorted(set(objects)) for hour, objects in found.items()}


def _landed(raw: Store, source: Source, first: datetime, last: datetime) -> Iterable[tuple[datetime, Stat]]:
    if source.lands_by_key:
        hours = {f"{hour:{source.raw_template}}": hour for hour in hours_between(first, last)}
        for prefix in _listed_prefixes(source, hours):
            for stat in raw.list(prefix):
                found = hours.get(stat.key[: len(next(iter(hours)))])
                if found is not None:
                    yield found, stat
        return
    # LastModified decides; a date in the key narrows the listing to the folders that a late upload may still go to
    oldest = max(first - timedelta(days=source.max_lateness_days), to_hour(source.start)) - _DAY
    days = hours_between(oldest, last + _DAY) if "%" in source.raw_template else [first]
    for prefix in sorted({f"{day:{source.raw_template}}" if source.raw_template else "" for day in days}):
        for stat in raw.list(prefix):
            yield to_hour(stat.modified), stat


def _listed_prefixes(source: Source, hours: dict[str, datetime]) -> list[str]:
    """What to list for these hours by prefix: their days, where nothing but the hour's folder follows the day."""
    day, _, rest = source.raw_template.partition("%H")
    if rest.strip("/") or "%" in rest or not day.endswith("/") or len(hours) < _MANY_HOURS:
        return list(hours)
    return list(dict.fromkeys(f"{hour:{day}}" for hour in hours.values()))


def _reachable(raw: Store) -> bool:
    """S3 refuses by itself; a local folder that is not there just lists nothing."""
    return raw.root.startswith("s3://") or Path(raw.root).is_dir()
