"""What tells of an erased subject besides rows: alerts, notes, reports, dimensions, and metrics whose rows have expired."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from etl import layout
from etl.config import Settings, Source
from etl.io import engine
from etl.io.secret import load_secret
from etl.io.store import Store, put_bytes
from etl.io.workspace import Workspace, workspace
from etl.stages.erasing import Erasing
from etl.stages.erasures import Erased, bind_subjects, spellings
from etl.stages.expire import read_kept
from etl.text import inert


def pattern_of(value: str) -> re.Pattern[str]:
    """A subject in what was written of it: in each spelling, percent-encoded, and as messages show it."""
    forms = {
        form
        for spelt in spellings(value)
        for form in (spelt, spelt.replace("@", "%40"), spelt.replace("@", "%2540"), inert(spelt, len(spelt) * 2))
    }
    listed = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{listed})(?!\w)", re.IGNORECASE)


def remove_notes(lake: Store, source: str, value: str, begun: Erasing) -> None:
    """Notes of refused hours quote their lines; a run of the hour writes them again, without the subject."""
    word = pattern_of(value)
    for stat in list(lake.list(layout.refused_prefix(source))):
        if word.search(_text_of(lake.read(stat.key) or b"{}")):
            _remove(lake, stat.key, begun)


def remove_reports(lake: Store, hours: set[datetime], begun: Erasing) -> None:
    """Reports of these hours may show the subject; they are made again by their DAG or `etl report`."""
    for stat in list(lake.list("reports/")):
        try:
            _, first, last = layout.parse_report_key(stat.key)
        except ValueError:
            continue
        if any(first <= hour <= last for hour in hours):
            _remove(lake, stat.key, begun)


def clean_alerts(lake: Store, source: str, value: str, begun: Erasing) -> None:
    """The words of open conditions and of messages that are not delivered yet, without the subject.

    State that cannot be read is removed: what is open is told again then.
    """
    word = pattern_of(value)
    for stat in list(lake.list(layout.alerts_prefix(source))):
        try:
            record = json.loads(lake.read(stat.key) or b"")
        except ValueError:
            _remove(lake, stat.key, begun)
            continue
        clean = _mapped(record, lambda text: word.sub("<erased>", text))
        if clean != record:
            begun.begin(stat.key)
            data = json.dumps(clean, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace")
            put_bytes(lake, data, stat.key)


def clean_metrics(settings: Settings, source: Source, subject: Erased, value: str, begun: Erasing) -> None:
    """Metrics of days whose rows have expired, and that cannot be added up again, with the subject masked as it stands.

    The figures stay. A visitor is found by its own identifier only: the address that it was made of is known no more.
    """
    with workspace(settings) as space:
        first = read_kept(space.lake, source.name).events
        bind_subjects(space.connection, load_secret(settings), [subject])
        engine.set_variables(space.connection, erased_value=value)
        for stat in list(space.lake.list("metrics/")) if first else []:
            day = layout.day_of_key(stat.key)
            if day and first and day < first and stat.key.endswith(f"/{source.name}.parquet"):
                _clean_metric(space, stat.key, subject, begun)


def remove_dimensions(settings: Settings, subject: Erased, begun: Erasing) -> None:
    """What lists say of values, where one of them holds the subject; `etl enrich` writes it again from the metrics there are."""
    with workspace(settings) as space:
        bind_subjects(space.connection, load_secret(settings), [subject])
        for stat in list(space.lake.list("dimensions/")):
            path = space.take(stat.key)
            scan = f"SELECT * FROM read_parquet({engine.file_list([path])}, hive_partitioning = false)"
            texts = [name for name, kind in engine.describe(space.connection, scan).items() if kind == "VARCHAR"]
            words = ", ".join(engine.name(name) for name in texts)
            held = f"SELECT count(*) FROM ({scan}) WHERE len(erased_in(concat_ws(chr(10), {words}))) > 0"
            if texts and engine.one(space.connection, space.provide(held)):
                _remove(space.lake, stat.key, begun)
            path.unlink()


def _remove(lake: Store, key: str, begun: Erasing) -> None:
    begun.begin(key)
    lake.delete(key)


def _clean_metric(space: Workspace, key: str, subject: Erased, begun: Erasing) -> None:
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
        if engine.one(space.connection, space.provide(differs)):
            begun.begin(key)
            engine.write_parquet(space.connection, space.provide(sql), target, compression="zstd", books=books)
            space.lake.put(target, key)
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
