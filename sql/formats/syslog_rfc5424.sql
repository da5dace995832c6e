-- title: syslog protocol (RFC 5424), by line or with octet counts (RFC 6587)
-- dataset: app_log, audit
-- detect: ^(?:\d{1,7} )?<\d{1,3}>[1-9]\d{0,2}(?: (?:-|\d{4}-\d\d-\d\dT)|$)|^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d) \S+ \S+ \S+ \S+ (?:-|\[)
-- priority: 25
-- framing: octets
-- sample: <165>1 2026-11-22T13:04:05.003Z web1.example.com checkout 2417 ID47 [order@32473 id="42" region="eu"] payment accepted
-- limits: messages of sshd, sudo, su, login, PAM, systemd-logind and the user and group tools are audit, all others app_log; a line without <PRI>VERSION is read where its six fields are there; a message whose time is - has the landing hour; messages of several lines need octet counts; a header that breaks off is partial
WITH headed AS (
    SELECT *, regexp_extract(raw,
        '(?s)^(?:<(\d{1,3})>([1-9]\d{0,2}))?(?:^| |$)(?:(-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,12})?(?:Z|z|[+-]\d\d:?\d\d)?)(?: +|$)(?:([^\s]+)(?: +|$)(?:([^\s]+)(?: +|$)(?:([^\s]+)(?: +|$)(?:([^\s]+)(?: +(.*)|$)|$)|$)|$)|$)|$)$',
        ['pri', 'version', 'time', 'host', 'app', 'procid', 'msgid', 'rest']) AS h,
        regexp_extract(raw, '^<(\d{1,3})>(?:([1-9]\d{0,2})(?: (\S*)|$))?', ['pri', 'version', 'time']) AS begun
    FROM records
), taken AS (
    SELECT *,
        h.pri <> '' OR h.time NOT IN ('', '-') AS is_headed,
        try_cast(nullif(begun.pri, '') AS INTEGER) AS pri,
        CASE WHEN starts_with(h.rest, '[') THEN regexp_extract(h.rest, '(?s)^((?:\[(?:[^\]"\\]|"(?:[^"\\]|\\.)*")*\])+)(?:$|(\s)|(.))', ['data', 'space', 'other']) END AS s,
        CASE WHEN h.time NOT IN ('', '-') THEN iso_parts(replace(h.time, ',', '.')) END AS parts
    FROM headed
), told AS (
    SELECT *,
        CASE WHEN h.rest = '' THEN 'none'
             WHEN starts_with(h.rest, '[') THEN CASE WHEN s.data <> '' AND s."other" = '' THEN 'data' ELSE 'broken' END
             WHEN h.rest = '-' OR starts_with(h.rest, '- ') THEN 'nil' ELSE 'missing' END AS kind,
        iso_time(parts, getvariable('zone')) AS event_time
    FROM taken
), spoken AS (
    SELECT *,
        CASE kind WHEN 'data' THEN h.rest[length(s.data) + 2:] WHEN 'nil' THEN h.rest[3:] ELSE h.rest END AS spoken
    FROM told
), named AS (
    SELECT *,
        CASE WHEN starts_with(spoken, chr(65279)) THEN spoken[2:] ELSE spoken END AS message,
        dash_null(h.app) AS app, syslog_program(dash_null(h.app)) AS program
    FROM spoken
), sorted AS (
    SELECT *,
        app IS NOT NULL AND (syslog_is_audit(program, CASE WHEN starts_with(message, 'message repeated') THEN syslog_said(message) ELSE message END) OR contains(app, '(pam_')) AS is_audited
    FROM named
), judged AS (
    SELECT *, coalesce(is_audited, false) AS is_audit,
        h.pri = '' AND (kind IN ('none', 'missing') OR severity_number_of(h.host) IS NOT NULL OR regexp_matches(h.host || h.app, '[\[\]]')) AS is_other
    FROM sorted
), said AS (
    SELECT *, CASE WHEN is_audit THEN syslog_said(message) END AS said, CASE WHEN is_audit THEN syslog_pam(app, message) END AS pam FROM judged
), ruled AS (
    SELECT *, CASE WHEN is_audit THEN syslog_rule(program, said) END AS rule FROM said
), known AS (
    SELECT *, CASE WHEN is_audit THEN syslog_facts(rule, said) END AS facts FROM ruled
)
SELECT
    CASE WHEN is_audit THEN 'audit' ELSE 'app_log' END AS dataset,
    origin, raw,
    CASE WHEN begun.pri <> '' AND pri > 191 THEN 'pri: <' || begun.pri || '> is not a priority; expected 0 to 191'
         WHEN begun.pri <> '' AND begun.version = '' THEN 'version: none after <' || begun.pri || '>; expected <165>1 2026-11-22T13:04:05.003Z host app procid msgid'
         WHEN NOT is_headed AND begun.version <> '' THEN 'time: ' || left(begun.time, 60) || ' is not a time; expected 2026-11-22T13:04:05.003Z or -'
         WHEN NOT is_headed OR is_other THEN 'header: not that of RFC 5424; expected <165>1 2026-11-22T13:04:05.003Z host app procid msgid'
         WHEN parts.date IS NOT NULL AND event_time IS NULL THEN 'time: ' || h.time || ' is not a time; expected 2026-11-22T13:04:05.003Z or -' END AS reject_reason,
    CASE WHEN event_time IS NULL AND origin.wrapper_time IS NULL THEN getvariable('landing')::TIMESTAMP ELSE event_time END AS event_time,
    CASE WHEN event_time IS NULL THEN 'landing_hour' ELSE iso_basis(parts, getvariable('zone')) END AS time_basis,
    -- Heroku writes no structured data, not even a dash
    CASE WHEN h.msgid = '' OR kind IN ('none', 'broken') OR (kind = 'missing' AND NOT (h.pri <> '' AND h.msgid = '-' AND h.app IN ('app', 'heroku') AND regexp_full_match(h.procid, '[a-z][\w-]*(?:\.\w+)?'))) OR length(h.app) > 48 OR length(h.host) > 255 OR length(h.procid) > 128 OR length(h.msgid) > 32
         THEN 'partial' ELSE 'ok' END AS parse_status,
    dash_null(h.host) AS host_name,
    syslog_severity(pri) AS severity_text,
    app AS logger_name,
    program AS process_name,
    try_cast(dash_null(h.procid) AS BIGINT) AS process_pid,
    syslog_body(message) AS body,
    split_part(rule, '.', 1) AS event_action,
    CASE WHEN is_audit THEN syslog_category(split_part(rule, '.', 1)) END AS event_category,
    syslog_outcome(rule, said, facts) AS event_outcome,
    syslog_reason(rule, said, facts) AS event_reason,
    syslog_user(rule, said, facts) AS user_name,
    nullif(facts.address, '') AS client_address,
    syslog_port(facts) AS client_port,
    syslog_auth_method(rule, facts) AS auth_method,
    attributes_of(list_concat([
        {'key': 'facility', 'value': syslog_facility(pri)},
        {'key': 'severity', 'value': CASE WHEN is_audit THEN syslog_severity(pri) END},
        {'key': 'version', 'value': CASE WHEN h.version <> '1' THEN nullif(h.version, '') END},
        {'key': 'procid', 'value': CASE WHEN try_cast(dash_null(h.procid) AS BIGINT) IS NULL THEN dash_null(h.procid) END},
        {'key': 'msgid', 'value': dash_null(h.msgid)},
        {'key': 'repeated', 'value': nullif(syslog_repeated(message), '')},
        {'key': 'pam_module', 'value': nullif(pam.module, '')}, {'key': 'pam_service', 'value': nullif(pam.service, '')}],
        CASE WHEN kind = 'data' THEN syslog_structured(s.data) END,
        CASE WHEN rule IS NOT NULL THEN list_filter(syslog_details(rule, said, facts), lambda entry: entry.value <> '') END)) AS attributes
FROM known
