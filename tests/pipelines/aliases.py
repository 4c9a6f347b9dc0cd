"""A stub of Lambda's aliases: versions, weights and revisions.

A test can refuse or observe calls.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

Before = Callable[[str, str], None]
"""A function that is called before an alias moves, with the function's name and the version."""


@dataclass
class Aliases:
    """A Lambda client of functions whose alias `live` points to `live`.

    `newest` was published last.
    """

    live: dict[str, str]
    newest: dict[str, str]
    before_move: Before = lambda function, version: None
    weights: dict[str, dict[str, float]] = field(default_factory=dict)
    moves: list[tuple[str, str]] = field(default_factory=list)
    _revision: int = 0
    _revisions: dict[str, str] = field(default_factory=dict)

    def get_alias(self, *, FunctionName: str, Name: str) -> dict[str, Any]:  # noqa: N803 - Lambda's
        assert Name == "live"
        return {
            "FunctionVersion": self.live[FunctionName],
            "RoutingConfig": {"AdditionalVersionWeights": self.weights.get(FunctionName, {})},
            "RevisionId": self._revisions.setdefault(FunctionName, "0"),
        }

    def update_alias(self, **asked: Any) -> dict[str, Any]:
        function = asked["FunctionName"]
        self.before_move(function, asked["FunctionVersion"])
        if asked["RevisionId"] != self._revisions.setdefault(function, "0"):
            raise refused(
                "PreconditionFailedException", "The Revision Id provided is not the latest"
            )
        self._revision += 1
        self._revisions[function] = str(self._revision)
        self.live[function] = asked["FunctionVersion"]
        self.weights[function] = asked["RoutingConfig"]["AdditionalVersionWeights"]
        self.moves.append((function, asked["FunctionVersion"]))
        return self.get_alias(FunctionName=function, Name="live")

    def get_paginator(self, operation: str) -> "Aliases":
        assert operation == "list_versions_by_function"
        return self

    def paginate(self, *, FunctionName: str) -> list[dict[str, Any]]:  # noqa: N803 - Lambda's
        numbers = range(1, int(self.newest[FunctionName]) + 1)
        return [{"Versions": [{"Version": str(number)} for number in numbers]}]


def refused(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "UpdateAlias")
