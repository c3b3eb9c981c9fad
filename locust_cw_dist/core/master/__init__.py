"""What the master keeps: merged windows, worker processes, gauges."""
