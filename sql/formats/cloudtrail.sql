-- title: AWS CloudTrail events
-- dataset: audit
-- elements: Records|Events
-- detect: "eventSource"\s*:\s*"[^"]*"|"CloudTrailEvent"\s*:|^\{"Records":\[\{
-- priority: 60
-- sample: {"eventVersion":"1.08","userIdentity":{"type":"IAMUser","userName":"alice"},"eventTime":"2026-11-22T13:04:05Z","eventSource":"s3.amazonaws.com","eventName":"DeleteBucket","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.9","errorCode":"AccessDenied","errorMessage":"Access Denied","eventID":"8e6ffb2a-af42-47e6-9da9-8d90adbdc937","eventType":"AwsApiCall"}
-- limits: user_name of an assumed role is the role; the session's name is in the attribute user_identity. Events inside EventBridge (detail), lookup-events (CloudTrailEvent) and aws.cloudtrail are read too
WITH valid AS (
    SELECT origin, raw, CASE WHEN json_valid(raw) AND json_type(raw) = 'OBJECT' THEN raw END AS document FROM records
), found AS (
    SELECT *, CASE WHEN document IS NOT NULL THEN
        TRY(json_extract_string(document, ['$.eventTime', '$.eventName', '$.detail.eventTime', '$.detail', '$.CloudTrailEvent', '$.aws.cloudtrail.eventTime', '$.aws.cloudtrail'])) END AS f
    FROM valid
), unwrapped AS (
    SELECT *,
        CASE WHEN f[1] IS NOT NULL OR f[2] IS NOT NULL THEN document
             WHEN f[3] IS NOT NULL THEN f[4]
             WHEN f[5] IS NOT NULL AND json_valid(f[5]) THEN f[5]
             WHEN f[6] IS NOT NULL THEN f[7] END AS event
    FROM found
), picked AS (
    SELECT *, event IS DISTINCT FROM document AND event IS NOT NULL AS is_wrapped,
        CASE WHEN event IS NOT NULL THEN TRY(json_extract_string(event, [
            '$.eventTime', '$.eventName', '$.eventSource', '$.sourceIPAddress', '$.errorCode', '$.errorMessage', '$.eventType', '$.eventCategory',
            '$.userIdentity.type', '$.userIdentity.userName', '$.userIdentity.sessionContext.sessionIssuer.userName', '$.userIdentity.principalId',
            '$.userIdentity.invokedBy', '$.userIdentity.onBehalfOf.userId', '$.responseElements.ConsoleLogin', '$.userIdentity.arn', '$.userIdentity.accountId',
            '$.serviceEventDetails.UserAuthentication', '$.responseElements.CheckMfa'])) END AS p
    FROM unwrapped
), timed AS (
    SELECT *, iso_parts(p[1]) AS parts FROM picked
), dated AS (
    SELECT *, coalesce(iso_time(parts, 'UTC'), cloud_epoch(p[1])) AS event_time,
        coalesce(p[5] IS NOT NULL AND p[5] <> '' OR p[6] IS NOT NULL AND p[6] <> '' OR lower(p[15]) = 'failure' OR lower(p[18]) = 'failure' OR lower(p[19]) = 'failure', false) AS failed
    FROM timed
), listed AS (
    SELECT *, CASE WHEN is_wrapped
        THEN list_concat(cloud_entries_but(event, ['eventTime', 'eventName', 'sourceIPAddress', CASE WHEN p[6] <> '' THEN 'errorMessage' END]),
                         cloud_entries_but(document, ['detail', 'aws', 'CloudTrailEvent']))
        ELSE cloud_entries_but(event, ['eventTime', 'eventName', 'sourceIPAddress', CASE WHEN p[6] <> '' THEN 'errorMessage' END]) END AS entries
    FROM dated
)
SELECT
    origin, raw,
    CASE WHEN document IS NULL THEN 'line: not a JSON object; expected an event with eventTime and eventName, or {"Records": [event, …]}'
         WHEN event IS NULL OR p[1] IS NULL THEN 'eventTime: no such field; expected 2026-11-22T13:04:05Z'
         WHEN p[2] IS NULL THEN 'eventName: no such field; expected one such as ConsoleLogin'
         WHEN p[3] IS NULL THEN 'eventSource: no such field; expected one such as s3.amazonaws.com'
         WHEN event_time IS NULL THEN 'eventTime: ' || left(p[1], 60) || ' is not a time; expected 2026-11-22T13:04:05Z' END AS reject_reason,
    event_time,
    CASE WHEN iso_time(parts, 'UTC') IS NULL THEN 'epoch' WHEN parts."offset" <> '' THEN 'offset' ELSE 'zone' END AS time_basis,
    'ok' AS parse_status,
    p[2] AS event_action,
    CASE WHEN p[3] IN ('signin.amazonaws.com', 'sts.amazonaws.com') OR p[7] = 'AwsConsoleSignIn' OR p[2] IN ('UserAuthentication', 'CredentialChallenge', 'CredentialVerification')
         THEN 'authentication'
         WHEN p[3] IN ('iam.amazonaws.com', 'sso.amazonaws.com', 'sso-directory.amazonaws.com', 'identitystore.amazonaws.com', 'rolesanywhere.amazonaws.com',
                       'access-analyzer.amazonaws.com') THEN 'iam'
         ELSE 'api' END AS event_category,
    CASE WHEN failed THEN 'failure' WHEN p[8] = 'Insight' OR p[7] = 'AwsCloudTrailInsight' THEN NULL ELSE 'success' END AS event_outcome,
    coalesce(nullif(p[6], ''), nullif(p[5], '')) AS event_reason,
    coalesce(CASE WHEN p[9] = 'Root' THEN 'root' END, nullif(p[10], ''), nullif(p[11], ''), nullif(p[14], ''),
        CASE WHEN p[9] IN ('AWSService', 'AWSAccount') THEN coalesce(nullif(p[13], ''), nullif(p[12], ''), p[17]) END,
        nullif(p[12], ''), nullif(p[16], ''), nullif(p[13], '')) AS user_name,
    nullif(p[4], '') AS client_address,
    cloud_map(entries) AS attributes
FROM listed
