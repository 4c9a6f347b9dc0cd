"""The calls that IAM refused, the newest first."""

import re
import time
from collections import OrderedDict

import msgspec
from aiohttp import web

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.console import answers
from local_aws.console.answers import own_page
from local_aws.console.redaction import redacted

KEPT = 300
_DENIED = b"is not authorized to perform"
_MESSAGE = re.compile(
    r"User: (?P<caller>\S+) is not authorized to perform: (?P<action>\S+)"
    r" on resource: (?P<resource>[^\s\"<]+) ?(?P<reason>[^\"<]*)"
)


class Refusal(msgspec.Struct):
    """A refused call, and how often it was refused. The caller is the ARN of a role's session."""

    caller: str
    action: str
    resource: str
    reason: str
    at: float = 0.0  # epoch seconds of the last one
    times: int = 0


class Refusals:
    def __init__(self) -> None:
        self._found: OrderedDict[str, Refusal] = OrderedDict()

    def note(self, call: AwsCall, answer: AwsResponse) -> None:
        if answer.status >= 400 and _DENIED in answer.body:
            self.note_message(answer.body.decode(errors="replace"))

    def note_message(self, text: str) -> None:
        """Keep a refusal by AWS's message, if the text contains one."""
        if (message := _MESSAGE.search(text)) is None:
            return
        caller, action, resource, reason = message.groups()
        refusal = self._found.setdefault(message[0], Refusal(caller, action, resource, reason))
        refusal.at, refusal.times = time.time(), refusal.times + 1
        self._found.move_to_end(message[0])
        if len(self._found) > KEPT:
            self._found.popitem(last=False)

    def routes(self, path: str) -> list[web.RouteDef]:
        return [web.get(f"{path}/refusals", own_page(self._list))]

    async def _list(self, request: web.Request) -> web.Response:
        text = request.query.get("text", "").lower()
        shown = [
            each
            for message, each in reversed(self._found.items())
            if text in redacted(message).lower()
        ]
        return answers.json({"refusals": shown})
