"""What is kept: series, their values, and the server's own counts."""
