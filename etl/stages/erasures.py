"""The erased subjects of a lake, known by keyed digests only, and what every run does to their rows."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import asdict, dataclass

import duckdb

from etl import layout
from etl.config import Settings
from etl.errors import ConfigError, ObjectCorrupt
from etl.io import engine
from etl.io.secret import Secret, load_secret
from etl.io.store import Store
from etl.schema import columns

FREE = ("text", "url", "query", "agent")
"""What of a column's texts may tell of anybody: ``personal`` of its schema."""


@dataclass(frozen=True, order=True)
class Erased:
    """One erased subject: kind of its identifier, keyed digest and length of it, fingerprint of the secret, sources (empty: all)."""

    kind: str
    digest: str
    length: int
    secret: str
    sources: tuple[str, ...] = ()

    def to_json(self) -> bytes:
        """Deterministic bytes."""
        return json.dumps(asdict(self), sort_keys=True).encode() + b"\n"


def normal(value: str) -> str:
    """A value as ``subject_text`` of ``sql/macros/erase.sql`` compares it: lower case, one form for all spellings of an address."""
    text = value.strip().lower().rstrip(".\\").replace("%2540", "@").replace("%40", "@")
    address = _address(text)
    if not isinstance(address, ipaddress.IPv6Address):
        return text
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return ":".join(f"{int(group, 16):x}" for group in address.exploded.split(":"))


def spellings(value: str) -> list[str]:
    """How logs may write a normal value: an address of IPv6 shortened or not, one of IPv4 also within IPv6."""
    address = _address(value)
    if address is None:
        return [value]
    forms = {value, address.compressed, address.exploded}
    if address.version == 4:
        forms.add(f"::ffff:{value}")
    else:
        forms.add(":".join(group and group.zfill(4) for group in address.compressed.split(":")))
    return sorted(forms | {form.upper() for form in forms})


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def erased_subjects(lake: Store, settings: Settings, source: str) -> list[Erased]:
    """The subjects whose rows a source must not have. Raises ConfigError where another secret made their digests."""
    found = []
    for stat in lake.list(layout.erasure_prefix()):
        try:
            record = json.loads(lake.read(stat.key) or b"")
            item = Erased(**{**record, "sources": tuple(record["sources"])})
        except (ValueError, TypeError, KeyError) as error:
            raise ObjectCorrupt(lake.uri(stat.key), f"not the record of an erased subject: {error}") from None
        if not item.sources or source in item.sources:
            found.append(item)
    if found:
        secret = load_secret(settings)
        for item in found:
            if item.secret != secret.fingerprint:
                raise ConfigError(
                    secret.origin,
                    f"a secret with the fingerprint {secret.fingerprint}",
                    f"the one ({item.secret}) by which {lake.uri(layout.erasure_key(item.digest))} was erased: without it the "
                    "subject would come back. Give this machine that secret; to change it for good, erase the subject again "
                    "with the new one, remove this object, and compute all hours again",
                )
    return sorted(found)


def bind_subjects(connection: duckdb.DuckDBPyConnection, secret: Secret, subjects: list[Erased]) -> None:
    """What the macros of ``sql/macros/erase.sql`` look for."""
    engine.set_variables(
        connection,
        erased_pads=list(secret.subject_pads()),
        erased_digests=[item.digest for item in subjects],
        erased_lengths=sorted({item.length for item in subjects}),
    )


def erased_sql(dataset: str, given: str, visitor: str) -> str:
    """The query ``given`` of rows of a dataset without the bound subjects; ``erased`` tells which rows held one.

    ``visitor`` is the column by which visitors are told apart: ``visitor`` of parsed rows, ``visitor_id`` of finished ones.
    """
    kinds = {engine.name(column.name): column.personal for column in columns(dataset) if column.personal}
    found, changed = [], {}
    for name, kind in kinds.items():
        if kind in FREE:
            found.append(f"CASE WHEN {name} IS NULL THEN [] ELSE erased_in({name}) END")
            changed[name] = f"without_words({name}, erased_words)"
        elif kind == "fields":
            found.append(f"erased_fields({name})")
            changed[name] = f"fields_without({name}, erased_words)"
        elif kind in ("identity", "address"):
            # an address may stand among others, or have its port
            found.append(f"erased_of({name})")
            if kind == "address":
                found.append(f"CASE WHEN regexp_matches({name}, '[,:]') THEN erased_in({name}) ELSE [] END")
            changed[name] = f"erased_name({name}, event_time)"
        elif kind == "network":
            changed[name] = "NULL"
        elif visitor == "visitor":
            found.append("erased_of(keyed_visitor(visitor))")
            changed["visitor"] = "left(visitor, 11) || erased_name(visitor, event_time)"
        else:
            found.append("erased_of(visitor_id)")
            changed[name] = f"left(sha256(erased_name({name}, event_time)), 32)"
    words = f"list_distinct(list_filter(flatten([{', '.join(found)}]), lambda word: word IS NOT NULL))"
    cases = ", ".join(
        f"CASE WHEN len(erased_words) > 0 THEN {sql} ELSE {name} END AS {name}" for name, sql in changed.items()
    )
    return (
        f"SELECT * EXCLUDE (erased_words) REPLACE ({cases}), len(erased_words) > 0 AS erased "
        f"FROM (SELECT *, {words} AS erased_words FROM ({given}))"
    )
