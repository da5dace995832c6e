"""What privacy does to the columns of a dataset, as SQL: which macros of ``sql/macros/privacy.sql`` go where."""

from __future__ import annotations

import re
from collections.abc import Iterable

from etl.config import EVERY_KEY, Privacy
from etl.io import engine
from etl.schema import Column, columns

VISITORS = "web_access"
_CLIENT = "client_address"
_MASKS = {"text": "masked_in_text", "url": "masked_url", "query": "masked_query"}


def private_sql(dataset: str, privacy: Privacy, given: str) -> str:
    """The query ``given`` of parsed rows with what is personal taken out; the same query where nothing is.

    The steps of a text are columns of queries in each other, each computed once: a lambda costs a row ten times as much.
    """
    listed = columns(dataset)
    has_client = any(column.name == _CLIENT for column in listed)
    texts = {engine.name(column.name): _MASKS[column.personal] for column in listed if column.personal in _MASKS}
    first = {engine.name(column.name): _expression(column, privacy) for column in listed}
    if privacy.address == "truncate" and has_client:
        first |= {name: f"without_address({name}, {_CLIENT})" for name, mask in texts.items() if mask == _MASKS["text"]}
    steps = [{name: sql for name, sql in first.items() if sql}]
    masked = {name: _steps(privacy, mask) for name, mask in texts.items()}
    for place in range(len(_text_steps(privacy))):
        steps.append({name: todo[place].format(item=name) for name, todo in masked.items()})
    for step in steps:
        if step:
            given = f"SELECT * REPLACE ({', '.join(f'{sql} AS {name}' for name, sql in step.items())}) FROM ({given})"
    return given


def unkeyed_visitor(dataset: str, privacy: Privacy) -> str:
    """The query of ``given`` with the visitors of a source without privacy."""
    if dataset != VISITORS or privacy.visitor != "unkeyed":
        return "SELECT * FROM given"
    hashed = "md5(concat_ws('|', event_time::DATE, client_address, user_agent_original))"
    return f"SELECT * REPLACE ({hashed} AS visitor_id) FROM given"


def private_text(value: str, privacy: Privacy, has_erased: bool = False, is_reason: bool = False) -> str:
    """The expression of a text in which anything may stand: a rejected line, or the reason of it, which quotes a part."""
    cut = ["scrub_quoted({item})" if is_reason else "scrub_end({item})"] if privacy.scrub else []
    return _chained(value, [*(["erased_text({item})"] if has_erased else []), *_text_steps(privacy), *cut])


def visitor_key(datasets: Iterable[str], privacy: Privacy, given: set[str]) -> str:
    """The expression of what a visitor is told apart by, after the day, of a record whose format gives these columns."""
    if VISITORS not in datasets or privacy.visitor != "daily":
        return "NULL::VARCHAR"
    parts = [f"coalesce({name}, '')" if name in given else "''" for name in (_CLIENT, "user_agent_original")]
    return " || '|' || ".join(["strftime(event_time, '%Y-%m-%d')", *parts])


def _expression(column: Column, privacy: Privacy) -> str:
    """Empty for a column that stays."""
    name = engine.name(column.name)
    truncates = privacy.address == "truncate"
    match column.personal:
        case "address" if truncates:
            return f"truncated_address({name})"
        case "visitor" if privacy.visitor == "daily":
            return "keyed_visitor(visitor)"
        case "fields" if _text_steps(privacy):
            changed = _chained("entry.value", _text_steps(privacy))
            if truncates:
                changed = f"CASE WHEN is_address_key(entry.key) THEN truncated_address(entry.value) ELSE {changed} END"
            key = "entry.key"
            if privacy.scrub:
                changed = f"CASE WHEN is_secret_key(entry.key) AND entry.value <> '' THEN '<secret>' ELSE {changed} END"
                key = "scrubbed_key(entry.key, place)"
            if truncates:
                key = f"truncated_key(entry.key, place, {key})"
            each = f"lambda entry, place: {{'key': {key}, 'value': {changed}}}"
            entries = f"map_from_entries(list_transform(map_entries({name}), {each}))"
            return f"CASE WHEN fields_may_be_personal({name}) THEN {entries} ELSE {name} END"
        case _:
            return ""


def _text_steps(privacy: Privacy) -> list[str]:
    return _steps(privacy, _MASKS["text"])


def _steps(privacy: Privacy, query: str) -> list[str]:
    steps = []
    if EVERY_KEY not in privacy.query:
        # a pattern that no key matches, where none is allowed
        allowed = "|".join(re.escape(key) for key in privacy.query) or r"[^\s\S]"
        steps.append(f"{query}({{item}}, {engine.quote(allowed)})")
    if privacy.scrub:
        steps.append("scrub({item})")
    if privacy.address == "truncate":
        steps.append("truncated_in_text({item})")
    return steps


def _chained(value: str, steps: list[str]) -> str:
    """Step after step, each on the result of the one before, which a macro's parameter would compute again."""
    if not steps:
        return value
    chain = f"[{value}]"
    for step in steps:
        chain = f"list_transform({chain}, lambda item: {step.format(item='item')})"
    return f"({chain})[1]"
