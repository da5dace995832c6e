-- title: Heaviest clients
-- note: Networks by bandwidth.
-- reads: metrics_client_hourly
WITH parts AS (
    SELECT client_network, coalesce(user_agent_name, '(no user agent)') AS agent, sum(requests)::BIGINT AS requests, sum(bytes)::BIGINT AS bytes
    FROM metrics_client_hourly GROUP BY ALL
)
SELECT coalesce(client_network, '(no address)') AS client_network, arg_max(agent, (requests, agent)) AS mostly,
    sum(requests)::BIGINT AS requests, sum(bytes)::BIGINT AS bytes
FROM parts GROUP BY client_network ORDER BY bytes DESC, client_network LIMIT 10
