"""What PutMetricData allows, and the bounds that we set ourselves.

The letter behind each documented limit tells where it is stated: [M] botocore's service model of
CloudWatch, [D] AWS's documentation, [A] the source of amazon-cloudwatch-agent. botocore itself enforces
almost none of them, and one datum that breaks a limit makes CloudWatch refuse the whole call, so
everything is checked on our side.
"""

from __future__ import annotations

MAX_DATUMS_PER_CALL = 1_000
"""MetricDatum entries in one PutMetricData call [M]."""

MAX_VALUES_PER_DATUM = 150
"""Entries of Values, and so of Counts, in one datum [M]."""

MAX_DIMENSIONS = 30
"""Dimensions of one metric [M]."""

MAX_DIMENSION_NAME_CHARS = 255
"""Characters of a dimension's name, at least 1 [M]."""

MAX_DIMENSION_VALUE_CHARS = 1_024
"""Characters of a dimension's value, at least 1 [M]."""

MAX_NAMESPACE_CHARS = 255
"""Characters of a namespace, at least 1 [D]."""

MAX_MAGNITUDE = 2.0**360
"""No number that is sent may be further from zero; NaN and the infinities are refused too [M]."""

STORAGE_RESOLUTIONS_S = (1, 60)
"""What StorageResolution may be [M]."""

MAX_AGE_S = 14 * 24 * 3600
"""How far back a timestamp may lie: two weeks [M]."""

MAX_BODY_BYTES = 950_000
"""Uncompressed JSON body of one call, as we write it. AWS documents 1 MB [M] and does not say whether before or after
gzip; the agent flushes at 999,000 estimated bytes, uncompressed [A]. 5 % less than that leaves room for
what a proxy adds."""

MAX_BYTES_PER_CALL = 200_000
"""The same where botocore serialises: still the length of the body that we would write. Its own is longer: its JSON has
blanks, and the query protocol of older ones has `MetricData.member.93.Values.member.150=` before each number and `%2F`
for a slash. There text takes up to four times as much, and the numbers of `MAX_PAIRS_PER_CALL` take 190,000 bytes."""

MAX_PAIRS_PER_CALL = 1_500
"""Value/count pairs in one call that botocore serialises, with a datum itself counted as `PAIRS_PER_DATUM` more. Its
serialiser does not yield: 1,500 pairs take about 9 ms of CPU, 3,000 take 15 to 20 ms, for which the master's hub would
stand still."""

MAX_PAIRS_PER_BODY = 8_000
"""The same for a call whose body we write ourselves: with the signature and gzip at level 9, which takes 2 ms longer
than ours, it was 6 to 8 ms. A window of 20 endpoints with 250 pairs each has 7,500, so that it takes one call."""

PAIRS_PER_DATUM = 15
"""What a datum costs the serialiser beyond its values, in pairs: 70 us with four dimensions against 4 to
5 us a pair (botocore 1.44)."""
