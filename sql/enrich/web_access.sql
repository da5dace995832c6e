-- title: network, visitor and robot of a request
SELECT * EXCLUDE (client_network, visitor_id, user_agent_name, is_bot, bot_name, bot_category),
    network_of(client_address) AS client_network,
    md5(concat_ws('|', event_time::DATE, client_address, user_agent_original)) AS visitor_id,
    agent_name(user_agent_original) AS user_agent_name,
    coalesce(agent_is_bot(user_agent_original), false) AS is_bot,
    agent_bot_name(user_agent_original) AS bot_name,
    agent_bot_category(user_agent_original) AS bot_category
FROM enveloped
