r"""Redaction: text from anywhere, made fit to group by and to pass on.

    >>> redact("Order 4711 of jane@example.com: no gold at 10.0.0.7:8080, token=s3cr3t")
    'Order <n> of <email>: no gold at <addr>, token=<masked>'

What differs from one request to the next becomes a placeholder (`<n>`, `<id>`, `<addr>`, `<url>`, `<time>`, `<query>`),
so that one kind of failure is one text. What looks like a secret, or tells who somebody is, becomes `<masked>` or
`<email>`. Words stay as they are, and so does a status in the text (`HTTP 503`, `[Errno 111]`).

This runs in users' greenlets. At most `LOOKED_AT_CHARS` characters are looked at, and every expression below takes time
in proportion to their number: what repeats is bounded, or can start at the beginning of a run of characters only.
A secret that the cut would halve is left out with the rest: a text is cut where a value ends, and a quoted value
that never ends is masked to the end.
"""

from __future__ import annotations

import re
from functools import lru_cache

from locust_cw_dist.core.redaction.random_ids import fold_random_ids, plausibility

LOOKED_AT_CHARS = 600
"""Three times what is kept: text shrinks when it is folded. Longer ones are pages and dumps."""

REMEMBERED_TEXTS = 256
"""Most failures have the text of an earlier one: to find it takes a hundredth of the time."""

MASKED = "<masked>"
CUT = "..."

_ENDS_OF_VALUES = " \t\r\n,;&\"'(){}[]"
"""A secret that is cut off behind one of these is masked as a whole."""


def redact(text: str) -> str:
    """Return the beginning of `text` on one line, printable, with secrets masked and what varies folded."""
    return _redact(text) if len(text) <= LOOKED_AT_CHARS else _redact(_cut(text))


def _cut(text: str) -> str:
    beginning = text[:LOOKED_AT_CHARS]
    return beginning[: max(map(beginning.rfind, _ENDS_OF_VALUES)) + 1] + CUT


@lru_cache(REMEMBERED_TEXTS)
def _redact(text: str) -> str:
    text = _mask(_printable(text))
    # Lines mattered to what was masked.
    return _fold(" ".join(text.split()))


def _printable(text: str) -> str:
    """Return printable lines; whatever ends a line for Unicode ends one here."""
    if text.isprintable():
        return text
    return "\n".join(line if line.isprintable() else _printable_line(line) for line in text.splitlines())


_TERMINAL = re.compile(r"\x1b\[[0-?]{0,16}[ -/]{0,4}[@-~]")
"""Colours and the like, as a terminal takes them."""


def _printable_line(line: str) -> str:
    return "".join(map(_printable_char, _TERMINAL.sub("", line)))


def _printable_char(char: str) -> str:
    if char.isprintable():
        return char
    if char.isspace():
        return " "
    return "\N{REPLACEMENT CHARACTER}" if "\ud800" <= char <= "\udfff" else ""


# What is masked.

_QUOTED = r"""(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|'(?:[^'\\]|\\.)*(?:'|\\?$)|\\+"[^"]*(?:"|$)|\\+'[^']*(?:'|$))"""
"""A quoted value, or one that the text ends in; quotes may be escaped, as in JSON within JSON."""

_QUOTED_VALUE = rf"""(?:[bBuU]?{_QUOTED}|[\[({{]{{1,3}}[bBuU]?["'][^\])}}]*)"""
"""A quoted value, of bytes too, or a list of them: ``('user', 'password')``, ``['secret']``."""

_ATTRIBUTE = r"""\s[\w:.-]{1,40}=["'][^"'<>]{0,80}["']"""
_GIVES = (
    r"""\\*["']?(?:\s{0,3}(?:=>|:=|:(?!:)|=|%3D)\s{0,3}"""
    rf"""|(?:{_ATTRIBUTE})?>|(?<=["']),\s{{0,3}}(?=[bBuU]?["']))"""
)
"""What stands between a name and its value; a name may be quoted, an element of XML, or the first of a pair."""

_SECRETS = re.compile(
    rf"""
    (?P<name>
        (?:
            pass(?:word|wort|wd|phrase|code|key) | pwd | secret | api[ _-]?key
            | (?:access|account|client|encryption|functions|license|master)[ _-]?key
            | (?:private|shared|signing|subscription)[ _-]?key
            | (?<=[a-z][_-])token | (?<![a-z])(?:pass|pw|otp|pin|cvv|cvc|ssn)(?![a-z])
        )
        [\w-]{{0,16}} (?: {_GIVES} | \s{{1,3}}(?=["']) )
        |
        (?:
            token | credential | signature | sess(?:ion)?[_-]?(?:id|key) | csrf | xsrf
            | (?<![a-z])(?:auth|jwt|sid|sig|session(?==))(?![a-z])
        )
        [\w-]{{0,16}} (?!:[ ](?-i:[a-z]{{1,12}})(?![^\s.,;:!?)])) {_GIVES}
        |
        --[\w-]{{0,24}}(?:pass(?:word|wd|phrase)?|secret|token|key)\s{{1,3}}(?!-)
    )
    (?: (?:Bearer|Basic|Digest|Token)\s+ )? (?: {MASKED} | {_QUOTED_VALUE} | [^\s,;&"']*[^\s,;&"')}}\]>] )
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""A name that tells a secret, and its value. Of the second kind of names, one lower-case word after a colon and a space
says what is wrong with it ("invalid token: expired")."""

_HINTS = re.compile(
    r"pass|pwd|secret|[ _a-z-]key|token|credential|signature|sess|[cx]srf"
    r"|(?<![a-z])(?:pw|otp|pin|cvv|cvc|ssn|auth|jwt|sid|sig)(?![a-z])"
)
"""What a text in small letters has if it has one of these names; twenty times as fast."""

_HEADERS = re.compile(
    rf"""(?P<name>(?:authorization|cookies?)\\*["']?\s{{0,3}}(?:[:=]|(?<=["']),)\s{{0,3}}|<cookie\s)(?:{MASKED}|{_QUOTED_VALUE}|[^\s"'][^\n]*)""",
    re.IGNORECASE,
)
"""Headers whose value is a list: it ends where the line does."""

_SCHEMES = re.compile(
    r"""
    \b(?P<name>
        Bearer\s+(?!(?:and|are|auth\w*|credentials?|error|expired|for|format|has|header|in|invalid|is|missing|must|not
            |or|prefix|realm|required|scheme|tokens?|was|with)\b)
        | (?:Basic|Digest|Negotiate|Token|ApiKey)\s+(?-i:(?=[a-z]{0,64}[A-Z0-9+/=]))(?=[\w+/=.-]{8})
    )
    [^\s,;"'<]+
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SCHEMES_OF_VALUES = ("bearer", "basic", "digest", "negotiate", "token", "apikey")

_PRIVATE_KEY = re.compile(r"-----BEGIN[^-]{0,40}-----(?:[^-]|-(?!----END))*(?:-----END[^-]{0,40}-----)?")

_URL = re.compile(r"""(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,20}(?:://|%3A%2F%2F)[^\s"'<>]*[^\s"'<>.,:;?!)\]}]""")
_USER = re.compile(r"""(?<![^\s/"'(=,])(?!mailto:)[^\s:@/"'<>]{1,64}:[^\s@/"'<>]{1,64}@[\w.-]{0,253}\b""")
_INSTANCE = re.compile(r"(?<=[\w$])@[0-9a-f]{1,8}(?![\w-]|\.\w)")
"""What Java puts behind the name of a class."""
_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+-]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63})*")


def _mask(text: str) -> str:
    """Return the text without secrets and without what tells who somebody is."""
    # The whole of it: user, password, path and query may each hold something.
    if "://" in text or "%3A%2F%2F" in text:
        text = _URL.sub("<url>", text)
    if "-----BEGIN" in text:
        text = _PRIVATE_KEY.sub(MASKED, text)
    lower = text.lower()
    if "authorization" in lower or "cookie" in lower:
        text = _HEADERS.sub(rf"\g<name>{MASKED}", text)
    if any(scheme in lower for scheme in _SCHEMES_OF_VALUES):
        text = _SCHEMES.sub(rf"\g<name>{MASKED}", text)
    if _HINTS.search(lower):
        text = _SECRETS.sub(rf"\g<name>{MASKED}", text)
    if "@" in text or "%40" in text:
        text = _INSTANCE.sub("@<id>", _USER.sub(f"{MASKED}@<addr>", text))
        text = _EMAIL.sub("<email>", text)
    return text


# What is folded.

_OBJECT = re.compile(r"<(?:[\w.]{0,80}\.)?(?P<name>[\w<>]{1,60})(?: object)? at 0x[0-9a-fA-F]{1,16}>")
_POOL = re.compile(r"""HTTPS?Connection(?:Pool)?\(host=["'][^"']{0,255}["'], port=\w{1,6}\)""")
"""What urllib3 names a host and a port by."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = rf"(?:{'|'.join(_MONTHS)})[a-z]{{0,6}}"
_CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:[ ]?[AP]M\b)?(?:[ ](?:[A-Z]{3,4}\b|[+-]\d\d:?\d\d)){0,2}"
_DATE = re.compile(
    rf"""
    (?:\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{{0,6}},?[ ])?
    (?: (?<!\w)\d{{1,2}}[ /-]{_MONTH}[ /-]\d{{2,4}}(?:[ :T]{_CLOCK})?
      | \b{_MONTH}[ ]{{1,2}}\d{{1,2}}(?:(?:,?[ ]\d{{4}})?[ ]{_CLOCK}(?:[ ]\d{{4}})?|,?[ ]\d{{4}})\b
    )
    """,
    re.VERBOSE,
)
"""A date with its month in letters."""
_BRACKETED = re.compile(
    r"(?:\[|%5B)(?=[0-9a-fA-F.]{0,45}:)[0-9a-fA-F:.]{2,45}(?:%\w{1,16}?)?(?:\]|%5D)(?::\d{1,5}(?!\d))?"
)
"""An address of IPv6, which stands in brackets before a port; gRPC writes them as a URL does."""
_QUERY = re.compile(
    r"""
    (?P<mark>\?)[\w.~%&\[\]-]{1,60}=[^\s"'<>]*
    | (?<![\w.-])[\w.-]{1,40}=[^\s&="'<>]*(?:&[\w.-]{1,40}=[^\s&="'<>]*)+
    """,
    re.VERBOSE,
)
_BYTES = re.compile(r"""\bb(?:'(?:[^'\\]|\\[^x])*\\x(?:[^'\\]|\\.)*'?|"(?:[^"\\]|\\[^x])*\\x(?:[^"\\]|\\.)*"?)""")
"""Bytes that are no text, as Python shows them."""
_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2}){3,}")
_CODE = re.compile(
    r"""
    \b(?:HTTP(?:/\d(?:\.\d)?|[ ]error)?|status|(?:close|error|exit|response|result|return|status)[ _-]?code|errno)
    ["']?[ :=]{1,3}-?\d{1,4}(?!\w|\.\d)
    | \bSQLSTATE[ :=\[]{1,3}[0-9A-Z]{5}\b
    | \A[45]\d\d(?=[ ][A-Z])
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Numbers that tell failures apart."""
_CODE_HINTS = ("status", "http", "code", "errno", "sqlstate")

_KEPT_DIGITS = {ord("0") + digit: 0xE000 + digit for digit in range(10)}
"""To characters that no printable text has, while the other digits are folded."""
_RESTORED_DIGITS = {kept: digit for digit, kept in _KEPT_DIGITS.items()}

_SPLIT_TIMES = re.compile(r"<time> <time>(?: [AP]M\b)?")
_BETWEEN_PIECES = re.compile(r"""([\s,;"'(){}\[\]=<>|&]+)""")

MAX_PIECES_REMEMBERED = 1024

MIN_FOLDED_LETTERS = 8
"""A word of letters that is shorter is nothing but a word."""


def _fold(text: str) -> str:
    """Return the text, on one line, with a placeholder for what varies."""
    text = _fold_phrases(text)
    pieces = _BETWEEN_PIECES.split(text)
    pieces[::2] = [
        piece if piece.isalpha() and len(piece) < MIN_FOLDED_LETTERS else _fold_piece(piece) for piece in pieces[::2]
    ]
    folded = _SPLIT_TIMES.sub("<time>", "".join(pieces))
    return folded if folded.isprintable() else folded.translate(_RESTORED_DIGITS)


def _fold_phrases(text: str) -> str:
    """Fold what has several words, and keep codes from being folded."""
    if " at 0x" in text:
        text = _OBJECT.sub(r"<\g<name>>", text)
    if "Connection" in text:
        text = _POOL.sub("<addr>", text)
    if any(map(text.__contains__, _MONTHS)):
        text = _DATE.sub("<time>", text)
    if ("[" in text or "%5B" in text) and ":" in text:
        text = _BRACKETED.sub("<addr>", text)
    if "?" in text or "&" in text:
        text = _QUERY.sub(r"\g<mark><query>", text)
    if "\\x" in text:
        text = _BYTES.sub("b'<id>'", text)
    if "%" in text:
        text = _ESCAPES.sub("<id>", text)
    lower = text.lower()
    if any(map(lower.__contains__, _CODE_HINTS)) or text.startswith(("4", "5")):
        text = _CODE.sub(_kept, text)
    return text


def _kept(match: re.Match[str]) -> str:
    return match.group().translate(_KEPT_DIGITS)


_TOKENS = re.compile(
    r"""(?<![A-Za-z0-9])(?:
        (?:A3T|AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AIPA|ANPA|ANVA|APKA|AROA|ASCA)[A-Z0-9]{12,}
        | eyJ[\w-]{5,}(?:\.[\w-]*)*
        | (?:gh[opsru]_|github_pat_|glpat-|xox[a-z]-|[rps]k_(?:live|test)_)[\w.-]{10,}
        | (?:sk-|whsec_|npm_|hf_|AIza|ya29\.|SG\.)[\w.-]{10,}
        | (?<![+/_.-])(?=[A-Za-z+/]{0,39}[0-9])(?=[a-z0-9+/]{0,39}[A-Z])(?=[A-Z0-9+/]{0,39}[a-z])
          [A-Za-z0-9+/]{40}(?![\w+/-]|\.\w)
    )""",
    re.VERBOSE,
)
"""AWS's key ids, JSON Web Tokens, the prefixes that others give to their keys, and AWS's secret keys."""


_TIME = re.compile(
    r"""
    (?<!\d)(?:
        \d{4}[-/]\d\d[-/]\d\d(?:[T_]\d\d:?\d\d(?::?\d\d(?:[.,]\d{1,9})?)?)?
        | (?<![\d:])\d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?(?![\d:])
        | (?<![\w/.-])\d{1,2}[/.]\d{1,2}[/.]\d{4}(?![\w/])
    )
    (?:Z|[+-]\d\d:?\d\d)?
    """,
    re.VERBOSE,
)
_UUID = re.compile(
    r"[0-9a-fA-F]{8}[_-](?:[0-9a-fA-F]{4}[_-]){3}[0-9a-fA-F]{12}"
    r"|(?<![\w-])(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}(?![\w:-])|(?<![\w.])(?:[0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}(?!\w|\.\w)"
    r"|(?<=-)[bcdfghjklmnpqrstvwxz2456789]{6,10}-[bcdfghjklmnpqrstvwxz2456789]{5}(?![\w-])"
)
"""UUIDs, hardware addresses, and what Kubernetes puts behind the names of pods."""
_ADDRESS = re.compile(
    r"""
    (?:
        (?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2}(?!\d))?
        | (?:(?<![\w:.])|(?<=[G-Zg-z]:)|(?<=\b[Ii]d:))(?=[a-fA-F:.]{0,40}[0-9])(?:[0-9a-fA-F]{0,4}:){2,7}
          (?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4})(?:%\w{1,16})?
        | (?<![\w.-])(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z][A-Za-z0-9-]{1,62}(?=:\d)
        | \blocalhost(?=:\d)
    )
    (?::\d{1,5}(?!\d))?(?![\w.]*\w)
    """,
    re.VERBOSE,
)
_NUMBERED = re.compile(r"(?<![^\W_])[^\W\d_]{0,64}\d[^\W_]*")
"""A word with a digit in it."""
_NUMBERS = re.compile(r"(?:(?<![\w>])[+-](?=<n>))?<n>(?:[.:/-]?<n>)*")
_HEX = re.compile(r"0x[0-9a-f]+|[0-9a-f]{6,}", re.IGNORECASE)
_RUNS = re.compile(r"\d+|[^\W\d_]+")
_DIGITS = re.compile(r"\d+")
HEX_CHARS = 8
"""Of ids with so many hexadecimal digits, one in forty has no letter. Longer ones hardly ever have none."""

MIN_TOKEN_CHARS = 14
MIN_ID_CHARS = 6
"""Letters and digits that take turns are an id from this length: `7f3a9c` is one, `e2e` and `k8s` are none."""


@lru_cache(MAX_PIECES_REMEMBERED)
def _fold_piece(piece: str) -> str:
    """Fold what stands between blanks, commas, quotes and brackets."""
    path, mark, query = piece.partition("?")
    if query and "/" in path:
        return f"{_fold_piece(path)}{mark}<query>"
    if len(piece) >= MIN_TOKEN_CHARS:
        piece = _TOKENS.sub(MASKED, piece)
    has_digits = _DIGITS.search(piece) is not None
    if has_digits and not piece.isalnum():
        piece = _ADDRESS.sub("<addr>", _TIME.sub("<time>", _UUID.sub("<id>", piece)))
    piece = fold_random_ids(piece)
    if not has_digits:
        return piece
    return _NUMBERS.sub("<n>", _NUMBERED.sub(_fold_numbered, piece))


def _fold_numbered(match: re.Match[str]) -> str:
    word: str = match.group()
    if word.isdecimal():
        is_fraction = match.string[match.start() - 1 : match.start()] in {".", ","}
        return "<id>" if len(word) == HEX_CHARS and not is_fraction else "<n>"
    if _HEX.fullmatch(word) or (len(word) >= MIN_ID_CHARS and _takes_turns(word)):
        return "<id>"
    return _DIGITS.sub("<n>", word)


def _takes_turns(word: str) -> bool:
    is_name = word.isascii() and plausibility(word) > -3
    return not is_name and len(_RUNS.findall(word)) > 2
