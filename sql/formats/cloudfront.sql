-- title: Amazon CloudFront standard access log
-- dataset: web_access
-- detect: ^#Fields: .*x-edge-|^\d{4}-\d\d-\d\d\t\d\d:\d\d:\d\d\t
-- priority: 60
-- heading: ^#Fields:
-- sample: 2026-11-22	13:04:05	NRT57-P3	5123	203.0.113.9	GET	d111111abcdef8.cloudfront.net	/img/logo.png	200	https://shop.example/	Mozilla/5.0%20(X11;%20Linux%20x86_64)	v=3	-	Hit	SOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==	shop.example	https	245	0.034	-	TLSv1.3	TLS_AES_128_GCM_SHA256	Hit	HTTP/2.0	-	-	41320	0.033	Hit	image/png	4876	-	-
-- limits: lines without #Fields are read as the documented 33 columns; url_path and url_query as logged, user agent, referrer and cookie percent-decoded; sizes include the headers; real-time logs have other columns
WITH named AS (
    SELECT origin, raw, starts_with(raw, '#') AS ignored, proxy_directive(heading, 'Fields') AS listed, string_split(raw, chr(9)) AS cells FROM records
), shaped AS (
    SELECT * EXCLUDE (listed),
        proxy_field_names(coalesce(nullif(listed, ''), proxy_cloudfront_columns())) AS names,
        -- what servers log and CloudFront never does
        coalesce(regexp_matches(listed, '(?:^|\s)(?:s-[a-z]|cs-username|cs-uri(?:\s|$)|cs-version|sc-substatus|sc-win32-status|c-dns)'), false) AS is_foreign
    FROM named
), valued AS (
    SELECT *,
        proxy_cell(names, cells, 'date') AS date_text,
        proxy_cell(names, cells, 'time') AS time_text,
        coalesce(proxy_cell(names, cells, 'timestamp_ms'), proxy_cell(names, cells, 'timestamp')) AS epoch_text,
        proxy_cell(names, cells, 'sc_status') AS status,
        proxy_cell(names, cells, 'sc_bytes') AS sent,
        proxy_cell(names, cells, 'cs_bytes') AS received,
        proxy_cell(names, cells, 'time_taken') AS taken,
        proxy_cell(names, cells, 'cs_host') AS distribution_host,
        proxy_cell(names, cells, 'x_host_header') AS asked_host,
        coalesce(proxy_cell(names, cells, 'cs_user_agent'), proxy_cell(names, cells, 'c_user_agent')) AS agent_logged
    FROM shaped
), timed AS (
    SELECT * EXCLUDE (status, sent, received, taken, agent_logged),
        iso_parts(date_text || ' ' || time_text) AS parts,
        status, nullif(try_cast(status AS SMALLINT), 0) AS status_code,
        sent, body_size(sent) AS sent_bytes,
        received, body_size(received) AS received_bytes,
        taken, proxy_seconds(taken) AS milliseconds,
        proxy_decoded(agent_logged) AS agent
    FROM valued
), judged AS (
    SELECT *, coalesce(proxy_iso_time(parts), proxy_epoch(epoch_text)) AS event_time,
        (try_cast(status AS SMALLINT) IS NULL AND status IS NOT NULL) OR (sent IS NOT NULL AND sent_bytes IS NULL)
            OR (received IS NOT NULL AND received_bytes IS NULL) OR (taken IS NOT NULL AND milliseconds IS NULL) AS is_odd
    FROM timed
)
SELECT
    origin, raw, ignored,
    CASE WHEN ignored THEN NULL
         WHEN is_foreign THEN 'heading: fields that CloudFront does not have, such as s-ip or cs-uri; expected those of CloudFront, such as x-edge-location (is this w3c?)'
         WHEN len(cells) < 2 THEN 'fields: no tab in the line; expected tab-separated values in the order of #Fields:'
         WHEN date_text IS NULL AND epoch_text IS NULL THEN 'date: none in the line; expected a field date, such as 2026-11-22'
         WHEN event_time IS NULL
         THEN 'time: ' || left(coalesce(date_text || ' ' || coalesce(time_text, ''), epoch_text), 60) || ' is not a date and a time; expected 2026-11-22 and 13:04:05'
    END AS reject_reason,
    event_time,
    CASE WHEN date_text IS NULL THEN 'epoch' ELSE 'offset' END AS time_basis,
    CASE WHEN is_odd OR len(cells) < len(names) THEN 'partial' ELSE 'ok' END AS parse_status,
    proxy_cell(names, cells, 'c_ip') AS client_address,
    proxy_cell(names, cells, 'cs_method') AS http_request_method,
    proxy_cell(names, cells, 'cs_uri_stem') AS url_path,
    proxy_cell(names, cells, 'cs_uri_query') AS url_query,
    proxy_http_version(proxy_cell(names, cells, 'cs_protocol_version')) AS network_protocol_version,
    status_code AS http_response_status_code,
    received_bytes AS http_request_body_size_bytes,
    sent_bytes AS http_response_body_size_bytes,
    milliseconds AS duration_ms,
    proxy_decoded(coalesce(proxy_cell(names, cells, 'cs_referer'), proxy_cell(names, cells, 'c_referrer'))) AS http_request_referrer,
    -- before 2020 the agent was encoded twice
    CASE WHEN contains(agent, '%20') AND NOT contains(agent, ' ') THEN proxy_decoded(agent) ELSE agent END AS user_agent_original,
    coalesce(asked_host, distribution_host) AS server_address,
    proxy_tls_version(proxy_cell(names, cells, 'ssl_protocol')) AS tls_protocol_version,
    CASE WHEN ignored THEN no_attributes() ELSE attributes_of(
        [{'key': 'cs_cookie', 'value': proxy_decoded(proxy_cell(names, cells, 'cs_cookie'))}]
        || map_entries(proxy_other_cells(names, cells,
            ['date', 'time', 'c_ip', 'cs_method', 'cs_uri_stem', 'cs_uri_query', 'cs_protocol_version', 'cs_referer', 'c_referrer',
             'cs_user_agent', 'c_user_agent', 'x_host_header', 'ssl_protocol', 'cs_cookie',
             CASE WHEN asked_host IS NULL THEN 'cs_host' END,
             CASE WHEN date_text IS NULL AND names[1] = 'timestamp' THEN 'timestamp' END,
             CASE WHEN status_code IS NOT NULL THEN 'sc_status' END,
             CASE WHEN sent_bytes IS NOT NULL THEN 'sc_bytes' END,
             CASE WHEN received_bytes IS NOT NULL THEN 'cs_bytes' END,
             CASE WHEN milliseconds IS NOT NULL THEN 'time_taken' END]))) END AS attributes
FROM judged
