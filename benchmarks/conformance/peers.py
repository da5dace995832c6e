"""What a peer expects of its test cases: read from ``corpus/cases/*.jsonl``, brought to flat records of field → value."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dateutil.parser  # type: ignore[import-untyped]

from etl.model.hours import parse_hour

PEERS = Path(__file__).parent / "peers"
TIME_FIELD = "$time"
_PROGRAM_ARGUMENT = re.compile(r"(\w+):\s*\"([^\"]*)\"")
_PROGRAM_SECOND = re.compile(r"parse_\w+!?\(\s*s?(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[.\w]+)\s*,\s*\"([^\"]*)\"")
_INFLUX = re.compile(r'((?:[^\\ ,"]|\\.|"(?:[^"\\]|\\.)*")+)([ ,]|$)')


@dataclass(frozen=True)
class Peer:
    """One mapping: which of our formats reads a peer's cases, and where its fields are in our rows."""

    name: str
    title: str
    formats: dict[str, str]
    unsupported: dict[str, str]
    fields: dict[str, str]
    left_out: dict[str, str]
    ours_is_right: dict[str, str]
    settings: dict[str, Any]

    def zone_of(self, case: dict[str, Any]) -> str:
        """IANA zone of times without an offset; ``zones`` tells it by the peer's format, or by its field ``zone_from``."""
        named = self.settings.get("zones", {})
        expected = case.get("expected")
        if isinstance(expected, list) and "list_fields" in self.settings:
            expected = dict(zip(self.settings["list_fields"], expected, strict=False))
        told = expected.get(self.settings.get("zone_from")) if isinstance(expected, dict) else None
        keys = [str(told), *self._keys(case)]
        return next((named[key] for key in keys if key in named), str(self.settings.get("zone", "UTC")))

    @property
    def arrived(self) -> datetime:
        """Landing hour of the cases: it decides a missing year."""
        return parse_hour(self.settings.get("arrived", "2026-11-22T00"))

    def format_of(self, case: dict[str, Any]) -> str | None:
        """Our format for a case; None where we have none, and ``is_explained`` says whether a reason is given."""
        key = self._key(case)
        return self.formats.get(key) if key else None

    def is_explained(self, case: dict[str, Any]) -> bool:
        """Whether it is said why a case is not about a format of ours."""
        return self._key(case) in self.unsupported

    def _key(self, case: dict[str, Any]) -> str | None:
        return next((key for key in self._keys(case) if key in self.formats or key in self.unsupported), None)

    @staticmethod
    def _keys(case: dict[str, Any]) -> list[str]:
        variant = _arguments(case).get("format")
        return [*([f"{case['format']}:{variant}"] if variant else []), str(case["format"]), "*"]

    def options_of(self, case: dict[str, Any]) -> dict[str, str]:
        """The options of our format, completed by the case's arguments as ``options_from_args`` says."""
        named = self.settings.get("options_by_format", {})
        by_format: dict[str, str] = next((named[key] for key in self._keys(case) if key in named), {})
        return {**self.settings.get("options", {}), **by_format, **self._from_arguments(case, "options_from_args")}

    def fields_of(self, case: dict[str, Any]) -> dict[str, str]:
        """The [fields] of the source that stands for the case."""
        return {**self.settings.get("fields_of_source", {}), **self._from_arguments(case, "fields_from_args")}

    def _from_arguments(self, case: dict[str, Any], key: str) -> dict[str, str]:
        arguments = _arguments(case)
        named = self.settings.get(key, {})
        return {ours: _plain_list(arguments[theirs]) for ours, theirs in named.items() if theirs in arguments}

    def explanation(self, name: str) -> str | None:
        """Why a differing value of this field is right."""
        return _matching(self.ours_is_right, name)

    def expressions(self, names: Iterable[str]) -> dict[str, str]:
        """Peer field → SQL for those named and those of the mapping; ``"prefix.*" = "attributes['{}']"`` maps what * matches."""
        found = {name: sql for name, sql in self.fields.items() if "*" not in name}
        for name in dict.fromkeys(names):
            for pattern, sql in self.fields.items():
                if name not in found and "*" in pattern and not self.is_left_out(name) and fnmatchcase(name, pattern):
                    found[name] = sql.replace("{}", name.removeprefix(pattern.split("*")[0]).replace("'", "''"))
        return found

    def is_left_out(self, name: str) -> bool:
        """Whether a field of the peer is not about parsing."""
        return name not in self.fields and _matching(self.left_out, name) is not None


def _arguments(case: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a case, or those that its VRL program writes: named, or the string after the input as format."""
    given = case.get("args")
    if isinstance(given, dict):
        return given
    program = case.get("vrl_program") or ""
    found: dict[str, Any] = dict(_PROGRAM_ARGUMENT.findall(program))
    if second := _PROGRAM_SECOND.search(program):
        found.setdefault("format", second[1])
    return found


def _matching(rules: dict[str, str], name: str) -> str | None:
    return next((reason for pattern, reason in rules.items() if fnmatchcase(name, pattern)), None)


def _plain_list(value: object) -> str:
    text = str(value)
    return ",".join(json.loads(text)) if text.startswith("[") else text


def load(name: str) -> Peer:
    """The mapping of one case file. Raises KeyError and TOML errors as they are."""
    raw = tomllib.loads((PEERS / f"{name}.toml").read_text(encoding="utf-8"))
    formats = {**raw.get("formats", {}), **({"*": raw["format"]} if "format" in raw else {})}
    tables = {key: dict(raw.get(key, {})) for key in ("unsupported", "fields", "left_out", "ours_is_right")}
    taken = {"title", "format", "formats", *tables}
    rest = {key: value for key, value in raw.items() if key not in taken}
    return Peer(name, raw["title"], formats, **tables, settings=rest)


@dataclass
class Case:
    """One case: its text, and the records the peer makes of it; ``rejected`` where it refuses the text."""

    raw: dict[str, Any]
    text: str
    records: list[dict[str, Any]] = field(default_factory=list)
    rejected: bool = False

    @property
    def source(self) -> str:
        """Where the peer keeps it."""
        return str(self.raw.get("source", ""))


def read_cases(path: Path, peer: Peer) -> list[Case]:
    """All cases of a file."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        raw = json.loads(line)
        case = Case(raw, _text_of(raw))
        if "expected_influx_line_protocol" in raw:
            lines = raw["expected_influx_line_protocol"]
            case.rejected = raw.get("kind") == "err"
            case.records = [] if case.rejected else [_influx(item) for item in lines.splitlines() if item]
        else:
            expected = raw.get("expected")
            case.rejected = _is_error(expected)
            case.records = [] if case.rejected else _records(expected, peer.settings.get("list_fields"))
            if raw.get("expected_time") and case.records:
                case.records[0][TIME_FIELD] = _fluentd_time(raw["expected_time"], peer.arrived, peer.zone_of(raw))
        found.append(case)
    return found


def _text_of(raw: dict[str, Any]) -> str:
    given = raw.get("lines", raw.get("line", raw.get("input", "")))
    return "\n".join(str(item).removesuffix("\n") for item in given) if isinstance(given, list) else str(given or "")


def _is_error(expected: object) -> bool:
    return isinstance(expected, dict) and "$error" in expected


def _records(expected: object, list_fields: list[str] | None = None) -> list[dict[str, Any]]:
    if expected is None:
        return []
    if list_fields and isinstance(expected, list):
        return [dict(zip(list_fields, expected, strict=False))]
    if isinstance(expected, dict) and list(expected) == ["records"]:
        return [{"record": item} for item in expected["records"]]
    items = expected if isinstance(expected, list) else [expected]
    return [flat(item) if isinstance(item, dict) else {"value": item} for item in items if item is not None]


def flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested objects with their keys joined by dots; ``$ts`` and the like stay values."""
    found: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, dict) and item and not any(name.startswith("$") for name in item):
            found.update(flat(item, f"{prefix}{key}."))
        else:
            found[prefix + key] = item
    return found


def _fluentd_time(expected: dict[str, Any], arrived: datetime, zone: str) -> dict[str, str]:
    """A time in the form that the case names, else in any usual form."""
    text, form = expected["$event_time"], expected["opts"].get("format")
    if form:
        pattern = form.replace("%L", "%f").replace("%N", "%f")
        if "%Y" not in pattern:
            pattern, text = f"%Y {pattern}", f"{arrived.year} {text}"
        found = datetime.strptime(text, pattern)
    else:
        found = dateutil.parser.parse(text, default=datetime(arrived.year, 1, 1))
    aware = found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))
    return {"$ts": aware.astimezone(UTC).isoformat()}


def _influx(line: str) -> dict[str, Any]:
    """Tags (``tag.x``) and fields (``field.x``) of an InfluxDB line; its timestamp is the order of arrival, left out."""
    parts: list[list[str]] = [[]]
    for token, separator in _INFLUX.findall(line):
        parts[-1].append(token)
        if separator == " ":
            parts.append([])
    found: dict[str, Any] = {}
    for kind, pairs in (("tag", parts[0][1:]), ("field", parts[1] if len(parts) > 1 else [])):
        for pair in pairs:
            name, _, value = pair.partition("=")
            found[f"{kind}.{_unescaped(name)}"] = _influx_value(value) if kind == "field" else _unescaped(value)
    return found


def _influx_value(text: str) -> Any:
    if text.startswith('"'):
        return re.sub(r'\\(["\\])', r"\1", text[1:-1]).replace("\\n", "\n")
    if text in ("true", "false", "t", "f", "T", "F", "True", "False"):
        return text[0].lower() == "t"
    return text[:-1] if text[-1:] in ("i", "u") else text


def _unescaped(text: str) -> str:
    return re.sub(r"\\([ ,=])", r"\1", text)
