"""What a person reads while a load test runs, and at its end: on standard error."""
