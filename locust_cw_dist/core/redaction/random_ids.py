r"""Random ids: found by which characters follow each other, since there are more forms of ids than anybody can list.

    >>> fold_random_ids("/orders/V1StGXR8_Z5jdHi6B-myT/items")
    '/orders/<id>/items'

In a word, `q` comes before `u` and hardly ever before `z`; in an id, any letter comes after any other. Each pair of
letters has a score: the binary logarithm of how much more often it is in words than among random letters. A word's sum
says how many bits speak for a word. Of English words of six letters or more, one in four thousand has less than -6; of
ten random letters and digits, one in twenty has more.

The table was counted on the 30,000 most frequent words of 13 European languages and on names in a few hundred Python
packages. Of changes to capitals and to digits only the change counts.
"""

from __future__ import annotations

import re
from itertools import groupby
from operator import add, itemgetter
from string import ascii_letters, ascii_lowercase, digits

_PAIRS = (
    "66773565645878262878654354", "64226110620611610542500030", "71427217625521721536500033",
    "72248332711433720553522032", "65676564635779453987554544", "51225520600411510534400020",
    "61127144602424510643501020", "71127101601333610425402030", "75767563345769753687361325",
    "50015000303002400020400000", "61116012503413510444512030", "73358332813743730255631051",
    "75227110701352660142510030", "73677583734336632378542054", "45664453534768661876655333",
    "71227214601611650745510030", "00000000000000000100500000", "84568353825555741666643054",
    "73627326715543662278633043", "83428326822433730766623053", "55555343524657350766332223",
    "60017000600200500211210010", "50115003501203400331100020", "20203100300010140004100210",
    "52324120312333330243202021", "50115000501112300001302033",
)  # fmt: skip
"""For each first letter, a digit for each second one: the score and 5."""

_TO_CAPITAL, _TO_DIGIT, _FROM_DIGIT = -2, -3, -1

_LIMIT = -5
_LIMIT_OF_MIXED_LETTERS = -7
"""Names in camel case have odd pairs where two words meet."""
_LIMIT_OF_LETTERS = -12
"""Words of languages with other pairs, Polish ones for example, may have as little."""

_MIN_SCORED_CHARS = 4
"""What is shorter (`v1`, `k8s`) says nothing."""

_MIN_NAME_CHARS = 3
_MIN_MIXED_NAME_CHARS = 6

_MIN_WHOLE_CHARS = 16
_MAX_MEAN_OF_WHOLE = -1.3
"""Random characters have -2.4 for each, so a run of them is one id, though a few of them happen to look like a name."""

_RUN = re.compile(r"[A-Za-z0-9+/._-]{6,}")
"""What base64, its variant for URLs, and paths are made of."""
_SEPARATOR_CHARS = "+/._-"
_SEPARATORS = re.compile(r"([+/._-]+)")
_AT_EDGES = re.compile(r"(?:\A|(?<=[A-Za-z0-9][+/._-]))[+_-]+(?=<id>)|(?<=<id>)[+_-]+(?=\.?\Z)")
"""What belongs to the id, as far as anybody can tell."""
_LETTERS_THEN_DIGITS = re.compile(r"[A-Za-z+/._-]*[0-9]*")


def _score(first: str, second: str) -> int:
    if second.isdigit():
        return 0 if first.isdigit() else _TO_DIGIT
    if first.isdigit():
        return _FROM_DIGIT
    if first.islower() and second.isupper():
        return _TO_CAPITAL
    if first == second == "x":
        # Of a pattern, as `xxxx-xxxx`.
        return 0
    return int(_PAIRS[ascii_lowercase.index(first.lower())][ascii_lowercase.index(second.lower())]) - 5


_CHARS = ascii_letters + digits
_SCORES = {first + second: _score(first, second) for first in _CHARS for second in _CHARS}


def plausibility(word: str) -> int:
    """Return how many bits speak for it that ASCII letters and digits are a word: negative for most ids."""
    return sum(map(_SCORES.__getitem__, map(add, word, word[1:])))


def fold_random_ids(text: str) -> str:
    """Put `<id>` in the place of what is made of random characters; names around it stay."""
    return _RUN.sub(_fold_run, text)


def _fold_run(match: re.Match[str]) -> str:
    run = match.group()
    if run.isalnum():
        return "<id>" if plausibility(run) < _limit_of(run) else run
    parts = _SEPARATORS.split(run)
    words, separators = parts[::2], [*parts[1::2], ""]
    kinds = _kinds_of(words, separators)
    folded = ""
    for is_name, group in groupby(zip(kinds, words, separators, strict=True), key=itemgetter(0)):
        text = "".join(word + separator for _, word, separator in group)
        folded += text if is_name else _fold_nameless(text)
    return _AT_EDGES.sub("", folded)


def _kinds_of(words: list[str], separators: list[str]) -> list[bool]:
    """Return for each word whether it is a name."""
    kinds = list(map(_is_name, words))
    if True in kinds and False in kinds:
        first, last = kinds.index(False), len(kinds) - kinds[::-1].index(False)
        if _is_random(words[first:last]):
            kinds[first:last] = [False] * (last - first)
            # Of the ends of a long id a few letters often look like a word.
            kinds = [is_name and len(word) > _MIN_NAME_CHARS for is_name, word in zip(kinds, words, strict=True)]
    if separators[0].startswith("/") and not words[0]:
        # Of a path, short parts are names too.
        for at in range(1, len(words)):
            kinds[at] |= words[at].islower() and separators[at - 1] == "/" == separators[at] and words[at].isalpha()
    return kinds


def _is_name(word: str) -> bool:
    is_plain = word[1:].islower() or word.isupper()
    is_long = len(word) >= (_MIN_NAME_CHARS if is_plain else _MIN_MIXED_NAME_CHARS)
    return is_long and plausibility(word) > 0


def _is_random(words: list[str]) -> bool:
    chars = sum(map(len, words))
    return chars >= _MIN_WHOLE_CHARS and sum(map(plausibility, words)) <= _MAX_MEAN_OF_WHOLE * chars


def _fold_nameless(text: str) -> str:
    """Return words without a name, and the separators around them, with `<id>` in the words' place if they are one."""
    inner = text.strip(_SEPARATOR_CHARS)
    score = sum(plausibility(word) for word in _SEPARATORS.split(inner)[::2] if len(word) >= _MIN_SCORED_CHARS)
    if score >= _limit_of(inner):
        return text
    before, after = text.split(inner, 1)
    return f"{before}<id>{after}"


def _limit_of(text: str) -> int:
    """Return the score below which words are an id."""
    if not _LETTERS_THEN_DIGITS.fullmatch(text):
        return _LIMIT
    words = _SEPARATORS.split(text.rstrip(digits))[::2]
    is_plain = all(word[1:].islower() or word.isupper() or len(word) < 2 for word in words)
    return _LIMIT_OF_LETTERS if is_plain else _LIMIT_OF_MIXED_LETTERS
