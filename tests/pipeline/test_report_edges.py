"""Lakes that are odd in one way: what reports say of them is true, and the query beside a finding gives its number."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from tests.pipeline.conftest import World
from tests.pipeline.report_tables import tables_of

NOON = datetime(2026, 11, 22, 12)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
LANDED = "2026/11/23/00/a.log"
SOURCE = """
[sources.{name}]
raw = "raw/{name}/%Y/%m/%d/%H/"
format = "{format}"
start = "2026-11-22T00"
shards = 1
look_back_hours = 0
max_lateness_days = 36500
"""


def asked(
    moment: datetime, path: str = "/", status: int = 200, referrer: str = "-", agent: str = "Mozilla/5.0 Firefox/100", address: str = "203.0.113.9"
) -> str:  # fmt: skip
    return f'{address} - - [{moment:%d/%b/%Y:%H:%M:%S} +0000] "GET {path} HTTP/1.1" {status} 512 "{referrer}" "{agent}"'


def test_a_number_that_cannot_be_measured_stays_an_attribute_and_out_of_sums(world: World) -> None:
    world.configure(
        SOURCE.format(name="api", format="json")
        + 'dataset = "web_access"\nfields = { event_time = "t", duration_ms = "ms", http_response_body_size_bytes = "size" }\n'
    )
    odd = [("nan", "-1"), ("inf", "9000000000000000000"), ("1e300", "9000000000000000000"), ("-5", "-1")]
    world.land(
        f"api/{LANDED}", [json.dumps({"t": f"{NOON}Z", "ms": ms, "size": of}) for ms, of in [*odd, ("7", "100")]]
    )
    world.run("api", "2026-11-23T00")
    tables = tables_of(world.settings, "traffic", NOON, NOON)
    assert (tables["totals"][0]["bytes"], tables["totals"][0]["partial"]) == (100, len(odd))
    assert tables["slow"][0]["total_ms"] == 7
    kept = "SELECT attributes['ms'], attributes['size'] FROM events_web_access WHERE duration_ms IS NULL ORDER BY source_line"
    assert world.query(kept) == odd
