-- title: pages and assets, referring sites, probes
-- what a page is made of: by the extension of the path
CREATE OR REPLACE MACRO is_asset(path) AS coalesce(lower(split_part(path, '.', -1)) IN (
    'css', 'js', 'mjs', 'map', 'png', 'jpg', 'jpeg', 'gif', 'svg', 'ico', 'webp', 'avif', 'bmp', 'woff', 'woff2', 'ttf', 'otf', 'eot',
    'mp4', 'webm', 'mp3', 'wasm'), false);

-- https://www.google.com/search → google.com
CREATE OR REPLACE MACRO referrer_host(referrer) AS
    nullif(regexp_replace(lower(split_part(split_part(referrer, '/', 3), ':', 1)), '^www\.', ''), '');

CREATE OR REPLACE MACRO referrer_path(referrer) AS
    '/' || split_part(split_part(array_to_string(string_split(referrer, '/')[4:], '/'), '?', 1), '#', 1);

-- paths that nobody links to: somebody looks for a hole
CREATE OR REPLACE MACRO is_probe(path) AS coalesce(regexp_matches(path,
    '(?i)wp-(login|admin|content|includes|config|json)|wordpress|xmlrpc|phpmyadmin|/pma/|\.(php\d?|aspx?|jsp|cgi|env|ini|bak|sql|pem|action)($|/)'
    || '|/\.(git|env|svn|hg|aws|ssh|vscode|ds_store)|/cgi-bin/|/(admin|administrator|manager|console|actuator|solr|boaform|owa|autodiscover|ecp)(/|$)'
    || '|/vendor/|/etc/passwd|\.\./|/etc/|eval-stdin|jndi:'), false);

-- a visitor as a number: equal within one event date only, as visitor_id is
CREATE OR REPLACE MACRO visitor_number(visitor_id) AS md5_number_lower(visitor_id);
