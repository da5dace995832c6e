-- title: what MaxMind DB files say of a network: its country and autonomous system
-- of: metrics_client_hourly.client_network
-- Reads found: client_network, place (of the file in sources.toml, from 0) and records, the JSON texts of all that the file has
-- within the network, NULL where it is cut into too many pieces.
-- Parameters: lists_version.
WITH pieces AS (
    SELECT client_network, place, unnest(records) AS record FROM found
), named AS (
    -- the fields of GeoLite2, GeoIP2 and DB-IP; then those of IPinfo
    SELECT client_network, place,
        coalesce(record ->> '$.country.iso_code', record ->> '$.registered_country.iso_code', record ->> '$.country_code') AS country,
        try_cast(regexp_replace(coalesce(record ->> '$.autonomous_system_number', record ->> '$.asn'), '^AS', '') AS BIGINT) AS number,
        coalesce(record ->> '$.autonomous_system_organization', record ->> '$.as_name') AS organization
    FROM pieces
), agreed AS (
    -- said of a network is only what is said of all of it
    SELECT client_network, place,
        CASE WHEN count(country) = count(*) AND count(DISTINCT country) = 1 THEN min(country) END AS country,
        CASE WHEN count(number) = count(*) AND count(DISTINCT number) = 1 THEN min(number) END AS number,
        CASE WHEN count(organization) = count(*) AND count(DISTINCT organization) = 1 THEN min(organization) END AS organization
    FROM named GROUP BY ALL
)
SELECT client_network,
    arg_min(country, place) AS geo_country_iso_code,
    arg_min(number, place) AS as_number,
    arg_min(organization, place) AS as_organization_name,
    getvariable('lists_version') AS lists_version
FROM agreed GROUP BY client_network
