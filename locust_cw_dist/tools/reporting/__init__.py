"""Pages for people, made of run records: one HTML file each, which asks the network for nothing."""
