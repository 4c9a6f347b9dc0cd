"""The function that a call names: by name, partial ARN or full ARN, with or without a qualifier.

https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html#API_GetFunction_RequestParameters
"""

import json
import re
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, parse_qsl, quote, unquote, urlencode

from local_aws.aws_call import AwsCall
from local_aws.lambda_service.errors import InvokeError, invalid
from local_aws.settings import ACCOUNT_ID

_PATH = re.compile(r"^(?P<before>/\d{4}-\d\d-\d\d/functions/)(?P<named>[^/]+)(?P<after>.*)$")
_CREATE = re.compile(r"^/\d{4}-\d\d-\d\d/functions/?$")
_REFERENCE = re.compile(
    r"(?:arn:aws[a-z-]*:lambda:)?(?:(?P<region>[a-z]{2}(?:-[a-z]+)+-\d):)?(?:\d{12}:)?(?:function:)?"
    r"(?P<name>[A-Za-z0-9_-]+)(?::(?P<qualifier>[$A-Za-z0-9_-]+))?"
)


@dataclass(frozen=True)
class Reference:
    name: str
    qualifier: str | None
    region: str

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{ACCOUNT_ID}:function:{self.name}"

    @property
    def qualified_arn(self) -> str:
        return f"{self.arn}:{self.qualifier}" if self.qualifier else self.arn


def reference(call: AwsCall) -> Reference | None:
    """Return the function of the call's path; None if the path names none.

    Raises:
        InvokeError: the function is in another region, or two different qualifiers are given.
    """
    path = _PATH.match(call.path)
    match = _REFERENCE.fullmatch(unquote(path["named"])) if path else None
    if match is None:
        return None
    _check_region(match["region"], call.region)
    asked = parse_qs(call.query).get("Qualifier", [None])[0]
    if match["qualifier"] and asked and match["qualifier"] != asked:
        raise invalid(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return Reference(match["name"], match["qualifier"] or asked, call.region)


def with_plain_name(call: AwsCall) -> AwsCall:
    """Return CreateFunction with the bare name in its body, where AWS also accepts an ARN."""
    if call.method != "POST" or not _CREATE.match(call.path):
        return call
    asked = json.loads(call.body or b"{}")
    match = _REFERENCE.fullmatch(str(asked.get("FunctionName", "")))
    if match is None or match["name"] == asked["FunctionName"]:
        return call
    _check_region(match["region"], call.region)
    body = json.dumps(asked | {"FunctionName": match["name"]}).encode()
    return replace(call, body=body)


def _check_region(named: str | None, region: str) -> None:
    if named and named != region:
        message = f"Functions from '{named}' are not reachable in this region ('{region}')"
        raise InvokeError(404, "ResourceNotFoundException", message)


def plain(call: AwsCall, found: Reference) -> AwsCall:
    """Return the call with the bare name in its path and the qualifier in its query.

    moto reads no other form for most operations.
    """
    path = _PATH.match(call.path)
    if path is None or path["named"] == found.name:
        return call
    query = [
        pair for pair in parse_qsl(call.query, keep_blank_values=True) if pair[0] != "Qualifier"
    ]
    query += [("Qualifier", found.qualifier)] if found.qualifier else []
    return replace(
        call, path=f"{path['before']}{quote(found.name)}{path['after']}", query=urlencode(query)
    )
