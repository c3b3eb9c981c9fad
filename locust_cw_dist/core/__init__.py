"""The pure core, a room for each subject, in the order data travels.

`summaries` -> `worker` -> `wire` ~~~ the connection ~~~ `master` -> `publish` (and `spool`), `records`, `rules` ->
`verdict`; `costs` is what all of it costs. Nothing in here does I/O, reads a clock, logs or imports Locust, gevent or
boto3: functions take values and the time, and return values. docs/architecture.md has the way of one result.
"""
