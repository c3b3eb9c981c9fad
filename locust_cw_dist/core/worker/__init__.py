"""What a worker keeps: its buffer, its outbox, its clock."""
