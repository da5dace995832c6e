"""The lake of a busy month, without its events: metrics, footers, ledgers and quarantine of three sources.

One day of each dataset is drawn, and its metrics are computed by their own SQL. Every other day, and of what a report
looks back on the eight weeks before, is that day at other times, with other visitors, and with pages and errors that only it has.
"""

from __future__ import annotations

import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from etl import layout
from etl.io import engine
from etl.io.snapshot import HISTORY
from etl.io.statements import load_statements
from etl.layout import Partition
from etl.model.hours import HOUR, format_hour
from etl.model.ledger import Ledger, ObjectBook, SliceBook
from etl.schema import QUARANTINE, columns

LAST_DAY = datetime(2026, 11, 22)
_SOURCES = {"web": "web_access", "app": "app_log", "gc": "jvm_gc"}
_SHARDS, _OBJECTS = 2, 10
_LATE_BY = 5 * HOUR
# each chance is a hash, so that the lake is the same again; visits are short, and twice as many by day as by night
_CHANCE = "CREATE OR REPLACE MACRO chance(n, kind) AS hash(8 * n + kind) / 18446744073709551616.0"
_DICE = """
SELECT n, TIMESTAMP '{day}' + to_microseconds((86400e6 * 0.98 * (e + 0.05 * sin(2 * pi() * e)) + 1700e6 * f)::BIGINT) AS event_time,
    '{source}' AS source_name, 'file:///raw/{source}/' || n % 20 || '.log' AS source_uri, n AS source_line, n::VARCHAR AS event_id,
    'ok' AS parse_status, visit, a, b, c, d, e, f
FROM (SELECT *, chance(visit, 5) AS e FROM (
    SELECT n, chance(n, 0) AS a, chance(n, 1) AS b, chance(n, 2) AS c, chance(n, 3) AS d, chance(n, 4) AS f,
        floor(25000 * chance(n, 6) ** 1.5)::INTEGER AS visit
    FROM range({rows}) AS numbers (n)))
"""
_EVENTS = {
    "web_access": """
WITH drawn AS (
    SELECT *, visit % 7 = 0 AS is_bot, b < 0.7 AS is_asset, visit AS who, floor(100000 * d ** 5)::INTEGER AS what FROM dice
)
SELECT *, 'shop' AS service_name, '10.' || who % 200 || '.' || who % 61 || '.0/24' AS client_network, md5(who::VARCHAR) AS visitor_id,
    CASE WHEN a > 0.95 THEN 'POST' ELSE 'GET' END AS http_request_method,
    CASE WHEN NOT is_bot AND is_asset THEN '/assets/' || what % 500 || '.js' WHEN what % 2 = 1 AND what > 100 THEN '/item/' || what
         ELSE '/page/' || what END AS url_path,
    (CASE WHEN f < 0.02 THEN 404 WHEN f < 0.024 THEN 500 WHEN f < 0.1 THEN 304 ELSE 200 END)::SMALLINT AS http_response_status_code,
    (40000 * f)::BIGINT AS http_response_body_size_bytes, exp(3 + 2 * (d - 0.5) + 2 * (e - 0.5)) AS duration_ms,
    CASE WHEN is_asset THEN 'https://shop.example/page/' || what % 1000 WHEN b > 0.9 THEN 'https://site' || who % 300 || '.example/' END
        AS http_request_referrer,
    CASE WHEN is_bot THEN 'Bot' || who % 40 ELSE 'Browser' || who % 12 END AS user_agent_name,
    CASE WHEN NOT is_bot THEN 'none' WHEN who % 40 < 8 THEN 'ai' ELSE 'search' END AS bot_category
FROM drawn
""",
    "app_log": """
WITH drawn AS (
    SELECT *, a < 0.02 AS is_error, floor(1000 * d ** 3)::INTEGER AS what FROM dice
)
SELECT *, 'service-' || what % 20 AS service_name, 'node-' || floor(50 * c) AS host_name,
    (CASE WHEN is_error THEN 17 WHEN b < 0.1 THEN 13 WHEN b < 0.3 THEN 5 ELSE 9 END)::TINYINT AS severity_number,
    'com.example.shop.Logger' || what % 200 AS logger_name,
    CASE WHEN is_error THEN 'order ' || n || ' of customer ' || n % 977 || ' was not written: ' || repeat('the answer was late; ', 8) END AS body,
    CASE WHEN is_error THEN 'order <num> of customer <num> was not written: kind ' || what END AS message_template,
    CASE WHEN is_error AND what % 3 > 0 THEN 'com.example.shop.Exception' || what END AS exception_type,
    CASE WHEN is_error AND what % 3 > 0 THEN 'com.example.shop.Exception' || what || repeat(chr(10) || '    at com.example.shop.Orders.write(Orders.java:17)', 20) END
        AS exception_stacktrace,
    CASE WHEN is_error THEN md5(what::VARCHAR) || CASE WHEN what % 100 = 99 THEN '/' ELSE '' END END AS error_fingerprint
FROM drawn
""",
    "jvm_gc": """
SELECT *, 'shop' AS service_name, 'node-' || floor(50 * c) AS host_name, CASE WHEN a < 0.001 THEN 'Pause Full' ELSE 'Pause Young (Normal)' END AS jvm_gc_action,
    'G1 Evacuation Pause' AS jvm_gc_cause, CASE WHEN b < 0.8 THEN exp(2 + 4 * (d - 0.5)) END AS pause_ms, (4e9 * (0.5 + f / 2))::BIGINT AS heap_before_bytes,
    (2e9 * (0.5 + d / 2))::BIGINT AS heap_after_bytes, 4e9::BIGINT AS heap_committed_bytes
FROM dice
""",
}
# what another day, {away} days off, has instead
_MOVED = {
    "hour_start": "hour_start + to_days({away})",
    "first_seen": "first_seen + to_days({away})",
    "last_seen": "last_seen + to_days({away})",
    "worst_minutes": "list_transform(worst_minutes, lambda one: struct_update(one, minute := one.minute + to_days({away})))",
    "visitor": "xor(visitor, hash({away}))",
    "url_path": "replace(url_path, '/item/', '/item/{away}/')",
    "error_fingerprint": "replace(error_fingerprint, '/', '/{away}')",
}
_QUARANTINE = """
SELECT source_name, source_uri, source_line, 1 AS source_lines, 200 * source_line AS source_offset, event_time AS observed_time, 'combined' AS format_name,
    'time: ' || n || ' is not a time; kind ' || n % 12 AS reject_reason, repeat('a line that is odd ', 12) AS raw
FROM ({dice})
"""


def make(lake: Path, rows: int, days: int) -> dict[str, tuple[int, int]]:
    """Write the lake of ``days`` days with ``rows`` lines a day in each source; returns metric → its rows and bytes a day."""
    first = LAST_DAY - timedelta(days=days - 1)
    read = {view for report in load_statements().reports.values() for view in report.reads}
    sizes: dict[str, tuple[int, int]] = {}
    with tempfile.TemporaryDirectory() as folder, engine.engine(Path(folder)) as connection:
        connection.execute(_CHANCE)
        for source, dataset in _SOURCES.items():
            for metric, count in _template_day(connection, source, dataset, rows).items():
                since = first - HISTORY if f"history_{metric}" in read else first
                written = [_copy_day(connection, metric, source, day, lake) for day in _days(since)]
                known = sizes.get(metric, (0, 0))
                sizes[metric] = known[0] + count, known[1] + written[-1]
            for day in _days(first):
                _books(connection, source, dataset, day, rows // 24, lake)
    return sizes


def _days(first: datetime) -> list[datetime]:
    return [first + timedelta(days=number) for number in range((LAST_DAY - first).days + 1)]


def _dice(source: str, day: datetime, rows: int) -> str:
    return _DICE.format(day=day, source=source, rows=rows)


def _template_day(connection: duckdb.DuckDBPyConnection, source: str, dataset: str, rows: int) -> dict[str, int]:
    """The metrics of the last day as tables of their names; returns metric → rows."""
    statements = load_statements()
    engine.create_macros(connection, statements.macros_in_order)
    drawn = f"WITH dice AS ({_dice(source, LAST_DAY, rows)}) FROM ({_EVENTS[dataset]})"
    given = engine.projection(columns(dataset), engine.describe(connection, drawn))
    connection.execute(f"CREATE OR REPLACE TABLE drawn AS {drawn}")
    connection.execute(
        f"CREATE OR REPLACE TABLE day_events AS SELECT {given}, date_trunc('hour', event_time) AS hour FROM drawn"
    )
    sizes = {}
    for metric in (item for item in statements.metrics.values() if dataset in item.datasets):
        order = ", ".join(engine.name(column) for column in metric.grain)
        for number in range(24):
            hour = LAST_DAY + number * HOUR
            engine.set_variables(connection, hour_start=hour, source_name=source, dataset=dataset)
            events = f"SELECT * EXCLUDE (hour) FROM day_events WHERE hour = TIMESTAMP '{hour}'"
            connection.execute(f"CREATE OR REPLACE TEMP VIEW events AS {events}")
            write = f"INSERT INTO {metric.name} BY NAME" if number else f"CREATE OR REPLACE TABLE {metric.name} AS"
            connection.execute(f"{write} SELECT * FROM ({metric.sql}\n) ORDER BY {order}")
        sizes[metric.name] = int(engine.one(connection, f"SELECT count(*) FROM {metric.name}"))
    return sizes


def _copy_day(connection: duckdb.DuckDBPyConnection, metric: str, source: str, day: datetime, lake: Path) -> int:
    away = (day - LAST_DAY).days
    known = engine.describe(connection, f"FROM {metric}")
    moved = ", ".join(f"{sql.format(away=away)} AS {column}" for column, sql in _MOVED.items() if column in known)
    path = _folder_of(lake / layout.metric_key(metric, day, source))
    engine.write_parquet(connection, f"SELECT * REPLACE ({moved}) FROM {metric}", path, compression="zstd", books={})
    return path.stat().st_size


def _books(
    connection: duckdb.DuckDBPyConnection, source: str, dataset: str, day: datetime, lines: int, lake: Path
) -> None:
    """Partitions with as many rows as there are and nothing in them, the ledgers, and one in 200 lines in quarantine."""
    late, rejected = lines // 1000, lines // 200
    for number in range(24):
        hour = day + number * HOUR
        partition = Partition(dataset, hour)
        slices = [
            SliceBook(str(partition), lines // _SHARDS - late // _SHARDS, "0" * 64),
            SliceBook(str(Partition(dataset, hour - _LATE_BY)), late // _SHARDS, "0" * 64),
        ]
        rows = sum(piece.rows for piece in slices) * _SHARDS
        books = {"staged": rows, "duplicates": 0, "slices": _places(hour, slices)}
        target = _folder_of(lake / layout.partition_key(source, partition))
        engine.write_parquet(connection, f"SELECT 1 AS n FROM range({rows})", target, compression="zstd", books=books)
        for shard in range(_SHARDS):
            ledger = _ledger(source, hour, shard, lines // _SHARDS // _OBJECTS, rejected // _SHARDS // _OBJECTS, slices)
            _folder_of(lake / layout.ledger_key(source, hour, shard)).write_bytes(ledger.to_json())
            made = _QUARANTINE.format(dice=_dice(source, hour, rejected // _SHARDS))
            given = engine.projection(QUARANTINE, engine.describe(connection, made))
            target = _folder_of(lake / layout.quarantine_key(source, hour, shard))
            engine.write_parquet(
                connection, f"SELECT {given} FROM ({made})", target, compression="zstd", row_group=10000
            )


def _places(hour: datetime, slices: list[SliceBook]) -> dict[str, Any]:
    landed = (hour, hour + _LATE_BY)
    return {
        f"{format_hour(at)}/shard-{shard:02d}": [piece.rows, piece.digest[:16]]
        for at, piece in zip(landed, slices, strict=True)
        for shard in range(_SHARDS)
    }


def _ledger(source: str, hour: datetime, shard: int, lines: int, rejected: int, slices: list[SliceBook]) -> Ledger:
    moment = hour.isoformat()
    books = []
    for number in range(_OBJECTS):
        key = f"{hour:%Y/%m/%d/%H}/{source}-{shard}-{number}.log.gz"
        reasons = {"time: N is not a time": rejected}
        book = ObjectBook(f"file:///raw/{source}/{key}", key, "", 90 * lines, moment, "gzip", "combined", "0" * 64, lines, lines - rejected, lines - rejected,
                          rejected, 0, rejects=rejected, first_event=moment, last_event=moment, reject_reasons=reasons)  # fmt: skip
        books.append(book)
    touched = [piece.partition for piece in slices]
    return Ledger(source, format_hour(hour), shard, "", books, slices, touched)


def _folder_of(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
