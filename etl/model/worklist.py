"""What lies in raw storage for a window of landing hours, and which shard each object belongs to."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass

_EXTENSIONS = re.compile(r"(\.(gz|zst|zstd|bz2|xz|zip|log|json|jsonl|ndjson|txt|csv|tsv|out))+$", re.IGNORECASE)
_ROTATION = re.compile(r"\.log(\.\d+)+", re.IGNORECASE)
_MOMENT = re.compile(
    r"(?<!\d)\d{10,}(?!\d)"
    r"|\d{4}[-_]?\d{2}[-_]?\d{2}([T_-]?\d{2}([-_:.]?\d{2}([-_:.]?\d{2})?)?Z?)?"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    re.IGNORECASE,
)
_SEQUENCE = re.compile(r"[-_.]?(?<!\d)\d{3,}(?!\d)")


@dataclass(frozen=True, order=True)
class RawObject:
    """One raw object as listed: ``key`` below the source's raw root, ``size`` in bytes, ``modified`` ISO UTC."""

    key: str
    etag: str
    size: int
    modified: str


@dataclass(frozen=True)
class WorkList:
    """The listing that one run works from, over the landing hours first_hour..landing_hour (texts).

    ``hours`` maps each landing hour that has objects to them, sorted by key.
    """

    source: str
    first_hour: str
    landing_hour: str
    hours: dict[str, list[RawObject]]

    def to_json(self) -> bytes:
        """Deterministic bytes, equal for equal listings."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=True).encode()

    @classmethod
    def from_json(cls, data: bytes) -> WorkList:
        """Inverse of :meth:`to_json`."""
        raw = json.loads(data)
        hours = {hour: [RawObject(**item) for item in items] for hour, items in raw["hours"].items()}
        return cls(raw["source"], raw["first_hour"], raw["landing_hour"], hours)


def producer_of(key: str, pattern: str | None = None) -> str:
    """Who wrote an object: its key without time, rotation and sequence parts.

    ``pattern`` is the source's own regular expression; its first group (or whole match) is the producer.
    Host numbers stay (``web-1``), sequence numbers of three or more digits go (``web-1-0042``).
    """
    if pattern:
        found = re.search(pattern, key)
        if found:
            return found.group(1) if found.groups() else found.group(0)
    stem = _ROTATION.sub("", key)
    stem = _EXTENSIONS.sub("", stem)
    return _SEQUENCE.sub("", _MOMENT.sub("", stem))


def shard_of(producer: str, shards: int) -> int:
    """The shard, 0-based, a producer's objects belong to: stable across machines and versions."""
    return int.from_bytes(hashlib.sha256(producer.encode(errors="surrogateescape")).digest()[:8], "big") % shards


def in_producer_order(objects: Iterable[RawObject], pattern: str | None = None) -> list[RawObject]:
    """Objects grouped by producer, each producer's pieces from old to new.

    Sequence numbers grow with time (``-2`` before ``-10``), rotation numbers shrink (``.log.2``, ``.log.1``, ``.log``).
    """

    def place(item: RawObject) -> tuple[str, int, list[tuple[int, int | str]], str]:
        rotated = _ROTATION.search(item.key)
        number = int(rotated[0].rsplit(".", 1)[1]) if rotated else 0
        return producer_of(item.key, pattern), -number, natural(item.key), item.key

    return sorted(objects, key=place)


def printable(text: str) -> str:
    """A name of bytes that are not UTF-8 with those bytes as escapes: ``caf\\xe9.log``."""
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")


def natural(text: str) -> list[tuple[int, int | str]]:
    """Sort key that compares digit runs as numbers."""
    return [
        (0, int(part)) if part.isascii() and part.isdigit() else (1, part) for part in re.split(r"(\d+)", text) if part
    ]
