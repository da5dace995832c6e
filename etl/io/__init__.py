"""The only code that touches files, the network or DuckDB."""
