"""The SQL files: found by their place, described by the header they open with.

A header is the run of ``-- key: value`` lines at the top of a file. Nobody edits a registry: a file in the right
folder is a format, metric, check or report.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from etl.config import BUILT_IN_SQL, SEVERITIES, checked_format
from etl.errors import ConfigError, StatementError
from etl.io.raw import UTF8, Cut
from etl.schema import DATASETS, DIMENSIONS

_HEADER = re.compile(r"--\s*([a-z_]+):\s*(.*?)\s*$")
_LEADING_COMMENTS = re.compile(r"(?:--[^\n]*\n|\s)*")
DECLARED = "declared"
_DEFAULT_PRIORITY = 50
_MACRO = re.compile(r"^CREATE OR REPLACE MACRO (\w+)", re.MULTILINE | re.IGNORECASE)
_CALLED = re.compile(r"\b(\w+)\(")
_OF_REPORT = re.compile(r"\breport\.(\w+)")
_PLACE = re.compile(r"\{([a-z_]+)\}")
_REQUIRED = {
    "macros": ("title",),
    "formats": ("title", "dataset", "sample"),
    "enrich": ("title",),
    "metrics": ("title", "dataset", "grain"),
    "dimensions": ("title", "of"),
    "checks": ("title", "reads"),
    "reports": ("title",),
    "stages": ("title",),
    "catalog": ("title",),
    "alerts": ("title", "severity", "reads", "resolved"),
}


_ALLOWED = {
    "formats": ("limits", "detect", "priority", "options", "record_start", "continues", "continued", "heading", "elements", "framing"),
    "checks": ("dataset",),
    "reports": ("reads", "needs", "note", "chart", "labels", "colours"),
}  # fmt: skip


@dataclass(frozen=True)
class Statement:
    """One SQL file: its name (without ``.sql``), header and text."""

    kind: str
    name: str
    path: Path
    sql: str
    header: dict[str, str] = field(hash=False)

    def filled(self, **parts: str) -> str:
        """The statement without its leading comments, each ``{name}`` replaced by its part."""
        body = self.sql[_LEADING_COMMENTS.match(self.sql).end() :]  # type: ignore[union-attr]
        return _PLACE.sub(lambda found: parts.get(found[1], found[0]), body)

    @property
    def dataset(self) -> str:
        """The dataset a check reads, or the first one that a metric reads or a format yields."""
        return self.datasets[0]

    @property
    def datasets(self) -> list[str]:
        """The datasets a metric reads or a format yields; ``declared`` where the source says which."""
        return [part.strip() for part in self.header["dataset"].split(",")]

    @property
    def values(self) -> tuple[str, str]:
        """(view, column) of the values a dimension is about."""
        view, _, column = self.header["of"].partition(".")
        return view, column

    @property
    def grain(self) -> list[str]:
        """The columns that identify a row of a metric."""
        return [part.strip() for part in self.header["grain"].split(",")]

    @property
    def record_start(self) -> str | None:
        """The pattern of a record's first line, for formats whose records have several lines."""
        return self.header.get("record_start")

    @property
    def detect(self) -> str | None:
        """The pattern that some line of a file in this format matches; None: only a full try tells."""
        return self.header.get("detect")

    @property
    def priority(self) -> int:
        """Of two formats that read a sample about equally well, the one with the higher priority is named."""
        return int(self.header.get("priority", _DEFAULT_PRIORITY))

    @property
    def options(self) -> dict[str, str]:
        """Names and meanings of the options a source may set for a format."""
        parts = [part.partition(":") for part in self.header.get("options", "").split(";") if part.strip()]
        return {name.strip(): meaning.strip() for name, _, meaning in parts}

    def cut(self, options: Mapping[str, str], encoding: str = UTF8, wrapper: str | None = None) -> Cut:
        """How objects in this format become records; a source's ``record_start`` option replaces the header's."""
        return Cut(
            record_start=(options.get("record_start") if "record_start" in self.options else None) or self.record_start,
            continues=self.header.get("continues"),
            continued=self.header.get("continued"),
            heading=self.header.get("heading"),
            elements=self.header.get("elements"),
            octets=self.header.get("framing") == "octets",
            wrapper=wrapper,
            encoding=encoding,
        )


@dataclass(frozen=True)
class Report:
    """One folder of ``sql/reports``: queries by name and the template that shows them."""

    name: str
    queries: dict[str, Statement]
    template: Path

    @property
    def reads(self) -> set[str]:
        """The views that its queries read."""
        return self._listed("reads")

    @property
    def needs(self) -> set[str]:
        """The views without which there is nothing to show; empty where any will do."""
        return self._listed("needs")

    def _listed(self, key: str) -> set[str]:
        listed = (query.header.get(key, "").split(",") for query in self.queries.values())
        return {view.strip() for views in listed for view in views} - {""}

    @property
    def findings(self) -> list[str]:
        """Names of the queries whose rows are findings."""
        return [name for name in self.queries if name.startswith("finding_")]

    @property
    def shown(self) -> list[str]:
        """Names of the queries whose rows people see: all but the steps to them."""
        return [name for name in self.queries if not name.startswith("step_")]

    @property
    def in_order(self) -> list[str]:
        """Names of the queries, each after those whose rows it reads as ``report.<query>``. Raises StatementError for a circle."""
        reads = {name: set(_OF_REPORT.findall(query.sql)) & set(self.queries) for name, query in self.queries.items()}
        try:
            return list(TopologicalSorter(reads).static_order())
        except CycleError as error:
            raise StatementError(f"{self.template.parent}: {' → '.join(error.args[1])} read each other") from None


class Statements:
    """All statements of the built-in ``sql/`` and of the folders a project adds; a later folder overrides by name."""

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        self._folders = (BUILT_IN_SQL, *folders)
        for folder in self._folders:
            if not folder.is_dir():
                raise ConfigError("sql", str(folder), "an existing folder of SQL files")
        self.macros = self._kind("macros")
        self.formats = self._kind("formats")
        self.enrich = self._kind("enrich")
        self.metrics = self._kind("metrics")
        self.dimensions = self._dimensions()
        self.checks = self._kind("checks")
        self.stages = self._kind("stages")
        self.catalog = self._kind("catalog")
        self.alerts = self._kind("alerts")
        self.reports = self._reports()
        self.looks = [folder / "look" for folder in reversed(self._folders)]
        self._described: dict[str, dict[str, str]] = {}

    def described(self, sql: str, ask: Callable[[], dict[str, str]]) -> dict[str, str]:
        """Column name → DuckDB type of a query that reads no files or tables, as ``ask`` finds it: once in a process, since
        planning a format takes longer than to parse a few lines with it."""
        if sql not in self._described:
            self._described[sql] = ask()
        return self._described[sql]

    def labelled(self, label: str, where: str = "format") -> tuple[str | None, Statement]:
        """(wrapper, format) of a label such as ``logback`` or ``docker/logback``. Raises ConfigError with ``where``."""
        wrapper, _, name = checked_format(where, label).rpartition("/")
        return wrapper or None, self.format(name, where)

    def macros_used(self, text: str) -> list[Statement]:
        """The files of macros that a statement calls, directly or through others, in an order to create them in."""
        wanted = {self._home[word] for word in _CALLED.findall(text) if word in self._home}
        while more := {used for name in wanted for used in self._uses[name]} - wanted:
            wanted |= more
        return [macro for macro in self.macros_in_order if macro.name in wanted]

    @cached_property
    def _home(self) -> dict[str, str]:
        return {name: file.name for file in self.macros.values() for name in _MACRO.findall(file.sql)}

    @cached_property
    def _uses(self) -> dict[str, set[str]]:
        return {
            file.name: {self._home[word] for word in _CALLED.findall(file.sql) if word in self._home} - {file.name}
            for file in self.macros.values()
        }

    @cached_property
    def macros_in_order(self) -> list[Statement]:
        """The files of macros, each after those whose macros it uses."""
        return [self.macros[name] for name in TopologicalSorter(self._uses).static_order()]

    def format(self, name: str, where: str = "format") -> Statement:
        """The format of that name. Raises ConfigError with ``where``, listing those there are."""
        if name not in self.formats:
            near = difflib.get_close_matches(name, self.formats, n=1)
            hint = f"; perhaps {near[0]}" if near else ""
            raise ConfigError(where, name, f"auto or one of {', '.join(sorted(self.formats))}{hint}")
        return self.formats[name]

    def digest(self, *names: Statement) -> str:
        """SHA-256 over the texts of the given statements and all macros: what decides their results."""
        parts = [item.sql for item in (*names, *self.macros.values())]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def _kind(self, kind: str) -> dict[str, Statement]:
        found: dict[str, Statement] = {}
        for folder in self._folders:
            for path in sorted((folder / kind).glob("*.sql")):
                found[path.stem] = _read(kind, path)
        return found

    def _dimensions(self) -> dict[str, Statement]:
        found = self._kind("dimensions")
        for name, item in found.items():
            if name not in DIMENSIONS:
                raise StatementError(
                    f"{item.path}: there are no lists for {name!r}; expected {' or '.join(DIMENSIONS)}.sql"
                )
            view, _, column = item.header["of"].partition(".")
            if view.removeprefix("metrics_") not in self.metrics or not column:
                raise StatementError(f"{item.path}: of {item.header['of']!r}; expected metrics_<metric>.<column>")
        return found

    def _reports(self) -> dict[str, Report]:
        found: dict[str, Report] = {}
        for folder in self._folders:
            for path in sorted((folder / "reports").glob("*/report.html.j2")):
                queries = {item.stem: _read("reports", item) for item in sorted(path.parent.glob("*.sql"))}
                found[path.parent.name] = Report(path.parent.name, queries, path)
        return found


@cache
def load_statements(folders: tuple[Path, ...] = ()) -> Statements:
    """Read once per process."""
    return Statements(folders)


def _read(kind: str, path: Path) -> Statement:
    text = path.read_text(encoding="utf-8")
    header: dict[str, str] = {}
    for line in text.splitlines():
        found = _HEADER.match(line)
        if not found:
            break
        header[found[1]] = found[2]
    for key in _REQUIRED[kind]:
        if not header.get(key):
            raise StatementError(
                f"{path}: no header line `-- {key}: …`; expected {', '.join(_REQUIRED[kind])} at the top of the file"
            )
    for key in header:
        if key not in (*_REQUIRED[kind], *_ALLOWED.get(kind, ())):
            expected = ", ".join((*_REQUIRED[kind], *_ALLOWED.get(kind, ())))
            raise StatementError(f"{path}: header key {key!r} is unknown; expected one of {expected}")
    if not header.get("priority", "0").isdigit():
        raise StatementError(f"{path}: priority {header['priority']!r} is no whole number; expected 0 to 100")
    if header.get("severity", SEVERITIES[0]) not in SEVERITIES:
        raise StatementError(
            f"{path}: severity {header['severity']!r} is unknown; expected one of {', '.join(SEVERITIES)}"
        )
    statement = Statement(kind, path.stem, path, text, header)
    known = {*DATASETS, DECLARED} if kind == "formats" else set(DATASETS)
    for dataset in statement.datasets if "dataset" in header else []:
        if dataset not in known:
            raise StatementError(f"{path}: dataset {dataset!r} is unknown; expected one of {', '.join(DATASETS)}")
    if kind == "metrics" and len(statement.datasets) > 1 and "dataset" not in statement.grain:
        raise StatementError(f"{path}: the grain of a metric of several datasets is without `dataset`; add the column")
    return statement
