-- title: systemd journal as JSON (journalctl -o json, json-pretty, json-sse, json-seq)
-- dataset: app_log, audit
-- detect: "__REALTIME_TIMESTAMP"
-- priority: 60
-- continues: ^(?:\t| +[\x22}\]\d]|\}$|\]$)
-- sample: {"__REALTIME_TIMESTAMP":"1795352645123456","_HOSTNAME":"web1","_SYSTEMD_UNIT":"nginx.service","SYSLOG_IDENTIFIER":"nginx","_PID":"2417","PRIORITY":"6","SYSLOG_FACILITY":"3","MESSAGE":"reload finished"}
-- limits: messages of sshd, sudo, su, login, PAM, systemd-logind and the user and group tools are audit, all others app_log; attributes are named as the journal's fields, in lower case; a message that journalctl left out as too large is none and makes the row partial
WITH plain AS (
    SELECT *, regexp_replace(raw, '^(?:data: |\x1e)?\s*', '') AS text FROM records
), entered AS (
    SELECT *, CASE WHEN json_valid(text) AND json_type(text) = 'OBJECT' THEN json_entries(text) END AS entries FROM plain
), found AS (
    SELECT *,
        json_field(entries, ['__REALTIME_TIMESTAMP', '_SOURCE_REALTIME_TIMESTAMP']).value AS time_text,
        json_field(entries, ['MESSAGE']).value AS message_text,
        json_field(entries, ['_HOSTNAME']).value AS host,
        json_field(entries, ['_SYSTEMD_UNIT', '_SYSTEMD_USER_UNIT']) AS unit,
        json_field(entries, ['SYSLOG_IDENTIFIER', '_COMM']) AS identifier,
        json_field(entries, ['_PID', 'SYSLOG_PID']) AS pid,
        json_field(entries, ['PRIORITY']).value AS priority,
        json_field(entries, ['SYSLOG_FACILITY']).value AS facility
    FROM entered
), told AS (
    SELECT *,
        -- bytes that are not text are an array of numbers
        CASE WHEN regexp_full_match(message_text, '(?s)\[\s*(?:\d+\s*,\s*)*\d+\s*\]')
             THEN coalesce(TRY(decode(unhex(array_to_string(list_transform(regexp_extract_all(message_text, '\d+'), lambda byte: printf('%02X', byte::INTEGER)), '')))),
                           CASE WHEN NOT regexp_matches(message_text, '25[6-9]|2[6-9]\d|[3-9]\d\d|\d{4}') THEN array_to_string(list_transform(regexp_extract_all(message_text, '\d+'), lambda byte: CASE WHEN byte::INTEGER BETWEEN 1 AND 127 THEN chr(byte::INTEGER) ELSE '�' END), '') END)
             ELSE message_text END AS message,
        regexp_full_match(message_text, '(?s)\[\s*(?:\d+\s*,\s*)*\d+\s*\]') AS is_bytes,
        CASE WHEN regexp_full_match(time_text, '\d{13,18}') THEN make_timestamp(time_text::BIGINT) END AS event_time,
        CASE WHEN priority IN ('0', '1', '2', '3', '4', '5', '6', '7') THEN priority::INTEGER END AS level,
        syslog_program(identifier.value) AS program
    FROM found
), sorted AS (
    SELECT *, coalesce(syslog_is_audit(program, CASE WHEN starts_with(message, 'message repeated') THEN syslog_said(message) ELSE message END), false) AS is_audit
    FROM told
), said AS (
    SELECT *, CASE WHEN is_audit THEN syslog_said(message) END AS said, CASE WHEN is_audit THEN syslog_pam('', message) END AS pam FROM sorted
), ruled AS (
    SELECT *, CASE WHEN is_audit THEN syslog_rule(program, said) END AS rule FROM said
), known AS (
    SELECT *, CASE WHEN is_audit THEN syslog_facts(rule, said) END AS facts FROM ruled
)
SELECT
    CASE WHEN is_audit THEN 'audit' ELSE 'app_log' END AS dataset,
    origin, raw,
    CASE WHEN entries IS NULL THEN 'line: not a JSON object; expected {"__REALTIME_TIMESTAMP":"1795352645123456", …}'
         WHEN time_text IS NULL THEN '__REALTIME_TIMESTAMP: no such field; expected microseconds since 1970 as "1795352645123456"'
         WHEN event_time IS NULL THEN '__REALTIME_TIMESTAMP: ' || left(time_text, 60) || ' is not a time; expected microseconds since 1970 as "1795352645123456"' END AS reject_reason,
    event_time,
    'epoch' AS time_basis,
    CASE WHEN message IS NULL OR (priority IS NOT NULL AND level IS NULL) OR (pid.value IS NOT NULL AND try_cast(pid.value AS BIGINT) IS NULL) THEN 'partial' ELSE 'ok' END AS parse_status,
    host AS host_name,
    unit.value AS service_name,
    syslog_severity(level) AS severity_text,
    identifier.value AS logger_name,
    program AS process_name,
    try_cast(pid.value AS BIGINT) AS process_pid,
    nullif(coalesce(message, CASE WHEN is_bytes THEN message_text END), '') AS body,
    split_part(rule, '.', 1) AS event_action,
    CASE WHEN is_audit THEN syslog_category(split_part(rule, '.', 1)) END AS event_category,
    syslog_outcome(rule, said, facts) AS event_outcome,
    syslog_reason(rule, said, facts) AS event_reason,
    syslog_user(rule, said, facts) AS user_name,
    nullif(facts.address, '') AS client_address,
    syslog_port(facts) AS client_port,
    syslog_auth_method(rule, facts) AS auth_method,
    attributes_of(list_concat([
            {'key': 'facility', 'value': coalesce(CASE WHEN regexp_full_match(facility, '\d|1\d|2[0-3]') THEN syslog_facility(facility::INTEGER * 8) END, facility)},
            {'key': 'severity', 'value': CASE WHEN is_audit THEN syslog_severity(level) END},
            {'key': 'priority', 'value': CASE WHEN level IS NULL THEN priority END},
            {'key': 'repeated', 'value': nullif(syslog_repeated(message), '')},
            {'key': 'pam_module', 'value': nullif(pam.module, '')}, {'key': 'pam_service', 'value': nullif(pam.service, '')}],
        list_transform(list_filter(entries, lambda entry: NOT list_contains(
            ['__REALTIME_TIMESTAMP', 'MESSAGE', '_HOSTNAME', 'PRIORITY', 'SYSLOG_FACILITY', unit.key, identifier.key,
             CASE WHEN try_cast(pid.value AS BIGINT) IS NOT NULL THEN pid.key END], entry.key) IS TRUE),
            lambda entry: {'key': lower(entry.key), 'value': entry.value}),
        CASE WHEN rule IS NOT NULL THEN list_filter(syslog_details(rule, said, facts), lambda entry: entry.value <> '') END)) AS attributes
FROM known
