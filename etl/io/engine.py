"""DuckDB: one configured connection, with every macro, a memory limit and a place to spill."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from etl.errors import ConfigError, EtlError, ScratchUnavailable, StatementError
from etl.io.statements import Statement
from etl.io.store import Store
from etl.schema import Column


def _threads() -> int:
    text = os.environ.get("LOGBUCKET_THREADS") or "2"
    if not text.isdecimal():
        raise ConfigError("environment variable LOGBUCKET_THREADS", text, "a whole number from 2")
    # bytes of a Parquet file are equal for 2, 3 or 4 threads but not for 1
    return max(2, int(text))


VERSION = f"duckdb {duckdb.__version__}"
THREADS = _threads()
MEMORY_LIMIT = os.environ.get("LOGBUCKET_MEMORY_LIMIT") or "2GB"
_FOOTER_GUESS = 64 * 1024
_CHUNK = 1 << 20
_CONTENT = "content"
_SEAL = f'"{_CONTENT}": "'.encode()
_UNSEALED = "0" * 64


@contextmanager
def engine(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection without macros whose temporary files live in ``folder``; closed at the end."""
    connection = duckdb.connect()
    try:
        configure(connection, folder)
        yield connection
    finally:
        connection.close()


def configure(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Set time zone, limits and what keeps the order of rows. Raises ConfigError for a wrong limit."""
    try:
        connection.execute(f"SET memory_limit = {quote(MEMORY_LIMIT)}")
    except duckdb.Error:
        raise ConfigError("environment variable LOGBUCKET_MEMORY_LIMIT", MEMORY_LIMIT, "a size such as 2GB") from None
    connection.execute(
        f"SET TimeZone = 'UTC'; SET threads = {THREADS}; "
        f"SET temp_directory = {quote(str(folder / 'spill'))}; SET preserve_insertion_order = true; "
        "SET enable_progress_bar = false; SET autoinstall_known_extensions = false; SET autoload_known_extensions = false; "
        # a scratch file may be written anew under its name: the cache tells files apart by size and a coarse time only
        "SET enable_external_file_cache = false; "
        # the order of rows is part of the result: joins keep their sides, and x IN (…) does not become a join
        "SET disabled_optimizers = 'build_side_probe_side,join_order,in_clause'"
    )


def create_macros(connection: duckdb.DuckDBPyConnection, macros: Iterable[Statement]) -> None:
    """Create macros, given in an order in which each comes after those it uses. Raises StatementError for one that
    does not compile."""
    for macro in macros:
        with failing(macro):
            connection.execute(macro.sql)


@contextmanager
def failing(statement: Statement, where: str = "", expected: str = "") -> Iterator[None]:
    """What DuckDB refuses inside is said with the statement's file: raises StatementError."""
    try:
        yield
    except duckdb.Error as error:
        raise StatementError(f"{statement.path}{where}: {error}{expected}") from None


def set_variables(connection: duckdb.DuckDBPyConnection, **values: object) -> None:
    """SQL variables, read in statements with ``getvariable('name')``."""
    for variable, value in values.items():
        if isinstance(value, dict):
            entries = ", ".join(f"{quote(key)}: {quote(text)}" for key, text in value.items())
            connection.execute(f"SET VARIABLE {variable} = MAP {{{entries}}}::MAP(VARCHAR, VARCHAR)")
        else:
            connection.execute(f"SET VARIABLE {variable} = $value", {"value": value})


def describe(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, str]:
    """Column name → DuckDB type of a query."""
    return {row[0]: row[1] for row in connection.execute(f"DESCRIBE {sql}").fetchall()}


def projection(wanted: Iterable[Column], given: Container[str]) -> str:
    """The wanted columns in their types and order; one that is not given is NULL."""
    return ", ".join(
        f"CAST({name(column.name) if column.name in given else 'NULL'} AS {column.type}) AS {name(column.name)}"
        for column in wanted
    )


def rows(connection: duckdb.DuckDBPyConnection, sql: str, parameters: object = None) -> list[dict[str, Any]]:
    """The result of a query as a list of records."""
    cursor = connection.execute(sql, parameters)
    names = [item[0] for item in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def one(connection: duckdb.DuckDBPyConnection, sql: str, parameters: object = None) -> Any:
    """The single value of a query."""
    found = connection.execute(sql, parameters).fetchall()
    return found[0][0] if found else None


def quote(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def name(text: str) -> str:
    """A quoted SQL identifier."""
    return '"' + text.replace('"', '""') + '"'


def file_list(paths: list[Path] | list[str]) -> str:
    """A SQL list of paths for ``read_parquet``; glob characters in them are taken literally."""
    return "[" + ", ".join(quote(literal(str(path))) for path in paths) + "]"


def literal(path: str) -> str:
    """A path as a glob that matches nothing else."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in path)


def write_parquet(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    path: Path,
    *,
    compression: str,
    books: dict[str, Any] | None = None,
    row_group: int | None = None,
    is_small: bool = False,
) -> int:
    """Write a query to a Parquet file, reopen it and check its row count; returns the rows.

    ``books`` is kept as JSON in the file's key-value metadata under ``logbucket``, sealed by ``content``: the SHA-256 of
    the file with zeros in that place, so that every copy can be verified by itself (:func:`is_intact`).
    ``row_group`` is the number of rows that a reader can skip at a time, None: as many as DuckDB likes best. What
    ``is_small`` is written with one thread, which costs less than to ask for the plan; its bytes differ from those of several
    threads, so it is for scratch files.
    Raises ScratchUnavailable where the file cannot be written, EtlError where it does not hold what was written.
    """
    extra = ""
    if books is not None:
        kept = json.dumps({**books, _CONTENT: _UNSEALED}, sort_keys=True)
        extra = f", KV_METADATA {{logbucket: {quote(kept)}}}"
    if row_group:
        extra += f", ROW_GROUP_SIZE {row_group}"
    copy = f"COPY ({sql}) TO {quote(str(path))} (FORMAT parquet, COMPRESSION {compression}{extra})"
    try:
        with _in_order(connection, None if is_small else copy):
            written = one(connection, copy)
    except duckdb.IOException as error:
        # what the query reads may fail too, and that is another story
        if str(path) in str(error):
            raise ScratchUnavailable(path, error) from None
        raise
    found = one(connection, f"SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata({file_list([path])})")
    if written != found:
        raise EtlError(f"{path}: {written} rows written but {found} read back; the disk may be failing, run again")
    if books is not None:
        _seal(path)
    return int(written)


def _seal(path: Path) -> None:
    digest, place = _content(path)
    with path.open("r+b") as file:
        file.seek(place)
        file.write(digest.encode())


def _content(path: Path) -> tuple[str, int]:
    """(digest of a Parquet file with zeros in the place of its seal, that place). Raises ValueError where there is none."""
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        size = file.tell()
        file.seek(max(0, size - 8))
        footer = int.from_bytes(file.read(4), "little") + 8
        file.seek(max(0, size - footer))
        # the metadata of the file comes after the statistics of its columns, which hold log content
        at = file.read().rfind(_SEAL)
        if at < 0 or footer > size:
            raise ValueError("no seal in its footer")
        place = size - footer + at + len(_SEAL)
        file.seek(0)
        digest = hashlib.sha256()
        left = place
        while chunk := file.read(min(left, _CHUNK)):
            digest.update(chunk)
            left -= len(chunk)
        digest.update(_UNSEALED.encode())
        file.seek(len(_UNSEALED), os.SEEK_CUR)
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest(), place


def is_intact(path: Path) -> bool:
    """Whether a Parquet file of the lake holds the bytes that were written."""
    try:
        digest, place = _content(path)
    except (OSError, ValueError):
        return False
    with path.open("rb") as file:
        file.seek(place)
        return file.read(len(_UNSEALED)) == digest.encode()


@contextmanager
def _in_order(connection: duckdb.DuckDBPyConnection, copy: str | None) -> Iterator[None]:
    """One thread for a plan that several threads would write in any order, such as one with a join, and where none is given."""
    plan = connection.execute(f"EXPLAIN {copy}").fetchall() if copy else []
    keeps_order = any("BATCH_COPY_TO_FILE" in str(row[1]) for row in plan)
    if not keeps_order:
        connection.execute("SET threads = 1")
    try:
        yield
    finally:
        if not keeps_order:
            connection.execute(f"SET threads = {THREADS}")


@dataclass(frozen=True)
class Footer:
    """What the end of a Parquet object tells: its row count and its ``logbucket`` metadata (empty if it has none)."""

    rows: int
    books: dict[str, Any]

    @property
    def content(self) -> str:
        """The seal of the object: SHA-256 of what it holds, or empty."""
        return str(self.books.get(_CONTENT, ""))


def read_footer(store: Store, key: str) -> Footer | None:
    """The footer of a Parquet object without reading its rows; None where there is no such object.

    An object whose footer cannot be read has no rows and no books: whoever compares them finds it out.
    """
    tail = store.tail(key, _FOOTER_GUESS)
    if tail is None:
        return None
    needed = int.from_bytes(tail[-8:-4], "little") + 8 if tail[-4:] == b"PAR1" else 0
    if needed > len(tail):
        tail = store.tail(key, needed) or b""
    return _footer(tail)


def read_local_footer(path: Path) -> Footer:
    """The same of a local Parquet file. Raises OSError where there is none."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 8))
        needed = int.from_bytes(file.read(4), "little") + 8
        file.seek(max(0, size - needed))
        return _footer(file.read())


def _footer(tail: bytes) -> Footer:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(pa.BufferReader(b"PAR1" + tail))
        return Footer(metadata.num_rows, dict(json.loads((metadata.metadata or {}).get(b"logbucket", b"{}"))))
    except (pa.ArrowInvalid, OSError, ValueError):
        return Footer(0, {})
