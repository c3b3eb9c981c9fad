"""The edges: clock, Locust's connection and CloudWatch, each behind a small interface that the hosts use."""
