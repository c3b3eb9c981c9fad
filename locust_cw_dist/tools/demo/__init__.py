"""The demo: a distributed load test against a local target and a local CloudWatch, and a comparison with the truth.

`target` serves and counts, `locustfile` loads it and writes raw response times down, `play` runs everything, `reading`
reads the metrics back, `figures` compares, `costs` estimates, `display` shows. `processes`, `isolation` and
`interrupts` keep it apart from the rest of the machine.
"""
