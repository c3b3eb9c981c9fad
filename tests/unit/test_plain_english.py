"""What users read is in plain English: none of the stiff phrases that were once in it comes back."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator

import pytest

from support.pages.readme import ROOT

pytestmark = pytest.mark.once

PACKAGE = ROOT / "locust_cw_dist"

STIFF = {
    # Whole turns of phrase, and what to write instead.
    r"also those that are on their way": "including those still in flight",
    r"knows? nothing of": "needs no, has no",
    r"\bno AWS account, no option\b": "no AWS account or options needed",
    r"the flag again, or one a line": "give the flag again or put one value per line",
    r"\bbr(?:ings?|inging|ought) out\b": "flush",
    r"\bWrite what (?:became|becomes) of\b": "write the results of",
    r"\bchanges? nothing\.": "is ignored, has no effect",
    r"\b(?:and|which) is said\b": "and is reported",
    r"\bstands? above\b": "overrides, comes first",
    r"\bkeeps? from PID 1\b": "PID 1 ignores",
    r"\b(?:is|are) nobody\b(?!'s)": "has no identity",
    r"\bgot none\b": "is required",
    r"\bsurely\b": "with 95 % confidence, by more than the threshold",
    r"figure's target is missed": "target missed",
    # Everyday words used as terms.
    r"\b(?:tells?|told) of\b": "reports, counts, names",
    r"\b(?:not|never|been) heard\b|\bheard of\b|\bunheard of\b": "silent, lost, has sent nothing",
    r"\b(?:master's|first) word\b": "message, acknowledgement",
    r"\bput right\b": "corrected",
    r"\bCloudWatch (?:(?:has|had|did|does) not |has |had )?(?:take|taken|takes|took)\b": "CloudWatch accepts",
    r"\bis (?:left where|there already)\b": "is skipped, already exists",
    r"\b(?:is|was|a) torn\b": "damaged, incomplete",
    r"\bsomething else than\b": "something other than",
    # Turned-round sentences and nouns made of clauses.
    r"\bwhom\b": "who, or two sentences",
    r"\bwhat (?:became|becomes|has become) of\b": "the result, the state, whether ... was published",
    r"\bhow sure that is\b": "with a confidence interval",
    r"\b(?:says?|said) so\b": "reports that, the log tells you",
    r"\b(?:is|are) no (?:percentile|number|text|URL|JSON|file|record|word)\b": "is not a ...",
    r"\basks? the network for nothing\b": "needs no network",
    r"\btr(?:y|ies|ied|ying) again\b": "retry",
    r"\banew\b": "again, new",
    r"\bno matter of course\b": "not obvious",
    # One of anything is one.
    r"(?<![\d.,:x/-])1 (?:results|calls|datums|metrics|requests|failures|workers|runs|rules|batches)\b": "1 result",
}

MAY_STAND = {
    "docs/architecture.md": {"whom", "stands above"},  # who may import whom; rooms in a drawing
    "docs/kubernetes.md": {"whom"},  # who may speak with whom
}
"""Where a phrase is what is meant."""

ELSEWHERE = ("docs/what-is-tested.md",)
"""Pages that quote others."""


def without_code(page: str) -> str:
    """A page without its fenced blocks, in one line."""
    return " ".join(re.sub(r"^( *)```.*?^\1```$", "", page, flags=re.MULTILINE | re.DOTALL).split())


def pages() -> Iterator[tuple[str, str]]:
    """Yield (path, text) of each page that users read."""
    chart = ROOT / "deploy/helm"
    docs = sorted((ROOT / "docs").glob("*.md"))
    for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", *docs, chart / "README.md", chart / "values.yaml"):
        yield path.relative_to(ROOT).as_posix(), without_code(path.read_text().replace("\n#", "\n"))
    notes = chart / "templates/NOTES.txt"
    yield notes.relative_to(ROOT).as_posix(), " ".join(notes.read_text().split())


def strings_of(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of each string of a module that is no docstring: what it may log, print or raise."""
    tree = ast.parse(source)
    bodies = [node.body for node in ast.walk(tree) if isinstance(getattr(node, "body", None), list)]
    docstrings = {id(line.value) for body in bodies for line in body if isinstance(line, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, " ".join(node.value.split())


@functools.cache
def texts() -> list[tuple[str, str]]:
    """Return (place, text) of all that is looked at."""
    found = [(name, text) for name, text in pages() if name not in ELSEWHERE]
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        found += [(f"{name}:{line}", text) for line, text in strings_of(path.read_text())]
    return found


def finds(phrase: str, found: list[tuple[str, str]]) -> list[str]:
    """Return where a phrase stands, with what is around it."""
    wanted = re.compile(phrase, re.IGNORECASE)
    return [
        f"{place}: ...{text[max(0, match.start() - 40) : match.end() + 40]}..."
        for place, text in found
        for match in wanted.finditer(text)
        if match[0].lower() not in MAY_STAND.get(place, ())
    ]


@pytest.mark.parametrize("phrase", STIFF)
def test_no_text_has_a_stiff_phrase(phrase):
    assert finds(phrase, texts()) == [], f"write: {STIFF[phrase]}"


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("results that a worker told of", True),
        ("IT IS TORN", True),
        ("1 results", True),
        ("21 results, 1,001 results, 0.1 results and 1 result", False),
        ("CloudWatch takes the batch", True),
        ("CloudWatch accepts what a user takes", False),
        ("nobody's metrics", False),
        ("It is not a percentile.", False),
        ("a curator brings outages", False),
    ],
)
def test_a_phrase_is_found_as_a_phrase_alone(text, is_found):
    assert any(finds(phrase, [("a page", text)]) for phrase in STIFF) is is_found


def test_code_and_docstrings_are_not_text():
    assert without_code("a\n```sh\nsurely\n```\nb") == "a b"
    assert list(strings_of('def f():\n    """surely"""\n    return f"a {1} b"')) == [(3, "a"), (3, "b")]
