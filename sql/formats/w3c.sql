-- title: W3C extended log: IIS, HTTP.sys errors, IIS's own format, Windows firewall, Exchange and other servers' logs with #Fields
-- dataset: web_access, net_flow, app_log
-- detect: ^#Fields:\s*\S|^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (?:\S+ ){1,3}[A-Z_-]{2,20} \S+ \S+ \d{1,5} \S+ \S+ |^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+ \d{1,5} \S+ \d{1,5} (?:HTTP/\S+|-) |^[^,\s]+, [^,]*, \d{1,2}/\d{1,2}/\d{2,4}, \d{1,2}:\d\d:\d\d, 
-- priority: 55
-- heading: ^#Fields:
-- sample: 2026-11-22 13:04:05 198.51.100.10 GET /cart step=2 443 frank 203.0.113.9 Mozilla/5.0+(X11;+Linux+x86_64;+rv:128.0) https://shop.example/ 200 0 0 34
-- limits: date and time are UTC as the W3C draft and IIS have it, date-local and time-local (also of the firewall and of IIS's own format) in the source's zone; a time without a date is rejected; time-taken with a decimal point is seconds, without one milliseconds; + is a space in cs(User-Agent) only; sizes include the headers; lines without #Fields are read where they have IIS's or HTTP.sys's columns
WITH named AS (
    SELECT origin, raw, starts_with(raw, '#') AS ignored, proxy_directive(heading, 'Fields') AS listed FROM records
), cut AS (
    SELECT *, proxy_w3c_cells(raw, listed) AS logged, nullif(listed, '') IS NULL AS is_headless FROM named
), shaped AS (
    SELECT *,
        CASE WHEN is_headless AND proxy_is_iis_native(raw) THEN list_transform(string_split(rtrim(raw, ', '), ','), lambda cell: trim(cell)) ELSE logged END AS cells,
        CASE WHEN NOT is_headless THEN proxy_field_names(listed) WHEN NOT ignored THEN proxy_headless_names(raw, logged) END AS names
    FROM cut
), valued AS (
    SELECT *,
        proxy_cell(names, cells, 'date') AS utc_date,
        proxy_cell(names, cells, 'time') AS utc_time,
        proxy_cell(names, cells, 'date_local') AS local_date,
        proxy_cell(names, cells, 'time_local') AS local_time,
        coalesce(proxy_cell(names, cells, 'date_time'), proxy_cell(names, cells, 'timestamp'), proxy_cell(names, cells, 'x_timestamp')) AS written,
        list_contains(names, 'src_ip') AND list_contains(names, 'dst_ip') AS is_flow,
        list_has_any(names, ['cs_method', 'cs_uri', 'cs_uri_stem', 'cs_uri_path', 'sc_status', 'c_ip']) AS is_request,
        proxy_cell(names, cells, 'sc_status') AS status,
        proxy_cell(names, cells, 'sc_bytes') AS sent,
        proxy_cell(names, cells, 'cs_bytes') AS received,
        coalesce(proxy_cell(names, cells, 'time_taken'), proxy_cell(names, cells, 'time_taken_ms')) AS taken,
        coalesce(proxy_cell(names, cells, 'cs_uri_stem'), proxy_cell(names, cells, 'cs_uri_path')) AS stem,
        proxy_cell(names, cells, 'cs_uri') AS uri,
        proxy_cell(names, cells, 'cs_uri_query') AS query
    FROM shaped
), timed AS (
    SELECT * EXCLUDE (status, sent, received, taken),
        CASE WHEN utc_date IS NOT NULL AND utc_time IS NOT NULL AND NOT is_flow THEN iso_parts(utc_date || ' ' || utc_time) END AS parts,
        CASE WHEN utc_date IS NOT NULL AND utc_time IS NOT NULL AND is_flow THEN proxy_moment(utc_date || ' ' || utc_time)
             WHEN local_date IS NOT NULL AND local_time IS NOT NULL THEN proxy_moment(local_date || ' ' || local_time)
             WHEN utc_date IS NULL AND written IS NOT NULL THEN proxy_moment(written) END AS m,
        status, try_cast(status AS SMALLINT) AS status_code,
        sent, body_size(sent) AS sent_bytes,
        received, body_size(received) AS received_bytes,
        taken, CASE WHEN regexp_full_match(taken, '\d{1,15}') THEN try_cast(taken AS DOUBLE) ELSE proxy_seconds(taken) END AS milliseconds
    FROM valued
), judged AS (
    SELECT *, CASE WHEN parts IS NOT NULL THEN proxy_iso_time(parts) ELSE m.time END AS event_time,
        (status IS NOT NULL AND status_code IS NULL) OR (sent IS NOT NULL AND sent_bytes IS NULL)
            OR (received IS NOT NULL AND received_bytes IS NULL) OR (taken IS NOT NULL AND milliseconds IS NULL) AS is_odd
    FROM timed
)
SELECT
    origin, raw, ignored,
    CASE WHEN is_flow THEN 'net_flow' WHEN is_request THEN 'web_access' ELSE 'app_log' END AS dataset,
    CASE WHEN ignored THEN NULL
         WHEN names IS NULL THEN 'fields: no #Fields: before this line, and not the columns of IIS; expected 2026-11-22 13:04:05 …'
         WHEN utc_date IS NULL AND local_date IS NULL AND written IS NULL
         THEN 'date: none in the line; expected a field date, such as 2026-11-22'
         WHEN event_time IS NULL
         THEN 'time: ' || left(coalesce(concat_ws(' ', coalesce(utc_date, local_date), coalesce(utc_time, local_time)), '') || coalesce(written, ''), 60)
              || ' is not a date and a time; expected 2026-11-22 13:04:05' END AS reject_reason,
    event_time,
    CASE WHEN parts IS NOT NULL THEN 'offset' ELSE m.basis END AS time_basis,
    CASE WHEN is_odd OR len(cells) < len(names) THEN 'partial' ELSE 'ok' END AS parse_status,
    proxy_cell(names, cells, 's_computername') AS host_name,
    proxy_unlinked(proxy_cell(names, cells, 'c_ip')) AS client_address,
    proxy_cell(names, cells, 'cs_username') AS user_name,
    proxy_cell(names, cells, 'cs_method') AS http_request_method,
    coalesce(stem, url_path_of(uri)) AS url_path,
    CASE WHEN query IS NOT NULL THEN ltrim(left(query, 1), '?') || query[2:] WHEN stem IS NULL THEN url_query_of(uri) END AS url_query,
    proxy_http_version(coalesce(proxy_cell(names, cells, 'cs_version'), proxy_cell(names, cells, 'cs_protocol_version'))) AS network_protocol_version,
    status_code AS http_response_status_code,
    received_bytes AS http_request_body_size_bytes,
    sent_bytes AS http_response_body_size_bytes,
    CASE WHEN NOT is_flow THEN milliseconds END AS duration_ms,
    coalesce(proxy_cell(names, cells, 'cs_referer'), proxy_cell(names, cells, 'cs_referrer')) AS http_request_referrer,
    proxy_plus_decoded(coalesce(proxy_cell(names, cells, 'cs_user_agent'), proxy_cell(names, cells, 'c_agent'))) AS user_agent_original,
    proxy_cell(names, cells, 'cs_host') AS server_address,
    proxy_cell(names, cells, 'src_ip') AS source_address,
    try_cast(proxy_cell(names, cells, 'src_port') AS INTEGER) AS source_port,
    proxy_cell(names, cells, 'dst_ip') AS destination_address,
    try_cast(proxy_cell(names, cells, 'dst_port') AS INTEGER) AS destination_port,
    lower(proxy_cell(names, cells, 'protocol')) AS network_transport,
    body_size(proxy_cell(names, cells, 'size')) AS network_bytes,
    CASE proxy_cell(names, cells, 'action') WHEN 'ALLOW' THEN 'accept' WHEN 'DROP' THEN 'reject' ELSE lower(proxy_cell(names, cells, 'action')) END AS flow_action,
    CASE WHEN is_flow OR is_request THEN NULL ELSE raw END AS body,
    CASE WHEN ignored THEN no_attributes() ELSE proxy_other_cells(names, cells,
        CASE WHEN is_flow THEN ['date', 'time', 'src_ip', 'src_port', 'dst_ip', 'dst_port', 'protocol', 'size', 'action']
             WHEN NOT is_request THEN ['date', 'time', 'date_time', 'date_local', 'time_local']
             ELSE ['date', 'time', 'date_local', 'time_local', 'c_ip', 'cs_username', 'cs_method', 'cs_version', 'cs_host',
                   'cs_user_agent', 'c_agent', 'cs_referer', 'cs_referrer', 'cs_uri_stem', 'cs_uri_path', 'cs_uri_query',
                   CASE WHEN stem IS NULL THEN 'cs_uri' END,
                   CASE WHEN status_code IS NOT NULL THEN 'sc_status' END,
                   CASE WHEN sent_bytes IS NOT NULL THEN 'sc_bytes' END,
                   CASE WHEN received_bytes IS NOT NULL THEN 'cs_bytes' END,
                   CASE WHEN milliseconds IS NOT NULL THEN 'time_taken' END,
                   CASE WHEN milliseconds IS NOT NULL THEN 'time_taken_ms' END] END) END AS attributes
FROM judged
