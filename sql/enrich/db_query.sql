-- title: template of a query
SELECT * EXCLUDE (query_template), coalesce(query_template, nullif(query_template_of(db_query_text, db_system_name), '')) AS query_template
FROM enveloped
