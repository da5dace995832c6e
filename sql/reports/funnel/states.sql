-- title: States
-- note: How many sessions ever were in a state. From the one before: of the sessions that are over and were in the state above it, those that came here.
SELECT getvariable('states')[state] AS state, reached, (reached / nullif(max(reached) OVER (), 0))::DOUBLE AS share, (went_on / nullif(closed_before, 0))::DOUBLE AS from_before,
    median_ms, abandoned, open
FROM report.step_conversions WHERE part = 'here' ORDER BY step_conversions.state
