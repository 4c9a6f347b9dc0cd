"""Retries of a function that fails because RDS Proxy does not know a new secret yet.

No other failure is retried.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from tools.deploy import database
from tools.deploy.environment import FunctionFailedError

UNKNOWN = (
    "proxy.example.org:5432 refused migrator: {'M': 'This RDS Proxy has no credentials for the role migrator. "
    "Check the credentials for this role and try again.'}"
)


class Functions:
    """A stub of functions that fail once for each message and then succeed."""

    def __init__(self, *messages: str) -> None:
        self.messages = list(messages)
        self.invoked: list[Any] = []

    def __call__(self, folder: str, event: Mapping[str, Any]) -> Any:
        self.invoked.append((folder, event["action"]))
        if self.messages:
            raise FunctionFailedError(folder, "DatabaseUnavailableError", self.messages.pop(0))
        return {"applied": []}


def test_an_unknown_secret_is_retried_with_back_off() -> None:
    functions, told, slept = Functions(UNKNOWN, UNKNOWN, UNKNOWN), list[str](), list[float]()
    patiently = database.until_secrets_are_known(functions, told.append, slept.append)
    assert patiently("migrate", {"action": "apply"}) == {"applied": []}
    assert functions.invoked == [("migrate", "apply")] * 4
    assert slept == [1, 2, 4]
    assert told[0] == "migrate: the proxy does not know a new secret yet. Retrying in 1 s."


def test_the_retries_end_with_the_error() -> None:
    functions, slept = Functions(*[UNKNOWN] * 1000), list[float]()
    patiently = database.until_secrets_are_known(functions, lambda _: None, slept.append)
    with pytest.raises(FunctionFailedError, match="no credentials for the role"):
        patiently("migrate", {"action": "apply"})
    assert sum(slept) == database.MOST_SECONDS


@pytest.mark.parametrize(
    "message",
    [
        "The IAM authentication failed for the role app. Check the IAM token for this role and try again.",
        "no credentials for the role app",
        "",
    ],
)
def test_other_errors_are_not_retried(message: str) -> None:
    functions, slept = Functions(message), list[float]()
    with pytest.raises(FunctionFailedError):
        database.until_secrets_are_known(functions, sleep=slept.append)(
            "migrate", {"action": "apply"}
        )
    assert slept == []
    assert len(functions.invoked) == 1
