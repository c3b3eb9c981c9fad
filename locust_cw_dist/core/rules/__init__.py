"""What a rule is, how it is written, and whether it holds."""
