-- title: Sessions by state: who reached it, and who of those in the state before it
-- note: Conversions leave out sessions that are not over, also those that have arrived: else the last ones would all have.
WITH axis AS (
    SELECT s.state, p.part FROM (SELECT unnest(range(1, len(getvariable('states')) + 1)) AS state) AS s, (SELECT unnest(['here', 'before']) AS part) AS p
), reached AS (
    SELECT session_no, state, moment, part, outcome, is_over, last_state FROM report.step_reached JOIN report.step_sessions USING (session_no) WHERE part <> 'cut'
), counted AS (
    SELECT part, state, count(*) AS reached, count(*) FILTER (is_over) AS closed,
        count(*) FILTER (outcome = 'abandoned' AND last_state = state) AS abandoned, count(*) FILTER (outcome = 'open' AND last_state = state) AS open
    FROM reached GROUP BY part, state
), pairs AS (
    SELECT a.part, b.state, count(*) FILTER (a.is_over) AS went_on,
        median(epoch_ms(b.moment) - epoch_ms(a.moment)) FILTER (b.moment >= a.moment) AS median_ms
    FROM reached AS a JOIN reached AS b ON b.session_no = a.session_no AND b.state = a.state + 1 GROUP BY a.part, b.state
)
SELECT axis.part, axis.state::BIGINT AS state, coalesce(reached, 0) AS reached, coalesce(abandoned, 0) AS abandoned, coalesce(open, 0) AS open,
    lag(coalesce(closed, 0)) OVER (PARTITION BY axis.part ORDER BY axis.state) AS closed_before,
    CASE WHEN axis.state > 1 THEN coalesce(went_on, 0) END AS went_on, median_ms
FROM axis LEFT JOIN counted ON counted.part = axis.part AND counted.state = axis.state
LEFT JOIN pairs ON pairs.part = axis.part AND pairs.state = axis.state
