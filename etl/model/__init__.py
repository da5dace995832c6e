"""Pure values: no clock, no environment, no network."""
