"""What runs while a load test runs, in the same rooms as the core."""
