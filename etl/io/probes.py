"""What a store really does, found by trying: below ``work/doctor/``, which is empty afterwards."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from etl.errors import StoreError
from etl.io.store import LocalStore, S3Store, Store, put_bytes, scratch_root

_FOLDER = "work/doctor/"
_CLOCK_TOLERANCE_SECONDS = 5
_FREE_BYTES = 2 << 30
_LONGEST_TICK_SECONDS = 2.5


@dataclass(frozen=True)
class Finding:
    """One probe: what was ``found`` at ``store``, whether it is ``ok``, whether logbucket ``needs`` that, what it means."""

    store: str
    probe: str
    found: str
    ok: bool
    needed: bool
    meaning: str


def probe_lake(store: Store) -> list[Finding]:
    """Try all that logbucket does with a lake, and what it could use besides. What cannot be tried is a finding, too."""
    existed = not isinstance(store, LocalStore) or Path(store.root).exists()
    with tempfile.TemporaryDirectory(dir=scratch_root()) as folder:
        bench = _Bench(store, Path(folder))
        try:
            found = [Finding(store.root, *item) for item in bench.common()]
            if found[0].ok and isinstance(store, LocalStore):
                found += [Finding(store.root, *item) for item in bench.local(store)]
            elif found[0].ok and isinstance(store, S3Store):
                found += [Finding(store.root, *item) for item in bench.s3(store)]
        finally:
            bench.clean(existed)
    return found


def probe_raw(store: Store) -> list[Finding]:
    """Find an object and read it; nothing is written."""

    def look() -> Found:
        key = _any_key(store)
        if key is None:
            return "no object", True
        with tempfile.TemporaryDirectory(dir=scratch_root()) as folder:
            return f"{store.fetch(key, Path(folder)).stat().st_size} bytes of {key}", True

    row = _try(
        "list and read raw", look, "raw objects can be listed and read",
        "no run can read raw: correct the URI or the permissions",
    )  # fmt: skip
    return [Finding(store.root, *row)]


Found = bool | tuple[str, bool]
Row = tuple[str, str, bool, bool, str]


def _try(probe: str, call: Callable[[], Found], good: str, bad: str, *, needed: bool = True) -> Row:
    """The outcome of a probe, which answers yes or no, or tells what it found and whether that is fine."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = call()
    except (StoreError, OSError, BotoCoreError, ClientError) as error:
        answer = str(error), False
    found, ok = answer if isinstance(answer, tuple) else ("yes" if answer else "no", answer)
    return probe, found, ok, needed, good if ok else bad


def _any_key(store: Store) -> str | None:
    if isinstance(store, S3Store):
        return store.any_key()
    root = Path(store.root)
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such folder")
    return next((path.relative_to(root).as_posix() for path in root.rglob("[!.]*") if path.is_file()), None)


def _clock(seconds: Callable[[], float]) -> Row:
    """``seconds`` tells how much the store's clock is ahead of this machine's."""

    def compare() -> Found:
        ahead = seconds()
        return f"{ahead:+.0f}", abs(ahead) <= _CLOCK_TOLERANCE_SECONDS

    return _try(
        "clock of the store, seconds ahead of this machine's", compare, "no result depends on this machine's clock",
        "set the clocks right (NTP): S3 refuses requests that are 15 minutes off", needed=False,
    )  # fmt: skip


@dataclass
class _Bench:
    """Objects below ``work/doctor/`` of a store."""

    store: Store
    folder: Path
    keys: list[str] = field(default_factory=list)

    def new_key(self, name: str = "") -> str:
        self.keys.append(f"{_FOLDER}{name or secrets.token_hex(8)}")
        return self.keys[-1]

    def put(self, data: bytes, key: str) -> str:
        put_bytes(self.store, data, key, self.folder)
        return key

    def clean(self, existed: bool) -> None:
        """Remove what was put; what cannot be removed was told by a probe."""
        for key in self.keys:
            with contextlib.suppress(StoreError):
                self.store.delete(key)
        if isinstance(self.store, LocalStore):
            root = Path(self.store.root)
            for path in (root / "work/doctor", root / "work", *(() if existed else (root,))):
                with contextlib.suppress(OSError):
                    path.rmdir()

    def common(self) -> Iterator[Row]:
        """What any lake has to do."""
        data, key = secrets.token_bytes(200_000), self.new_key()
        store = self.store
        yield _try(
            "put and read back", lambda: store.read(self.put(data, key)) == data,
            "the lake can be written", "the lake cannot be used",
        )  # fmt: skip
        yield _try(
            "the end of an object", lambda: store.tail(key, 100) == data[-100:],
            "footers are read alone", "books cannot be read",
        )  # fmt: skip
        yield _try(
            "a new object is listed at once", lambda: key in self.listed(), "a publisher sees every slice",
            "a publisher may miss slices of an overlapping run: their rows are missing until it runs again",
        )  # fmt: skip
        yield _try(
            "a delete is seen at once", self._deleted, "removed slices are not published",
            "rows of removed objects may be published once more",
        )  # fmt: skip

    def listed(self) -> list[str]:
        return [stat.key for stat in self.store.list(_FOLDER)]

    def _deleted(self) -> bool:
        key = self.put(b"x", self.new_key())
        self.store.delete(key)
        return key not in self.listed() and self.store.read(key) is None

    def local(self, store: LocalStore) -> Iterator[Row]:
        """What logbucket relies on in a file system."""
        key = self.put(b"before", self.new_key())
        path = Path(store.root) / key
        yield _try(
            "atomic replacement", lambda: self._replaced(path, key), "readers see the old file or the new one",
            "readers may see halves: use another file system",
        )  # fmt: skip
        yield _try(
            "a replaced file of equal size is noticed", lambda: self._noticed(key), "by its modification time",
            "a file overwritten by one of equal size keeps its old rows",
        )  # fmt: skip
        yield _try("hard links", lambda: _linked(path), "snapshots cost no space", "snapshots are copies", needed=False)
        yield _try(
            "fsync", lambda: _synced(path), "what was written survives a power cut",
            "a power cut may lose what was written",
        )  # fmt: skip
        yield _clock(lambda: _written_now(path) - time.time())
        for name, place in (("lake", store.root), ("scratch", str(self.folder))):
            yield _try(
                f"free space of the {name}", lambda place=place: _free(place), "enough to begin with",  # type: ignore[misc]
                f"less than {_FREE_BYTES:,} bytes: make room before it runs full", needed=False,
            )  # fmt: skip

    def _replaced(self, path: Path, key: str) -> bool:
        with path.open("rb") as reader:
            self.put(b"after!", key)
            return reader.read() == b"before" and path.read_bytes() == b"after!"

    def _noticed(self, key: str) -> Found:
        first, begun = self.store.stat(key), time.monotonic()
        while (tick := time.monotonic() - begun) < _LONGEST_TICK_SECONDS:
            self.put(secrets.token_bytes(6), key)
            if self.store.stat(key) != first:
                return f"after {tick * 1000:.0f} ms", True
        return "no", False

    def s3(self, store: S3Store) -> Iterator[Row]:
        """What differs between servers that speak S3."""
        client, data = store.client, secrets.token_bytes(1000)
        key = self.put(data, self.new_key())
        place = store.place(key)
        digest = hashlib.sha256(data).hexdigest()
        yield _try(
            "user metadata is kept", lambda: client.head_object(**place)["Metadata"].get("logbucket-sha256") == digest,
            "reads are compared with the digest that was written",
            "digests are computed by reading whole objects again, and damage on the way is seen by the ETag only",
            needed=False,
        )  # fmt: skip
        yield _try(
            "byte ranges", lambda: client.get_object(**place, Range="bytes=-10")["Body"].read() == data[-10:],
            "footers are read alone", "whole objects are read for their footers", needed=False,
        )  # fmt: skip
        yield _try(
            "the ETag is the MD5 of the content", lambda: _md5(store, key, data),
            "damage of raw objects on the way is noticed, unless the ETag is opaque",
            "set LOGBUCKET_ETAG=opaque, or every read of a raw object fails",
        )  # fmt: skip
        yield _try(
            "the ETag changes with the content", lambda: self._etag_changes(store, key, data[::-1]),
            "overwritten raw objects are noticed", "an overwritten raw object of equal size keeps its old rows",
        )  # fmt: skip
        instead = "not used: runs that overlap list again after each PUT instead"
        yield _try(
            "PUT only where there is nothing (If-None-Match)",
            lambda: _refused(store, 412, Body=b"x", **place, IfNoneMatch="*"), instead, instead, needed=False,
        )  # fmt: skip
        other = f'"{hashlib.md5(b"other", usedforsecurity=False).hexdigest()}"'
        yield _try(
            "PUT only over what was read (If-Match)",
            lambda: _refused(store, 412, Body=b"x", **place, IfMatch=other), instead, instead, needed=False,
        )  # fmt: skip
        checksum = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
        yield _try(
            "an upload with a wrong checksum is refused",
            lambda: _refused(store, 400, Body=b"x", **store.place(self.new_key()), ChecksumSHA256=checksum),
            "damage on the way to the store is not stored", "such damage is noticed when the object is read",
            needed=False,
        )  # fmt: skip
        ours = "listings are sorted again on arrival"
        yield _try("listings are in the order of bytes", lambda: self._ordered(store), ours, ours, needed=False)
        yield _clock(lambda: _ahead(store, key))

    def _etag_changes(self, store: S3Store, key: str, data: bytes) -> bool:
        before = store.stat(key)
        after = store.stat(self.put(data, key))
        return before is not None and after is not None and before.etag != after.etag

    def _ordered(self, store: S3Store) -> bool:
        for name in ("a-1", "a/1", "a.1", "B"):
            self.put(b"x", self.new_key(name))
        page = store.client.list_objects_v2(Bucket=store.bucket, Prefix=store.place(_FOLDER)["Key"])
        found = [item["Key"] for item in page.get("Contents", ())]
        return found == sorted(found)


def _md5(store: S3Store, key: str, data: bytes) -> Found:
    stat = store.stat(key)
    etag = stat.etag if stat else ""
    if etag == hashlib.md5(data, usedforsecurity=False).hexdigest():
        return True
    looks = len(etag) == 32 and not etag.strip("0123456789abcdef")
    return f"no: {etag}", not looks or os.environ.get("LOGBUCKET_ETAG") == "opaque"


def _refused(store: S3Store, status: int, **request: Any) -> bool:
    from botocore.exceptions import ClientError

    try:
        store.client.put_object(**request)
    except ClientError as error:
        return bool(error.response["ResponseMetadata"]["HTTPStatusCode"] == status)
    return False


def _ahead(store: S3Store, key: str) -> float:
    answer = store.client.head_object(**store.place(key))["ResponseMetadata"]["HTTPHeaders"]
    return (parsedate_to_datetime(answer["date"]) - datetime.now(UTC)).total_seconds()


def _linked(path: Path) -> bool:
    link = path.with_name(f"{path.name}-link")
    os.link(path, link)
    link.unlink()
    return True


def _synced(path: Path) -> bool:
    for place in (path, path.parent):
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    return True


def _written_now(path: Path) -> float:
    # the file's time is the server's where the folder is mounted from one
    path.write_bytes(b"now")
    return path.stat().st_mtime


def _free(place: str) -> Found:
    free = shutil.disk_usage(place).free
    return f"{free:,} bytes", free >= _FREE_BYTES
