-- title: Objects that could not be read
-- reads: ledger
SELECT 'bad' AS level, count(problem)::DOUBLE AS rank, 'Objects not read' AS headline,
    plural(count(problem), 'object') || ' of ' || source_name || ' quarantined whole' AS number,
    source_name || ' landed ' || plural(count(*), 'object') || ' in these hours' AS baseline,
    'First: ' || arg_min(key || ', ' || problem, (landing_hour, key)) FILTER (problem IS NOT NULL) AS who,
    'SELECT uri, problem FROM ledger WHERE problem IS NOT NULL AND source_name = ' || sql_text(source_name)
        || ' AND ' || sql_landed(getvariable('first_hour'), getvariable('last_hour')) AS check_sql
FROM ledger GROUP BY source_name HAVING count(problem) > 0
