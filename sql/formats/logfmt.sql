-- title: logfmt: key=value pairs, as Go programs, Grafana, Prometheus and Heroku write them
-- dataset: app_log
-- detect: (?i)(?:^|\s)(?:level|lvl|severity|loglevel|msg|message|at)=
-- priority: 20
-- options: untimed: landing gives lines without a time the landing hour
-- sample: time=2026-11-22T13:04:05.123Z level=error msg="payment failed" logger=shop err="card declined" order=17 retry
-- limits: the time is in time, ts, t or timestamp, the level in level or lvl, the message in msg or message; a key without = is true; of equal keys the first stays
WITH paired AS (
    SELECT origin, raw, structured_pairs(raw) AS pairs FROM records
), parsed AS (
    SELECT *, structured_pair_entries(pairs) AS entries,
        len(list_filter(pairs, lambda pair: structured_is_odd(pair))) > 0
            OR regexp_matches(regexp_replace(raw, '[^\x00-\x20="]+(?:=(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|[^\x00-\x20"][^\x00-\x20]*)?)?', '', 'g'), '[^\x00-\x20]') AS is_odd
    FROM paired
), found AS (
    SELECT *,
        structured_field(entries, ['time', 'ts', 't', 'timestamp', '@timestamp', 'datetime', 'eventtime', 'event_time']) AS time_field,
        structured_field(entries, ['date']) AS date_field,
        structured_field(entries, ['level', 'lvl', 'severity', 'loglevel', 'log.level', 'levelname', 'at']) AS level_field,
        structured_field(entries, ['msg', 'message']) AS message_field,
        structured_field(entries, ['logger', 'log.logger', 'logger_name']) AS logger_field,
        structured_field(entries, ['thread', 'thread_name']) AS thread_field,
        structured_field(entries, ['pid']) AS pid_field,
        structured_field(entries, ['hostname', 'host.name', 'host_name']) AS host_field,
        structured_field(entries, ['service_name', 'service.name']) AS service_field,
        structured_field(entries, ['err', 'error']) AS error_field,
        structured_field(entries, ['stacktrace', 'stack_trace', 'stack', 'errorverbose']) AS stack_field,
        structured_trace_id(entries) AS trace_field,
        structured_span_id(entries) AS span_field
    FROM parsed
), dated AS (
    SELECT *, date_field IS NOT NULL AND coalesce(regexp_full_match(time_field.value, '\d\d:\d\d:\d\d(?:[.,]\d+)?'), true) AS is_split FROM found
), clocked AS (
    SELECT *, CASE WHEN is_split THEN concat_ws(' ', date_field.value, time_field.value) ELSE time_field.value END AS time_text FROM dated
), parted AS (
    SELECT *, iso_parts(time_text) AS clock FROM clocked
), timed AS (
    SELECT *, structured_moment(time_text, clock) AS m FROM parted
)
SELECT
    origin, raw,
    CASE WHEN getvariable('options')['untimed'] IS DISTINCT FROM 'landing' AND NOT regexp_matches(raw, '^[\x00-\x20]*[^\x00-\x20="]+=')
         THEN 'line: does not begin with key=; expected time=2026-11-22T13:04:05Z level=info msg=…'
         WHEN len(pairs) = 0 THEN 'line: no keys in it; expected time=2026-11-22T13:04:05Z level=info msg=…'
         WHEN m.time IS NULL AND (time_field IS NOT NULL OR is_split)
         THEN coalesce(time_field.key, 'date') || ': ' || left(coalesce(time_field.value, date_field.value), 60) || ' is not a time; expected 2026-11-22T13:04:05Z'
         WHEN getvariable('options')['untimed'] = 'landing' THEN NULL
         WHEN m.time IS NULL AND origin.wrapper_time IS NULL THEN 'time: no such field; expected time=2026-11-22T13:04:05Z'
         WHEN level_field IS NULL AND message_field IS NULL THEN 'level: no such field, nor msg; expected level=info or msg=…'
    END AS reject_reason,
    CASE WHEN m.time IS NULL AND origin.wrapper_time IS NULL AND getvariable('options')['untimed'] = 'landing'
         THEN getvariable('landing')::TIMESTAMP ELSE m.time END AS event_time,
    CASE WHEN m.time IS NULL AND origin.wrapper_time IS NULL THEN 'landing_hour' ELSE m.basis END AS time_basis,
    CASE WHEN is_odd THEN 'partial' ELSE 'ok' END AS parse_status,
    host_field.value AS host_name,
    service_field.value AS service_name,
    level_field.value AS severity_text,
    structured_slog_severity(level_field.value) AS severity_number,
    logger_field.value AS logger_name,
    thread_field.value AS thread_name,
    try_cast(pid_field.value AS BIGINT) AS process_pid,
    message_field.value AS body,
    error_field.value AS exception_message,
    stack_field.value AS exception_stacktrace,
    trace_field.value AS trace_id,
    span_field.value AS span_id,
    attributes_of(list_concat(
        list_filter(entries, lambda entry: nullif(entry.value, '') IS NOT NULL AND NOT list_contains(
            [time_field.key, CASE WHEN is_split THEN date_field.key END, level_field.key, message_field.key, logger_field.key, thread_field.key,
             CASE WHEN try_cast(pid_field.value AS BIGINT) IS NOT NULL THEN pid_field.key END, host_field.key, service_field.key,
             error_field.key, stack_field.key, trace_field.key, span_field.key], entry.key)),
        [{'key': 'wrong_weekday', 'value': m.wrong_weekday}])) AS attributes
FROM timed
