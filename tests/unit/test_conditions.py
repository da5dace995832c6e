"""What an operator may write as a condition in sources.toml."""

from __future__ import annotations

import duckdb
import pytest

from etl.io.conditions import problem_of


@pytest.mark.parametrize(
    "condition",
    [
        "event_name = 'paid'",
        "event_name IN ('paid', 'refunded') AND attributes['mode'] = 'live' -- not the tests of the shop",
        "regexp_matches(attributes['path'], '^/pay') OR user_id IS NULL",
        "true",
    ],
)
def test_one_expression_over_the_columns_of_the_dataset_is_a_condition(condition: str) -> None:
    with duckdb.connect() as connection:
        assert problem_of(connection, condition, "json_event") is None


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ("", "SELECT clause"),
        ("event_name = ", "syntax error"),
        ("event_name = 'a", "unterminated"),
        ("event_name = 'a', true", "more than one expression"),
        ("event_name = 'a' AS b", "more than one expression"),
        ("true) OR (true", "syntax error"),
        ("true FROM events_json_event", "more than one expression"),
        ("true UNION SELECT false", "more than one expression"),
        ("true ORDER BY 1", "more than one expression"),
        ("true; DROP VIEW x", "Only SELECT"),
        ("true; SELECT true", "more than one statement"),
        ("/* true", "unterminated"),
        ("user_id IN (SELECT content FROM read_text('/etc/passwd'))", "a subquery"),
        ("event_nam = 'a'", '"event_nam" not found'),
        ("event_name", "it is a VARCHAR"),
        ("event_time > now()", "now() is not the same each time"),
        ("event_time > current_timestamp", "not the same each time"),
        ("random() < 0.5", "random() is not the same each time"),
        ("count(*) > 1", "aggregate"),
        ("row_number() OVER () = 1", "a window function"),
        ("event_name = $name", "a parameter"),
        ("event_name = ?", "a parameter"),
        ("*", "*"),
    ],
)
def test_anything_else_is_none_and_says_why(condition: str, why: str) -> None:
    with duckdb.connect() as connection:
        assert why in (problem_of(connection, condition, "json_event") or "")
