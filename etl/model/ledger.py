"""What one shard of one landing hour read and wrote: the unit of the books."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from etl.errors import BooksDoNotClose


@dataclass(frozen=True)
class ObjectBook:
    """The closed account of one raw object. Counts are lines unless the name says rows, rejects or bytes.

    ``joined_in`` are lines of the producer's next object that complete this object's last record,
    ``joined_out`` the lines at this object's head that were joined to the object before.
    ``digest`` is SHA-256 of the decompressed content, ``format_digest`` that of the format's SQL. ``reject_reasons`` maps
    what is wrong, with N for numbers, to lines; rare reasons are summed up as ``other``. ``erased`` are the rows and
    rejected records that held an erased subject.
    """

    uri: str
    key: str
    etag: str
    size: int
    modified: str
    codec: str
    format: str
    digest: str
    lines: int
    rows: int
    row_lines: int
    quarantined: int
    ignored: int
    joined_in: int = 0
    joined_out: int = 0
    rejects: int = 0
    partial: int = 0
    first_event: str | None = None
    last_event: str | None = None
    problem: str | None = None
    format_digest: str = ""
    reject_reasons: dict[str, int] = field(default_factory=dict)
    erased: int = 0

    def require_closed(self) -> None:
        """Raise BooksDoNotClose unless every line read has exactly one fate."""
        read = self.lines + self.joined_in
        booked = self.row_lines + self.quarantined + self.ignored + self.joined_out
        if read != booked:
            raise BooksDoNotClose(
                f"{self.uri}: {self.lines} lines read (+{self.joined_in} joined from the next object), but "
                f"{self.row_lines} in rows + {self.quarantined} quarantined + {self.ignored} ignored + "
                f"{self.joined_out} joined to the object before = {booked}. Nothing was written. "
                f"The format {self.format!r} drops or repeats records: run `etl parse --format {self.format}` "
                "on this object and compare its output with the file."
            )


@dataclass(frozen=True)
class SliceBook:
    """One staged slice: its partition (``web_access/2026-11-22T13``), rows and SHA-256 of its bytes."""

    partition: str
    rows: int
    digest: str


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record, sort_keys=True, ensure_ascii=True).encode() + b"\n"


@dataclass(frozen=True)
class Ledger:
    """The account of one (source, landing hour, shard).

    ``inputs`` names everything besides the objects that decides the outcome (format SQL, settings, engine).
    ``touched`` are all partitions this shard ever wrote to: the ones it no longer reaches are published again too.
    ``secret`` is the fingerprint of the secret that its visitors were told apart by; empty where there are none.
    """

    source: str
    landing_hour: str
    shard: int
    inputs: str
    objects: list[ObjectBook] = field(default_factory=list)
    slices: list[SliceBook] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)
    secret: str = ""

    def to_json(self) -> bytes:
        """Deterministic bytes, one line, so that DuckDB reads the file as one JSON record; ``digest`` seals the others."""
        account = asdict(self)
        return _line({**account, "digest": hashlib.sha256(_line(account)).hexdigest()})

    @classmethod
    def from_json(cls, data: bytes) -> Ledger:
        """Inverse of :meth:`to_json`. Raises ValueError for bytes that it did not write."""
        raw = json.loads(data)
        sealed = raw.pop("digest", None)
        if sealed is not None and sealed != hashlib.sha256(_line(raw)).hexdigest():
            raise ValueError("its digest is not that of its content")
        raw["objects"] = [ObjectBook(**item) for item in raw["objects"]]
        raw["slices"] = [SliceBook(**item) for item in raw["slices"]]
        return cls(**raw)

    def require_closed(self) -> None:
        """Raise BooksDoNotClose unless every object closes and the slices hold exactly the objects' rows."""
        for book in self.objects:
            book.require_closed()
        staged, parsed = sum(piece.rows for piece in self.slices), sum(book.rows for book in self.objects)
        if staged != parsed:
            raise BooksDoNotClose(
                f"{self.source} landing hour {self.landing_hour} shard {self.shard}: {parsed} rows were parsed but "
                f"{staged} staged. Nothing was written; this is a defect of the pipeline, please report it."
            )
