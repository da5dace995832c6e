-- title: Of each state that people are told: keys, amounts, who, and the query of their rows
WITH told AS (
    FROM report.step_odd
), by_currency AS (
    SELECT told, coalesce(left_currency, right_currency) AS currency,
        -- what differs where both sides have it, else what one side has
        sum(CASE WHEN told = 'amount differs' THEN abs(left_amount - right_amount) ELSE coalesce(left_amount, right_amount) END) AS amount
    FROM told GROUP BY told, currency
), amounts AS (
    SELECT told, string_agg(money(amount, currency) || ' ' || currency, ', ' ORDER BY currency) AS amounts FROM by_currency WHERE amount IS NOT NULL GROUP BY told
), by_merchant AS (
    SELECT told, merchant, count(*) AS keys, sum(count(*)) OVER (PARTITION BY told) AS whole, count(*) OVER (PARTITION BY told) AS merchants FROM told GROUP BY told, merchant
), merchants AS (
    SELECT told, CASE WHEN merchant IS NULL AND merchants = 1 THEN 'No merchant is named'
        -- as many of another: none of them stands out
        WHEN alike > 1 THEN 'From ' || plural(merchants, 'merchant')
        WHEN merchant IS NULL THEN human_mostly('rows that name no merchant', keys, whole) ELSE human_mostly('merchant ' || merchant, keys, whole) END AS who
    FROM (SELECT *, count(*) OVER (PARTITION BY told, keys) AS alike FROM by_merchant)
    QUALIFY row_number() OVER (PARTITION BY told ORDER BY keys DESC, merchant) = 1
), events AS (
    SELECT told, unnest(events, max_depth := 2) FROM told
), shown AS (
    SELECT * FROM events QUALIFY row_number() OVER (PARTITION BY told, dataset ORDER BY event_time, event_id) <= 20
), queries AS (
    SELECT told, dataset, 'SELECT event_time, source_name, source_uri, source_line, attributes FROM events_' || dataset || ' WHERE event_date BETWEEN '''
        || min(event_time)::DATE || ''' AND ''' || max(event_time)::DATE || ''' AND event_id IN (' || string_agg(sql_text(event_id), ', ' ORDER BY event_time, event_id) || ') ORDER BY ALL' AS query
    FROM shown GROUP BY told, dataset
), first_query AS (
    SELECT told, min(dataset), arg_min(query, dataset) AS check_sql FROM queries GROUP BY told
)
SELECT told.told, count(*) AS keys, any_value(amounts) AS amounts, any_value(upper(who[1]) || who[2:]) AS who, any_value(check_sql) AS check_sql,
    min(problem) AS problem, sum(problem_rows)::BIGINT AS problem_rows, sum(left_rows + right_rows)::BIGINT AS rows
FROM told LEFT JOIN amounts ON amounts.told = told.told LEFT JOIN merchants ON merchants.told = told.told LEFT JOIN first_query ON first_query.told = told.told
GROUP BY told.told
