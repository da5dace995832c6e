-- title: access log lines that are not plain: lists of clients, virtual hosts, the fields of ingress-nginx; JSON of servers
-- "10.0.0.2, 10.0.0.1" 10.2.1.185 - frank: what stands before the time, where the client is a list of X-Forwarded-For
CREATE OR REPLACE MACRO web_server_list_head(head) AS regexp_extract(head, '^(.*?) (-) (.*)$', ['clients', 'identity', 'user']);

CREATE OR REPLACE MACRO web_server_clients(text) AS
    list_filter(regexp_extract_all(text, '[^\s",]+'), lambda client: client <> '-');

-- the address of the client stands second: the first is the virtual host
CREATE OR REPLACE MACRO web_server_host_first(client, identity, remote_user) AS
    contains(remote_user, ' ') AND (
        regexp_matches(client, '^[^:]+:\d{1,5}$')
        OR (identity <> '-' AND starts_with(remote_user, '- '))
        OR regexp_matches(identity, '^\d{1,3}(\.\d{1,3}){3},?$|^[0-9A-Fa-f]*:[0-9A-Fa-f:.]+,?$|,$|^"'));

-- log_format upstreaminfo of ingress-nginx, behind the user agent; several upstreams are separated by comma or colon
CREATE OR REPLACE MACRO web_server_ingress(text) AS regexp_extract(text,
    '^(\d+) ([\d.]+) \[([^\]]*)\] \[([^\]]*)\] ([^ ,]+(?:(?:,| :) [^ ,]+)*) ([^ ,]+(?:(?:,| :) [^ ,]+)*) ([^ ,]+(?:(?:,| :) [^ ,]+)*) ([^ ,]+(?:(?:,| :) [^ ,]+)*) (\S+)(.*)$',
    ['request_length', 'request_time', 'upstream_name', 'alternative_name', 'address', 'length', 'time', 'status', 'id', 'rest']);

-- "0.012", "0.001, 0.020" or "0.001 : 0.020" seconds, one for each upstream that was tried, to milliseconds in all
CREATE OR REPLACE MACRO web_server_seconds(text) AS
    CASE WHEN regexp_full_match(text, '(-|\d{1,9}(\.\d{1,12})?)((,| :) (-|\d{1,9}(\.\d{1,12})?))*')
         THEN round(list_sum(list_transform(regexp_extract_all(text, '\d+(?:\.\d+)?'), lambda part: part::DOUBLE)) * 1000, 6) END;

-- "example.com:8080", "[2001:db8::1]:443" → {host, port}; an IPv6 address without brackets has no port
CREATE OR REPLACE MACRO web_server_host(text) AS
    CASE WHEN regexp_full_match(text, '\[[^\]]*\](:\d{1,5})?') THEN regexp_extract(text, '^\[([^\]]*)\](?::(\d+))?$', ['host', 'port'])
         WHEN regexp_full_match(text, '[^:]*:\d{1,5}') THEN regexp_extract(text, '^([^:]*):(\d+)$', ['host', 'port'])
         ELSE {'host': coalesce(text, ''), 'port': ''} END;

-- "TLSv1.2" → "1.2"
CREATE OR REPLACE MACRO web_server_tls(text) AS nullif(regexp_replace(dash_null(text), '^TLS ?v?(\d)', '\1'), '');

-- RouterName, request_User-Agent → router_name, request_user_agent
CREATE OR REPLACE MACRO web_server_snake(name) AS
    lower(replace(regexp_replace(regexp_replace(name, '([A-Z]+)([A-Z][a-z])', '\1_\2', 'g'), '([a-z0-9])([A-Z])', '\1_\2', 'g'), '-', '_'));

-- an object's fields; NULL for anything else, also for one that repeats a field; TRY, since a condition does not keep
-- DuckDB from evaluating what stands behind it
CREATE OR REPLACE MACRO web_server_entries(text) AS
    TRY(CASE WHEN json_type(text) = 'OBJECT' THEN json_entries(text) END);

CREATE OR REPLACE MACRO web_server_text(entries, names) AS dash_null((json_field(entries, names)).value);

CREATE OR REPLACE MACRO web_server_moment(text) AS
    CASE WHEN text ~ '^\d{9,19}(\.\d{1,30})?$' THEN {'time': TRY(epoch_time(text)), 'basis': 'epoch', 'wrong_weekday': NULL::VARCHAR}
         ELSE moment_in_zone(text, getvariable('zone')) END;

-- times in the text behind the user agent, milliseconds: rt=0.034 … urt="0.030", 0.034 0.030 (nginx: request and upstream
-- time, seconds), 0/34567 (Apache %T/%D, microseconds), 34567us, 34ms
CREATE OR REPLACE MACRO web_server_tail_total(tail) AS coalesce(
    try_cast(regexp_extract(tail, '(?:^|\s)(?:rt|request_time)[=:]"?(\d{1,9}\.\d{1,9})', 1) AS DOUBLE) * 1000,
    try_cast(regexp_extract(tail, '^(?:"[^"]*" )?(\d{1,9}\.\d{1,9}) (?:\d{1,9}\.\d{1,9}|-)(?: |$)', 1) AS DOUBLE) * 1000,
    try_cast(regexp_extract(tail, '^(?:\d{1,9}/)?(\d{1,15})(?:us|$)', 1) AS DOUBLE) / 1000,
    try_cast(regexp_extract(tail, '^(\d{1,15})ms$', 1) AS DOUBLE));

CREATE OR REPLACE MACRO web_server_tail_upstream(tail) AS coalesce(
    try_cast(regexp_extract(tail, '(?:^|\s)(?:urt|upstream_response_time)[=:]"?(\d{1,9}\.\d{1,9})', 1) AS DOUBLE),
    try_cast(regexp_extract(tail, '^(?:"[^"]*" )?\d{1,9}\.\d{1,9} (\d{1,9}\.\d{1,9})(?: |$)', 1) AS DOUBLE)) * 1000;
