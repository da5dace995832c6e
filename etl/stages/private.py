"""What privacy does to the columns of a dataset, as SQL: which macros of ``sql/macros/privacy.sql`` go where."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import zip_longest

from etl.config import EVERY_KEY, Privacy
from etl.io import engine
from etl.schema import Column, columns

VISITORS = "web_access"
_CLIENT = "client_address"
_ITEM = "{item}"
# what hides query strings, secrets, addresses in a column of a kind
_OF_TEXT, _OF_FIELDS = (
    ("masked_in_text", "scrub", "truncated_in_text"),
    ("masked_in_fields", "scrubbed_fields", "truncated_in_fields"),
)
_OF_URLS = {"url": ("masked_url", *_OF_TEXT[1:]), "query": ("masked_query", *_OF_TEXT[1:])}


def private_sql(dataset: str, privacy: Privacy, given: str) -> str:
    """The query ``given`` of parsed rows with what is personal taken out; the same query where nothing is.

    The steps of a column are columns of queries in each other, each computed once: a lambda costs a row ten times as much.
    """
    listed = columns(dataset)
    has_client = any(column.name == _CLIENT for column in listed)
    steps = {engine.name(column.name): _column_steps(column, privacy, has_client) for column in listed}
    for level in zip_longest(*steps.values()):
        replaced = [f"{step.replace(_ITEM, name)} AS {name}" for name, step in zip(steps, level, strict=True) if step]
        given = f"SELECT * REPLACE ({', '.join(replaced)}) FROM ({given})"
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
    return _chained(value, [*(["erased_text({item})"] if has_erased else []), *_steps(privacy, _OF_TEXT), *cut])


def visitor_key(datasets: Iterable[str], privacy: Privacy, given: set[str]) -> str:
    """The expression of what a visitor is told apart by, after the day, of a record whose format gives these columns."""
    if VISITORS not in datasets or privacy.visitor != "daily":
        return "NULL::VARCHAR"
    parts = [f"coalesce({name}, '')" if name in given else "''" for name in (_CLIENT, "user_agent_original")]
    return " || '|' || ".join(["strftime(event_time, '%Y-%m-%d')", *parts])


def _column_steps(column: Column, privacy: Privacy, has_client: bool) -> list[str]:
    """Expressions of ``{item}``, the column as the one before left it; none for a column that stays."""
    truncates = privacy.address == "truncate"
    match column.personal:
        case "address" if truncates:
            return ["truncated_address({item})"]
        case "visitor" if privacy.visitor == "daily":
            return ["keyed_visitor(visitor)"]
        case "fields":
            by_name = [
                *(["secret_fields({item})"] if privacy.scrub else []),
                *(["truncated_fields({item})"] if truncates else []),
            ]
            return by_name + _steps(privacy, _OF_FIELDS)
        case "text":
            # its own client's address first: afterwards that is truncated
            own = [f"without_address({{item}}, {_CLIENT})"] if truncates and has_client else []
            return own + _steps(privacy, _OF_TEXT)
        case "url" | "query":
            return _steps(privacy, _OF_URLS[column.personal])
        case _:
            return []


def _steps(privacy: Privacy, masks: tuple[str, str, str]) -> list[str]:
    queries, secrets, addresses = masks
    steps = []
    if EVERY_KEY not in privacy.query:
        # a pattern that no key matches, where none is allowed
        allowed = "|".join(re.escape(key) for key in privacy.query) or r"[^\s\S]"
        steps.append(f"{queries}({{item}}, {engine.quote(allowed)})")
    if privacy.scrub:
        steps.append(f"{secrets}({{item}})")
    if privacy.address == "truncate":
        steps.append(f"{addresses}({{item}})")
    return steps


def _chained(value: str, steps: list[str]) -> str:
    """Step after step, each on the result of the one before, which a macro's parameter would compute again."""
    if not steps:
        return value
    chain = f"[{value}]"
    for step in steps:
        chain = f"list_transform({chain}, lambda item: {step.replace(_ITEM, 'item')})"
    return f"({chain})[1]"
