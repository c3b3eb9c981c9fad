"""A stand-in for Amazon CloudWatch's metrics: a real HTTP server that boto3 talks to.

For people without an AWS account, for the demo and for tests. It refuses what CloudWatch refuses, adds
datums up as CloudWatch does, and answers statistics that can be checked to the digit:

    wire        a request's body: length or chunks, gzip, 1 MB
    protocols   JSON, CBOR (`cbor`) and the old query protocol (`form`) -> operation and document, and back
    limits      PutMetricData's document -> datums, or the error that AWS answers
    store       series and their cells; weighted values, never expanded; bounded memory
    aggregate   weighted values -> one statistic (pure)
    queries     the reading operations' documents -> typed queries, or an error; alignment and retention
    search      SEARCH expressions and dynamic labels (pure)
    paging      which data points go into one page, and its token
    identities  who calls: AssumeRole, GetCallerIdentity, and the time of signatures
    api         operation name and document -> answer document
    journal     what the server counts of itself
    faults      latency, throttling, hangs and more, on demand
    conditions  its clock, its quota and the length of its sessions, settable
    control     what a test may ask under /_local
    server      HTTP around all of that
    command     the process: arguments, ready line, signals

Only the standard library is imported (and cbor2 when a call in CBOR comes), so that the server starts at once and runs
where neither boto3 nor Locust is installed. `http.server` is enough: it speaks HTTP/1.1 with kept
connections, and it lets the faults reach the socket (a reset, a reply that is cut off), which werkzeug hides.

What differs from AWS, knowingly:

- A metric is listed and readable at once, not after minutes.
- Signatures are not checked, but for their time; any credentials and any Region do.
- Metric math (but for SEARCH with exact terms) and Metrics Insights are refused, and so is EntityMetricData.
- Percentiles are exact (nearest rank); AWS does not publish its algorithm.
- Memory is bounded (see `store`): the oldest data goes first.
- Where a limit can be read in two ways, the stricter one holds (see `limits`).
"""
