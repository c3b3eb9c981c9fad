"""What travels between worker and master."""
