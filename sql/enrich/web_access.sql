-- title: network and robot of a request
SELECT * EXCLUDE (client_network, user_agent_name, is_bot, bot_name, bot_category),
    network_of(client_address) AS client_network,
    agent_name(user_agent_original) AS user_agent_name,
    coalesce(agent_is_bot(user_agent_original), false) AS is_bot,
    agent_bot_name(user_agent_original) AS bot_name,
    agent_bot_category(user_agent_original) AS bot_category
FROM enveloped
