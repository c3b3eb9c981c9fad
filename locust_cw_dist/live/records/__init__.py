"""Who writes run records, and where."""
