-- title: Linux audit log (auditd), raw, enriched or with a node name
-- dataset: audit
-- detect: ^(?:node=\S+ )?type=\S+ msg=audit\(
-- priority: 60
-- sample: type=USER_AUTH msg=audit(1795352645.243:24287): pid=1412 uid=0 auid=1000 ses=3 msg='op=PAM:authentication acct="mori" exe="/usr/sbin/sshd" hostname=203.0.113.9 addr=203.0.113.9 terminal=ssh res=failed'
-- limits: one row per record, not per event: records of one event share the attribute sequence; hexadecimal values are decoded in the fields that auditd encodes; the names that the enriched format adds have the suffix _name
WITH headed AS (
    SELECT *, regexp_extract(raw,
        '(?s)^(?:node=(\S+) )?type=(\S+) msg=audit\((\d+\.\d+|[^():]+ \d\d:\d\d:\d\d(?:[.,]\d+)?|[\dT:.+-]+):(\d+)\)(?: ?: ?(.*))?$', ['node', 'type', 'time', 'sequence', 'rest']) AS h
    FROM records
), timed AS (
    SELECT *, CASE WHEN regexp_matches(h.time, '^\d+\.\d+$') THEN epoch_time(h.time) END AS epoch,
        CASE WHEN h.time <> '' AND NOT regexp_matches(h.time, '^\d+\.\d+$') THEN moment(h.time) END AS m,
        split_part(h.rest, chr(29), 1) AS plain, split_part(h.rest, chr(29), 2) AS enriched
    FROM headed
), parted AS (
    SELECT *, regexp_extract(plain, '(?s)^(.*?)\bmsg=''(.*?)''?\s*$', ['outer', 'inner']) AS p FROM timed
), prepared AS (
    SELECT *,
        regexp_replace(regexp_replace(CASE WHEN p."outer" = '' AND p."inner" = '' THEN plain ELSE p."outer" END, '\b(old|new) (auid|ses)=', '\1_\2=', 'g'),
                       '^(?:user|tty|login) (pid=)', '\1') AS outer_text,
        CASE WHEN contains(p."inner", '(hostname=') THEN regexp_replace(regexp_replace(p."inner", '[(),]', ' ', 'g'), ' : ', ' ', 'g') ELSE p."inner" END AS inner_text
    FROM parted
), cut AS (
    SELECT *, audit_fields(outer_text) AS outer_fields, audit_fields(inner_text) AS inner_fields, audit_fields(enriched) AS enriched_fields,
        regexp_extract(outer_text, '^avc: +(denied|granted) +\{ *([^}]*?) *\}', ['result', 'permissions']) AS avc
    FROM prepared
), joined AS (
    SELECT *, list_concat(
            list_transform(outer_fields, lambda field: {'key': field.key, 'value': audit_value(h.type, field.key, field.value)}),
            list_transform(inner_fields, lambda field: {
                'key': CASE WHEN list_contains(list_transform(outer_fields, lambda other: other.key), field.key) THEN 'msg.' || field.key ELSE field.key END,
                'value': audit_value(h.type, field.key, field.value)}),
            list_transform(enriched_fields, lambda field: {'key': field.key || '_name', 'value': audit_value(h.type, '', field.value)})) AS fields
    FROM cut
), found AS (
    SELECT *,
        audit_field(fields, 'acct') AS acct, audit_field(fields, 'comm') AS comm, audit_field(fields, 'exe') AS exe,
        audit_field(fields, 'addr') AS addr, audit_field(fields, 'hostname') AS hostname, audit_field(fields, 'pid') AS pid,
        coalesce(audit_field(fields, 'res'), audit_field(fields, 'success')) AS result,
        audit_field(fields, 'op') AS op, audit_field(fields, 'reason') AS reason,
        audit_field(fields, 'saddr') AS saddr, coalesce(audit_field(fields, 'user'), CASE WHEN h.type NOT IN ('SYSCALL', 'PATH') THEN audit_field(fields, 'id_name') END, audit_field(fields, 'uid_name')) AS other_user
    FROM joined
)
SELECT
    origin, raw,
    CASE WHEN h.type = '' AND raw NOT LIKE 'type=%' AND raw NOT LIKE 'node=%' THEN 'type: none at the start; expected type=SYSCALL msg=audit(1795352645.243:24287):'
         WHEN h.type = '' THEN 'msg: no audit(time:serial) after the type; expected msg=audit(1795352645.243:24287):'
         WHEN coalesce(epoch, m.time) IS NULL THEN 'time: ' || left(h.time, 60) || ' is not a time; expected seconds since 1970 as 1795352645.243' END AS reject_reason,
    raw = '----' OR regexp_matches(raw, '^time->') AS ignored,
    coalesce(epoch, m.time) AS event_time,
    CASE WHEN epoch IS NOT NULL THEN 'epoch' ELSE m.basis END AS time_basis,
    CASE WHEN NOT regexp_matches(raw, '^(?:node=\S+ )?type=\S+ msg=audit\([^)]*\) ?:') OR (contains(plain, ' msg=''') AND NOT regexp_matches(plain, '''\s*$'))
              OR (pid IS NOT NULL AND try_cast(pid AS BIGINT) IS NULL) THEN 'partial' ELSE 'ok' END AS parse_status,
    nullif(h.node, '') AS host_name,
    h.type AS event_action,
    audit_category(h.type) AS event_category,
    CASE WHEN result IN ('success', 'yes', '1') THEN 'success' WHEN result IN ('failed', 'fail', 'failure', 'no', '0') THEN 'failure'
         WHEN avc.result = 'denied' THEN 'failure' WHEN avc.result = 'granted' THEN 'success' END AS event_outcome,
    coalesce(reason, CASE WHEN avc.result = 'denied' THEN 'denied { ' || avc.permissions || ' }' END) AS event_reason,
    coalesce(acct, other_user) AS user_name,
    coalesce(addr, CASE WHEN h.type = 'MAC_IPSEC_EVENT' THEN audit_field(fields, 'src') END, CASE WHEN starts_with(h.type, 'USER_') OR starts_with(h.type, 'CRED_') OR starts_with(h.type, 'CRYPTO_') THEN hostname END) AS client_address,
    CASE WHEN addr IS NOT NULL AND length(audit_field(fields, 'rport')) <= 5 THEN try_cast(audit_field(fields, 'rport') AS INTEGER) END AS client_port,
    CASE WHEN h.type IN ('USER_AUTH', 'USER_LOGIN') THEN CASE WHEN op IN ('pubkey', 'pubkey_auth', 'key') THEN 'publickey' WHEN op IN ('password', 'gssapi', 'hostbased') THEN op END END AS auth_method,
    coalesce(comm, nullif(regexp_extract(exe, '([^/]+)$', 1), '')) AS process_name,
    try_cast(pid AS BIGINT) AS process_pid,
    nullif(h.rest, '') AS body,
    attributes_of(list_filter(list_concat([
        {'key': 'sequence', 'value': h."sequence"},
        {'key': 'permissions', 'value': nullif(avc.permissions, '')},
        {'key': 'saddr_address', 'value': audit_inet_address(saddr)},
        {'key': 'saddr_port', 'value': audit_inet_port(saddr)},
        {'key': 'wrong_weekday', 'value': m.wrong_weekday}], fields),
        lambda field: field.value IS NOT NULL AND NOT (
            field.key IN ('acct', 'comm', 'addr', 'reason', 'success')
            OR (field.key = 'user' AND acct IS NULL) OR (field.key = 'pid' AND try_cast(pid AS BIGINT) IS NOT NULL)
            OR (field.key = 'res' AND result IN ('success', 'yes', '1', 'failed', 'fail', 'failure', 'no', '0'))
            OR (field.key = 'rport' AND addr IS NOT NULL)
            OR (field.key = 'src' AND h.type = 'MAC_IPSEC_EVENT')
            OR (field.key = 'hostname' AND addr IS NULL AND (starts_with(h.type, 'USER_') OR starts_with(h.type, 'CRED_') OR starts_with(h.type, 'CRYPTO_')))))) AS attributes
FROM found
