"""logbucket: raw logs in object storage become Parquet that people trust."""
