"""Who writes to disk and reads back."""
