"""What is masked and what must stay: one row a sentence."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from etl.config import Settings
from etl.errors import ConfigError
from etl.io import engine
from etl.io.secret import Secret, load_secret
from etl.io.statements import load_statements

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl"
SCRUBBED = {
    "mail to alice@example.com.": "mail to <email>.",
    "mail to a.b+c@mail.example.co.uk": "mail to <email>",
    "GET /u/alice%40example.com": "GET /u/<email>",
    "write to 홍길동@예시.한국": "write to <email>",
    "메일：ö.ß@bücher.example，": "메일：<email>，",
    "akka.tcp://sys@host.example.com:2552": "akka.tcp://<email>:2552",
    "paid with 4111 1111 1111 1111": "paid with <card>",
    "paid with 4111-1111-1111-1111, ok": "paid with <card>, ok",
    "pan=5555555555554444": "pan=<card>",
    "amex 3782 822463 10005": "amex <card>",
    "password=hunter2&x=1": "password=<secret>&x=1",
    '{"password": "my pass", "n": 1}': '{"password": <secret>, "n": 1}',
    '{"user"=>"x", "password"=>"hunter2"}': '{"user"=>"x", "password"=><secret>}',
    ":password => 'hunter2', :n => 1": ":password => <secret>, :n => 1",
    r'{"password": "hun\"ter2", "n": 1}': '{"password": <secret>, "n": 1}',
    r'password="C:\" n=1': "password=<secret> n=1",
    "db_password: s3cr3t": "db_password: <secret>",
    "X-Api-Key: 0123abcd": "X-Api-Key: <secret>",
    "Authorization: Basic dXNlcjpwYXNz": "Authorization: Basic <token>",
    "sent Bearer abcdef1234567890": "sent Bearer <token>",
    f"cookie {JWT}": "cookie <token>",
    "key AKIAIOSFODNN7EXAMPLE": "key <token>",
    "GET /u/alice%2540example.com": "GET /u/<email>",
    "diners 3056 930902 5904": "diners <card>",
    r"{\"password\":\"my pass\",\"n\":1}": r"{\"password\":<secret>,\"n\":1}",
    "ALTER ROLE x PASSWORD 'hunter2'": "ALTER ROLE x PASSWORD <secret>",
    "CREATE USER x IDENTIFIED BY 'hunter2'": "CREATE USER x IDENTIFIED BY <secret>",
    "Authorization: Bearer short1": "Authorization: Bearer <token>",
    "sent Bearer abcdefghij.klmnopqrst": "sent Bearer <token>",
    "Cookie: sid=abc; theme=dark": "Cookie: <secret>",
    "Set-Cookie: sid=abc; Path=/; HttpOnly": "Set-Cookie: <secret>; HttpOnly",
    '{"cookie": "sid=abc; theme=dark", "n": 1}': '{"cookie": "<secret>", "n": 1}',
    "https://user:pw@host/x": "https://<secret>@host/x",
    "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----": "<key>",
}
KEPT = [
    "card 4111111111111112",
    "order 1234567890123456",
    "took 1795356000123 ms, 1795356000123456 us",
    "2026-11-22T13:04:05.123456789Z",
    "41111111-1111-4111-8111-111111111111",
    "41111111111111119",
    "sudo: user@host",
    "left-pad@1.3.0",
    "Foo@1f2e3d4c",
    "Failed password for root from 10.0.0.5 port 22",
    "bearer authentication required",
    "authorization: denied",
    "identified by its name, password must be changed",
    "cookie consent: yes",
    "token bucket is empty, unexpected token: }",
    "keyboard: x, monkey=1",
    "/var/lib/app/secrets/file.txt",
    "page=2&token=*",
]
ADDRESSES = {
    "203.0.113.9": "203.0.113.0",
    "203.0.113.0": "203.0.113.0",
    "10.1.2.3": "10.1.2.0",
    "::ffff:203.0.113.9": "203.0.113.0",
    "2001:db8:1:2::3": "2001:db8:1::",
    "2001:db8:1::": "2001:db8:1::",
    "203.0.113.9:443": "203.0.113.0",
    "[2001:db8:1:2::3]:443": "2001:db8:1::",
    "203.0.113.9, 10.0.0.1": "203.0.113.0, 10.0.0.0",
    "dsl-203-0-113-9.pool.example.net": "*.example.net",
    "*.example.net": "*.example.net",
    "alices-laptop": "*",
    "localhost": "localhost",
    "dsl-9.example.net:443": "*.example.net:443",
    "for=203.0.113.9;proto=https": "*",
    "203.0.113.9;198.51.100.2": "*",
    "203.0.113.9 (via proxy)": "*",
    "alice@example.org": "*",
    "https://me:hunter2@www.example.net": "*",
}
IN_TEXTS = {
    "from 203.0.113.9:22": "from 203.0.113.0:22",
    "peer 2001:db8:1:2::3 left": "peer 2001:db8:1:: left",
    "peer 2001:db8:1:2:3:4:5:6 left": "peer 2001:db8:1:: left",
    "broker 10.0.3.17 and 192.168.0.1, 172.20.1.1, 127.0.0.1": "broker 10.0.3.17 and 192.168.0.1, 172.20.1.1, 127.0.0.1",
    "2026:11:22:13:04:05 std::string 12:34:56": "2026:11:22:13:04:05 std::string 12:34:56",
    "version 1.8.0.292": "version 1.8.0.292",
}
SECRET_KEYS = [
    "password",
    "DB_PASSWORD",
    "X-Api-Key",
    "authorization",
    "Set-Cookie",
    "accessToken",
    "client_secret",
    "PHPSESSID",
]
OTHER_KEYS = [
    "token_count",
    "session_id",
    "game_session_id",
    "secretary",
    "key",
    "monkey",
    "passwordLength",
    "cookie_consent",
]
QUERIES = {
    "page=2&token=abc": "page=2&token=*",
    "a=1&&sort=up&b": "a=*&&sort=up&*",
    "alice%40example.org": "*",
    "alice%40example.org=1": "*",
    "page=2&token=*": "page=2&token=*",
    "page=2;user=alice": "page=*",
    "page=2?user=alice&sort=up": "page=*&sort=up",
}
QUERIES_IN_TEXTS = {
    "GET /a?user=1&name=bob after /b?user=1": "GET /a?user=*&name=* after /b?user=*",
    "GET /a?user=1 before /b?user=1&name=bob": "GET /a?user=* before /b?user=*&name=*",
}


@pytest.fixture(scope="module")
def macros(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with engine.engine(tmp_path_factory.mktemp("macros")) as connection:
        engine.create_macros(
            connection,
            load_statements().macros_used(
                "scrub() keyed_visitor() masked_url() masked_in_text() is_secret_key() secret_fields() truncated_fields() "
                "masked_in_fields() scrubbed_fields() truncated_in_fields()"
            ),
        )
        yield connection


def each(macros: duckdb.DuckDBPyConnection, expression: str, texts: Iterable[str]) -> dict[str, str]:
    """Text → what the expression makes of it, all in one query: to bind these macros takes longer than to run them."""
    listed = list(texts)
    sql = f"SELECT list({expression} ORDER BY place) FROM unnest($texts) WITH ORDINALITY AS given(text, place)"
    return dict(zip(listed, engine.one(macros, sql, {"texts": listed}), strict=True))


def test_what_concerns_a_person_or_opens_a_door_is_masked(macros: duckdb.DuckDBPyConnection) -> None:
    assert each(macros, "scrub(text)", SCRUBBED) == SCRUBBED


def test_what_only_looks_like_it_stays(macros: duckdb.DuckDBPyConnection) -> None:
    assert each(macros, "scrub(text)", KEPT) == {text: text for text in KEPT}


def test_masking_twice_changes_nothing(macros: duckdb.DuckDBPyConnection) -> None:
    assert each(macros, "scrub(text)", SCRUBBED.values()) == {text: text for text in SCRUBBED.values()}


def test_an_address_is_that_of_its_network(macros: duckdb.DuckDBPyConnection) -> None:
    assert each(macros, "truncated_address(text)", ADDRESSES) == ADDRESSES


def test_fields_are_known_by_name_to_open_a_door(macros: duckdb.DuckDBPyConnection) -> None:
    sql = "SELECT list_filter($keys, lambda key: is_secret_key(key))"
    assert engine.one(macros, sql, {"keys": SECRET_KEYS + OTHER_KEYS}) == SECRET_KEYS


@pytest.mark.parametrize(
    ("step", "wanted"),
    [
        ("scrubbed_fields(fields)", SCRUBBED | {"AIzaSyDdI_hCZtE-vySjMm_WEfRqCPzqKqqsHIx": "<token>"}),
        ("masked_in_fields(fields, 'page|sort')", QUERIES_IN_TEXTS),
        ("truncated_in_fields(fields)", IN_TEXTS),
    ],
)
def test_a_value_is_masked_beside_others_that_stay(
    macros: duckdb.DuckDBPyConnection, step: str, wanted: dict[str, str]
) -> None:
    masked = each(macros, step.replace("(fields", "(MAP(['first', 'it', 'last'], ['one', text, 'two'])"), wanted)
    assert masked == {text: {"first": "one", "it": value, "last": "two"} for text, value in wanted.items()}


@pytest.mark.parametrize(
    ("step", "wanted"),
    [
        ("secret_fields", dict.fromkeys([*SECRET_KEYS, "pass_phrase", "Pass-Word"], "<secret>")),
        ("secret_fields", dict.fromkeys(OTHER_KEYS, "a.b.example")),
        ("truncated_fields", dict.fromkeys(["client.ip", "peer", "X-Forwarded-For"], "*.b.example")),
        ("truncated_fields", dict.fromkeys(["shipping", "ip address of nobody", "peers"], "a.b.example")),
    ],
)
def test_a_field_is_known_by_its_name_beside_others_that_stay(
    macros: duckdb.DuckDBPyConnection, step: str, wanted: dict[str, str]
) -> None:
    masked = each(macros, f"{step}(MAP(['first', text, 'last'], ['one', 'a.b.example', 'two']))", wanted)
    assert masked == {key: {"first": "one", key: value, "last": "two"} for key, value in wanted.items()}


def test_addresses_of_the_internet_are_truncated_in_texts(macros: duckdb.DuckDBPyConnection) -> None:
    assert each(macros, "truncated_in_text(text)", IN_TEXTS) == IN_TEXTS


def test_values_of_a_query_string_stay_for_allowed_keys_only(macros: duckdb.DuckDBPyConnection) -> None:
    assert each(macros, "masked_query(text, 'page|sort')", QUERIES) == QUERIES
    site = "https://shop.example/a?"
    assert each(macros, f"masked_url('{site}' || text, 'page|sort')", QUERIES) == {
        query: site + wanted for query, wanted in QUERIES.items()
    }


def test_each_query_in_a_text_is_masked_also_where_one_begins_like_another(macros: duckdb.DuckDBPyConnection) -> None:
    assert each(macros, "masked_in_text(text, 'page|sort')", QUERIES_IN_TEXTS) == QUERIES_IN_TEXTS


@pytest.mark.parametrize("visitor", ["203.0.113.9|Mozilla/5.0", "|", "2001:db8::1|é ☃ " + "x" * 500])
def test_sql_computes_the_hmac_that_python_does(macros: duckdb.DuckDBPyConnection, visitor: str) -> None:
    secret = Secret("test", b"k" * 32)
    for day in (date(2026, 11, 22), date(2026, 11, 23)):
        engine.set_variables(macros, visitor_days=[str(day)], visitor_pads=[list(secret.day_pads(day))])
        found = engine.one(macros, "SELECT keyed_visitor($visitor)", {"visitor": f"{day}|{visitor}"})
        assert found == hmac.digest(secret.day_key(day), visitor.encode(), "sha256")[:16].hex()


def settings(folder: Path) -> Settings:
    return Settings(str(folder), {}, folder / "sources.toml", secret_file=folder / "logbucket.secret")


def test_the_secret_is_made_once_for_its_owner_only_and_never_shown(tmp_path: Path) -> None:
    secret = load_secret(settings(tmp_path))
    path = tmp_path / "logbucket.secret"
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_secret(settings(tmp_path)) == secret
    assert path.read_text().strip() not in repr(secret) + secret.fingerprint
    assert [item.name for item in tmp_path.iterdir()] == ["logbucket.secret"]


def test_the_environment_comes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGBUCKET_SECRET", "0123456789abcdef")
    assert load_secret(settings(tmp_path)).origin == "environment variable LOGBUCKET_SECRET"
    assert not list(tmp_path.iterdir())
    monkeypatch.setenv("LOGBUCKET_SECRET", "hunter2")
    with pytest.raises(ConfigError, match="at least 16") as error:
        load_secret(settings(tmp_path))
    assert "hunter2" not in str(error.value)
