"""The one table of canonical columns: type, unit, meaning, origin.

Names follow the OpenTelemetry semantic conventions with dots as underscores; times are naive UTC in microseconds.
View comments, ``docs/schema.md`` and tests are generated from here.
"""

from __future__ import annotations

from dataclasses import dataclass

OTEL = "OpenTelemetry semantic conventions"
HOUSE = "logbucket"


@dataclass(frozen=True)
class Column:
    """One column: DuckDB type, what it means (with its unit), and where the definition comes from."""

    name: str
    type: str
    meaning: str
    origin: str = OTEL


ENVELOPE = (
    Column("event_time", "TIMESTAMP", "when it happened, UTC", HOUSE),
    Column("observed_time", "TIMESTAMP", "when the raw object was last modified, UTC", HOUSE),
    Column("source_name", "VARCHAR", "the source in sources.toml", HOUSE),
    Column("service_name", "VARCHAR", "the service that logged"),
    Column("host_name", "VARCHAR", "the host that logged, where the line says so"),
    Column("source_uri", "VARCHAR", "the raw object the row came from", HOUSE),
    Column("source_line", "BIGINT", "number of the record's first line in its object, from 1", HOUSE),
    Column("source_lines", "INTEGER", "how many lines the record has", HOUSE),
    Column("source_offset", "BIGINT", "bytes before the record in its decompressed object", HOUSE),
    Column("event_id", "VARCHAR", "16 hex digits of SHA-256(source_uri), a dash, source_line", HOUSE),
    Column("parse_status", "VARCHAR", "ok, or partial: the line was odd and only what is known is filled", HOUSE),
    Column(
        "time_basis",
        "VARCHAR",
        "offset, epoch, zone, zone_ambiguous, zone_gap or landing_hour: how event_time was decided",
        HOUSE,
    ),
    Column("attributes", "MAP(VARCHAR, VARCHAR)", "every field of the line that has no column", HOUSE),
)

DATASETS: dict[str, tuple[Column, ...]] = {
    "web_access": (
        Column("client_address", "VARCHAR", "address or name of the client"),
        Column("client_network", "VARCHAR", "its /24 (IPv4) or /48 (IPv6) network", HOUSE),
        Column("visitor_id", "VARCHAR", "MD5 of event date, client_address and user agent: stable for one day", HOUSE),
        Column("user_name", "VARCHAR", "the authenticated user"),
        Column("http_request_method", "VARCHAR", "GET, POST, …"),
        Column("url_path", "VARCHAR", "path as requested, before the first ?"),
        Column("url_query", "VARCHAR", "what follows the first ?"),
        Column("network_protocol_version", "VARCHAR", "HTTP version, e.g. 1.1"),
        Column("http_response_status_code", "SMALLINT", "HTTP status"),
        Column("http_request_body_size_bytes", "BIGINT", "bytes of the request body"),
        Column("http_response_body_size_bytes", "BIGINT", "bytes of the response body; NULL where the log has -"),
        Column("duration_ms", "DOUBLE", "time to serve the request, milliseconds", HOUSE),
        Column("upstream_duration_ms", "DOUBLE", "time spent in the upstream, milliseconds", HOUSE),
        Column("http_request_referrer", "VARCHAR", "the Referer header"),
        Column("user_agent_original", "VARCHAR", "the User-Agent header"),
        Column("user_agent_name", "VARCHAR", "browser or tool family"),
        Column("is_bot", "BOOLEAN", "whether the agent calls itself a robot, crawler, library or monitor", HOUSE),
        Column("bot_name", "VARCHAR", "name of the robot", HOUSE),
        Column(
            "bot_category", "VARCHAR", "ai, search, seo, feed, monitor, social, archive, library, other or none", HOUSE
        ),
        Column("server_address", "VARCHAR", "the host that was asked for"),
        Column("tls_protocol_version", "VARCHAR", "TLS version, e.g. 1.3"),
    ),
    "app_log": (
        Column("severity_text", "VARCHAR", "level as logged"),
        Column("severity_number", "TINYINT", "1–24, TRACE 1, DEBUG 5, INFO 9, WARN 13, ERROR 17, FATAL 21"),
        Column("logger_name", "VARCHAR", "name of the logger", HOUSE),
        Column("thread_name", "VARCHAR", "name of the thread"),
        Column("process_pid", "BIGINT", "process id"),
        Column("body", "VARCHAR", "the message, without its stack trace"),
        Column("message_template", "VARCHAR", "body with its variable parts masked", HOUSE),
        Column("exception_type", "VARCHAR", "class of the outermost exception"),
        Column("exception_message", "VARCHAR", "its message"),
        Column("exception_stacktrace", "VARCHAR", "the lines of the trace"),
        Column(
            "error_fingerprint", "VARCHAR", "MD5 of exception type, top frames and template; NULL below ERROR", HOUSE
        ),
        Column("trace_id", "VARCHAR", "trace id"),
        Column("span_id", "VARCHAR", "span id"),
    ),
    "json_event": (
        Column("event_name", "VARCHAR", "name of the event"),
        Column("user_id", "VARCHAR", "the user, digits as written"),
        Column("session_id", "VARCHAR", "the session"),
        Column("app_id", "VARCHAR", "the application or game", HOUSE),
        Column("published_time", "TIMESTAMP", "when the producer sent the event, UTC", HOUSE),
    ),
}

QUARANTINE = (
    Column("source_name", "VARCHAR", "the source in sources.toml", HOUSE),
    Column("source_uri", "VARCHAR", "the raw object", HOUSE),
    Column("source_line", "BIGINT", "number of the rejected record's first line, from 1", HOUSE),
    Column("source_lines", "INTEGER", "how many lines the record has", HOUSE),
    Column("source_offset", "BIGINT", "bytes before the record in its decompressed object", HOUSE),
    Column("observed_time", "TIMESTAMP", "when the raw object was last modified, UTC", HOUSE),
    Column("format_name", "VARCHAR", "the format that rejected it", HOUSE),
    Column("reject_reason", "VARCHAR", "which field failed and what was expected there", HOUSE),
    Column("raw", "VARCHAR", "the record's text; its first kilobyte where it was too long", HOUSE),
)


def columns(dataset: str) -> tuple[Column, ...]:
    """Envelope and own columns of a dataset, in their order in the Parquet files. Raises KeyError."""
    return ENVELOPE + DATASETS[dataset]
