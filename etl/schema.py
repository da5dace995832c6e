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
    """One column: DuckDB type, what it means (with its unit), and where the definition comes from.

    ``personal`` says what may stand in it that concerns a person: ``address``, ``text``, ``url``, ``query``, ``fields``,
    ``visitor``, ``identity`` or ``agent`` (which privacy leaves, and erasure does not). Privacy and erasure treat it accordingly.
    """

    name: str
    type: str
    meaning: str
    origin: str = OTEL
    personal: str = ""


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
    Column(
        "event_id",
        "VARCHAR",
        "16 hex digits of SHA-256(source_uri), a dash, source_line; a second record of that line ends in .1, and so on",
        HOUSE,
    ),
    Column("parse_status", "VARCHAR", "ok, or partial: the line was odd and only what is known is filled", HOUSE),
    Column(
        "time_basis",
        "VARCHAR",
        "how event_time was decided: offset, epoch, zone, zone_ambiguous, zone_gap, each with _year_inferred where the log "
        "has no year; wrapper where only the container's wrapper has a time; landing_hour where nothing has",
        HOUSE,
    ),
    Column(
        "attributes", "MAP(VARCHAR, VARCHAR)", "every field of the line that has no column", HOUSE, personal="fields"
    ),
)

DATASETS: dict[str, tuple[Column, ...]] = {
    "web_access": (
        Column(
            "client_address",
            "VARCHAR",
            "address or name of the client; by default its network's first address: 203.0.113.0, 2001:db8:1::, *.provider.net",
            personal="address",
        ),
        Column("client_network", "VARCHAR", "its /24 (IPv4) or /48 (IPv6) network", HOUSE, personal="network"),
        Column(
            "visitor_id",
            "VARCHAR",
            "16 bytes of HMAC-SHA256 of full client address and user agent, by a key that changes each event date; MD5 of them and the date where privacy is off; stable for one day",
            HOUSE,
            personal="visitor",
        ),
        Column("user_name", "VARCHAR", "the authenticated user", personal="identity"),
        Column("http_request_method", "VARCHAR", "GET, POST, …"),
        Column("url_path", "VARCHAR", "path as requested, before the first ?", personal="url"),
        Column(
            "url_query",
            "VARCHAR",
            "what follows the first ?; by default * for the values of keys that are not allowed",
            personal="query",
        ),
        Column("network_protocol_version", "VARCHAR", "HTTP version, e.g. 1.1"),
        Column("http_response_status_code", "SMALLINT", "HTTP status"),
        Column("http_request_body_size_bytes", "BIGINT", "bytes of the request body"),
        Column("http_response_body_size_bytes", "BIGINT", "bytes of the response body; NULL where the log has -"),
        Column("duration_ms", "DOUBLE", "time to serve the request, milliseconds", HOUSE),
        Column("upstream_duration_ms", "DOUBLE", "time spent in the upstream, milliseconds", HOUSE),
        Column(
            "http_request_referrer", "VARCHAR", "the Referer header, its query treated as url_query", personal="url"
        ),
        Column("user_agent_original", "VARCHAR", "the User-Agent header", personal="agent"),
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
        Column("thread_name", "VARCHAR", "name of the thread", personal="text"),
        Column("process_pid", "BIGINT", "process id"),
        Column("body", "VARCHAR", "the message, without its stack trace", personal="text"),
        Column("message_template", "VARCHAR", "body with its variable parts masked", HOUSE, personal="text"),
        Column("exception_type", "VARCHAR", "class of the outermost exception"),
        Column("exception_message", "VARCHAR", "its message", personal="text"),
        Column("exception_stacktrace", "VARCHAR", "the lines of the trace", personal="text"),
        Column(
            "error_fingerprint",
            "VARCHAR",
            "MD5 of exception type, top frames and template; NULL below ERROR without an exception",
            HOUSE,
        ),
        Column("trace_id", "VARCHAR", "trace id"),
        Column("span_id", "VARCHAR", "span id"),
    ),
    "jvm_gc": (
        Column("gc_id", "BIGINT", "number of the collection in its JVM, where the log gives it", HOUSE),
        Column("jvm_gc_name", "VARCHAR", "the collector: G1, Parallel, Serial, CMS, ParNew, ZGC, Shenandoah"),
        Column("jvm_gc_action", "VARCHAR", "what was done, e.g. Pause Young (Normal), Concurrent Mark Cycle"),
        Column("jvm_gc_cause", "VARCHAR", "why, e.g. G1 Evacuation Pause, System.gc()"),
        Column(
            "pause_ms", "DOUBLE", "how long the application stood still, milliseconds; NULL for concurrent work", HOUSE
        ),
        Column("heap_before_bytes", "BIGINT", "heap in use before", HOUSE),
        Column("heap_after_bytes", "BIGINT", "heap in use after", HOUSE),
        Column("heap_committed_bytes", "BIGINT", "heap committed after", HOUSE),
        Column("uptime_ms", "DOUBLE", "time since the start of the JVM, milliseconds", HOUSE),
    ),
    "audit": (
        Column(
            "event_action",
            "VARCHAR",
            "what was done, e.g. ssh_login, sudo, session_opened, or the audit record's type",
            HOUSE,
        ),
        Column(
            "event_category",
            "VARCHAR",
            "authentication, session, iam, process, configuration, network, api or other",
            HOUSE,
        ),
        Column("event_outcome", "VARCHAR", "success, failure or NULL", HOUSE),
        Column("event_reason", "VARCHAR", "why it failed or was refused, as logged", HOUSE, personal="text"),
        Column("user_name", "VARCHAR", "the user it is about", personal="identity"),
        Column(
            "client_address",
            "VARCHAR",
            "address or name of the client; by default its network's first address: 203.0.113.0, 2001:db8:1::, *.provider.net",
            personal="address",
        ),
        Column("client_port", "INTEGER", "its port"),
        Column("auth_method", "VARCHAR", "password, publickey, …", HOUSE),
        Column("process_name", "VARCHAR", "the program that logged, e.g. sshd"),
        Column("process_pid", "BIGINT", "process id"),
        Column("body", "VARCHAR", "the message as logged", personal="text"),
    ),
    "db_query": (
        Column("db_system_name", "VARCHAR", "mysql, mariadb, postgresql, mongodb, …"),
        Column("db_namespace", "VARCHAR", "database, or database.schema or database.collection as the system names it"),
        Column("user_name", "VARCHAR", "the database user", personal="identity"),
        Column(
            "client_address",
            "VARCHAR",
            "address or name of the client; by default its network's first address: 203.0.113.0, 2001:db8:1::, *.provider.net",
            personal="address",
        ),
        Column("duration_ms", "DOUBLE", "time of the query, milliseconds", HOUSE),
        Column("lock_ms", "DOUBLE", "time spent waiting for locks, milliseconds", HOUSE),
        Column("rows_sent", "BIGINT", "rows returned"),
        Column("rows_examined", "BIGINT", "rows or documents examined", HOUSE),
        Column("db_query_text", "VARCHAR", "the query as logged", personal="text"),
        Column("query_template", "VARCHAR", "the query with its literals masked", HOUSE, personal="text"),
        Column("process_pid", "BIGINT", "process or thread id of the session in the server"),
    ),
    "net_flow": (
        Column("source_address", "VARCHAR", "address that sent, by default of its network", personal="address"),
        Column("source_port", "INTEGER", "its port"),
        Column(
            "destination_address", "VARCHAR", "address that received, by default of its network", personal="address"
        ),
        Column("destination_port", "INTEGER", "its port"),
        Column("network_transport", "VARCHAR", "tcp, udp, icmp, …; a protocol number where it has no name"),
        Column("network_interface_name", "VARCHAR", "the interface or listener that saw it"),
        Column("network_bytes", "BIGINT", "bytes transferred", HOUSE),
        Column("network_packets", "BIGINT", "packets transferred", HOUSE),
        Column("end_time", "TIMESTAMP", "when it ended, UTC", HOUSE),
        Column("duration_ms", "DOUBLE", "how long it took, milliseconds", HOUSE),
        Column("flow_action", "VARCHAR", "accept, reject, or the termination state of a proxy", HOUSE),
    ),
    "json_event": (
        Column("event_name", "VARCHAR", "name of the event"),
        Column("user_id", "VARCHAR", "the user, digits as written", personal="identity"),
        Column("session_id", "VARCHAR", "the session", personal="identity"),
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

# what lists say of distinct values: one row for each, in every view of that name
_LISTS = Column("lists_version", "VARCHAR", "the lists that said so, each with its version", HOUSE)
DIMENSIONS: dict[str, tuple[Column, ...]] = {
    "agents": (
        Column("user_agent_original", "VARCHAR", "the User-Agent header, its first 512 characters"),
        Column("agent_family", "VARCHAR", "browser or tool family", "ua-parser-builtins"),
        Column("agent_version", "VARCHAR", "its major version", "ua-parser-builtins"),
        Column("os_name", "VARCHAR", "family of the operating system", "ua-parser-builtins"),
        Column("is_crawler", "BOOLEAN", "whether a list knows it as a crawler, tool or monitor", HOUSE),
        Column("is_ai_crawler", "BOOLEAN", "whether it fetches for AI: training, search or an assistant", HOUSE),
        Column("crawler_name", "VARCHAR", "what it is known by", "crawler-user-agents"),
        Column("crawler_operator", "VARCHAR", "who runs it, where the operator documents it", HOUSE),
        Column(
            "crawler_purpose",
            "VARCHAR",
            "ai_training, ai_search, ai_user (a person asked an assistant), ai, search, seo, monitoring, social, feed, archive, "
            "research, library, scanner, advertising, browser_automation or other",
            HOUSE,
        ),
        Column("crawler_description", "VARCHAR", "what it does", "crawler-user-agents"),
        Column("crawler_url", "VARCHAR", "page about it", "crawler-user-agents"),
        Column(
            "robots_txt_policy",
            "VARCHAR",
            "what its operator documents: obeys, or may ignore robots.txt; NULL where it says nothing",
            HOUSE,
        ),
        Column("robots_txt_source", "VARCHAR", "the page where it says so", HOUSE),
        _LISTS,
    ),
    "networks": (
        Column("client_network", "VARCHAR", "a /24 (IPv4) or /48 (IPv6) network", HOUSE),
        Column("geo_country_iso_code", "VARCHAR", "country, where it is one for all of the network"),
        Column(
            "as_number", "BIGINT", "autonomous system, where it is one for all of the network", "Elastic Common Schema"
        ),
        Column("as_organization_name", "VARCHAR", "its organization", "Elastic Common Schema"),
        _LISTS,
    ),
}

# columns that come from the keys of objects
PLACES: dict[str, str] = {
    "event_date": "the event date, UTC; a condition on it reads those days only",
    "event_hour": "the event hour of that date, 0 to 23",
    "landing_date": "the date its raw object landed, UTC",
    "landing_hour": "the landing hour of that date, 0 to 23",
}

# columns that metrics have beside those of their datasets
MEASURES: dict[str, str] = {
    "hour_start": "the event hour, UTC",
    "http_response_status_class": "2xx, 3xx, 4xx, 5xx, or none where the log has no status",
    "dataset": "the dataset counted",
    "attribute": "key of an attribute; empty for all rows of the hour",
    "rows": "rows counted",
    "requests": "requests counted",
    "timed_requests": "requests with a duration_ms",
    "client_errors": "requests with status 400 to 499",
    "server_errors": "requests with status 500 and above",
    "bytes": "bytes of response bodies, added up",
    "visitors": "distinct visitor_id",
    "duration_sum_ms": "duration_ms added up",
    "duration_histogram": "durations in buckets that grow by 2%, for percentile() and merge_histograms()",
    "robots_txt": "requests for /robots.txt",
    "assets": "requests for what a page is made of: scripts, styles, images, fonts",
    "partial": "rows with parse_status partial",
    "minutes": "minutes with a request: in traffic_hourly bit n is minute n, in minute_hourly a list with figures of each",
    "minutes_present": "how many minutes of the hour have a request",
    "referrer_host": "host of the Referer header, without www.",
    "referrer_path": "its path, without query",
    "visitor": "visitor_id as a number; equal within one event date only",
    "messages": "messages counted",
    "errors": "errors counted; of requests, those with status 400 and above",
    "first_seen": "time of the first, UTC",
    "last_seen": "time of the last, UTC",
    "hosts": "hosts that logged them; lists of several hours merge by list_distinct",
    "sample_body": "message of one of them",
    "sample_stack": "top of its stack trace",
    "sample_event_id": "event_id of one of them",
    "sample_source_uri": "its raw object",
    "sample_source_line": "its line there",
    "collections": "garbage collections counted, concurrent ones included",
    "pauses": "pauses counted",
    "full_pauses": "pauses of full collections",
    "pause_sum_ms": "pause_ms added up",
    "pause_max_ms": "longest pause, milliseconds",
    "pause_histogram": "pauses in buckets that grow by 2%, for percentile() and merge_histograms()",
    "heap_after_min_bytes": "least heap in use after a collection",
    "heap_after_max_bytes": "most heap in use after a collection",
    "heap_after_last_bytes": "heap in use after the last collection",
    "freed_bytes": "heap freed by collections, added up",
    "worst_minutes": "the fifteen minutes with the longest sum of pauses",
    "events": "events counted",
    "users": "distinct user_id",
    "sessions": "distinct session_id",
    "longest_delay_ms": "longest time from event_time to published_time, milliseconds",
}

# columns of the books and what they mean; their types are those of the views
LEDGER: dict[str, str] = {
    "source_name": "the source in sources.toml",
    "landing_hour": "the landing hour it belongs to, UTC",
    "shard": "the shard that read it, from 0",
    "uri": "the raw object",
    "key": "its key below the source's raw root",
    "etag": "what the store says about its version",
    "size": "its stored size in bytes",
    "modified": "when it was last modified, UTC",
    "codec": "gzip, zstd, bz2, xz, zip or none, by its first bytes",
    "format": "the format that read it",
    "digest": "SHA-256 of its decompressed content",
    "lines": "lines in it",
    "rows": "records that became rows",
    "row_lines": "lines of those records",
    "quarantined": "lines rejected",
    "rejects": "records rejected: more than lines where records share a line",
    "ignored": "blank lines, and directives of the format",
    "joined_in": "lines of the producer's next object that complete its last record",
    "joined_out": "lines at its head that were joined to the object before",
    "partial": "rows with parse_status partial",
    "first_event": "earliest event_time of its rows",
    "last_event": "latest event_time of its rows",
    "problem": "why it was quarantined whole, else NULL",
    "format_digest": "SHA-256 of the format's SQL and the macros",
    "reject_reasons": "lines rejected by reason, with N for numbers; the rarest as other",
    "erased": "rows and rejected records that held an erased subject and were anonymised",
    "duplicates": "rows that are staged and not published",
    "processed_time": "when its account was last written, UTC, by the store's clock",
    "inputs": "digest of SQL, settings and engine that decided the outcome",
}
BOOKS: dict[str, str] = {
    "source_name": "the source in sources.toml",
    "dataset": "the dataset",
    "hour_start": "the event hour, UTC",
    "rows": "rows published",
    "staged": "rows staged",
    "duplicates": "rows staged and not published",
    "slices": "slices it was made of",
    "landing_hours": "landing hours of those slices",
    "rows_by_landing_hour": "rows staged, by the landing hour they came in",
    "revision": "1 when first published, one more for each change",
    "published_time": "when its object was last written, UTC, by the store's clock",
    "inputs": "digest of the slices, settings and engine it was made of",
    "content": "its seal: SHA-256 of the object, with zeros in place of the seal itself",
    "key": "key of its object in the lake",
}
REVISIONS: dict[str, str] = {
    "source_name": "the source in sources.toml",
    "dataset": "the dataset",
    "hour_start": "the event hour, UTC",
    "revision": "its number, from 2",
    "revised_time": "when it was made, UTC, by the store's clock",
    "reason": "on_time (only rows that landed in the event hour or the next), late, changed (objects were replaced or "
    "withdrawn), rebuilt (same slices, other settings or engine), replay, audit, erasure",
    "rows_before": "rows published before",
    "rows_after": "rows published since",
    "difference": "rows_after − rows_before",
    "landing_hours": "landing hours whose slices differ",
    "content_before": "seal of the partition before, empty where there was none",
    "content_after": "seal of the partition since, empty where it was removed",
}


def columns(dataset: str) -> tuple[Column, ...]:
    """Envelope and own columns of a dataset, in their order in the Parquet files. Raises KeyError."""
    return ENVELOPE + DATASETS[dataset]
