"""DynamoDB's errors, in AWS's wording."""

from collections.abc import Mapping, Sequence
from typing import Any

_DYNAMODB = "com.amazonaws.dynamodb.v20120810#"


class DynamoDbError(Exception):
    """An error answer: its code, its message and further fields."""

    def __init__(self, code: str, message: str, status: int = 400, **beside: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.beside = beside

    def body(self) -> dict[str, Any]:
        """Return the body of the answer."""
        prefix = "com.amazon.coral.validate#" if self.code == "ValidationException" else _DYNAMODB
        return {"__type": prefix + self.code, "message": self.message, **self.beside}


class InvalidUpdateError(DynamoDbError):
    """An update that does not fit the existing item."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message)


class ConditionFailedError(DynamoDbError):
    """A condition that does not hold; `item` is the item that the caller asked to see."""

    def __init__(self, item: Mapping[str, Any] | None = None) -> None:
        beside: Any = {"Item": item} if item is not None else {}
        super().__init__(
            "ConditionalCheckFailedException", "The conditional request failed", **beside
        )


def invalid(message: str) -> DynamoDbError:
    """Return a ValidationException."""
    return DynamoDbError("ValidationException", message)


def invalid_values(message: str) -> DynamoDbError:
    """Return a ValidationException about values, with AWS's prefix."""
    return invalid(f"One or more parameter values were invalid: {message}")


def no_such_table() -> DynamoDbError:
    """Return the error of a data-plane call on a table that does not exist."""
    return DynamoDbError("ResourceNotFoundException", "Requested resource not found")


def not_emulated(what: str) -> DynamoDbError:
    """Return a 501 error that names the feature that is not emulated."""
    message = f"dynamodb: not emulated: {what}. docs/fidelity.md lists what is emulated."
    return DynamoDbError("NotEmulated", message, 501)


def cancelled(reasons: Sequence[Mapping[str, Any]]) -> DynamoDbError:
    """Return the error of a transaction that was cancelled and wrote nothing."""
    codes = ", ".join(str(reason["Code"]) for reason in reasons)
    message = (
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    )
    return DynamoDbError("TransactionCanceledException", message, CancellationReasons=list(reasons))
