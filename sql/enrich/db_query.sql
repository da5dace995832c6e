-- title: template of a query
SELECT * EXCLUDE (query_template), coalesce(query_template, query_template_of(db_query_text)) AS query_template
FROM enveloped
