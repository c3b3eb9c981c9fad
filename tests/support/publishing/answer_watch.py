"""Looks at each answer that a boto3 client gets: none of AWS's, or of what stands in for it, may look a stranger's."""

from __future__ import annotations

from typing import Any

from locust_cw_dist.live.aws import answers


class AnswerWatch:
    """Watches clients.

    Attributes:
        seen: (operation, status) of each answer.
        strange: Those that look like a stranger's once their request id is taken away, and why.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []
        self.strange: list[tuple[str, int, bytes]] = []

    def of(self, client: Any) -> Any:
        """Watch a client, and return it."""
        client.meta.events.register("before-parse", self._look)
        return client

    def _look(self, operation_model: Any, response_dict: Any, **_: Any) -> None:
        body, status, name = response_dict["body"], response_dict["status_code"], operation_model.name
        self.seen.append((name, status))
        if not isinstance(body, bytes):
            return
        headers = answers.small(response_dict["headers"])
        bare = {header: value for header, value in headers.items() if not answers.has_request_id({header: value})}
        shape = operation_model.output_shape
        protocol = operation_model.service_model.resolved_protocol
        expected = answers.Expected(protocol, frozenset(shape.members if shape is not None else ()))
        if answers.is_foreign(answers.Answer("AWS", "http://x", status, bare, body), expected):
            self.strange.append((name, status, body))
