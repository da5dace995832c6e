"""Raw objects → an archive and back, verified by SHA-256 both ways.

An archive holds each content once, under its digest, and one manifest per source and landing hour that tells which object
had it. Nothing in it is ever replaced but manifests, and those keep what raw no longer has.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from etl.config import Settings, Source
from etl.errors import EtlError, ObjectChanged, StoreError, StoreRefused, StoreUnavailable
from etl.io.store import LocalStore, S3Store, Store, file_digest, open_store, put_bytes, scratch_root
from etl.model.hours import format_hour, hours_between
from etl.model.worklist import RawObject
from etl.stages.land import list_raw


@dataclass(frozen=True)
class Archived:
    """One object of a manifest: as it was listed, its exact modification time, and SHA-256 of its bytes as stored."""

    key: str
    etag: str
    size: int
    modified: str
    modified_ns: int
    sha256: str


def archive(settings: Settings, source_name: str, first: datetime, last: datetime, to: str) -> list[dict[str, Any]]:
    """Copy the raw objects of the landing hours first..last to the archive at ``to``; one record per hour that has any.

    What the manifest already lists is not copied again. A manifest is written when all it lists has been read back from
    the archive. Raises store errors; then the manifests of the hours before are complete.
    """
    source = settings.source(source_name)
    raw, target = open_store(source.raw_root), open_store(to)
    listed = list_raw(raw, source, first, last)
    if not listed and isinstance(raw, LocalStore) and not Path(raw.root).is_dir():
        raise StoreRefused(f"{raw.root}: no such folder; expected the raw objects of source {source.name!r} there")
    found = []
    with tempfile.TemporaryDirectory(dir=scratch_root()) as folder:
        for hour, objects in sorted(listed.items()):
            found.append(_archive_hour(raw, target, source, hour, objects, Path(folder)))
    return found


def restore(
    settings: Settings, source_name: str, first: datetime, last: datetime, archive: str, into: str | None = None
) -> list[dict[str, Any]]:
    """Put the archived objects of the landing hours first..last back where they are missing; one record per hour.

    They go below ``into``, else where the source's raw begins, with their modification times. Every archived object is
    verified. One that is damaged or gone, or whose place holds other content, is listed in ``problems`` and left as it
    is. Raises StoreRefused where no manifest is found, or where the landing hours would be others afterwards.
    """
    source = settings.source(source_name)
    origin, target = open_store(archive), open_store(into or source.raw_root)
    if isinstance(target, S3Store) and not source.lands_by_key:
        raise StoreRefused(
            f"{target.root}: on S3 restored objects would land in the present hour, because LastModified decides the landing "
            f"hour of source {source.name!r}. Restore into a folder with --into, or name the hour in its raw with %H"
        )
    found = []
    with tempfile.TemporaryDirectory(dir=scratch_root()) as folder:
        for hour in hours_between(first, last):
            manifest = _read_manifest(origin, source, hour)
            if manifest:
                found.append(_restore_hour(origin, target, source, hour, manifest.values(), Path(folder)))
    if not found:
        raise StoreRefused(
            f"{origin.root}: no manifest of source {source.name!r} for the landing hours {format_hour(first)} to "
            f"{format_hour(last)}; expected what `etl archive` wrote there"
        )
    return found


def _manifest_key(source: Source, hour: datetime) -> str:
    return f"manifests/{source.name}/{format_hour(hour)}.json"


def _object_key(source: Source, sha256: str) -> str:
    return f"objects/{source.name}/{sha256}"


def _read_manifest(store: Store, source: Source, hour: datetime) -> dict[str, Archived]:
    """Key of a raw object → its entry; empty where there is no manifest."""
    key = _manifest_key(source, hour)
    data = store.read(key)
    if data is None:
        return {}
    try:
        return {item["key"]: Archived(**item) for item in json.loads(data)["objects"]}
    except (ValueError, KeyError, TypeError) as error:
        raise EtlError(
            f"{store.uri(key)}: damaged manifest: {error}. Where raw still has the objects, delete it and archive the hour again"
        ) from None


def _archive_hour(
    raw: Store, target: Store, source: Source, hour: datetime, objects: list[RawObject], folder: Path
) -> dict[str, Any]:
    before = _read_manifest(target, source, hour)
    after, copied = dict(before), 0
    for item in objects:
        known = before.get(item.key)
        if known and (known.etag, known.size) == (item.etag, item.size) and _is_there(target, source, known):
            continue
        after[item.key] = _copy(raw, target, source, item, folder)
        copied += 1
    entries = [asdict(entry) for _, entry in sorted(after.items())]
    text = json.dumps({"source": source.name, "landing_hour": format_hour(hour), "objects": entries}, indent=1)
    put_bytes(target, text.encode(), _manifest_key(source, hour), folder)
    size = sum(entry.size for entry in after.values())
    return {"landing_hour": format_hour(hour), "objects": len(after), "copied": copied, "bytes": size, "problems": []}


def _is_there(target: Store, source: Source, entry: Archived) -> bool:
    stat = target.stat(_object_key(source, entry.sha256))
    return stat is not None and stat.size == entry.size


def _copy(raw: Store, target: Store, source: Source, item: RawObject, folder: Path) -> Archived:
    path = raw.fetch(item.key, folder, item.etag)
    digest, modified_ns = file_digest(path), path.stat().st_mtime_ns
    key = _object_key(source, digest)
    target.put(path, key)
    if path.parent == folder:
        path.unlink()
    elif getattr(raw.stat(item.key), "etag", None) != item.etag:
        raise ObjectChanged(
            f"{raw.uri(item.key)}: the file changed while it was copied. Run again when its writer is done."
        )
    if _digest_of(target, key, folder) != digest:
        raise StoreUnavailable(
            f"{target.uri(key)}: the copy of {raw.uri(item.key)} reads back with other content than was written. Delete it "
            "and run again; if it stays, the archive's store is failing"
        )
    return Archived(**asdict(item), modified_ns=modified_ns, sha256=digest)


def _digest_of(store: Store, key: str, folder: Path) -> str:
    """SHA-256 of what can be read now, whatever was recorded."""
    path = store.fetch(key, folder)
    try:
        return file_digest(path)
    finally:
        if path.parent == folder:
            path.unlink()


def _restore_hour(
    origin: Store, target: Store, source: Source, hour: datetime, entries: Iterable[Archived], folder: Path
) -> dict[str, Any]:
    counts = {"objects": 0, "restored": 0, "present": 0}
    problems = []
    for entry in entries:
        counts["objects"] += 1
        try:
            counts[_restore(origin, target, source, entry, folder)] += 1
        except StoreError as error:
            problems.append(f"{entry.key} was not restored: {error}")
    return {"landing_hour": format_hour(hour), **counts, "failed": len(problems), "problems": problems}


def _restore(origin: Store, target: Store, source: Source, entry: Archived, folder: Path) -> str:
    key = _object_key(source, entry.sha256)
    path = origin.fetch(key, folder)
    try:
        if file_digest(path) != entry.sha256:
            raise StoreRefused(f"{origin.uri(key)}: the archived object is damaged: its SHA-256 is not its name")
        there = target.digest(entry.key)
        if there == entry.sha256:
            return "present"
        if there is not None:
            raise StoreRefused(
                f"{target.uri(entry.key)}: it holds other content than the archive; it was left as it is. Move it away, "
                "or restore with --into somewhere else"
            )
        target.put(path, entry.key, entry.modified_ns)
        return "restored"
    finally:
        if path.parent == folder:
            path.unlink()
