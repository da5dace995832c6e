"""Everything that can be read in a lake: bytes as they are, decompressed, and every value of every Parquet column."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

import pyarrow.parquet as pq


def readable(path: Path) -> bytes:
    """The bytes of an object, and what a reader of its kind sees in it."""
    data = path.read_bytes()
    if path.suffix == ".parquet":
        table = pq.read_table(path, partitioning=None)
        values = "\n".join(str(value) for column in table.columns for value in column.to_pylist())
        return b"\n".join([data, repr(table.schema.metadata).encode(), values.encode()])
    return data + gzip.decompress(data) if path.suffix == ".gz" else data


def holding(lake: Path, *texts: str) -> dict[str, list[str]]:
    """Text → keys of the objects (hidden ones too) whose name or content has it; texts that nothing has are left out."""
    paths = sorted(path for path in lake.rglob("*") if path.is_file())
    contents = {str(path.relative_to(lake)): readable(path) for path in paths}
    return _found(contents.items(), texts)


def _found(contents: Iterable[tuple[str, bytes]], texts: Iterable[str]) -> dict[str, list[str]]:
    listed = list(contents)
    found = {text: [key for key, data in listed if text in key or text.encode() in data] for text in texts}
    return {text: keys for text, keys in found.items() if keys}
