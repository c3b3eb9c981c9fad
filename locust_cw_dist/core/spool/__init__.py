"""What lies on disk until CloudWatch takes it."""
