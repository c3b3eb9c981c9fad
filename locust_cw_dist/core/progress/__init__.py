"""What is shown of a run while it goes on: the status, figures, workers and rules, as values."""
