"""History of many runs: each figure over runs, and since when it is another. docs/history.md."""
