"""The pure core, in the order data travels.

`result` -> `buffer` -> `frame` -> `outbox` ~~~ the wire ~~~ `collector` (with `processes` and `windows`) -> `budget` ->
`datums` -> `batches`; `ledger` counts what became of every result. Nothing in here does I/O, reads a clock, logs or
imports Locust, gevent or boto3: functions take values and the time, and return values.
"""
