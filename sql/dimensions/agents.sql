-- title: what lists say of a user agent: family, crawler, its operator and purpose, and what it does about robots.txt
-- of: metrics_agent_hourly.user_agent_original
-- Reads found: user_agent_original; agent_family, agent_version and os_name by ua-parser-builtins; crawler_name (as it calls itself),
-- crawler_tags, crawler_description and crawler_url by crawler-user-agents.
-- Parameters: lists_version.
WITH documented AS (
    -- What neither package says, as each operator documents it on the page of source. obeys: it keeps to robots.txt; may ignore: the
    -- page says that it need not, mostly since a person asked for the page; NULL: the operator does not say. Google-Extended and
    -- Applebot-Extended are words for robots.txt only: no request carries them.
    FROM (VALUES
        ('GPTBot', 'OpenAI', 'ai_training', 'obeys', 'https://developers.openai.com/api/docs/bots'),
        ('OAI-SearchBot', 'OpenAI', 'ai_search', 'obeys', 'https://developers.openai.com/api/docs/bots'),
        ('ChatGPT-User', 'OpenAI', 'ai_user', 'may ignore', 'https://developers.openai.com/api/docs/bots'),
        ('ClaudeBot', 'Anthropic', 'ai_training', 'obeys', 'https://privacy.claude.com/en/articles/8896518'),
        ('Claude-SearchBot', 'Anthropic', 'ai_search', 'obeys', 'https://privacy.claude.com/en/articles/8896518'),
        ('Claude-User', 'Anthropic', 'ai_user', 'obeys', 'https://privacy.claude.com/en/articles/8896518'),
        ('PerplexityBot', 'Perplexity', 'ai_search', 'obeys', 'https://docs.perplexity.ai/docs/resources/perplexity-crawlers'),
        ('Perplexity-User', 'Perplexity', 'ai_user', 'may ignore', 'https://docs.perplexity.ai/docs/resources/perplexity-crawlers'),
        ('meta-externalagent', 'Meta', 'ai_training', 'obeys', 'https://developers.facebook.com/docs/sharing/webmasters/web-crawlers'),
        ('meta-webindexer', 'Meta', 'ai_search', 'obeys', 'https://developers.facebook.com/docs/sharing/webmasters/web-crawlers'),
        ('meta-externalfetcher', 'Meta', 'ai_user', 'may ignore', 'https://developers.facebook.com/docs/sharing/webmasters/web-crawlers'),
        ('facebookexternalhit', 'Meta', 'social', 'may ignore', 'https://developers.facebook.com/docs/sharing/webmasters/web-crawlers'),
        ('MistralAI-Training', 'Mistral', 'ai_training', 'obeys', 'https://docs.mistral.ai/en/robots'),
        ('MistralAI-Index', 'Mistral', 'ai_search', 'obeys', 'https://docs.mistral.ai/en/robots'),
        ('MistralAI-User', 'Mistral', 'ai_user', NULL, 'https://docs.mistral.ai/en/robots'),
        ('DuckAssistBot', 'DuckDuckGo', 'ai_search', 'obeys', 'https://duckduckgo.com/duckduckgo-help-pages/results/duckassistbot'),
        ('DuckDuckBot', 'DuckDuckGo', 'search', 'obeys', 'https://duckduckgo.com/duckduckgo-help-pages/results/duckduckbot'),
        ('Amazonbot', 'Amazon', 'ai_training', 'obeys', 'https://developer.amazon.com/amazonbot'),
        ('Amzn-SearchBot', 'Amazon', 'ai_search', 'obeys', 'https://developer.amazon.com/amazonbot'),
        ('Amzn-User', 'Amazon', 'ai_user', NULL, 'https://developer.amazon.com/amazonbot'),
        ('CCBot', 'Common Crawl', 'archive', 'obeys', 'https://commoncrawl.org/ccbot'),
        ('Bytespider', 'ByteDance', 'ai_training', NULL, NULL),
        ('Applebot', 'Apple', 'search', 'obeys', 'https://support.apple.com/en-us/119829'),
        ('Googlebot', 'Google', 'search', 'obeys', 'https://developers.google.com/crawling/docs/crawlers-fetchers/google-common-crawlers'),
        ('GoogleOther', 'Google', 'research', 'obeys', 'https://developers.google.com/crawling/docs/crawlers-fetchers/google-common-crawlers'),
        ('Google-CloudVertexBot', 'Google', 'ai_search', 'obeys', 'https://developers.google.com/crawling/docs/crawlers-fetchers/google-common-crawlers'),
        ('AdsBot-Google', 'Google', 'advertising', 'may ignore', 'https://developers.google.com/crawling/docs/crawlers-fetchers/google-special-case-crawlers'),
        ('Mediapartners-Google', 'Google', 'advertising', 'may ignore', 'https://developers.google.com/crawling/docs/crawlers-fetchers/google-special-case-crawlers'),
        ('APIs-Google', 'Google', 'other', 'may ignore', 'https://developers.google.com/crawling/docs/crawlers-fetchers/google-special-case-crawlers'),
        ('FeedFetcher-Google', 'Google', 'feed', 'may ignore', 'https://developers.google.com/crawling/docs/crawlers-fetchers/feedfetcher'),
        ('Google-NotebookLM', 'Google', 'ai_user', 'may ignore', 'https://developers.google.com/crawling/docs/crawlers-fetchers/google-user-triggered-fetchers'),
        ('Google-GeminiNotebook', 'Google', 'ai_user', 'may ignore', 'https://developers.google.com/crawling/docs/crawlers-fetchers/google-user-triggered-fetchers'),
        ('Google-Site-Verification', 'Google', 'other', 'may ignore', 'https://developers.google.com/crawling/docs/crawlers-fetchers/google-user-triggered-fetchers'),
        ('bingbot', 'Microsoft', 'search', 'obeys', 'https://www.bing.com/webmasters/help/which-crawlers-does-bing-use-8c184ec0'),
        ('YandexBot', 'Yandex', 'search', 'obeys', 'https://yandex.com/support/webmaster/robot-workings/check-yandex-robots.html'),
        ('AhrefsBot', 'Ahrefs', 'seo', 'obeys', 'https://ahrefs.com/robot'),
        ('SemrushBot', 'Semrush', 'seo', 'obeys', 'https://www.semrush.com/bot/'),
        ('MJ12bot', 'Majestic', 'seo', 'obeys', 'https://mj12bot.com'),
        ('DotBot', 'Moz', 'seo', 'obeys', 'https://moz.com/help/moz-procedures/crawlers/dotbot')
    ) AS documented (token, operator, purpose, robots_txt, source)
), matched AS (
    SELECT found.user_agent_original, arg_max(documented, length(token)) AS said
    FROM found JOIN documented ON contains(lower(user_agent_original), lower(token)) GROUP BY ALL
), named AS (
    SELECT found.*, said, coalesce(said.token, crawler_name) AS name, coalesce(crawler_tags, []) AS tags FROM found LEFT JOIN matched USING (user_agent_original)
)
SELECT user_agent_original, agent_family, agent_version, os_name,
    name IS NOT NULL AS is_crawler,
    coalesce(starts_with(said.purpose, 'ai_'), false) OR list_contains(tags, 'ai-crawler') AS is_ai_crawler,
    name AS crawler_name,
    said.operator AS crawler_operator,
    CASE WHEN said.purpose IS NOT NULL THEN said.purpose
         WHEN list_contains(tags, 'ai-crawler') THEN 'ai'
         WHEN list_contains(tags, 'search-engine') THEN 'search'
         WHEN list_contains(tags, 'social-preview') THEN 'social'
         WHEN list_contains(tags, 'feed-reader') THEN 'feed'
         WHEN list_contains(tags, 'archiver') THEN 'archive'
         WHEN list_contains(tags, 'academic') THEN 'research'
         WHEN list_contains(tags, 'http-library') THEN 'library'
         WHEN len(tags) > 0 THEN replace(tags[1], '-', '_')
         WHEN name IS NOT NULL THEN 'other' END AS crawler_purpose,
    crawler_description, coalesce(said.source, crawler_url) AS crawler_url,
    said.robots_txt AS robots_txt_policy,
    CASE WHEN said.robots_txt IS NOT NULL THEN said.source END AS robots_txt_source,
    getvariable('lists_version') AS lists_version
FROM named
