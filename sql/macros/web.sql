-- title: request lines, networks, visitors, user agents
CREATE OR REPLACE MACRO request_is_plain(parts) AS
    len(parts) = 3 AND starts_with(parts[3], 'HTTP/')
    AND (parts[1] IN ('GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH') OR regexp_full_match(parts[1], '[A-Za-z_-]{1,20}'));

-- up to a petabyte: a larger size is no size, and its sum would overflow
CREATE OR REPLACE MACRO body_size(text) AS CASE WHEN length(text) <= 15 THEN try_cast(text AS BIGINT) END;

-- what stands before and behind the first ?; both NULL-safe
CREATE OR REPLACE MACRO url_path_of(target) AS CASE WHEN contains(target, '?') THEN nullif(left(target, instr(target, '?') - 1), '') ELSE target END;

CREATE OR REPLACE MACRO url_query_of(target) AS CASE WHEN contains(target, '?') THEN target[instr(target, '?') + 1:] END;

-- "GET /a b HTTP/1.1", "GET /", or bytes of another protocol: what is known of it
CREATE OR REPLACE MACRO odd_request(request) AS regexp_extract(request,
    '^([A-Za-z_-]{1,20}) (\S.*?)(?: HTTP/(\d[\d.]*))?$', ['method', 'target', 'version']);

CREATE OR REPLACE MACRO ipv4_network(address) AS regexp_extract(address, '^(\d+\.\d+\.\d+)\.', 1) || '.0/24';

-- all eight groups of an address written with ::
CREATE OR REPLACE MACRO ipv6_full(padded) AS
    replace(padded, '::', ':' || repeat('0:', 8 - (length(padded) - length(replace(padded, ':', '')))));

-- the first three groups, as RFC 5952 writes them
CREATE OR REPLACE MACRO ipv6_network(address) AS
    regexp_replace(regexp_replace(regexp_extract(ipv6_full(
            CASE WHEN starts_with(address, '::') THEN '0' ELSE '' END || address || CASE WHEN ends_with(address, '::') THEN '0' ELSE '' END),
        '^[^:]*:[^:]*:[^:]*'), '(^|:)0+([0-9a-f])', '\1\2', 'g'), '(:?\b0)+$', '') || '::/48';

CREATE OR REPLACE MACRO network_of(address) AS
    CASE WHEN regexp_full_match(address, '\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}') THEN ipv4_network(address)
         WHEN regexp_full_match(address, '::ffff:\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}', 'i') THEN ipv4_network(address[8:])
         WHEN regexp_full_match(address, '([0-9a-f]{0,4}:){2,8}[0-9a-f]{0,4}', 'i')
              AND (contains(address, '::') OR regexp_full_match(address, '([^:]+:){7}[^:]+')) THEN ipv6_network(lower(address)) END;

CREATE OR REPLACE MACRO bot_pattern() AS
    '(?i)(bot\b|bot/|bots?[-_ ;]|crawl|spider|slurp|archiver|fetch|feed|rss|monitor|uptime|pingdom|probe|scan|zgrab|masscan'
    || '|curl|wget|python|java/|libwww|httpclient|http_client|go-http|okhttp|axios|node-fetch|ruby|perl|php/|scrapy|headless|munin'
    || '|facebookexternalhit|whatsapp|telegram|mediapartners|bingpreview|gptbot|chatgpt|claude|anthropic|perplexity'
    || '|ccbot|bytespider|amazonbot|applebot|google-extended|cohere|chef client|meta-external|meta-webindexer|mistralai|amzn-|google-\w*notebook|gemini-deep'
    -- a browser does not say where to read about it
    || '|https?://)';

-- Cubot makes phones
CREATE OR REPLACE MACRO agent_is_bot(agent) AS
    CASE WHEN regexp_matches(agent, bot_pattern()) THEN regexp_matches(regexp_replace(agent, '(?i)\bcubot\b', ''), bot_pattern()) ELSE false END;

CREATE OR REPLACE MACRO agent_bot_name(agent) AS CASE WHEN agent_is_bot(agent) THEN coalesce(
    nullif(regexp_extract(agent, '(?i)(GPTBot|ChatGPT-User|OAI-SearchBot|ClaudeBot|Claude-User|anthropic-ai|PerplexityBot|Perplexity-User|CCBot'
        || '|Claude-SearchBot|meta-(?:external|webindexer)\w*|MistralAI-\w+|Amzn-\w+|Google-\w*Notebook\w*|Gemini-Deep-Research'
        || '|Bytespider|Amazonbot|Applebot|Google-Extended|cohere-ai|Googlebot-Image|Googlebot|bingbot|BingPreview|YandexBot'
        || '|Baiduspider|DuckDuckBot|AhrefsBot|SemrushBot|MJ12bot|DotBot|UptimeRobot|Pingdom|facebookexternalhit|Slurp)', 1), ''),
    nullif(regexp_extract(agent, '(?i)([\w.+-]*(?:bot|crawler|spider|archiver|fetcher|feed|rss|monitor)[\w.+-]*)', 1), ''),
    nullif(regexp_extract(agent, 'compatible; ?(\w[\w.-]*)/[\d.]+;? \+?https?://', 1), ''),
    nullif(regexp_extract(agent, '^([^/\s;(]+)', 1), '')) END;

CREATE OR REPLACE MACRO agent_bot_category(agent) AS CASE
    WHEN agent IS NULL OR NOT agent_is_bot(agent) THEN 'none'
    WHEN regexp_matches(agent, '(?i)gptbot|chatgpt|oai-search|claude|anthropic|perplexity|ccbot|bytespider|amazonbot|google-extended|cohere'
        || '|meta-external|meta-webindexer|mistralai|amzn-|duckassist|google-\w*notebook|gemini-deep|cloudvertex|deepseek|ai2bot|azureai') THEN 'ai'
    WHEN regexp_matches(agent, '(?i)googlebot|bingbot|bingpreview|yandex|baidu|duckduck|slurp|applebot|msnbot|sogou|seznam|mediapartners') THEN 'search'
    WHEN regexp_matches(agent, '(?i)ahrefs|semrush|mj12|dotbot|rogerbot|screaming frog') THEN 'seo'
    WHEN regexp_matches(agent, '(?i)feed|rss') THEN 'feed'
    WHEN regexp_matches(agent, '(?i)uptime|pingdom|monitor|munin|statuscake|nagios|probe') THEN 'monitor'
    WHEN regexp_matches(agent, '(?i)facebook|whatsapp|telegram|twitterbot|linkedin|slackbot|discord') THEN 'social'
    WHEN regexp_matches(agent, '(?i)archive') THEN 'archive'
    WHEN regexp_matches(agent, '(?i)curl|wget|python|java/|libwww|httpclient|http_client|go-http|okhttp|axios|node-fetch|ruby|perl|php/|scrapy') THEN 'library'
    ELSE 'other' END;

CREATE OR REPLACE MACRO agent_name(agent) AS CASE
    WHEN agent IS NULL THEN NULL
    WHEN agent_is_bot(agent) THEN agent_bot_name(agent)
    WHEN regexp_matches(agent, 'Edg(e|A|iOS)?/') THEN 'Edge'
    WHEN regexp_matches(agent, 'OPR/|Opera') THEN 'Opera'
    WHEN contains(agent, 'SamsungBrowser/') THEN 'Samsung Internet'
    WHEN regexp_matches(agent, 'Firefox/|FxiOS/') THEN 'Firefox'
    WHEN regexp_matches(agent, 'Chrome/|CriOS/') THEN 'Chrome'
    WHEN contains(agent, 'Safari/') THEN 'Safari'
    WHEN regexp_matches(agent, 'MSIE |Trident/') THEN 'Internet Explorer'
    ELSE nullif(regexp_extract(agent, '^([^/\s;(]+)', 1), '') END;
