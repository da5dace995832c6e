"""How fast the pipeline is, on a log that is like a real one."""
