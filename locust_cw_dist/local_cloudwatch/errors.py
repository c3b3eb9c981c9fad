"""The errors that operations answer, with the names that AWS gives them."""

from __future__ import annotations

_MODELLED_TYPES = {
    "InvalidParameterValue": "InvalidParameterValueException",
    "MissingParameter": "MissingRequiredParameterException",
    "InvalidParameterCombination": "InvalidParameterCombinationException",
    "InternalServiceError": "InternalServiceFault",
    "Throttling": "ThrottlingException",
    "ExpiredToken": "ExpiredTokenException",
    "AccessDenied": "AccessDeniedException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
}
"""Error code -> shape name. CloudWatch's errors have two names: the code of the old query protocol, which
boto3's `ClientError` shows, and the name of the shape. Source: the `error.code` entries of botocore's
service model."""


class ApiError(Exception):
    """An answer that is an error.

    Attributes:
        code: what boto3 shows as `ClientError.response["Error"]["Code"]`.
        message: one sentence in AWS's style, naming the parameter.
        status: the HTTP status.
        retry_after_s: what the Retry-After header says, or None for no such header.
    """

    def __init__(self, code: str, message: str, status: int = 400, retry_after_s: float | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.retry_after_s = retry_after_s

    @property
    def type_name(self) -> str:
        """The error's shape, as `__type` carries it."""
        return _MODELLED_TYPES.get(self.code, self.code)

    @property
    def fault(self) -> str:
        """Whose fault it is, in the query protocol's words."""
        return "Sender" if self.status < 500 else "Receiver"


def invalid_value(message: str) -> ApiError:
    """A parameter is bad or out of range."""
    return ApiError("InvalidParameterValue", message)


def invalid_combination(message: str) -> ApiError:
    """Parameters that exclude each other, or that need each other."""
    return ApiError("InvalidParameterCombination", message)


def missing(parameter: str) -> ApiError:
    """A required parameter is absent."""
    return ApiError("MissingParameter", f"The parameter {parameter} is required.")


def wrong_type(parameter: str, expected: str) -> ApiError:
    """A JSON value of a type that the service model doesn't have there."""
    return ApiError("SerializationException", f"The parameter {parameter} must be {expected}.")


def validation(message: str) -> ApiError:
    """GetMetricData's general error."""
    return ApiError("ValidationError", message)
