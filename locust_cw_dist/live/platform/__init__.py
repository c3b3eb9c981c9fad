"""The process and its surroundings: clock, disk, signals, logs, Locust's private interfaces."""
