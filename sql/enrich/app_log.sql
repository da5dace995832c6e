-- title: severity number, stack trace, template and fingerprint of a message
-- A format gives severity_text and the whole message as body; what it says of the others itself stays.
WITH traced AS (
    SELECT * EXCLUDE (exception_stacktrace),
        coalesce(exception_stacktrace, CASE WHEN contains(body, chr(10)) THEN nullif(trace_of(body), '') END) AS exception_stacktrace,
        exception_stacktrace IS NULL AS is_in_body
    FROM enveloped
), cut AS (
    SELECT * EXCLUDE (body, exception_type, exception_message, severity_number, is_in_body),
        CASE WHEN is_in_body AND exception_stacktrace IS NOT NULL
             THEN nullif(rtrim(left(body, length(body) - length(exception_stacktrace)), chr(10) || chr(9) || ' '), '') ELSE body END AS body,
        CASE WHEN exception_stacktrace IS NOT NULL THEN exception_of(exception_stacktrace) END AS found,
        exception_type AS given_type, exception_message AS given_message,
        coalesce(severity_number, severity_number_of(severity_text)) AS severity_number
    FROM traced
), templated AS (
    SELECT * EXCLUDE (message_template, given_type, given_message, found),
        coalesce(given_type, nullif(found.type, '')) AS exception_type,
        coalesce(given_message, nullif(found.message, '')) AS exception_message,
        coalesce(message_template, message_template(body)) AS message_template
    FROM cut
)
SELECT * EXCLUDE (error_fingerprint),
    CASE WHEN severity_number >= 17 OR exception_type IS NOT NULL
         THEN error_fingerprint_of(exception_type, exception_stacktrace, message_template) END AS error_fingerprint
FROM templated
