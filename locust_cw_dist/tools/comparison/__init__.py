"""Comparison of runs from their records: what changed, how sure that is, and whether it counts. docs/compare.md."""
