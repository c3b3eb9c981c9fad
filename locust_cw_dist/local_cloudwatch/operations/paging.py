"""Pages of an answer, and the tokens that continue them.

A token holds the place where the last page ended, not a number of rows: data that arrives or is evicted
between two pages neither repeats nor hides other data. It also holds a digest of the question, so that a
token of another question is refused.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

from locust_cw_dist.local_cloudwatch.errors import ApiError

if TYPE_CHECKING:
    from locust_cw_dist.local_cloudwatch.operations.fields import Document

_NOT_PART_OF_THE_QUESTION = ("NextToken", "MaxDatapoints")


def encode_token(place: list[int], document: Document) -> str:
    """A token for what follows `place` in the answer to `document`."""
    content = json.dumps({"place": place, "question": _digest(document)})
    return base64.urlsafe_b64encode(content.encode()).decode()


def decode_token(token: str, document: Document, size: int) -> list[int]:
    """The place of `size` numbers in a token that `encode_token` made for the same question.

    Raises:
        ApiError: InvalidNextToken.
    """
    try:
        content = json.loads(base64.urlsafe_b64decode(token.encode()))
        place = [int(number) for number in content["place"]]
        is_ours = content["question"] == _digest(document) and len(place) == size
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ApiError("InvalidNextToken", "The next token specified is invalid.") from error
    if not is_ours:
        raise ApiError("InvalidNextToken", "The next token specified belongs to another request.")
    return place


def _digest(document: Document) -> str:
    question = {name: value for name, value in document.items() if name not in _NOT_PART_OF_THE_QUESTION}
    return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()[:16]
