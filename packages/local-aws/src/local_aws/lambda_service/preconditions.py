"""Checks before a function changes: reserved names, stale revisions, and features not emulated."""

import json
import re
import zipfile
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, unquote

from moto.awslambda.models import lambda_backends
from moto.core.exceptions import JsonRESTError

from local_aws.aws_call import AwsCall
from local_aws.lambda_service.deployed import find
from local_aws.lambda_service.environment import check_names
from local_aws.lambda_service.errors import InvokeError
from local_aws.lambda_service.function_settings import revision
from local_aws.settings import ACCOUNT_ID

_FUNCTIONS = re.compile(
    r"^/\d{4}-\d\d-\d\d/functions(?:/(?P<function>[^/]+))?(?:/(?P<part>[a-z]+))?(?:/(?P<name>[^/]+))?/?$"
)
_REVISED = ("code", "configuration", "versions")
_EXTENSIONS = "extensions/"


def check(call: AwsCall) -> None:
    """Raise `InvokeError` if Lambda would reject this change, or if it is not emulated."""
    match = _FUNCTIONS.match(call.path)
    if match is None or call.method not in ("POST", "PUT"):
        return
    function, part = unquote(match["function"] or ""), match["part"]
    if part == "url":
        raise _not_emulated(f"the function URL of {function}. Put a REST API in front of it")
    if part not in (None, "aliases", *_REVISED):
        return
    asked = json.loads(call.body or b"{}")
    if part in (None, "configuration"):
        check_names((asked.get("Environment") or {}).get("Variables") or {})
        for layer in asked.get("Layers") or ():
            _refuse_extensions(layer, call.region)
    if part in _REVISED:
        qualifier = parse_qs(call.query).get("Qualifier", [None])[0]
        _check_revision(asked, revision(find(function, qualifier, call.region).resource))
    elif part == "aliases" and match["name"]:
        _check_revision(asked, _alias_revision(function, unquote(match["name"]), call.region))


def _check_revision(asked: dict[str, Any], current: str | None) -> None:
    if asked.get("RevisionId") and current and asked["RevisionId"] != current:
        message = (
            "The Revision Id provided does not match the latest Revision Id. "
            "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
        )
        raise InvokeError(412, "PreconditionFailedException", message)


def _alias_revision(function: str, alias: str, region: str) -> str | None:
    try:
        return str(lambda_backends[ACCOUNT_ID][region].get_alias(alias, function).revision_id)
    except JsonRESTError:
        return None  # moto reports that the layer does not exist


def _refuse_extensions(layer_arn: str, region: str) -> None:
    """Reject layers with extensions: Lambda would start each file of that folder.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-extensions.html
    """
    layer = lambda_backends[ACCOUNT_ID][region].layers_versions_by_arn(layer_arn)
    if layer is None:
        return
    with zipfile.ZipFile(BytesIO(layer.code_bytes)) as archive:
        names = [
            name
            for name in archive.namelist()
            if name.startswith(_EXTENSIONS) and name != _EXTENSIONS
        ]
    if names:
        raise _not_emulated(
            f"the layer {layer_arn} contains extensions: {', '.join(names)}. "
            "Leave the layer out on the laptop"
        )


def _not_emulated(what: str) -> InvokeError:
    return InvokeError(
        501,
        "NotEmulated",
        f"lambda: not emulated: {what}. docs/fidelity.md lists what is emulated.",
    )
