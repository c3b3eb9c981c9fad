"""Who asks whether rules hold, when."""
