"""How a run and a process end: what is said, the verdict, the exit code."""
