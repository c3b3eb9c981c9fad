"""A locustfile without users: what Locust measures of a worker's CPU is as on a machine that has none left.

How much a process gets of a machine on which many tests run is chance; Locust's own measuring is Locust's to test. It
goes on and changes nothing.
"""

from locust.runners import WorkerRunner

WorkerRunner.current_cpu_usage = property(lambda _: 97.0, lambda *_: None)
