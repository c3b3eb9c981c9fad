"""SEARCH expressions, as far as Grafana and hand-written dashboards use them, and dynamic labels. Pure.

    SEARCH('{Namespace,Dimension,...} MetricName="m" "Host"=("a" OR "b") "/cart"', 'p95', 60)
    REMOVE_EMPTY(SEARCH('Namespace="n" MetricName="m" "Host"', 'Sum'))

A schema in braces asks for exactly these dimensions. Terms are in double quotes and match whole values; a term alone
may be the namespace, the metric's name, or a dimension's name or value. AWS also matches parts of values, for terms
without quotes: that is refused here, like every other metric math.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from locust_cw_dist.local_cloudwatch.storage.store import SeriesKey

DEFAULT_PERIOD_S = 300
MAX_FOUND = 500
"""Time series that one SEARCH returns at most, by the user guide."""

_TEXT = r'"((?:[^"\\]|\\.)*)"'
_CALL = re.compile(
    r"\s*(?P<drop>REMOVE_EMPTY\(\s*)?SEARCH\(\s*'(?P<terms>(?:[^'\\]|\\.)*)'\s*,\s*'(?P<stat>[^']*)'\s*"
    r"(?:,\s*(?P<period>[0-9]{1,6})\s*)?\)(?(drop)\s*\))\s*",
    re.DOTALL,
)
_SCHEMA = re.compile(r"\s*\{(?P<names>(?:[^}\"]|\"(?:[^\"\\]|\\.)*\")*)\}")
_NAME = re.compile(rf"\s*(?:{_TEXT}|([^,\"]+?))\s*(?:,|$)")
_TOKEN = re.compile(rf"\s*(?:{_TEXT}|(=|\(|\)|[^\s=()\"]+))")
_DYNAMIC = re.compile(r"\$\{(?:(LABEL)|PROP\('([^']*)'\))\}")


class SearchSyntaxError(ValueError):
    """The expression is no SEARCH that is understood here."""


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; `key` None stands for a value anywhere.

    Attributes:
        key: a dimension's name, or MetricName or Namespace where `is_property`.
        values: any of them fits.
        is_property: whether `key` is one of the two properties.
    """

    key: str | None
    values: frozenset[str]
    is_property: bool = False


@dataclass(frozen=True, slots=True)
class Search:
    """What a SEARCH asks for.

    Attributes:
        namespace: of the schema, or None where there is no schema.
        dimension_names: of the schema, or None where there is no schema.
        terms: all have to fit.
        statistic: as text.
        period_s: length of a period.
        drops_empty: whether series without a data point are left out (REMOVE_EMPTY).
    """

    namespace: str | None
    dimension_names: frozenset[str] | None
    terms: tuple[Term, ...]
    statistic: str
    period_s: int
    drops_empty: bool

    def accepts(self, key: SeriesKey) -> bool:
        """Whether a series is found."""
        dimensions = dict(key.dimensions)
        if self.namespace not in (None, key.namespace):
            return False
        if self.dimension_names is not None and self.dimension_names != dimensions.keys():
            return False
        return all(_fits(term, key, dimensions) for term in self.terms)


def _fits(term: Term, key: SeriesKey, dimensions: Mapping[str, str]) -> bool:
    if term.key is None:
        return bool(term.values & {key.namespace, key.name, *dimensions, *dimensions.values()})
    if term.is_property:
        return (key.name if term.key == "MetricName" else key.namespace) in term.values
    return dimensions.get(term.key) in term.values


def parse_search(expression: str) -> Search:
    """Read a SEARCH expression.

    Raises:
        SearchSyntaxError: it is something else.
    """
    call = _CALL.fullmatch(expression)
    if call is None:
        raise SearchSyntaxError("it is no SEARCH('...', 'statistic', period), alone or in REMOVE_EMPTY()")
    text = call["terms"]
    namespace, names = None, None
    if schema := _SCHEMA.match(text):
        found = [
            _unescaped(match[1]) if match[1] is not None else match[2] for match in _NAME.finditer(schema["names"])
        ]
        if not found:
            raise SearchSyntaxError("its schema is empty")
        namespace, names = found[0], frozenset(found[1:])
        text = text[schema.end() :]
    return Search(
        namespace=namespace,
        dimension_names=names,
        terms=_terms(text),
        statistic=call["stat"],
        period_s=int(call["period"] or DEFAULT_PERIOD_S),
        drops_empty=call["drop"] is not None,
    )


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    is_quoted: bool

    def is_mark(self, mark: str) -> bool:
        return not self.is_quoted and self.text == mark


def _tokens(text: str) -> list[_Token]:
    tokens, position = [], 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise SearchSyntaxError("a quotation mark is left open")
        is_quoted = match[1] is not None
        tokens.append(_Token(_unescaped(match[1]) if is_quoted else match[2], is_quoted))
        position = match.end()
    return tokens


def _terms(text: str) -> tuple[Term, ...]:
    tokens = [token for token in _tokens(text) if not token.is_mark("AND")]
    terms = []
    while tokens:
        key = tokens.pop(0)
        if tokens and tokens[0].is_mark("="):
            tokens.pop(0)
            is_property = not key.is_quoted and key.text in ("MetricName", "Namespace")
            terms.append(Term(key.text, _values(tokens), is_property))
        else:
            terms.append(Term(None, frozenset({_exact(key)})))
    return tuple(terms)


def _values(tokens: list[_Token]) -> frozenset[str]:
    """One value, or several in parentheses with OR between them; they are taken off the tokens."""
    if not tokens:
        raise SearchSyntaxError("a value is missing at its end")
    first = tokens.pop(0)
    if not first.is_mark("("):
        return frozenset({_exact(first)})
    values = set()
    while tokens and not tokens[0].is_mark(")"):
        token = tokens.pop(0)
        if not token.is_mark("OR"):
            values.add(_exact(token))
    if not tokens or not values:
        raise SearchSyntaxError("a parenthesis is left open, or empty")
    tokens.pop(0)
    return frozenset(values)


def _exact(token: _Token) -> str:
    if not token.is_quoted:
        raise SearchSyntaxError(f"the term {token.text} has no double quotes, and parts of values are not searched for")
    return token.text


def label_of(wanted: str, key: SeriesKey, statistic: str, period_s: int) -> str:
    """A label with `${LABEL}` and `${PROP('...')}` filled in; an unknown property becomes `-`, as the guide has it."""
    plain = " ".join([key.name, *(value for _, value in key.dimensions)])
    properties = {"MetricName": key.name, "Namespace": key.namespace, "Stat": statistic, "Period": str(period_s)}
    properties |= {f"Dim.{name}": value for name, value in key.dimensions}
    return _DYNAMIC.sub(lambda match: plain if match[1] else properties.get(match[2], "-"), wanted) or plain
