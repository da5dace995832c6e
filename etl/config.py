"""``sources.toml``: read, completed by environment variables, validated.

Light on purpose: DAG files import this at parse time, so it imports nothing outside the standard library.
"""

from __future__ import annotations

import codecs
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from etl.errors import ConfigError
from etl.model.declared import KINDS, Declared, Funnel, Settlement, Side
from etl.model.hours import format_hour, parse_hour
from etl.schema import DATASETS

BUILT_IN_SQL = Path(__file__).resolve().parents[1] / "sql"
ENV_CONFIG = "LOGBUCKET_CONFIG"
ENV_PREFIX = "LOGBUCKET_"
MAX_SHARDS = 8
MAX_STATES = 50
DEFAULT_START = "2026-01-01T00"
WRAPPERS = ("cri", "docker")
SEVERITIES = ("info", "warning", "critical")
_STATEFUL = re.compile(r"utf-7|hz|iso2022|.*escape|idna|punycode")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_STATE = re.compile(r"[^\x00-\x1f\x7f]{1,60}")
_CURRENCY = re.compile(r"[A-Z]{3,5}")
_DIRECTIVE = re.compile(r"%(.)")
REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_CHANNEL = re.compile(r"[a-z][a-z0-9+.-]*://\S+")


@dataclass(frozen=True)
class QuarantineLimit:
    """A shard fails when its rejected lines exceed both ``share`` (0–1) and ``lines`` (a count)."""

    share: float = 0.01
    lines: int = 100

    def exceeded(self, quarantined: int, lines: int) -> bool:
        """Whether ``quarantined`` of ``lines`` is over the limit."""
        return quarantined > self.lines and quarantined > self.share * lines

    def __str__(self) -> str:
        return f"{{ share = {self.share}, lines = {self.lines} }}"


DEFAULT_QUERY = (
    "page",
    "per_page",
    "limit",
    "offset",
    "sort",
    "order",
    "lang",
    "utm_source",
    "utm_medium",
    "utm_campaign",
)
EVERY_KEY = "*"
_QUERY_KEY = re.compile(r"[A-Za-z0-9_.\[\]-]{1,64}|\*")


@dataclass(frozen=True)
class Privacy:
    """What is taken out of rows before anything of them is stored.

    ``address``: ``truncate`` to /24 and /48, or ``keep``. ``visitor``: ``daily`` (keyed, another one each day), ``none``, or
    ``unkeyed`` where privacy is off. ``query``: the keys of query strings whose values stay, ``*`` for all. ``scrub``:
    whether e-mail addresses, tokens, passwords and card numbers are masked in texts.
    """

    address: str = "truncate"
    visitor: str = "daily"
    query: tuple[str, ...] = DEFAULT_QUERY
    scrub: bool = True


PRIVACY_OFF = Privacy("keep", "unkeyed", (EVERY_KEY,), False)


@dataclass(frozen=True)
class Notify:
    """Who is told what the digest finds: Apprise URLs, in which ``${VARIABLE}`` stands for a secret, and from which severity on."""

    urls: tuple[str, ...] = ()
    minimum_severity: str = SEVERITIES[0]

    def wants(self, severity: str) -> bool:
        """Whether something of that severity is told."""
        return SEVERITIES.index(severity) >= SEVERITIES.index(self.minimum_severity)


@dataclass(frozen=True)
class Retention:
    """For how many days each layer is kept, None: for ever. ``events_days`` holds for slices and revisions, ``ledger_days`` for
    work lists and notes, too; ``reports_days`` stands at the top of the file only, since reports show all sources."""

    events_days: int | None = None
    metrics_days: int | None = None
    quarantine_days: int | None = None
    ledger_days: int | None = None
    reports_days: int | None = None


# a ledger tells of rows up to a day after its landing hour
_LEDGER_OUTLIVES_EVENTS_DAYS = 2


@dataclass(frozen=True)
class Enrich:
    """What values are looked up in beside the lists that come as packages: MaxMind DB files, in the order in which they are asked."""

    mmdb: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Source:
    """One ``[sources.<name>]`` table. Times in UTC; ``start`` and ``end`` are landing hours, aware."""

    name: str
    raw: str
    format: str = "auto"
    zone: str = "UTC"
    service_name: str = ""
    shards: int = 4
    start: datetime = field(default_factory=lambda: parse_hour(DEFAULT_START).replace(tzinfo=UTC))
    end: datetime | None = None
    look_back_hours: int = 24
    max_lateness_days: int = 35
    deduplicate: str | tuple[str, ...] = "none"
    quarantine_limit: QuarantineLimit = field(default_factory=QuarantineLimit)
    fields: tuple[tuple[str, str], ...] = ()
    producer: str | None = None
    dataset: str | None = None
    encoding: str = "utf-8"
    options: tuple[tuple[str, str], ...] = ()
    notify: Notify = Notify()
    privacy: Privacy = PRIVACY_OFF
    retention: Retention = field(default_factory=Retention)

    @property
    def raw_root(self) -> str:
        """URI of the folder above the first time directive: where listing starts."""
        head = self.raw.split("%", 1)[0]
        return head[: head.rindex("/")] if "/" in head else "."

    @property
    def raw_template(self) -> str:
        """The key below :attr:`raw_root`, with its time directives; empty if there are none."""
        return self.raw[len(self.raw_root) + 1 :] if "/" in self.raw.split("%", 1)[0] else self.raw

    @property
    def is_auto(self) -> bool:
        """Whether the format is found out for each object: ``auto``, or ``auto`` behind a wrapper."""
        return self.format.rpartition("/")[2] == "auto"

    @property
    def lands_by_key(self) -> bool:
        """Whether the landing hour stands in the key; else LastModified decides."""
        return "%H" in self.raw


@dataclass(frozen=True)
class Settings:
    """All of ``sources.toml``: the lake's URI, the sources by name, folders with further SQL, the file of the secret, what
    holds for sources that do not say otherwise (privacy, and who is told), the user's own lists, and the reports that are
    declared."""

    lake: str
    sources: dict[str, Source]
    path: Path
    sql: tuple[Path, ...] = ()
    secret_file: Path = Path("logbucket.secret")
    privacy: Privacy = PRIVACY_OFF
    retention: Retention = field(default_factory=Retention)
    notify: Notify = Notify()
    enrich: Enrich = Enrich()
    reports: dict[str, Declared] = field(default_factory=dict)

    @property
    def sql_folders(self) -> tuple[Path, ...]:
        """The built-in folder of SQL, then those of the project: a later one overrides by name."""
        return (BUILT_IN_SQL, *self.sql)

    @property
    def report_names(self) -> list[str]:
        """Names of the reports there are: folders with a template, but of those that need a declaration the declared ones."""
        return sorted(_report_folders(self.sql_folders).difference(KINDS).union(self.reports))

    def source(self, name: str) -> Source:
        """The source of that name. Raises ConfigError naming those there are."""
        if name not in self.sources:
            raise ConfigError(
                "source", name, f"one of {', '.join(sorted(self.sources)) or 'none: no source is declared'}"
            )
        return self.sources[name]


def _report_folders(folders: tuple[Path, ...]) -> set[str]:
    return {path.parent.name for folder in folders for path in (folder / "reports").glob("*/report.html.j2")}


def config_path() -> Path:
    """``$LOGBUCKET_CONFIG``, else ``sources.toml`` in the working directory."""
    return Path(os.environ.get(ENV_CONFIG) or "sources.toml")


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read and validate the configuration.

    ``LOGBUCKET_LAKE`` overrides ``lake``; ``LOGBUCKET_SOURCES__<NAME>__<KEY>`` overrides a key of a source.
    Raises ConfigError naming file, key, value and what is allowed.
    """
    path = (path or config_path()).absolute()
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(str(path), "no such file", f"a sources.toml there, or its path in ${ENV_CONFIG}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(str(path), str(error), "a readable TOML 1.0 file") from None
    _override(raw, os.environ if environ is None else environ)
    return _Reader(path).settings(raw)


def _override(raw: dict[str, Any], environ: Mapping[str, str]) -> None:
    if environ.get(ENV_PREFIX + "LAKE"):
        raw["lake"] = environ[ENV_PREFIX + "LAKE"]
    sources = raw.get("sources")
    for variable, text in sorted(environ.items()):
        if not variable.startswith(ENV_PREFIX + "SOURCES__"):
            continue
        name, _, key = variable.removeprefix(ENV_PREFIX + "SOURCES__").lower().partition("__")
        if not isinstance(sources, dict) or name not in sources:
            known = ", ".join(sorted(sources)) if isinstance(sources, dict) else "none"
            raise ConfigError(f"environment variable {variable}", name, f"the name of a source: {known}")
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        sources[name][key] = value


def checked_zone(where: str, value: object) -> str:
    """An IANA zone name. Raises ConfigError with ``where`` and a zone that may have been meant."""
    try:
        ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = [zone for zone in sorted(available_timezones()) if str(value).split("/")[-1].lower() in zone.lower()]
        hint = f"; perhaps {near[0]}" if near else ""
        raise ConfigError(where, value, f"an IANA time zone such as Asia/Seoul{hint}") from None
    return str(value)


def checked_encoding(where: str, value: object) -> str:
    """A text encoding that Python knows, by its usual name. Raises ConfigError with ``where``."""
    try:
        name = codecs.lookup(str(value)).name
        # lines are cut before they are decoded: an ASCII byte has to mean itself, unless all is decoded first
        is_usable = name.startswith("utf-16") or (not _STATEFUL.match(name) and _keeps_ascii(name))
    except (LookupError, ValueError, TypeError):
        name, is_usable = "", False
    if not is_usable:
        raise ConfigError(where, value, "a text encoding such as utf-8, latin-1, big5 or utf-16")
    return name


def _keeps_ascii(encoding: str) -> bool:
    return all(bytes([byte]).decode(encoding) == chr(byte) for byte in range(128))


def checked_format(where: str, value: str) -> str:
    """A format, or one behind a wrapper. Raises ConfigError for a wrapper that is none."""
    wrapper, separator, _ = value.rpartition("/")
    if separator and wrapper not in WRAPPERS:
        raise ConfigError(where, value, f"a format, or one behind {' or '.join(f'{item}/' for item in WRAPPERS)}")
    return value


class _Reader:
    """Turns parsed TOML into settings; every complaint names file, key and value."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fail(self, key: str, value: object, expected: str) -> ConfigError:
        return ConfigError(f"{self.path}, key {key}", value, expected)

    def settings(self, raw: dict[str, Any]) -> Settings:
        known = {"enrich", "lake", "notify", "privacy", "reports", "retention", "secret_file", "sources", "sql"}
        self.only(raw, "", known)
        lake = self.uri("lake", raw.get("lake"))
        if "=" in lake:
            # event_hour=5/lake would be read as the hour of every row
            raise self.fail("lake", lake, "a path without =, which readers would take for a column of the lake")
        tables = raw.get("sources")
        if not isinstance(tables, dict) or not tables:
            raise self.fail("sources", tables, "at least one table [sources.<name>]")
        secret = raw.get("secret_file", "logbucket.secret")
        if not isinstance(secret, str) or not secret:
            raise self.fail("secret_file", secret, "the path of a file")
        privacy = self.privacy("privacy", raw.get("privacy", {}), Privacy())
        notify = self.notify("notify", raw.get("notify", {}), Notify())
        retention = self.retention("retention", raw.get("retention", {}), Retention())
        sources = {name: self.source(name, table, privacy, notify, retention) for name, table in tables.items()}
        for name, source in sources.items():
            if not source.raw_template and f"{lake}/".startswith(f"{source.raw_root}/"):
                expected = f"a place that does not hold the lake ({lake}): its objects would be read as logs"
                raise self.fail(f"sources.{name}.raw", source.raw, expected)
        folders = raw.get("sql", [])
        if not isinstance(folders, list) or not all(isinstance(item, str) for item in folders):
            raise self.fail("sql", folders, "a list of folders with further SQL")
        settings = Settings(
            lake,
            sources,
            self.path,
            tuple(self.path.parent / item for item in folders),
            self.path.parent / secret,
            privacy,
            retention,
            notify,
            self.enrich("enrich", raw.get("enrich", {})),
        )
        return replace(settings, reports=self.reports(raw.get("reports", {}), settings))

    def reports(self, tables: object, settings: Settings) -> dict[str, Declared]:
        if not isinstance(tables, dict):
            raise self.fail("reports", tables, "tables such as [reports.settlement]")
        taken = _report_folders(settings.sql_folders) - set(KINDS)
        found: dict[str, Declared] = {}
        for name, table in tables.items():
            key = f"reports.{name}"
            if not _NAME.fullmatch(name) or name in taken:
                raise self.fail(key, name, "a name of a–z, 0–9 and _, starting with a letter, that no other report has")
            if not isinstance(table, dict):
                raise self.fail(key, table, "a table")
            kind = table.get("report", name)
            if kind not in KINDS:
                raise self.fail(key + ".report", kind, f"one of {', '.join(KINDS)}")
            read = self.settlement if kind == Settlement.kind else self.funnel
            found[name] = read(key + ".", name, table, settings)
        return found

    def settlement(self, prefix: str, name: str, table: dict[str, Any], settings: Settings) -> Settlement:
        self.only(table, prefix, {"report", *Settlement.__dataclass_fields__} - {"name"})
        take = _Table(self, prefix, table)
        left, right = (self.side(f"{prefix}{side}", table.get(side), settings) for side in ("left", "right"))
        if left.title == right.title:
            raise self.fail(prefix + "right.title", right.title, "another title than the left side has")
        if len(left.key) != len(right.key):
            raise self.fail(
                prefix + "right.key", table["right"]["key"], f"as many values as the left side has: {len(left.key)}"
            )
        return Settlement(
            name=name,
            title=take.text("title", f"{left.title} against {right.title}"),
            left=left,
            right=right,
            window_hours=take.integer("window_hours", 24, 0, 24 * 31),
            zone=self.zone(prefix + "zone", table.get("zone", "UTC")),
        )

    def funnel(self, prefix: str, name: str, table: dict[str, Any], settings: Settings) -> Funnel:
        self.only(table, prefix, {"report", *Funnel.__dataclass_fields__} - {"name"})
        take = _Table(self, prefix, table)
        source = self.source_of(prefix, table, settings)
        states = table.get("states")
        if (
            not isinstance(states, list)
            or not all(isinstance(state, str) and _STATE.fullmatch(state) for state in states)
            or not 2 <= len(set(states)) == len(states) <= MAX_STATES
        ):
            raise self.fail(
                prefix + "states", states, f'2 to {MAX_STATES} different names in their order, such as ["cart", "paid"]'
            )
        events = table.get("events")
        if (
            not isinstance(events, dict)
            or not 1 <= len(events) <= MAX_STATES
            or not all(isinstance(condition, str) and condition for condition in events.values())
        ):
            raise self.fail(prefix + "events", events, """a table such as { pay = "event_name = 'paid'" }""")
        transitions = self.transitions(prefix + "transitions", table.get("transitions"), states, list(events))
        goal = table.get("goal", states[-1])
        if goal not in states[1:]:
            raise self.fail(prefix + "goal", goal, f"one of {', '.join(states[1:])}")
        return Funnel(
            name=name,
            title=take.text("title", name.replace("_", " ").capitalize()),
            source=source,
            session=self.names(prefix + "session", table.get("session")),
            states=tuple(states),
            events=tuple(events.items()),
            transitions=transitions,
            goal=str(goal),
            timeout_minutes=take.integer("timeout_minutes", 30, 1, 24 * 60 * 7),
            dataset=self.dataset(prefix + "dataset", table.get("dataset")),
            where=take.text("where", "true"),
        )

    def transitions(
        self, key: str, tables: object, states: list[str], events: list[str]
    ) -> tuple[tuple[str, str, str], ...]:
        if not isinstance(tables, dict):
            raise self.fail(key, tables, 'a table for each state, such as cart = { pay = "paid" }')
        found = []
        for state, table in tables.items():
            if state not in states:
                raise self.fail(f"{key}.{state}", state, f"one of the states {', '.join(states)}")
            if not isinstance(table, dict):
                raise self.fail(f"{key}.{state}", table, 'a table event = "state", such as { pay = "paid" }')
            for event, to in table.items():
                if event not in events:
                    raise self.fail(f"{key}.{state}.{event}", event, f"one of the events {', '.join(events)}")
                if to not in states:
                    raise self.fail(f"{key}.{state}.{event}", to, f"one of the states {', '.join(states)}")
                found.append((state, event, to))
        reached = {states[0]}
        while more := {to for state, _, to in found if state in reached} - reached:
            reached |= more
        for state in states:
            if state not in reached:
                raise self.fail(key, state, f"transitions that lead from {states[0]} to every state")
        return tuple(found)

    def side(self, key: str, table: object, settings: Settings) -> Side:
        if not isinstance(table, dict):
            raise self.fail(
                key,
                table,
                'a table such as { source = "shop", key = "order_id", amount = "amount", currency = "currency" }',
            )
        prefix = key + "."
        self.only(table, prefix, set(Side.__dataclass_fields__))
        take = _Table(self, prefix, table)
        source = self.source_of(prefix, table, settings)
        if ("currency" in table) == ("fixed_currency" in table):
            raise self.fail(
                prefix + "currency", table.get("currency"),
                'either currency, where it stands ("currency"), or fixed_currency, which it always is ("KRW")',
            )  # fmt: skip
        fixed = table.get("fixed_currency")
        if fixed is not None and not (isinstance(fixed, str) and _CURRENCY.fullmatch(fixed)):
            raise self.fail(prefix + "fixed_currency", fixed, "a currency of ISO 4217 such as KRW")
        if table.get("decimal", ".") not in (".", ","):
            raise self.fail(prefix + "decimal", table["decimal"], 'what stands before cents: "." or ","')
        if not isinstance(table.get("minor_units", False), bool):
            raise self.fail(prefix + "minor_units", table["minor_units"], "true (1234 is 12.34) or false")
        return Side(
            source=source,
            title=take.text("title", source),
            key=self.names(prefix + "key", table.get("key")),
            amount=take.required("amount", "where the amount stands: a column of its dataset, or an attribute"),
            currency=take.text("currency", "currency") if "currency" in table else None,
            fixed_currency=fixed,
            merchant=take.text("merchant", "") if "merchant" in table else None,
            dataset=self.dataset(prefix + "dataset", table.get("dataset")),
            where=take.text("where", "true"),
            negative=take.text("negative", "false"),
            decimal=table.get("decimal", "."),
            minor_units=table.get("minor_units", False),
        )

    def source_of(self, prefix: str, table: dict[str, Any], settings: Settings) -> str:
        source = table.get("source")
        if source not in settings.sources:
            raise self.fail(prefix + "source", source, f"one of {', '.join(sorted(settings.sources))}")
        return str(source)

    def names(self, key: str, value: object) -> tuple[str, ...]:
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not listed or not all(isinstance(item, str) and item for item in listed):
            raise self.fail(key, value, 'a column or an attribute such as "order_id", or a list of them')
        return tuple(listed)

    def enrich(self, key: str, value: object) -> Enrich:
        if not isinstance(value, dict):
            raise self.fail(key, value, 'a table such as { mmdb = ["GeoLite2-Country.mmdb"] }')
        self.only(value, key + ".", set(Enrich.__dataclass_fields__))
        files = value.get("mmdb", [])
        if not isinstance(files, list) or not all(isinstance(item, str) and item for item in files):
            raise self.fail(key + ".mmdb", files, 'a list of MaxMind DB files such as ["GeoLite2-Country.mmdb"]')
        for number, item in enumerate(files):
            if "://" in item:
                raise self.fail(f"{key}.mmdb[{number}]", item, "the path of a local file")
        return Enrich(tuple(self.path.parent / item for item in files))

    def only(self, table: dict[str, Any], prefix: str, allowed: set[str]) -> None:
        for key in table:
            if key not in allowed:
                raise self.fail(prefix + key, table[key], f"one of the keys {', '.join(sorted(allowed))}")

    def uri(self, key: str, value: object) -> str:
        if not isinstance(value, str) or not value:
            raise self.fail(key, value, "a folder (data/lake) or s3://bucket/prefix")
        scheme, separator, rest = value.partition("://")
        if not separator and not value.startswith("s3:"):
            return os.path.normpath(self.path.parent / value) + ("/" if value.endswith("/") else "")
        if scheme != "s3" or not rest.split("/", 1)[0]:
            raise self.fail(key, value, "a folder (data/lake) or s3://bucket/prefix")
        return value

    def privacy(self, key: str, value: object, default: Privacy) -> Privacy:
        if value == "off":
            return PRIVACY_OFF
        if not isinstance(value, dict):
            raise self.fail(key, value, '"off", or a table such as { address = "keep", query = ["page"] }')
        self.only(value, key + ".", set(Privacy.__dataclass_fields__))
        for name, allowed in (("address", ("truncate", "keep")), ("visitor", ("daily", "none"))):
            if name in value and value[name] not in allowed:
                raise self.fail(f"{key}.{name}", value[name], f"one of {', '.join(allowed)}")
        if not isinstance(value.get("scrub", True), bool):
            raise self.fail(key + ".scrub", value["scrub"], "true or false")
        base = Privacy() if default == PRIVACY_OFF else default
        query = value.get("query", list(base.query))
        if not isinstance(query, list) or not all(
            isinstance(item, str) and _QUERY_KEY.fullmatch(item) for item in query
        ):
            raise self.fail(key + ".query", query, 'a list of keys such as ["page", "sort"], or ["*"] for all')
        return replace(base, **{**value, "query": tuple(query)})

    def retention(self, key: str, value: object, default: Retention) -> Retention:
        if not isinstance(value, dict):
            raise self.fail(key, value, "a table such as { events_days = 400, quarantine_days = 30 }")
        allowed = set(Retention.__dataclass_fields__) - (set() if key == "retention" else {"reports_days"})
        self.only(value, key + ".", allowed)
        for name, days in value.items():
            if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= 36500:
                raise self.fail(f"{key}.{name}", days, "a whole number of days from 1 to 36500")
        found = replace(default, **value)
        if found.metrics_days is not None and (found.events_days is None or found.metrics_days < found.events_days):
            raise self.fail(
                key + ".metrics_days", found.metrics_days, "at least events_days: metrics are made of events"
            )
        if found.ledger_days is not None and (
            found.events_days is None or found.ledger_days < found.events_days + _LEDGER_OUTLIVES_EVENTS_DAYS
        ):
            raise self.fail(
                key + ".ledger_days",
                found.ledger_days,
                f"at least events_days and {_LEDGER_OUTLIVES_EVENTS_DAYS} more: the books of rows that are kept have to close",
            )
        if found.ledger_days is not None and (
            found.quarantine_days is None or found.quarantine_days > found.ledger_days
        ):
            raise self.fail(
                key + ".quarantine_days",
                found.quarantine_days,
                "at most ledger_days: by the ledger a subject is erased from it",
            )
        return found

    def source(self, name: str, table: object, privacy: Privacy, notify: Notify, retention: Retention) -> Source:
        prefix = f"sources.{name}."
        if not _NAME.fullmatch(name):
            raise self.fail(f"sources.{name}", name, "a name of a–z, 0–9 and _, starting with a letter")
        if not isinstance(table, dict):
            raise self.fail(f"sources.{name}", table, "a table")
        self.only(table, prefix, set(Source.__dataclass_fields__) - {"name"})
        take = _Table(self, prefix, table)
        start, end = take.hour("start", DEFAULT_START), take.hour("end", None) if "end" in table else None
        if end and end < start:
            raise self.fail(prefix + "end", table["end"], f"an hour not before start ({format_hour(start)})")
        return Source(
            name=name,
            raw=self.template(prefix + "raw", table.get("raw")),
            format=checked_format(f"{self.path}, key {prefix}format", take.text("format", "auto")),
            zone=self.zone(prefix + "zone", table.get("zone", "UTC")),
            service_name=take.text("service_name", name),
            shards=take.integer("shards", 4, 1, MAX_SHARDS),
            start=start,
            end=end,
            look_back_hours=take.integer("look_back_hours", 24, 0, 24 * 31),
            max_lateness_days=take.integer("max_lateness_days", 35, 1, 36500),
            deduplicate=self.deduplicate(prefix + "deduplicate", table.get("deduplicate", "none")),
            quarantine_limit=self.limit(prefix + "quarantine_limit", table.get("quarantine_limit", {})),
            fields=self.texts(
                prefix + "fields", table.get("fields", {}), 'column = "field of the log", such as event_time = "ts"'
            ),
            producer=self.pattern(prefix + "producer", table.get("producer")),
            dataset=self.dataset(prefix + "dataset", table.get("dataset")),
            encoding=self.encoding(prefix + "encoding", table.get("encoding", "utf-8")),
            options=self.texts(
                prefix + "options", table.get("options", {}), 'option = "text", such as delimiter = ";"'
            ),
            notify=self.notify(prefix + "notify", table.get("notify", {}), notify),
            privacy=self.privacy(prefix + "privacy", table["privacy"], privacy) if "privacy" in table else privacy,
            retention=self.look_back_is_kept(
                prefix, self.retention(prefix + "retention", table.get("retention", {}), retention), take
            ),
        )

    def notify(self, key: str, value: object, default: Notify) -> Notify:
        if value is False:
            return Notify()
        if not isinstance(value, dict):
            raise self.fail(
                key, value, 'false, or a table such as { urls = ["${SLACK_URL}"], minimum_severity = "warning" }'
            )
        self.only(value, key + ".", {"urls", "minimum_severity"})
        urls = value.get("urls", list(default.urls))
        if not isinstance(urls, list) or not all(isinstance(item, str) for item in urls):
            raise self.fail(key + ".urls", type(urls).__name__, "a list of Apprise URLs")
        for number, url in enumerate(urls):
            rest = REFERENCE.sub("x", url)
            # the value is not shown: it may hold a password after all
            if "${" in rest or not (REFERENCE.fullmatch(url) or _CHANNEL.fullmatch(rest)):
                where = f"{key}.urls[{number}]"
                raise self.fail(
                    where, url.partition("://")[0][:20] + "…", "an Apprise URL such as mailtos://… or ${SLACK_URL}"
                )
        severity = value.get("minimum_severity", default.minimum_severity)
        if severity not in SEVERITIES:
            raise self.fail(key + ".minimum_severity", severity, f"one of {', '.join(SEVERITIES)}")
        return Notify(tuple(urls), severity)

    def look_back_is_kept(self, prefix: str, retention: Retention, take: _Table) -> Retention:
        look_back = take.integer("look_back_hours", 24, 0, 24 * 31)
        if retention.ledger_days is not None and retention.ledger_days * 24 < look_back + 24:
            expected = f"at least a day more than look_back_hours ({look_back}): a run would read expired hours again"
            raise self.fail(prefix + "retention.ledger_days", retention.ledger_days, expected)
        return retention

    def template(self, key: str, value: object) -> str:
        uri = self.uri(key, value)
        used = _DIRECTIVE.findall(uri)
        if not set(used) <= set("YmdH") or uri.count("%") != len(used):
            raise self.fail(key, value, "no other time directives than %Y %m %d %H")
        if "H" in used and not set("YmdH") <= set(used):
            raise self.fail(key, value, "%Y, %m and %d beside %H")
        return uri if used or uri.endswith("/") else uri + "/"

    def zone(self, key: str, value: object) -> str:
        return checked_zone(f"{self.path}, key {key}", value)

    def deduplicate(self, key: str, value: object) -> str | tuple[str, ...]:
        if value in ("none", "objects"):
            return str(value)
        if isinstance(value, list) and value and all(isinstance(item, str) and _NAME.fullmatch(item) for item in value):
            return tuple(value)
        raise self.fail(key, value, '"none", "objects" or a list of columns such as ["event_name", "user_id"]')

    def limit(self, key: str, value: object) -> QuarantineLimit:
        if not isinstance(value, dict):
            raise self.fail(key, value, "a table such as { share = 0.01, lines = 100 }")
        self.only(value, key + ".", {"share", "lines"})
        share, lines = value.get("share", 0.01), value.get("lines", 100)
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
            raise self.fail(key + ".share", share, "a share from 0 to 1")
        if isinstance(lines, bool) or not isinstance(lines, int) or lines < 0:
            raise self.fail(key + ".lines", lines, "a count of lines, 0 or more")
        return QuarantineLimit(float(share), lines)

    def texts(self, key: str, value: object, expected: str) -> tuple[tuple[str, str], ...]:
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            raise self.fail(key, value, f"a table {expected}")
        return tuple(sorted(value.items()))

    def dataset(self, key: str, value: object) -> str | None:
        if value is not None and value not in DATASETS:
            raise self.fail(key, value, f"one of {', '.join(DATASETS)}")
        return str(value) if value is not None else None

    def encoding(self, key: str, value: object) -> str:
        return checked_encoding(f"{self.path}, key {key}", value)

    def pattern(self, key: str, value: object) -> str | None:
        if value is None:
            return None
        try:
            re.compile(value if isinstance(value, str) else "(")
        except re.error:
            raise self.fail(key, value, "a regular expression whose first group names the producer of a key") from None
        return str(value)


@dataclass(frozen=True)
class _Table:
    reader: _Reader
    prefix: str
    table: dict[str, Any]

    def text(self, key: str, default: str) -> str:
        value = self.table.get(key, default)
        if not isinstance(value, str) or not value:
            raise self.reader.fail(self.prefix + key, value, "a text")
        return value

    def required(self, key: str, expected: str) -> str:
        if key not in self.table:
            raise self.reader.fail(self.prefix + key, None, expected)
        return self.text(key, "")

    def integer(self, key: str, default: int, least: int, most: int) -> int:
        value = self.table.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.reader.fail(self.prefix + key, value, f"a whole number from {least} to {most}")
        return value

    def hour(self, key: str, default: str | None) -> datetime:
        value = self.table.get(key, default)
        try:
            return parse_hour(value if isinstance(value, str) else str(value)).replace(tzinfo=UTC)
        except ValueError:
            raise self.reader.fail(self.prefix + key, value, "an hour in UTC such as 2026-11-22T00") from None
