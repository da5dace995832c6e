-- title: lines without a structure, such as what a program prints in a container
-- dataset: app_log
-- detect: wrapped
-- priority: 0
-- continues: ^\s+\S|^\s*$|^(?:Caused by|Suppressed)\b|^Traceback \(most recent call last\):|^goroutine \d+ .*\[|^created by \S|^\[signal |^panic\(|^[\w./*()\-$\[\]{}·<>]+\([^ ]*(?:, [^ ]+)*\)$|^(?:[\w$]+\.)+[\w$]*(?:Exception|Error|Throwable)\b|^(?:[A-Za-z_]\w*\.)*(?:[A-Z]\w*)?(?:Error|Exception|Warning|Interrupt|Exit|Group)(?:: |$)|^\.\.\. \d+ |^ ?--- End of |^(?:During handling of|The above exception was) |^[^\s:]+:\d+:in [`'][^']*'$|^Stack trace:$|^#\d+\s+\S|^<asynchronous suspension>$|^nested exception is:|^(?:Receiver|Tried calling|Found|exit status): |^exit status \d+$|^[}\])]+[,;]?$|^Node\.js v\d|^note: run with `RUST_BACKTRACE|^stack backtrace:$
-- continued: \\$|^Unhandled exception:$|^Traceback \(most recent call last\):$|^thread '.*' panicked at \S+:\d+:\d+:$
-- sample: listening on port 8080
-- limits: the time is that of the wrapper; without one it is the landing hour. Indented lines, blank lines and what looks like a part of a stack trace (Java, Python, Go, Ruby, JavaScript, C#, PHP, Dart, Rust) belong to the line before them, a line after one that ends in a backslash too
SELECT
    origin, raw,
    NULL AS reject_reason,
    CASE WHEN origin.wrapper_time IS NULL THEN getvariable('landing')::TIMESTAMP END AS event_time,
    'landing_hour' AS time_basis,
    -- a container's wrapper has a time
    CASE WHEN origin.stream IS NOT NULL AND origin.wrapper_time IS NULL THEN 'partial' ELSE 'ok' END AS parse_status,
    nullif(regexp_extract(raw, '(?i)^\W?\b(trace|debug|info|notice|warn(?:ing)?|error|critical|fatal|panic)\b', 1), '') AS severity_text,
    replace(raw, chr(13) || chr(10), chr(10)) AS body,
    no_attributes() AS attributes
FROM records
