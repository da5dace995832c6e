"""Other parsers' own test cases, run through our formats. See ``python -m benchmarks.conformance --help``."""
