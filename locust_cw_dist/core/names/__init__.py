"""What is done with names and other texts of users: cut, shown on one line, matched."""
