"""The errors that DynamoDB answers, in its own words."""

from collections.abc import Mapping, Sequence
from typing import Any

_DYNAMODB = "com.amazonaws.dynamodb.v20120810#"


class DynamoDbError(Exception):
    """Represent a refusal: its code, its message and what stands beside them in the answer."""

    def __init__(self, code: str, message: str, status: int = 400, **beside: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.beside = beside

    def body(self) -> dict[str, Any]:
        """Return the content of the answer."""
        prefix = "com.amazon.coral.validate#" if self.code == "ValidationException" else _DYNAMODB
        return {"__type": prefix + self.code, "message": self.message, **self.beside}


class InvalidUpdateError(DynamoDbError):
    """Represent an update that does not fit the item that is there."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message)


class ConditionFailedError(DynamoDbError):
    """Represent a condition that does not hold; `item` is what the caller asked to see."""

    def __init__(self, item: Mapping[str, Any] | None = None) -> None:
        beside: Any = {"Item": item} if item is not None else {}
        super().__init__(
            "ConditionalCheckFailedException", "The conditional request failed", **beside
        )


def invalid(message: str) -> DynamoDbError:
    """Return a ValidationException."""
    return DynamoDbError("ValidationException", message)


def invalid_values(message: str) -> DynamoDbError:
    """Return a ValidationException about values, with the words that AWS begins it with."""
    return invalid(f"One or more parameter values were invalid: {message}")


def no_such_table() -> DynamoDbError:
    """Return what every data-plane call answers where there is no such table."""
    return DynamoDbError("ResourceNotFoundException", "Requested resource not found")


def not_emulated(what: str) -> DynamoDbError:
    """Return a 501 that names what is refused."""
    message = f"dynamodb: {what}. The laptop's AWS does not emulate it; docs/fidelity.md lists what it does."
    return DynamoDbError("NotEmulated", message, 501)


def cancelled(reasons: Sequence[Mapping[str, Any]]) -> DynamoDbError:
    """Return the error of a transaction of which nothing was written."""
    codes = ", ".join(str(reason["Code"]) for reason in reasons)
    message = (
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    )
    return DynamoDbError("TransactionCanceledException", message, CancellationReasons=list(reasons))
