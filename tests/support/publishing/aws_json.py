"""AWS JSON 1.0 by hand, for what boto3 can't be made to send."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

TARGET = "GraniteServiceVersion20100801."


@dataclass(frozen=True)
class Answer:
    """An HTTP answer with a JSON body."""

    status: int
    headers: http.client.HTTPMessage
    document: dict

    @property
    def code(self):
        """The error code of the query protocol, as boto3 shows it; None where there is no error."""
        header = self.headers["x-amzn-query-error"]
        return header and header.split(";")[0]


def post(url, body, headers, path="/", method="POST"):
    """Send a body as it is, and read a JSON answer."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return Answer(response.status, response.headers, json.loads(response.read()))
    finally:
        connection.close()


def headers_of(operation, **more):
    """The headers of an operation; `more` with underscores for hyphens."""
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return {"X-Amz-Target": TARGET + operation, "Content-Type": "application/x-amz-json-1.0"} | named


def operate(url, operation, document):
    """Call an operation with any JSON document."""
    return post(url, json.dumps(document), headers_of(operation))
