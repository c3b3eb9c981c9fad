"""Who watches the generators, sums up and sets the exit code."""
