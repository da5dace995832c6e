"""One measured piece of work in a process of its own: ``python -m benchmarks.worker WHAT …``; its result is JSON.

The parent reads CPU time and peak memory from the kernel's account of this process, so nothing else may happen in it.
"""

from __future__ import annotations

import gzip
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

SOURCE = "web"


class Stopwatch:
    """Wall and CPU seconds between marks; CPU is that of all threads."""

    def __init__(self) -> None:
        self.seconds: dict[str, dict[str, float]] = {}
        self._name = ""
        self._started = (0.0, 0.0)

    def mark(self, name: str) -> None:
        """End the running section and begin ``name``; an empty name only ends."""
        now = (time.perf_counter(), time.process_time())
        if self._name:
            wall, cpu = (now[i] - self._started[i] for i in (0, 1))
            self.seconds[self._name] = {"wall": wall, "cpu": cpu}
        self._name, self._started = name, now


def grow_log(source: str, size: str, target: str) -> dict[str, Any]:
    """Write the grown log of a plain or gzip log."""
    from dataclasses import asdict

    from benchmarks.grow import grow

    data = Path(source).read_bytes()
    lines = (gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data).splitlines(keepends=True)
    return asdict(grow(lines, int(size), Path(target)))


def simulated(folder: str, target: str) -> dict[str, Any]:
    """Write the plain lines of the simulator's web log: the source where no real log is at hand."""
    from benchmarks.grow import is_combined
    from etl.simulate import simulate

    simulate(Path(folder), start=datetime(2026, 11, 22), hours=24, lines_per_hour=1000, seed=1)
    objects = sorted((Path(folder) / "raw/shop_web").rglob("*.log.gz"))
    lines = [line for path in objects for line in gzip.decompress(path.read_bytes()).splitlines(keepends=True)]
    Path(target).write_bytes(b"".join(line for line in lines if is_combined(line)))
    return {"source": target}


def pipeline(config: str, landing_hour: str) -> dict[str, Any]:
    """Raw object → published, aggregated and checked, with every stage of the pipeline."""
    from etl.config import load
    from etl.stages.run import run

    watch = Stopwatch()
    books = run(load(Path(config)), SOURCE, landing_hour, progress=watch.mark)
    watch.mark("")
    return {"rows": books["rows"], "lines": books["lines"], "partitions": books["partitions"], "stages": watch.seconds}


def straight(log: str, target: str) -> dict[str, Any]:
    """DuckDB alone: the same .gz → the same columns of web_access in one zstd Parquet file, nothing checked.

    Left out is what only the checked way can know: line number, byte offset and event id, quarantine and books.
    """
    import duckdb

    from etl.io.engine import THREADS, create_macros, quote
    from etl.io.statements import load_statements

    statements = load_statements()
    with duckdb.connect() as connection:
        connection.execute(f"SET TimeZone = 'UTC'; SET threads = {THREADS}")
        create_macros(connection, statements.macros_in_order)
        sql = _STRAIGHT.replace("{enrich}", statements.enrich["web_access"].sql).replace("{log}", quote(log))
        copied = connection.execute(f"COPY ({sql}) TO {quote(target)} (FORMAT parquet, COMPRESSION zstd)").fetchall()
    return {"rows": int(copied[0][0])}


_STRAIGHT = """
WITH split AS (
    SELECT string_split(line, '"') AS quoted
    FROM read_csv({log}, columns = {'line': 'VARCHAR'}, auto_detect = false, header = false, delim = '\x01', quote = '',
        escape = '', compression = 'gzip', max_line_size = 1048576)
), shaped AS (
    SELECT quoted, string_split(quoted[1], ' ') AS head, string_split(quoted[2], ' ') AS request,
        string_split(quoted[3], ' ') AS numbers FROM split
), enveloped AS (
    SELECT
        try_strptime(head[4][2:] || ' ' || head[5][1:5], '%d/%b/%Y:%H:%M:%S %z')::TIMESTAMP AS event_time,
        TIMESTAMP '2026-01-01' AS observed_time, 'web' AS source_name, 'web' AS service_name, NULL::VARCHAR AS host_name,
        {log} AS source_uri, 'ok' AS parse_status, 'offset' AS time_basis, MAP {}::MAP(VARCHAR, VARCHAR) AS attributes,
        head[1] AS client_address, NULL AS client_network, NULL AS visitor_id, dash_null(head[3]) AS user_name,
        request[1] AS http_request_method, split_part(request[2], '?', 1) AS url_path,
        nullif(split_part(request[2], '?', 2), '') AS url_query, request[3][6:] AS network_protocol_version,
        try_cast(numbers[2] AS SMALLINT) AS http_response_status_code, NULL::BIGINT AS http_request_body_size_bytes,
        try_cast(numbers[3] AS BIGINT) AS http_response_body_size_bytes,
        try_cast(quoted[7] AS DOUBLE) * 1000 AS duration_ms, NULL::DOUBLE AS upstream_duration_ms,
        dash_null(quoted[4]) AS http_request_referrer, dash_null(quoted[6]) AS user_agent_original,
        NULL AS user_agent_name, NULL AS is_bot, NULL AS bot_name, NULL AS bot_category, NULL::VARCHAR AS server_address,
        NULL::VARCHAR AS tls_protocol_version
    FROM shaped
)
{enrich}
"""


def layers(config: str, log: str) -> dict[str, Any]:
    """What normalize is made of: each layer alone, on the layer below it."""
    from etl.config import load
    from etl.io.raw import RawInput, Reading, RecordReader, chunks
    from etl.io.workspace import workspace
    from etl.model.worklist import RawObject
    from etl.stages.parse import Object, parse

    settings = load(Path(config))
    path = Path(log)
    item = RawInput(0, path, datetime(2026, 1, 1), SOURCE)
    watch = Stopwatch()
    watch.mark("decompress and verify")
    for _ in chunks(path, 0, Reading()):
        pass
    watch.mark("… and cut into records")
    for _ in RecordReader([item]).batches():
        pass
    watch.mark("")
    landing = datetime.now(UTC).replace(tzinfo=None)
    with workspace(settings) as space:
        watch.mark("… and parse to judged rows")
        found = [Object(item, str(path), RawObject(path.name, "", path.stat().st_size, landing.isoformat()))]
        parse(space, settings.source(SOURCE), found, landing, timedelta(days=36500))
        watch.mark("")
    return {"stages": watch.seconds}


def month(lake: str, rows: str, days: str) -> dict[str, Any]:
    """Write the lake of a month."""
    from benchmarks.month import make

    return make(Path(lake), int(rows), int(days))


def report(lake: str, name: str, first: str, last: str, page: str) -> dict[str, Any]:
    """A report of a lake, from its metrics to the page."""
    from etl.config import Settings
    from etl.model.hours import parse_hour
    from etl.stages.report import render

    html = render(Settings(lake, {}, Path(page)), name, parse_hour(first), parse_hour(last))
    Path(page).write_text(html, encoding="utf-8")
    return {"bytes": len(html)}


WORK: dict[str, Callable[..., dict[str, Any]]] = {
    "grow": grow_log, "simulated": simulated, "pipeline": pipeline, "straight": straight, "layers": layers,
    "month": month, "report": report,
}  # fmt: skip

if __name__ == "__main__":
    print(json.dumps(WORK[sys.argv[1]](*sys.argv[2:])))
