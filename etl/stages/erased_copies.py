"""What tells of an erased subject besides rows: alerts, notes, reports, dimensions, and metrics whose rows have expired.

Each function returns what it changed as the certificate has it: key, and digests before and after.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from etl import layout
from etl.config import Settings, Source
from etl.io import engine
from etl.io.secret import load_secret
from etl.io.store import Store, file_digest, put_bytes
from etl.io.workspace import Workspace, workspace
from etl.stages.erasures import Erased, bind_subjects, spellings
from etl.stages.expire import read_kept
from etl.text import inert

Changed = list[dict[str, Any]]


def pattern_of(value: str) -> re.Pattern[str]:
    """A subject in what was written of it: in each spelling, percent-encoded, and as messages show it."""
    forms = {
        form
        for spelt in spellings(value)
        for form in (spelt, spelt.replace("@", "%40"), spelt.replace("@", "%2540"), inert(spelt, len(spelt) * 2))
    }
    listed = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{listed})(?!\w)", re.IGNORECASE)


def remove_notes(lake: Store, source: str, value: str) -> Changed:
    """Notes of refused hours quote their lines; a run of the hour writes them again, without the subject."""
    word, removed = pattern_of(value), []
    for stat in list(lake.list(layout.refused_prefix(source))):
        if word.search(_text_of(lake.read(stat.key) or b"{}")):
            removed.append({"key": stat.key, "before": lake.digest(stat.key), "after": None})
            lake.delete(stat.key)
    return removed


def remove_reports(lake: Store, hours: set[datetime]) -> Changed:
    """Reports of these hours may show the subject; they are made again by their DAG or `etl report`."""
    removed = []
    for stat in list(lake.list("reports/")):
        try:
            _, first, last = layout.parse_report_key(stat.key)
        except ValueError:
            continue
        if any(first <= hour <= last for hour in hours):
            removed.append({"key": stat.key, "before": lake.digest(stat.key), "after": None})
            lake.delete(stat.key)
    return removed


def clean_alerts(lake: Store, source: str, value: str) -> Changed:
    """The words of open conditions and of messages that are not delivered yet, without the subject.

    State that cannot be read is removed: what is open is told again then.
    """
    word, changed = pattern_of(value), []
    for stat in list(lake.list(layout.alerts_prefix(source))):
        before = lake.digest(stat.key)
        try:
            record = json.loads(lake.read(stat.key) or b"")
        except ValueError:
            lake.delete(stat.key)
            changed.append({"key": stat.key, "before": before, "after": None})
            continue
        clean = _mapped(record, lambda text: word.sub("<erased>", text))
        if clean != record:
            data = json.dumps(clean, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace")
            with tempfile.TemporaryDirectory() as folder:
                put_bytes(lake, data, stat.key, Path(folder))
            changed.append({"key": stat.key, "before": before, "after": lake.digest(stat.key)})
    return changed


def clean_metrics(settings: Settings, source: Source, subject: Erased, value: str) -> Changed:
    """Metrics of days whose rows have expired, and that cannot be added up again, with the subject masked as it stands.

    The figures stay. A visitor is found by its own identifier only: the address that it was made of is known no more.
    """
    changed = []
    with workspace(settings) as space:
        first = read_kept(space.lake, source.name).events
        bind_subjects(space.connection, load_secret(settings), [subject])
        engine.set_variables(space.connection, erased_value=value)
        for stat in list(space.lake.list("metrics/")) if first else []:
            day = layout.day_of_key(stat.key)
            if day and first and day < first and stat.key.endswith(f"/{source.name}.parquet"):
                changed += _clean_metric(space, stat.key, subject)
    return changed


def remove_dimensions(settings: Settings, subject: Erased) -> Changed:
    """What lists say of values, where one of them holds the subject; `etl enrich` writes it again from the metrics there are."""
    removed = []
    with workspace(settings) as space:
        bind_subjects(space.connection, load_secret(settings), [subject])
        for stat in list(space.lake.list("dimensions/")):
            path = space.take(stat.key)
            scan = f"SELECT * FROM read_parquet({engine.file_list([path])}, hive_partitioning = false)"
            texts = [name for name, kind in engine.describe(space.connection, scan).items() if kind == "VARCHAR"]
            words = ", ".join(engine.name(name) for name in texts)
            held = f"SELECT count(*) FROM ({scan}) WHERE len(erased_in(concat_ws(chr(10), {words}))) > 0"
            if texts and engine.one(space.connection, space.provide(held)):
                removed.append({"key": stat.key, "before": space.lake.digest(stat.key), "after": None})
                space.lake.delete(stat.key)
            path.unlink()
    return removed


def _clean_metric(space: Workspace, key: str, subject: Erased) -> Changed:
    path = space.take(key)
    scan = f"SELECT * FROM read_parquet({engine.file_list([path])}, hive_partitioning = false)"
    masks = {}
    for column, kind in engine.describe(space.connection, scan).items():
        name = engine.name(column)
        if kind == "VARCHAR":
            masks[name] = f"CASE WHEN {name} IS NOT NULL THEN erased_text({name}) END"
        elif kind == "VARCHAR[]":
            masks[name] = f"list_transform({name}, lambda item: erased_text(item))"
        elif column == "visitor" and subject.kind == "visitor_id":
            number = "visitor_number(getvariable('erased_value'))"
            masks[name] = (
                f"CASE WHEN {name} = {number} THEN visitor_number(erased_name({name}, hour_start)) ELSE {name} END"
            )
    books = {name: item for name, item in engine.read_local_footer(path).books.items() if name != "content"}
    target = space.scratch("metric")
    try:
        replaced = ", ".join(f"{sql} AS {name}" for name, sql in masks.items())
        sql = f"SELECT * REPLACE ({replaced}) FROM ({scan})"
        differs = f"SELECT count(*) FROM (({sql}) EXCEPT ({scan}))"
        if not engine.one(space.connection, space.provide(differs)):
            return []
        before = space.lake.digest(key)
        engine.write_parquet(space.connection, space.provide(sql), target, compression="zstd", books=books)
        space.lake.put(target, key)
        return [{"key": key, "before": before, "after": file_digest(target)}]
    finally:
        path.unlink()
        target.unlink(missing_ok=True)


def _text_of(note: bytes) -> str:
    """A note without the escapes of JSON."""
    try:
        return json.dumps(json.loads(note), ensure_ascii=False)
    except ValueError:
        return note.decode(errors="replace")


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """A JSON value with each text in it changed, keys of objects too."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {change(key): _mapped(item, change) for key, item in value.items()}
    return value
