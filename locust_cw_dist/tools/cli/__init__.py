"""The command ``locust-cw``: ``main`` knows the commands, and each has a file of its own."""
