-- title: AWS VPC and Transit Gateway flow log
-- dataset: net_flow
-- detect: ^(?:\d{4}-\d\d-\d\dT\S+Z )?\d{1,2} (?:\d{12}|unknown) (?:eni-\S+|-) \S+ \S+ |^(?:\d{4}-\d\d-\d\dT\S+Z )?\d TransitGateway |^(?:[a-z][a-z0-9]*(?:[-_][a-z0-9]+)* )*(?:interface[-_]id|pkt[-_]srcaddr|srcaddr|log[-_]status)(?: [a-z][a-z0-9]*(?:[-_][a-z0-9]+)*)*\r?$
-- heading: ^(?:[a-z][a-z0-9]*(?:[-_][a-z0-9]+)* )*(?:version|account[-_]id|interface[-_]id|pkt[-_]srcaddr|srcaddr|log[-_]status)(?: [a-z][a-z0-9]*(?:[-_][a-z0-9]+)*)*\r?$
-- priority: 60
-- options: columns: names of the fields of a custom format that has no header line, separated by spaces or commas, or the format string itself (${version} ${account-id} …)
-- sample: 2 123456789012 eni-1235b8ca123456789 203.0.113.139 198.51.100.21 20641 22 6 20 4249 1795352645 1795352705 ACCEPT OK
-- limits: without a header line and the option columns the default formats of version 2 and of Transit Gateways are read; a custom format without start and end has the landing hour as its time
WITH split AS (
    SELECT origin, raw,
        regexp_full_match(raw, '(?:[a-z][a-z0-9]*(?:[-_][a-z0-9]+)* )*(?:version|account[-_]id|interface[-_]id|pkt[-_]srcaddr|srcaddr|log[-_]status)(?: [a-z][a-z0-9]*(?:[-_][a-z0-9]+)*)*') AS ignored,
        string_split(regexp_replace(trim(raw), '^\d{4}-\d\d-\d\dT\S+Z ', ''), ' ') AS c,
        CASE WHEN getvariable('options')['columns'] IS NOT NULL
             THEN regexp_extract_all(lower(getvariable('options')['columns']), '[a-z][a-z0-9_-]*') END AS declared,
        CASE WHEN heading <> '' THEN string_split(trim(heading), ' ') END AS headed
    FROM records
), named AS (
    SELECT *, declared IS NULL AND headed IS NULL AS is_default,
        CASE WHEN declared IS NOT NULL THEN list_transform(declared, lambda name: replace(name, '-', '_'))
             WHEN headed IS NOT NULL THEN list_transform(headed, lambda name: replace(name, '-', '_'))
             WHEN c[2] = 'TransitGateway' THEN
                ['version', 'resource_type', 'account_id', 'tgw_id', 'tgw_attachment_id', 'tgw_src_vpc_account_id', 'tgw_dst_vpc_account_id',
                 'tgw_src_vpc_id', 'tgw_dst_vpc_id', 'tgw_src_subnet_id', 'tgw_dst_subnet_id', 'tgw_src_eni', 'tgw_dst_eni', 'tgw_src_az_id',
                 'tgw_dst_az_id', 'tgw_pair_attachment_id', 'srcaddr', 'dstaddr', 'srcport', 'dstport', 'protocol', 'packets', 'bytes', 'start', 'end',
                 'log_status', 'type', 'packets_lost_no_route', 'packets_lost_blackhole', 'packets_lost_mtu_exceeded', 'packets_lost_ttl_expired',
                 'tcp_flags', 'region', 'flow_direction', 'pkt_src_aws_service', 'pkt_dst_aws_service']
             ELSE ['version', 'account_id', 'interface_id', 'srcaddr', 'dstaddr', 'srcport', 'dstport', 'protocol', 'packets', 'bytes',
                   'start', 'end', 'action', 'log_status'] END AS names
    FROM split
), certain AS (
    SELECT *, len(names) AS width, cloud_sure(c, len(names)) AS s FROM named
), picked AS (
    SELECT *,
        s[list_position(names, 'srcaddr')] AS srcaddr, s[list_position(names, 'dstaddr')] AS dstaddr,
        s[list_position(names, 'srcport')] AS srcport, s[list_position(names, 'dstport')] AS dstport,
        s[list_position(names, 'protocol')] AS protocol, s[list_position(names, 'interface_id')] AS interface_id,
        s[list_position(names, 'packets')] AS packets, s[list_position(names, 'bytes')] AS bytes,
        s[list_position(names, 'start')] AS begun, s[list_position(names, 'end')] AS ended,
        s[list_position(names, 'action')] AS action,
        list_position(names, 'start') IS NOT NULL OR list_position(names, 'end') IS NOT NULL AS has_time
    FROM certain
), read AS (
    SELECT *, cloud_epoch(begun) AS start_time, cloud_epoch(ended) AS end_time,
        try_cast(cloud_count(srcport) AS USMALLINT) AS source_port, try_cast(cloud_count(dstport) AS USMALLINT) AS destination_port,
        cloud_count(packets) AS packet_count, cloud_count(bytes) AS byte_count,
        CASE WHEN regexp_full_match(protocol, '\d{1,3}') THEN cloud_transport(protocol) END AS transport
    FROM picked
), judged AS (
    SELECT *, CASE WHEN len(c) < width THEN len(c) END AS cut_place,
        ['srcaddr', 'dstaddr', 'interface_id', 'action', CASE WHEN cloud_is_number(srcport, source_port) THEN 'srcport' END,
         CASE WHEN cloud_is_number(dstport, destination_port) THEN 'dstport' END, CASE WHEN cloud_is_number(protocol, transport) THEN 'protocol' END,
         CASE WHEN cloud_is_number(packets, packet_count) THEN 'packets' END, CASE WHEN cloud_is_number(bytes, byte_count) THEN 'bytes' END,
         CASE WHEN cloud_is_number(begun, start_time) THEN 'start' END, CASE WHEN cloud_is_number(ended, end_time) THEN 'end' END] AS taken
    FROM read
), listed AS (
    SELECT *, list_filter(list_append(
        list_transform(list_zip(names, c[1:width]), lambda pair, place: {'key': pair[1], 'value':
            CASE WHEN place = cut_place OR NOT list_contains(taken, pair[1]) THEN dash_null(pair[2]) END}),
        {'key': 'extra', 'value': cloud_extra(c, width)}), lambda entry: entry.key IS NOT NULL AND entry.value IS NOT NULL) AS entries
    FROM judged
)
SELECT
    origin, raw, ignored,
    CASE WHEN is_default AND NOT regexp_full_match(c[1], '\d{1,2}')
         THEN 'version: ' || left(c[1], 60) || ' is none; expected 2, or a header line or the option columns that name the fields'
         WHEN is_default AND NOT coalesce(regexp_full_match(srcaddr, '-|\d+\.\d+\.\d+\.\d+|[0-9a-fA-F.]*:[0-9a-fA-F.:]*'), false)
         THEN 'srcaddr: ' || coalesce(left(srcaddr, 60), 'none') || ' is no address; expected 203.0.113.139 as the '
              || list_position(names, 'srcaddr') || 'th field, or a header line or the option columns that name the fields'
         WHEN is_default AND NOT coalesce(regexp_full_match(action, 'ACCEPT|REJECT|-'), true)
         THEN 'action: ' || left(action, 60) || ' is none; expected ACCEPT, REJECT or -'
         WHEN has_time AND start_time IS NULL AND end_time IS NULL
         THEN 'start: ' || coalesce(left(begun, 60), 'none') || ' is no time; expected seconds since 1970 such as 1795352645'
         WHEN len(c) < 2 AND width > 1 THEN 'fields: 1 of them; expected ' || width || ', separated by spaces' END AS reject_reason,
    CASE WHEN has_time THEN coalesce(start_time, end_time)
         WHEN origin.wrapper_time IS NULL THEN getvariable('landing')::TIMESTAMP END AS event_time,
    CASE WHEN has_time THEN 'epoch' ELSE 'landing_hour' END AS time_basis,
    CASE WHEN len(c) < width OR list_contains(list_transform(taken, lambda name: name IS NULL), true) THEN 'partial' ELSE 'ok' END AS parse_status,
    dash_null(srcaddr) AS source_address,
    source_port,
    dash_null(dstaddr) AS destination_address,
    destination_port,
    transport AS network_transport,
    dash_null(interface_id) AS network_interface_name,
    byte_count AS network_bytes,
    packet_count AS network_packets,
    end_time,
    (epoch_us(end_time) - epoch_us(start_time)) / 1000 AS duration_ms,
    lower(dash_null(action)) AS flow_action,
    cloud_map(entries) AS attributes
FROM listed
