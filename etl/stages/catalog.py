"""schema, metrics and macros → ``catalog.duckdb``: the lake for readers without this project."""

from __future__ import annotations

import tempfile
from pathlib import Path

from etl import layout
from etl.config import Settings
from etl.io.catalog import build
from etl.io.statements import load_statements
from etl.io.store import open_store, scratch_root


def write_catalog(settings: Settings, output: Path | None = None) -> tuple[str, bool]:
    """Write the catalog of the lake into the lake, or to the local file ``output``; returns its URI, and whether it changed.

    It is built beside and then put in its place: whoever has the old one open goes on reading that.
    Raises StatementError, ScratchUnavailable and store errors.
    """
    lake = open_store(settings.lake)
    store, key = (lake, layout.CATALOG) if output is None else (open_store(str(output.absolute().parent)), output.name)
    with tempfile.TemporaryDirectory(prefix="logbucket-", dir=scratch_root()) as folder:
        path = Path(folder) / layout.CATALOG
        build(lake, load_statements(settings.sql), path)
        return store.uri(key), store.put(path, key)
