-- title: how far a count is from its usual values
-- Median and median absolute deviation of logarithms: one odd week among the usual values moves neither. A count varies by its
-- own square root, and never by less than the share `least`, so that equal weeks do not make everything else a deviation.
CREATE OR REPLACE MACRO usual_of(others) AS list_aggregate(others, 'median');

CREATE OR REPLACE MACRO deviation(found, others, least) AS (ln(1 + found) - ln(1 + usual_of(others)))
    / greatest(1.4826 * list_aggregate(list_transform(others, lambda other: ln(1 + other)), 'mad'), 1 / sqrt(1 + usual_of(others)), least);

-- robust z beyond which a value is unusual, and the weeks that are needed to say so
CREATE OR REPLACE MACRO is_unusual(found, others, least) AS len(others) >= 4 AND abs(deviation(found, others, least)) > 3.5;
