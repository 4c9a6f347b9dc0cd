"""Spans of the calls that functions make at the AWS endpoint."""

import re
import time
from urllib.parse import unquote

import msgspec

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.request_model.operation_name import operation_name
from local_aws.spans import OpenSpans, Span

LONGEST = 500  # characters of an error
_TABLE = re.compile(rb'"(?:TableName"\s*:|RequestItems"\s*:\s*\{)\s*"([^"]{3,255})"')
_FUNCTION = re.compile(r"^/2015-03-31/functions/([^/]+)/")
_MESSAGE = re.compile(r"<Message>(.*?)</Message>", re.DOTALL)


def note(spans: OpenSpans, call: AwsCall, answer: AwsResponse, began: float) -> None:
    """Add the span of a function's call to the event that the function handles, if any."""
    if (found := spans.of(call.access_key)) is None:
        return
    error = _error(answer.body) if answer.status >= 400 else ""
    ms = (time.perf_counter() - began) * 1000
    name = call.action or operation_name(call)
    found.append(Span(call.service, name, _target(call), began, ms, answer.units, error))


def _target(call: AwsCall) -> str:
    if call.service == "dynamodb":
        return ", ".join(sorted({each.decode() for each in _TABLE.findall(call.body)}))
    if call.service == "lambda" and (found := _FUNCTION.match(call.path)):
        return unquote(found[1])
    return ""


class _Body(msgspec.Struct):
    type: str = msgspec.field(name="__type", default="")
    message: str = ""
    Message: str = ""


def _error(body: bytes) -> str:
    """Return the type and message of an error answer, in JSON or XML."""
    try:
        found = msgspec.json.decode(body, type=_Body)
        parts = (found.type.rpartition("#")[2], found.message or found.Message)
        return ": ".join(part for part in parts if part)[:LONGEST]
    except msgspec.DecodeError:
        text = body.decode(errors="replace")
        inside = _MESSAGE.search(text)
        return (inside[1] if inside else text)[:LONGEST]
