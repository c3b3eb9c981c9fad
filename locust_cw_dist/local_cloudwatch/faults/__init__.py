"""What fails on demand, and what the server is like apart from that."""
