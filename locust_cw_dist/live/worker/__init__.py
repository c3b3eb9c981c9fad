"""What runs on a worker."""
