"""What people run beside a load test. Nothing of a load test imports it."""
