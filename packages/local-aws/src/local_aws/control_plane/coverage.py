"""The operations that were called since the start, and how far each is emulated.

An operation is *emulated* if it has the same effect here as on AWS: this package answers it, or
coverage.yaml says that something acts on what moto stores. It is *recorded only* if moto stores the
request and nothing acts on it. It is *refused* if the answer is a 501.
"""

import re
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from local_aws.aws_call import AwsCall, AwsResponse, Forward, Interceptor
from local_aws.control_plane.endpoint import Gate
from local_aws.request_model.operation_name import model_of, operation_name

PAGE = "/_local/coverage"
DATA = Path(__file__).with_name("coverage.yaml")
_NOT_EMULATED = 501


class Outcome(StrEnum):
    EMULATED = "emulated"
    RECORDED = "recorded only"
    REFUSED = "refused"


class Coverage:
    """A count of the calls by service, operation and outcome."""

    def __init__(self) -> None:
        # (service, operation, True if moto answered, True if it was refused) -> calls
        self._calls: Counter[tuple[str, str, bool, bool]] = Counter()

    def interceptors(self, interceptors: Mapping[str, Interceptor]) -> dict[str, Interceptor]:
        """Return interceptors whose calls are counted."""
        return {service: self._counted(each) for service, each in interceptors.items()}

    def _counted(self, interceptor: Interceptor) -> Interceptor:
        async def intercept(call: AwsCall, forward: Forward) -> AwsResponse:
            forwarded = False

            async def noted(other: AwsCall) -> AwsResponse:
                nonlocal forwarded
                forwarded = True
                return await forward(other)

            answer = await interceptor(call, noted)
            self._count(call, answer, forwarded)
            return answer

        return intercept

    def forward(self, forward: Forward) -> Forward:
        """Wrap `forward`, which sends calls to moto, so that its calls are counted."""

        async def counted(call: AwsCall) -> AwsResponse:
            answer = await forward(call)
            self._count(call, answer, is_forwarded=True)
            return answer

        return counted

    def gate(self, gate: Gate) -> Gate:
        """Wrap the gate so that its successful answers and its 501s are counted.

        Denials and invalid requests are not counted.
        """

        async def check(call: AwsCall) -> AwsResponse | None:
            answer = await gate(call)
            if answer is not None and (answer.status < 400 or answer.status == _NOT_EMULATED):
                self._count(call, answer, is_forwarded=False)
            return answer

        return check

    def _count(self, call: AwsCall, answer: AwsResponse, is_forwarded: bool) -> None:
        is_refused = answer.status == _NOT_EMULATED
        self._calls[model_of(call), _operation(call), is_forwarded, is_refused] += 1

    def rows(self) -> list[dict[str, Any]]:
        """Return an entry for each operation and outcome, sorted by service."""
        found: Counter[tuple[str, str, Outcome]] = Counter()
        for (service, operation, is_forwarded, is_refused), calls in self._calls.items():
            outcome = outcome_of(service, operation, is_forwarded, is_refused)
            found[service, operation, outcome] += calls
        return [
            {"service": service, "operation": operation, "outcome": outcome, "calls": calls}
            for (service, operation, outcome), calls in sorted(found.items())
        ]

    def routes(self) -> list[web.RouteDef]:
        """Return the page that `local-aws coverage` reads."""

        async def page(_: web.Request) -> web.Response:
            return web.json_response(self.rows())

        return [web.get(PAGE, page)]


def outcome_of(service: str, operation: str, is_forwarded: bool, is_refused: bool) -> Outcome:
    if is_refused:
        return Outcome.REFUSED
    if not is_forwarded or any(each.fullmatch(operation) for each in _acting().get(service, ())):
        return Outcome.EMULATED
    return Outcome.RECORDED


@cache
def _acting() -> Mapping[str, list[re.Pattern[str]]]:
    """Return the patterns of operations whose record in moto acts here, by service."""
    declared = yaml.safe_load(DATA.read_text())
    return {
        service: [re.compile(entry["operations"]) for entry in entries]
        for service, entries in declared.items()
    }


def _operation(call: AwsCall) -> str:
    """Return the operation's name.

    Those of S3 follow from method and kind, since the path is the key.
    """
    if call.service != "s3":
        return operation_name(call)
    kind = "object" if "/" in call.path.strip("/") else "bucket"
    return f"{call.method} {kind}"
