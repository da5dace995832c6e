"""What privacy does to the columns of a dataset, as SQL: which macros of ``sql/macros/privacy.sql`` go where."""

from __future__ import annotations

import re

from etl.config import EVERY_KEY, Privacy
from etl.io import engine
from etl.schema import Column, columns

VISITORS = "web_access"
_WITH_OWN_ADDRESS = "client_address"


def private_columns(dataset: str, privacy: Privacy) -> dict[str, str]:
    """Column → the expression that takes its place in the rows of a dataset; columns that stay are left out."""
    listed = columns(dataset)
    has_client = any(column.name == _WITH_OWN_ADDRESS for column in listed)
    found = {column.name: _expression(column, privacy, has_client) for column in listed}
    return {name: sql for name, sql in found.items() if sql != engine.name(name)}


def private_text(value: str, privacy: Privacy) -> str:
    """The expression of a text in which anything may stand, such as a rejected line."""
    return _chained(value, _text_steps(privacy))


def visitor_key(dataset: str, privacy: Privacy, given: set[str]) -> str:
    """The expression of what a visitor is told apart by, of a record whose format gives these columns."""
    if dataset != VISITORS or privacy.visitor != "daily":
        return "NULL::VARCHAR"
    parts = [f"coalesce({name}, '')" if name in given else "''" for name in ("client_address", "user_agent_original")]
    return " || '|' || ".join(parts)


def _expression(column: Column, privacy: Privacy, has_client: bool) -> str:
    name = engine.name(column.name)
    truncates = privacy.address == "truncate"
    match column.personal:
        case "address":
            return f"truncated_address({name})" if truncates else name
        case "visitor":
            return {
                "daily": "keyed_visitor(visitor)",
                "none": "NULL::VARCHAR",
                "unkeyed": "md5(concat_ws('|', event_time::DATE, client_address, user_agent_original))",
            }[privacy.visitor]
        case "query":
            return _chained(name, _steps(privacy, "masked_query(item, {allowed})"))
        case "url":
            return _chained(name, _steps(privacy, "masked_url(item, {allowed})"))
        case "text":
            text = f"without_address({name}, {_WITH_OWN_ADDRESS})" if truncates and has_client else name
            return _chained(text, _text_steps(privacy))
        case "fields":
            steps = _text_steps(privacy)
            if not steps:
                return name
            changed = _chained("entry.value", steps)
            if truncates:
                changed = f"CASE WHEN is_address_key(entry.key) THEN truncated_address(entry.value) ELSE {changed} END"
            return f"CASE WHEN fields_may_be_personal({name}) THEN map_from_entries(list_transform(map_entries({name}), lambda entry: {{'key': entry.key, 'value': {changed}}})) ELSE {name} END"
        case _:
            return name


def _text_steps(privacy: Privacy) -> list[str]:
    return _steps(privacy, "masked_in_text(item, {allowed})")


def _steps(privacy: Privacy, query: str) -> list[str]:
    steps = []
    if EVERY_KEY not in privacy.query:
        steps.append(query.format(allowed=engine.quote(_allowed(privacy))))
    if privacy.scrub:
        steps.append("scrub(item)")
    if privacy.address == "truncate":
        steps.append("truncated_in_text(item)")
    return steps


def _allowed(privacy: Privacy) -> str:
    # a pattern that no key matches, where none is allowed
    return "|".join(re.escape(key) for key in privacy.query) or r"[^\s\S]"


def _chained(value: str, steps: list[str]) -> str:
    """Step after step, each on the result of the one before, which a macro's parameter would compute again."""
    if not steps:
        return value
    chain = f"[{value}]"
    for step in steps:
        chain = f"list_transform({chain}, lambda item: {step})"
    return f"({chain})[1]"
