"""What this program shows in Locust's web UI; imported only where there is one."""
