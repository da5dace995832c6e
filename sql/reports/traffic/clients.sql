-- title: Heaviest clients
-- note: Networks by bandwidth.
-- reads: metrics_client_hourly, networks
WITH parts AS (
    SELECT client_network, coalesce(user_agent_name, '(no user agent)') AS agent, sum(requests)::BIGINT AS requests, sum(bytes)::BIGINT AS bytes
    FROM metrics_client_hourly GROUP BY ALL
), clients AS (
    SELECT client_network, arg_max(agent, (requests, agent)) AS mostly, sum(requests)::BIGINT AS requests, sum(bytes)::BIGINT AS bytes
    FROM parts GROUP BY client_network
)
SELECT coalesce(client_network, '(no address)') AS client_network, mostly,
    geo_country_iso_code AS country, as_organization_name AS organization, requests, bytes
FROM clients LEFT JOIN networks USING (client_network) ORDER BY bytes DESC, client_network LIMIT 10
