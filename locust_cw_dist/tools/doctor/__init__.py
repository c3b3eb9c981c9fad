"""What `locust-cw doctor` finds out: whether results of a load test could be published from here, and if not, why.

    result       one check's outcome
    software     versions, and (in a process of its own, `probe`) Locust's private interfaces
    publishing   the publisher's own session and client: what is checked is what will run
    account      region, credentials, role, identity
    endpoint     proxy, endpoint, clock
    permission   the one datum of `--send`
    examination  all of them in order, each with a deadline

Only the master's side is looked at: workers need no AWS. Locust is imported first, as `locust-cw run` does, so that
boto3 runs on patched sockets here as it does there; that also lets a deadline end a call wherever it waits.
"""
