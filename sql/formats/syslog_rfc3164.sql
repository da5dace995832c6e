-- title: syslog files and BSD syslog (RFC 3164), with or without priority, year or host
-- dataset: app_log, audit
-- detect: ^(?:(?:\d{1,7} )?<\d{1,3}>)? ?(?:\d{1,10}: )?(?:[\w.:-]+: )?[*.%]?(?:(?:\d{4} )?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}\d{1,2},? (?:\d{4},? )?\d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S* \S+ )
-- priority: 20
-- continues: ^[ \t]+\S
-- sample: Nov 22 13:04:05 web1 nginx[2417]: reload finished in 0.031 s
-- limits: messages of sshd, sudo, su, login, PAM, systemd-logind and the user and group tools are audit, all others app_log; months are English; indented lines belong to the line before them; #012 and #011 are decoded only where a stack trace has them; a line without program[pid]: is partial, unless its host is an address or has a domain
WITH headed AS (
    SELECT origin, raw AS logged, replace(raw, chr(13) || chr(10), chr(10)) AS line FROM records
), shaped AS (
    SELECT *,
        regexp_extract(line, '(?s)^(?:(?:\d{1,7} )?<(\d{1,3})>)? ?(?:(\d{1,10}): )?(?:([\w.:-]+): )?[*.%]?(?:(\d{4}) )?(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}(\d{1,2}),? (?:(\d{4}),? )?(\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(?: ?([+-]\d\d:?\d\d|Z)| (TZ[+-]\d{1,2})| ([A-Z]{2,5}(?:[+-]\d{1,2})?):| (\d{4}))?:?(?: (.*))?$',
            ['pri', 'sequence', 'host_before', 'year_before', 'month', 'day', 'year', 'clock', 'fraction', 'offset', 'zone', 'zone_before_colon', 'year_after', 'rest']) AS b
    FROM headed
), dated AS (
    SELECT *,
        CASE WHEN b.month = '' THEN regexp_extract(line,
            '(?s)^(?:(?:\d{1,7} )?<(\d{1,3})>)? ?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,12})?(?:Z|[+-]\d\d:?\d\d)?) (.*)$', ['pri', 'time', 'rest']) END AS i,
        coalesce(nullif(b.year_before, ''), nullif(b.year, ''), nullif(b.year_after, '')) AS written_year,
        coalesce(nullif(b."offset", ''), nullif(b.zone, ''), nullif(b.zone_before_colon, '')) AS written_zone
    FROM shaped
), walled AS (
    SELECT *,
        coalesce(b.month <> '', false) AS is_bsd,
        coalesce(i.time <> '', false) AS is_iso,
        CASE WHEN b.month = '' THEN NULL
             WHEN written_year IS NOT NULL THEN wall_of(written_year, month_number(b.month), b."day", b.clock, b.fraction)
             ELSE wall_near(getvariable('landing')::TIMESTAMP, month_number(b.month), b."day", b.clock, b.fraction) END AS wall,
        CASE WHEN written_zone IS NOT NULL THEN zone_minutes(written_zone) END AS minutes,
        CASE WHEN coalesce(i.time, '') <> '' THEN iso_parts(i.time) END AS parts,
        try_cast(CASE WHEN b.month <> '' THEN nullif(b.pri, '') ELSE nullif(i.pri, '') END AS INTEGER) AS pri,
        CASE WHEN b.month <> '' THEN b.rest ELSE i.rest END AS rest
    FROM dated
), timed AS (
    SELECT *,
        CASE WHEN is_iso THEN iso_time(parts, getvariable('zone'))
             WHEN minutes IS NOT NULL THEN wall - to_minutes(minutes)
             WHEN written_zone IS NOT NULL THEN NULL
             WHEN is_bsd THEN local_to_utc(wall, getvariable('zone')) END AS event_time,
        CASE WHEN is_iso THEN iso_basis(parts, getvariable('zone'))
             WHEN minutes IS NOT NULL THEN 'offset' ELSE local_basis(wall, getvariable('zone')) END
            || CASE WHEN is_bsd AND written_year IS NULL THEN '_year_inferred' ELSE '' END AS time_basis
    FROM walled
), tagged AS (
    SELECT *,
        CASE WHEN regexp_matches(rest, '%[A-Z0-9_-]+-[0-7]-[A-Z0-9_]+ ?:') THEN 'cisco'
             WHEN regexp_matches(rest, '^\s*(?:[^\s:\[]*[^\s:\[] )?(?:-+ )?(?:last message repeated \d+ time|message repeated \d+ times: \[|-- MARK --)') THEN 'repeated'
             ELSE 'tag' END AS kind
    FROM timed
), told AS (
    SELECT *,
        CASE kind
        WHEN 'cisco' THEN regexp_extract(rest,
            '(?s)^\s*(?:([^\s:%]\S*?[^\s:]|[^\s:%])?:? )?:? ?(?:(\d{1,10}): )?(?:[*.]?([A-Z][a-z]{2} {1,2}\d{1,2} [^%]*?): )?(?:%?(?:\S+: )?)??%([A-Z0-9_-]+-([0-7])-[A-Z0-9_]+) ?: ?(.*)$',
            ['host', 'pid', 'facility', 'tag', 'severity', 'message'])
        WHEN 'repeated' THEN regexp_extract(rest, '(?s)^\s*(?:([^\s:\[-]\S*) )??((?:-+ )?(?:last message repeated|message repeated|-- MARK).*)$', ['host', 'message'])
        ELSE regexp_extract(rest,
            '(?s)^\s*(?:([^\s\[:](?:[^\s\[]*[^\s:\[])?) )?(?:<?(kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|ntp|security|console|local[0-7])\.(emerg|panic|alert|crit|err|error|warn|warning|notice|info|debug)>? )?([^\s\[:]+(?:::[^\s\[:]+)*)(?:\[([^\]\s]*)\])?: ?(.*)$',
            ['host', 'facility', 'severity', 'tag', 'pid', 'message']) END::STRUCT(host VARCHAR, facility VARCHAR, severity VARCHAR, tag VARCHAR, pid VARCHAR, message VARCHAR) AS t
    FROM tagged
), named AS (
    SELECT * REPLACE (CASE WHEN kind = 'tag' AND t.tag = '' THEN CASE
            WHEN regexp_matches(rest, '^\s*(?:[^\s\[:](?:[^\s\[]*[^\s:\[])? )?[^\s\[:]+\[\d+\] ') THEN regexp_extract(rest,
                '(?s)^\s*(?:([^\s\[:](?:[^\s\[]*[^\s:\[])?) )?([^\s\[:]+)\[(\d+)\] (.*)$', ['host', 'tag', 'pid', 'message'])
            WHEN regexp_matches(rest, '^\s*\S+ \S+(?: [A-Z(][\w.()-]*){1,4}\[\d+\]:') THEN regexp_extract(rest,
                '(?s)^\s*(\S+) (\S+(?: [A-Z(][\w.()-]*){1,4})\[(\d+)\]: ?(.*)$', ['host', 'tag', 'pid', 'message'])
            WHEN regexp_matches(rest, '^\s*[^\s\[:]+ [\w./-]+ \[') THEN regexp_extract(rest, '(?s)^\s*(\S+) (\S+) (.*)$', ['host', 'tag', 'message'])
            ELSE regexp_extract(rest, '(?s)^\s*(?:(\S+) )?(.*)$', ['host', 'message']) END::STRUCT(host VARCHAR, facility VARCHAR, severity VARCHAR, tag VARCHAR, pid VARCHAR, message VARCHAR)
        ELSE t END AS t)
    FROM told
), sorted AS (
    SELECT *,
        coalesce(nullif(t.host, ''), CASE WHEN is_bsd THEN nullif(b.host_before, '') END) AS host_name,
        nullif(t.tag, '') AS tag, t.message AS message, syslog_program(t.tag) AS program,
        regexp_extract(t.message, '^\[ID (\d+) (\w+)\.(\w+)\] (.*)$', ['id', 'facility', 'severity', 'message']) AS solaris,
        t.tag <> '' AND syslog_is_audit(syslog_program(t.tag), CASE WHEN starts_with(t.message, 'message repeated') THEN syslog_said(t.message) ELSE t.message END)
            OR contains(t.tag, '(pam_') AS is_audit
    FROM named
), described AS (
    SELECT *,
        CASE WHEN is_audit THEN syslog_said(message) END AS said,
        CASE WHEN is_audit THEN syslog_pam(tag, message) END AS pam,
        CASE WHEN is_iso AND pri IS NULL AND (tag IS NULL OR NOT (coalesce(t.pid, '') <> '' OR host_name IS NOT NULL AND (contains(i.time, 'T') OR parts."offset" <> ''))
                  OR severity_number_of(regexp_replace(coalesce(tag, ''), '\W', '', 'g')) IS NOT NULL OR severity_number_of(coalesce(host_name, '')) IS NOT NULL
                  OR regexp_matches(coalesce(host_name, ''), '(?i)^(?:trace|debug|[^\w].*)\d*$') OR NOT regexp_matches(tag, '^[\w./@%()+ -]+$'))
             THEN true ELSE false END AS is_other
    FROM sorted
), ruled AS (
    SELECT *, CASE WHEN is_audit THEN syslog_rule(program, said) END AS rule FROM described
), known AS (
    SELECT *, CASE WHEN is_audit THEN syslog_facts(rule, said) END AS facts FROM ruled
)
SELECT
    CASE WHEN is_audit THEN 'audit' ELSE 'app_log' END AS dataset,
    origin, logged AS raw,
    CASE WHEN NOT is_bsd AND NOT is_iso AND regexp_matches(line, '^(?:-- (?:Logs begin|Journal begins|No entries|Boot |Reboot)|==> .* <==$)') THEN NULL
         WHEN NOT is_bsd AND NOT is_iso THEN 'time: none at the start; expected Nov 22 13:04:05 or 2026-11-22T13:04:05+09:00'
         WHEN pri > 191 THEN 'pri: <' || pri || '> is not a priority; expected 0 to 191'
         WHEN event_time IS NULL AND written_zone IS NOT NULL AND wall IS NOT NULL THEN 'time: zone ' || written_zone || ' is not known; expected UTC, +09:00 or none'
         WHEN event_time IS NULL THEN 'time: ' || left(line, 40) || ' … is not a time; expected Nov 22 13:04:05 or 2026-11-22T13:04:05+09:00'
         WHEN tag IS NULL AND coalesce(message, '') = '' THEN 'message: none after the time; expected web1 nginx[2417]: and the message'
         WHEN is_other THEN 'tag: none after time and host; expected web1 nginx[2417]: and the message' END AS reject_reason,
    NOT is_bsd AND NOT is_iso AND regexp_matches(line, '^(?:-- (?:Logs begin|Journal begins|No entries|Boot |Reboot)|==> .* <==$)') AS ignored,
    event_time, time_basis,
    CASE WHEN kind = 'repeated' AND message <> '' OR tag IS NOT NULL AND (coalesce(t.pid, '') = '' OR kind = 'cisco' OR regexp_matches(coalesce(t.pid, ''), '^[\w./:@-]+$')) 
                  OR tag IS NULL AND message <> '' AND regexp_full_match(coalesce(t.host, ''), '[\d.]+|[0-9a-fA-F]*(?::[0-9a-fA-F.]*){2,7}|[\w-]+(?:\.[\w-]+)+') THEN 'ok' ELSE 'partial' END AS parse_status,
    host_name,
    coalesce(syslog_severity(pri), CASE WHEN kind = 'cisco' THEN syslog_severity(try_cast(t.severity AS INTEGER)) ELSE nullif(t.severity, '') END, nullif(solaris.severity, '')) AS severity_text,
    tag AS logger_name,
    program AS process_name,
    CASE WHEN kind <> 'cisco' THEN try_cast(nullif(coalesce(t.pid, ''), '') AS BIGINT) END AS process_pid,
    syslog_body(CASE WHEN solaris.message <> '' THEN solaris.message ELSE message END) AS body,
    split_part(rule, '.', 1) AS event_action,
    syslog_category(split_part(rule, '.', 1)) AS event_category,
    syslog_outcome(rule, said, facts) AS event_outcome,
    syslog_reason(rule, said, facts) AS event_reason,
    syslog_user(rule, said, facts) AS user_name,
    nullif(facts.address, '') AS client_address,
    syslog_port(facts) AS client_port,
    syslog_auth_method(rule, facts) AS auth_method,
    CASE WHEN pri IS NULL AND NOT is_audit AND kind = 'tag' AND solaris.id = '' AND t.facility = '' AND b."sequence" IN ('') AND NOT (tag IN ('kernel')) AND syslog_repeated(message) = ''
         THEN CASE WHEN coalesce(t.pid, '') <> '' AND try_cast(coalesce(t.pid, '') AS BIGINT) IS NULL THEN MAP {'pid': coalesce(t.pid, '')} ELSE no_attributes() END
         ELSE syslog_attributes(list_concat([
             {'key': 'facility', 'value': coalesce(syslog_facility(pri), CASE WHEN kind <> 'cisco' THEN nullif(t.facility, '') END, nullif(solaris.facility, ''))},
             {'key': 'severity', 'value': CASE WHEN is_audit THEN coalesce(syslog_severity(pri), CASE WHEN kind <> 'cisco' THEN nullif(t.severity, '') END) END},
             {'key': 'pid', 'value': CASE WHEN kind <> 'cisco' AND coalesce(t.pid, '') <> '' AND try_cast(coalesce(t.pid, '') AS BIGINT) IS NULL THEN coalesce(t.pid, '') END},
             {'key': 'tag', 'value': CASE WHEN is_audit AND tag <> program AND NOT contains(tag, '(pam_') THEN tag END},
             {'key': 'sequence', 'value': CASE WHEN kind = 'cisco' AND coalesce(t.pid, '') <> '' THEN coalesce(t.pid, '') WHEN is_bsd THEN b."sequence" END},
             {'key': 'device_time', 'value': CASE WHEN kind = 'cisco' THEN t.facility END},
             {'key': 'message_id', 'value': solaris.id},
             {'key': 'repeated', 'value': syslog_repeated(message)},
             {'key': 'uptime', 'value': CASE WHEN tag = 'kernel' THEN regexp_extract(message, '^\[ *(\d+\.\d+)\]', 1) END},
             {'key': 'pam_module', 'value': pam.module}, {'key': 'pam_service', 'value': pam.service}],
             CASE WHEN rule IS NOT NULL THEN syslog_details(rule, said, facts) END)) END AS attributes
FROM known
