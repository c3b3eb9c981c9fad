"""Alarms: for each rule the PutMetricAlarm request that watches the same figure, or why there is none.

A rule judges one run; an alarm watches a series for as long as it is there. A figure over a sliding window is a
statistic over a period of that length, which CloudWatch moves on as time passes. What an alarm can't do is said:

- the statistics of a series are of all its results, so a rule on successful requests only has no alarm;
- an alarm watches one series, so the rule has to name one endpoint or none;
- an alarm does not know when a run begins, so warm-up is not left out, and a count of the whole run has no alarm.

Limits of PutMetricAlarm, by botocore's service model [M] and AWS's user guide [D]: periods of 10 and 30 s or whole
minutes [M], those below a minute for series of high resolution only [M]; EvaluationPeriods x Period at most a day for
periods below an hour, else a week [M]; five actions a state [M]; 1,024 characters of description [M].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from locust_cw_dist.core.costs.prices import Prices
from locust_cw_dist.core.names.shorten import shorten
from locust_cw_dist.core.rules.rule import Figure, Rule, Severity
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.settings.settings import Settings
from locust_cw_dist.tools.as_code.endpoints import (
    Dimensions,
    NoSeries,
    endpoint_dimensions,
    find_endpoint,
    needed_host,
    total_dimensions,
)
from locust_cw_dist.tools.as_code.names import alarm_names

MAX_DESCRIPTION_CHARS = 1_024
HIGH_RESOLUTION_PERIODS_S = (10, 30)
"""PutMetricAlarm takes 20, too, by newer service models only; CloudFormation's schema does not."""

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400

_REQUESTS = (("RequestCount", "Sum"), ("FailureCount", "SampleCount"))
"""Where the number of results can be read, the plainest first. The samples of ResponseTime_ms are fewer: those with a
usable response time."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user chose for all alarms.

    Attributes:
        set_name: What they belong to.
        host: The Host dimension of the run's endpoints; None if nobody said.
        known: Endpoints of the run, as far as they are known.
        alarm_actions: ARNs for rules that fail a run.
        warn_actions: ARNs for rules that warn; None: the same.
        ok_actions: ARNs for all that is well again.
        missing: PutMetricAlarm's TreatMissingData.
        low_samples: Its EvaluateLowSampleCountPercentile.
        run_window_s: The span that alarms of rules over the whole run look at.
        breaching: Periods that must be over the limit ...
        periods: ... out of the last so many.
    """

    set_name: str
    host: str | None = None
    known: tuple[EndpointKey, ...] = ()
    alarm_actions: tuple[str, ...] = ()
    warn_actions: tuple[str, ...] | None = None
    ok_actions: tuple[str, ...] = ()
    missing: str = "notBreaching"
    low_samples: str = "ignore"
    run_window_s: int = MINUTE_S
    breaching: int = 1
    periods: int = 1


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm.

    Attributes:
        rule: What it watches.
        request: The PutMetricAlarm request, without tags.
        notes: Where it differs from its rule, in words.
    """

    rule: Rule
    request: dict[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.request["AlarmName"])

    @property
    def period_s(self) -> int:
        """Its period."""
        return int(self.request["Period"] if "Period" in self.request else _stats(self.request)[0]["Period"])

    @property
    def is_high_resolution(self) -> bool:
        """Whether AWS bills it as a high-resolution alarm."""
        return self.period_s < MINUTE_S

    @property
    def metrics(self) -> int:
        """How many series it reads: AWS bills alarms by that."""
        return len(_stats(self.request)) or 1


@dataclass(frozen=True, slots=True)
class NoAlarm:
    """A rule that no alarm can watch, and why."""

    rule: Rule
    reason: str

    def line(self) -> str:
        """Return it for people, on one line."""
        return f"no alarm for {self.rule.name}: {self.reason}"


def make_alarms(
    rules: Sequence[Rule], settings: Settings, choices: Choices
) -> tuple[tuple[Alarm, ...], tuple[NoAlarm, ...]]:
    """Return the alarms of rules, and the rules that have none.

    Raises:
        SettingsError: Nothing says which Host dimension the series of the endpoints have.
    """
    made = [
        _alarm(rule, name, settings, choices)
        for rule, name in zip(rules, alarm_names(choices.set_name, rules), strict=True)
    ]
    return tuple(one for one in made if isinstance(one, Alarm)), tuple(one for one in made if isinstance(one, NoAlarm))


def month_usd(alarms: Sequence[Alarm], prices: Prices) -> float:
    """Return what alarms cost in a month: AWS bills each series that an alarm reads."""
    return sum(
        alarm.metrics * (prices.high_resolution_alarm_month if alarm.is_high_resolution else prices.alarm_month)
        for alarm in alarms
    )


def period_s(window_s: int, settings: Settings) -> int:
    """Return the shortest period that PutMetricAlarm takes which holds a window of the rule and one of the run."""
    least_s = max(window_s, settings.resolution_s)
    if settings.storage_resolution_s < MINUTE_S:
        for period in HIGH_RESOLUTION_PERIODS_S:
            if least_s <= period:
                return period
    return -(-least_s // MINUTE_S) * MINUTE_S


def _alarm(rule: Rule, name: str, settings: Settings, choices: Choices) -> Alarm | NoAlarm:
    if rule.successful_only:
        return NoAlarm(rule, "its series holds the response times of failed requests, too")
    if rule.figure is Figure.COUNT and rule.window_s is None:
        return NoAlarm(rule, "it counts the whole run, and an alarm does not know when one begins: give it a window_s")
    endpoint = find_endpoint(rule, settings, choices.known)
    if isinstance(endpoint, NoSeries):
        return NoAlarm(rule, endpoint.reason)
    stat = _stat(rule, settings, is_endpoint=endpoint is not None)
    if isinstance(stat, NoSeries):
        return NoAlarm(rule, stat.reason)
    period, notes = _period(rule, settings, choices)
    breaching, periods = _datapoints(rule, choices)
    if period * periods > (DAY_S if period < HOUR_S else 7 * DAY_S):
        return NoAlarm(rule, f"{periods} periods of {period} s are longer than CloudWatch looks back, which is a day")
    dimensions = _dimensions(endpoint, settings, choices.host)
    series = _Series(settings, _usable(settings, is_endpoint=endpoint is not None), dimensions, period)
    request = {
        "AlarmName": name,
        "AlarmDescription": _description(rule, settings, notes),
        **_actions(rule, choices),
        **_watched(rule, choices, series, stat),
        "ComparisonOperator": _operator(rule),
        "Threshold": _threshold(rule, stat[0]),
        "EvaluationPeriods": periods,
        "DatapointsToAlarm": breaching,
        "TreatMissingData": choices.missing,
    }
    return Alarm(rule, request, tuple(notes))


@dataclass(frozen=True, slots=True)
class _Series:
    """What the series of one alarm have in common."""

    settings: Settings
    metrics: frozenset[str]
    dimensions: Dimensions
    period_s: int

    def metric(self, name: str) -> dict[str, Any]:
        return {
            "Namespace": self.settings.resolved_namespace,
            "MetricName": name,
            "Dimensions": [{"Name": key, "Value": value} for key, value in self.dimensions],
        }

    def query(self, query_id: str, metric: str, statistic: str) -> dict[str, Any]:
        return {
            "Id": query_id,
            "MetricStat": {"Metric": self.metric(metric), "Period": self.period_s, "Stat": statistic},
            "ReturnData": False,
        }


def _stat(rule: Rule, settings: Settings, *, is_endpoint: bool) -> tuple[str, str] | NoSeries:
    """Return the metric and the statistic that hold a rule's figure."""
    if rule.figure.is_time:
        statistic = {Figure.MEAN: "Average", Figure.MAX: "Maximum"}.get(rule.figure, rule.figure_text)
        wanted: tuple[tuple[str, str], ...] = (("ResponseTime_ms", statistic),)
    elif rule.figure is Figure.FAILURE_RATIO:
        wanted = (("FailureCount", "Average"),)
        if not is_endpoint:
            wanted = (("FailureRate_Percent", "Average"), *wanted)
    else:
        wanted = _REQUESTS
    metrics = _usable(settings, is_endpoint=is_endpoint)
    sent = [stat for stat in wanted if stat[0] in metrics]
    how = "legacy does not send in the form needed" if settings.counts_failures_alone else "leaves out"
    return sent[0] if sent else NoSeries(f"it needs the metric {wanted[0][0]}, which --cw-metrics {how}")


def _usable(settings: Settings, *, is_endpoint: bool) -> frozenset[str]:
    """Return the metrics of an endpoint, or of all together, that hold what rules ask for."""
    sent = settings.metrics if is_endpoint else settings.total_metrics
    return sent - {"FailureCount"} if settings.counts_failures_alone else sent


def _watched(rule: Rule, choices: Choices, series: _Series, stat: tuple[str, str]) -> dict[str, Any]:
    """Return the fields that say what is compared: a statistic of a series, or arithmetic where that is not enough."""
    metric, statistic = stat
    least = _least_requests(rule, choices)
    if rule.figure is Figure.RPS or (least and not rule.figure.adds_up):
        return {"Metrics": _arithmetic(rule, series, stat, least)}
    fields = {**series.metric(metric), "Period": series.period_s}
    if rule.figure is Figure.PERCENTILE:
        low = {"EvaluateLowSampleCountPercentile": choices.low_samples}
        return {**fields, "ExtendedStatistic": statistic, **low}
    return {**fields, "Statistic": statistic}


def _arithmetic(rule: Rule, series: _Series, stat: tuple[str, str], least: int) -> list[dict[str, Any]]:
    # Of times only those results count that have one; what else is judged has all of them as its samples.
    numbers = () if rule.figure.is_time else _REQUESTS
    number = next(one for one in (*numbers, (stat[0], "SampleCount")) if one[0] in series.metrics)
    queries = [series.query("requests", *number)]
    value = "requests / PERIOD(requests)"
    if rule.figure is not Figure.RPS:
        queries.append(series.query("figure", *stat))
        value = "figure"
    expression = f"IF(requests >= {least}, {value})" if least else value
    return [*queries, {"Id": "judged", "Expression": expression, "Label": rule.figure_text, "ReturnData": True}]


def _least_requests(rule: Rule, choices: Choices) -> int:
    """Return the number of results below which the alarm must look away by arithmetic; 0 for none.

    Where there is no result at all there is no value either; and CloudWatch itself looks away from percentiles of few
    values, if it is told to.
    """
    if rule.min_requests <= 1:
        return 0
    if rule.figure is Figure.PERCENTILE and choices.low_samples == "ignore":
        return 0 if rule.min_requests <= low_samples_below(rule.percentile or 50.0) else rule.min_requests
    return rule.min_requests


def low_samples_below(percent: float) -> int:
    """Return the number of values below which CloudWatch calls a percentile one of few samples.

    10/(1-p) from the median up, and 10/p below: "Percentile-based alarms and low data samples" in the user guide.
    """
    share = Fraction(str(percent)) / 100
    return -(-10 // (1 - share if share >= Fraction(1, 2) else share))


def _period(rule: Rule, settings: Settings, choices: Choices) -> tuple[int, list[str]]:
    window_s = choices.run_window_s if rule.window_s is None else rule.window_s
    period, notes = period_s(window_s, settings), []
    if rule.window_s is None:
        notes.append(f"the rule judges the whole run, the alarm {period} s at a time")
    elif period != rule.window_s:
        notes.append(f"the rule's window is {rule.window_s} s, the alarm's {period} s")
    if rule.warm_up_s:
        notes.append(f"the warm-up of {rule.warm_up_s} s is not left out")
    if rule.figure is Figure.PERCENTILE and choices.low_samples == "ignore":
        few = low_samples_below(rule.percentile or 50.0)
        notes.append(f"with fewer than {few:,} results in {period} s its state stays as it is")
    return period, notes


def _datapoints(rule: Rule, choices: Choices) -> tuple[int, int]:
    """Return how many periods must be over the limit, out of how many."""
    if rule.figure.adds_up and not rule.is_upper_limit and choices.periods == 1:
        # The first and the last period of a run are cut short, and must not set off the alarm.
        return 2, 2
    return choices.breaching, choices.periods


def _dimensions(endpoint: EndpointKey | None, settings: Settings, host: str | None) -> Dimensions:
    if endpoint is None:
        return total_dimensions(settings)
    return endpoint_dimensions(settings, endpoint, needed_host(host))


def _actions(rule: Rule, choices: Choices) -> dict[str, Any]:
    warns = rule.severity is Severity.WARN and choices.warn_actions is not None
    return {
        "AlarmActions": list((choices.warn_actions or ()) if warns else choices.alarm_actions),
        "OKActions": list(choices.ok_actions),
    }


def _operator(rule: Rule) -> str:
    """Return the comparison that is true where the rule is broken."""
    side = "Greater" if rule.is_upper_limit else "Less"
    return f"{side}ThanThreshold" if rule.inclusive else f"{side}ThanOrEqualToThreshold"


def _threshold(rule: Rule, metric: str) -> float:
    if metric == "FailureRate_Percent":
        return float(Fraction(str(rule.limit)) * 100)
    return float(rule.limit)


def _description(rule: Rule, settings: Settings, notes: Sequence[str]) -> str:
    text = f"{rule.text()} (severity {rule.severity}), a rule of load tests in {settings.resolved_namespace}"
    plain = "; ".join([text, *notes])
    return shorten("".join(char if char.isprintable() else " " for char in plain), MAX_DESCRIPTION_CHARS)


def _stats(request: dict[str, Any]) -> list[dict[str, Any]]:
    return [query["MetricStat"] for query in request.get("Metrics", []) if "MetricStat" in query]
