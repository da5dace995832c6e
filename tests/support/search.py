"""Everything that can be read in a lake: bytes as they are, decompressed, and every value of every Parquet column."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow.parquet as pq


def readable(path: Path) -> bytes:
    """The bytes of an object, and what a reader of its kind sees in it."""
    data = path.read_bytes()
    if path.suffix == ".parquet":
        table = pq.read_table(path, partitioning=None)
        values = "\n".join(str(value) for column in table.columns for value in column.to_pylist())
        return b"\n".join([data, repr(table.schema.metadata).encode(), values.encode()])
    if path.suffix == ".duckdb":
        return b"\n".join([data, *_database(path)])
    return data + gzip.decompress(data) if path.suffix == ".gz" else data


def _database(path: Path) -> list[bytes]:
    """Its definitions and comments, and what its tables hold; its views show objects that are looked at themselves."""
    with duckdb.connect(str(path), read_only=True) as connection:
        told = [connection.execute(f"FROM duckdb_{kind}()").fetchall() for kind in ("views", "functions", "columns")]
        for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            told.append(connection.execute(f'FROM "{name}"').fetchall())
    return [repr(rows).encode() for rows in told]


def holding(lake: Path, *texts: str) -> dict[str, list[str]]:
    """Text → keys of the objects (hidden ones too) whose name or content has it; texts that nothing has are left out."""
    paths = sorted(path for path in lake.rglob("*") if path.is_file())
    contents = {str(path.relative_to(lake)): readable(path) for path in paths}
    return _found(contents.items(), texts)


def _found(contents: Iterable[tuple[str, bytes]], texts: Iterable[str]) -> dict[str, list[str]]:
    listed = list(contents)
    found = {text: [key for key, data in listed if text in key or text.encode() in data] for text in texts}
    return {text: keys for text, keys in found.items() if keys}
