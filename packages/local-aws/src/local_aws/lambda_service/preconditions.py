"""Checks before a function changes: settings, stale revisions, and features not emulated."""

import json
import re
import zipfile
from io import BytesIO
from typing import Any
from urllib.parse import unquote

from moto.awslambda.models import lambda_backends
from moto.core.exceptions import JsonRESTError

from local_aws.aws_call import AwsCall
from local_aws.lambda_service import tags
from local_aws.lambda_service.aliases import check_alias
from local_aws.lambda_service.concurrency import check_reservation
from local_aws.lambda_service.deployed import LATEST, find
from local_aws.lambda_service.environment import check_names
from local_aws.lambda_service.errors import (
    InvokeError,
    function_not_found,
    invalid,
    not_found,
)
from local_aws.lambda_service.function_checks import check_code, check_settings, check_tags
from local_aws.lambda_service.function_policy import forget_alias
from local_aws.lambda_service.function_settings import revision
from local_aws.lambda_service.references import Reference
from local_aws.settings import ACCOUNT_ID

_FUNCTIONS = re.compile(
    r"^/\d{4}-\d\d-\d\d/functions(?:/(?P<function>[^/]+))?(?:/(?P<part>[a-z]+))?(?:/(?P<name>[^/]+))?/?$"
)
_REVISED = ("code", "configuration", "versions")
_EXTENSIONS = "extensions/"


def check(call: AwsCall, function: Reference | None) -> None:
    """Raise `InvokeError` if Lambda would reject this call, or if it is not emulated."""
    tags.check(call)
    match = _FUNCTIONS.match(call.path)
    if match is None:
        return
    part = match["part"]
    if part == "url":
        _check_url(call, function)
    elif call.method == "DELETE":
        _check_deletion(call, function, part, match["name"])
    elif call.method in ("POST", "PUT"):
        _check_change(call, function, part, match["name"] and unquote(match["name"]))


def _check_change(
    call: AwsCall, function: Reference | None, part: str | None, name: str | None
) -> None:
    asked = json.loads(call.body or b"{}")
    if part in (None, "configuration"):
        check_names((asked.get("Environment") or {}).get("Variables") or {})
        check_settings(asked, call.region)
        for layer in asked.get("Layers") or ():
            _refuse_extensions(layer, call.region)
    if part is None:
        check_code(asked.get("Code") or {})
        check_tags(asked.get("Tags") or {}, {})
    if function is None:
        return
    if part == "code":
        check_code(asked)
    if part in _REVISED:
        latest = find(function.name, function.qualifier, call.region).resource
        _check_revision(asked, revision(latest))
        if part == "versions":
            _check_digest(asked, latest.code_sha_256)
    elif part == "concurrency":
        check_reservation(asked, function)
    elif part == "aliases":
        check_alias(asked, function, name)
        if name:
            _check_revision(asked, _alias_revision(function.name, name, call.region))


def _check_url(call: AwsCall, function: Reference | None) -> None:
    """Reject function URLs with 501. Reading or deleting one is 404, since none exists."""
    if call.method in ("POST", "PUT"):
        named = function.name if function else "the function"
        raise _not_emulated(f"the function URL of {named}. Put a REST API in front of it")
    raise not_found("The resource you requested does not exist.")


def _check_deletion(
    call: AwsCall, function: Reference | None, part: str | None, name: str | None
) -> None:
    if function is None:
        return
    if part == "aliases" and name:
        forget_alias(function, unquote(name))
    if part is None:
        if function.qualifier == LATEST:
            raise invalid(f"{LATEST} version cannot be deleted without deleting the function.")
        functions = lambda_backends[ACCOUNT_ID][call.region]._lambdas._functions
        if function.name not in functions:
            raise function_not_found(function.arn)


def deletes_nothing(call: AwsCall, function: Reference | None) -> bool:
    """Return True for the deletion of a version that does not exist, which succeeds."""
    if function is None or call.method != "DELETE" or not (function.qualifier or "").isdigit():
        return False
    match = _FUNCTIONS.match(call.path)
    kept = lambda_backends[ACCOUNT_ID][call.region]._lambdas._functions.get(function.name)
    if match is None or match["part"] is not None or kept is None:
        return False
    return function.qualifier not in {str(each.version) for each in kept["versions"]}


def _check_digest(asked: dict[str, Any], current: str) -> None:
    if asked.get("CodeSha256") and asked["CodeSha256"] != current:
        raise invalid(
            f"CodeSHA256 ({asked['CodeSha256']}) is different from current CodeSHA256 in "
            f"{LATEST} ({current}). Please try again with the CodeSHA256 in {LATEST}."
        )


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
