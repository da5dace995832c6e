-- title: the lines of Apache and nginx access logs, taken apart
-- The fast way splits at quotes and spaces and checks the shape; the careful way is for the odd lines only.
CREATE OR REPLACE MACRO clf_head(before_time) AS regexp_extract(before_time, '^(\S+) +(\S+) +(.*?) *\[([^\]]*)\](.*)$',
    ['client', 'identity', 'user', 'time', 'rest']);

CREATE OR REPLACE MACRO clf_request(rest) AS regexp_extract(rest, '^ "((?:[^"\\]|\\.)*)" (\S+) (\S+)(.*)$',
    ['request', 'status', 'size', 'tail']);

-- what is left of a line that ends in its request or after its status
CREATE OR REPLACE MACRO clf_cut(rest) AS regexp_extract(rest, '^ "((?:[^"\\]|\\.)*)(?:"(?: (\d{3}))?)?', ['request', 'status']);

CREATE OR REPLACE MACRO clf_agents(tail) AS regexp_extract(tail,
    '^ (?:"((?:[^"\\]|\\.)*)"|-) (?:"((?:[^"\\]|\\.)*)"|-)(.*)$', ['referrer', 'agent', 'extra']);

CREATE OR REPLACE MACRO clf_is_plain(quoted, head, numbers) AS
    len(quoted) >= 3 AND len(head) = 6 AND len(numbers) = 4 AND head[6] = '' AND head[4][1] = '[' AND head[5][6] = ']'
    AND NOT ends_with(quoted[2], '\') AND numbers[1] = '';
