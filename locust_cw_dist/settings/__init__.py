"""What the user chose: options, checks, files of rules."""
