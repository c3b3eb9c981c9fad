"""`locust-cw watch`: the state of a run, read from Locust's web server and shown in a terminal."""
