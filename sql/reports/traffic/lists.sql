-- title: Lists
-- reads: agents, networks
SELECT 'agents' AS dimension, lists_version FROM agents UNION SELECT 'networks', lists_version FROM networks ORDER BY ALL
