-- title: nothing to look up: the fault suite runs thousands of stages
SELECT * EXCLUDE (is_bot), false AS is_bot FROM enveloped
