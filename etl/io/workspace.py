"""What a stage works with: settings, stores, statements and a scratch folder that is gone afterwards."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from etl.config import Settings
from etl.io.engine import create_macros, describe, engine
from etl.io.statements import Statements, load_statements
from etl.io.store import Store, open_store, scratch_root, take

_numbers = itertools.count()


@dataclass(frozen=True)
class Workspace:
    """The lake's store, the statements, and a local scratch folder."""

    settings: Settings
    lake: Store
    statements: Statements
    folder: Path
    connection: duckdb.DuckDBPyConnection
    _created: set[str] = field(default_factory=set)

    def provide(self, sql: str) -> str:
        """Create the macros that a statement uses, and return it: all of them would take longer than most statements."""
        macros = [macro for macro in self.statements.macros_used(sql) if macro.name not in self._created]
        create_macros(self.connection, macros)
        self._created.update(macro.name for macro in macros)
        return sql

    def describe(self, sql: str) -> dict[str, str]:
        """Column name → DuckDB type of a query that reads no files or tables."""
        return self.statements.described(sql, lambda: describe(self.connection, self.provide(sql)))

    def take(self, key: str) -> Path:
        """A lake object as a file in the scratch folder, of one content while the object is replaced.

        Raises ObjectMissing, ScratchUnavailable and store errors.
        """
        return take(self.lake, key, self.folder)

    def scratch(self, stem: str) -> Path:
        """A new Parquet path in the scratch folder: names are never used twice, so nobody can mistake old for new."""
        return self.folder / f"{stem}-{next(_numbers)}.parquet"


@contextmanager
def workspace(settings: Settings) -> Iterator[Workspace]:
    """Open all a stage needs; scratch files go to ``$LOGBUCKET_TMP`` or the system's temp folder."""
    statements = load_statements(settings.sql)
    with (
        tempfile.TemporaryDirectory(prefix="logbucket-", dir=scratch_root()) as folder,
        engine(Path(folder)) as connection,
    ):
        yield Workspace(settings, open_store(settings.lake), statements, Path(folder), connection)
