"""A release shifts all functions or none, also when Lambda refuses one half-way."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tools.deploy import release
from tools.deploy.errors import RefusedError
from tools.deploy.live_alias import Shift

SHIFTS = [Shift("users", "1", "2"), Shift("meta", "3", "4"), Shift("orders", "5", "6")]


@dataclass
class Lambda:
    """Which version is live; `refused` are (function, version) that it does not take."""

    refused: set[tuple[str, str]]
    live: dict[str, str] = field(
        default_factory=lambda: {one.function: one.before for one in SHIFTS}
    )

    def update_alias(self, **asked: Any) -> None:
        function, version = asked["FunctionName"], asked["FunctionVersion"]
        if (function, version) in self.refused:
            raise ClientError(
                {"Error": {"Code": "TooManyRequestsException", "Message": "Rate exceeded"}},
                "UpdateAlias",
            )
        self.live[function] = version


def test_what_was_shifted_goes_back_when_a_later_one_is_refused() -> None:
    client = Lambda({("orders", "6")})
    with pytest.raises(ClientError, match="Rate exceeded"):
        release.shift(client, None, SHIFTS, None)
    assert client.live == {"users": "1", "meta": "3", "orders": "5"}


def test_one_that_cannot_go_back_keeps_no_other_and_is_named_with_the_command() -> None:
    client = Lambda({("orders", "6"), ("users", "1")})
    with pytest.raises(RefusedError) as refused:
        release.shift(client, None, SHIFTS, None)
    assert client.live == {"users": "2", "meta": "3", "orders": "5"}
    assert "aws lambda update-alias --function-name users --name live --function-version 1" in str(
        refused.value
    )
    assert "meta" not in str(refused.value)
