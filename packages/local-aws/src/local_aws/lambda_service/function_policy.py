"""AddPermission, RemovePermission and GetPolicy: the policies of functions, versions and aliases.

moto keeps one list of statements for a function and all its versions. Each statement names the ARN
that it is for, so that the function, a version and an alias have policies of their own.

https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

from moto.awslambda.models import lambda_backends

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.lambda_service.errors import InvokeError, function_not_found, invalid, not_found
from local_aws.lambda_service.function_settings import revision
from local_aws.lambda_service.references import Reference
from local_aws.moto_state import additions
from local_aws.settings import ACCOUNT_ID

PATH = re.compile(r"^/2015-03-31/functions/[^/]+/policy(?:/(?P<statement>[^/]+))?/?$")
# Conditions that AddPermission writes: the parameter, the operator and the key.
_CONDITIONS = (
    ("SourceAccount", "StringEquals", "AWS:SourceAccount"),
    ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
    ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
    ("EventSourceToken", "StringEquals", "lambda:EventSourceToken"),
    ("SourceArn", "ArnLike", "AWS:SourceArn"),
)
_STALE = (
    "The Revision Id provided does not match the latest Revision Id. "
    "Call the GetPolicy API to retrieve the latest Revision Id"
)


def answer(call: AwsCall, function: Reference, statement_id: str | None) -> AwsResponse:
    """Answer a call about a policy; raise `InvokeError` if Lambda would reject it."""
    if call.method == "POST":
        return _json(201, {"Statement": json.dumps(_add(json.loads(call.body), function))})
    if call.method == "DELETE":
        _remove(function, statement_id or "", _query(call, "RevisionId"))
        return AwsResponse(204, b"")
    resource, policy = _found(function), _policy(function)
    statements = _of(policy, function) if policy and resource else []
    if policy is None or not statements:
        raise not_found("The resource you requested does not exist.")
    document = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
    revision = _revision(function)
    return _json(200, {"Policy": json.dumps(document), "RevisionId": revision})


def _add(asked: dict[str, Any], function: Reference) -> dict[str, Any]:
    if function.qualifier == "$LATEST":
        raise invalid("We currently do not support adding policies for $LATEST.")
    principal = _principal(str(asked.get("Principal", "")))
    _require(function)
    policy = _policy(function)
    _check_revision(function, asked.get("RevisionId"))
    sid = asked["StatementId"]
    if any(each["Sid"] == sid for each in _of(policy, function)):
        message = (
            f"The statement id ({sid}) provided already exists. "
            "Please provide a new statement id, or remove the existing statement."
        )
        raise InvokeError(409, "ResourceConflictException", message)
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal,
        "Action": asked["Action"],
        "Resource": function.qualified_arn,
    }
    if conditions := _conditions(asked):
        statement["Condition"] = conditions
    policy.statements.append(statement)
    _renew(function)
    return statement


def _remove(function: Reference, statement_id: str, revision: str | None) -> None:
    if _latest(function) is None:
        raise not_found(f"No policy found for: {function.arn}")
    _require(function)
    policy = _policy(function)
    mine = _of(policy, function)
    if not mine:
        raise not_found("No policy is associated with the given resource.")
    statement = next((each for each in mine if each["Sid"] == statement_id), None)
    if statement is None:
        raise not_found(f"Statement {statement_id} is not found in resource policy.")
    _check_revision(function, revision)
    policy.statements.remove(statement)
    _renew(function)


def forget_alias(function: Reference, alias: str) -> None:
    """Drop the statements of a deleted alias."""
    policy = _policy(function)
    arn = f"{function.arn}:{alias}"
    if policy is not None:
        policy.statements[:] = [each for each in policy.statements if each["Resource"] != arn]


def _principal(named: str) -> Any:
    """Write a principal as Lambda does: an account as its root user, `*` as it is."""
    if named == "*":
        return named
    if re.fullmatch(r"\d{12}", named):
        return {"AWS": f"arn:aws:iam::{named}:root"}
    if named.startswith("arn:"):
        return {"AWS": named}
    if not re.fullmatch(r"[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|amazon\.com)", named):
        raise invalid(
            "The provided principal was invalid. Please check the principal and try again."
        )
    return {"Service": named}


def _conditions(asked: dict[str, Any]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for parameter, operator, key in _CONDITIONS:
        if asked.get(parameter):
            found.setdefault(operator, {})[key] = asked[parameter]
    return found


def _require(function: Reference) -> None:
    if _found(function) is not None:
        return
    named_as_alias = re.fullmatch(r"(?!\d+$)[A-Za-z0-9_-]+", function.qualifier or "")
    if named_as_alias and _latest(function) is not None:
        raise not_found(f"Cannot find alias arn: {function.qualified_arn}")
    raise function_not_found(function.qualified_arn)


def _found(function: Reference) -> Any:
    """Return moto's function of the reference; an alias stands for the version that it names."""
    storage = lambda_backends[ACCOUNT_ID][function.region]._lambdas
    kept = storage._functions.get(function.name)
    if kept is None or function.qualifier in (None, "$LATEST"):
        return kept and kept["latest"]
    if function.qualifier in storage._aliases.get(function.arn, {}):
        return kept["latest"]
    versions = (each for each in kept["versions"] if str(each.version) == function.qualifier)
    return next(versions, None)


def _latest(function: Reference) -> Any:
    return _found(Reference(function.name, None, function.region))


def _policy(function: Reference) -> Any:
    latest = _latest(function)
    return latest and latest.policy


def _of(policy: Any, function: Reference) -> list[dict[str, Any]]:
    return [each for each in policy.statements if each["Resource"] == function.qualified_arn]


def _revision(function: Reference) -> str:
    known = _revisions(function).get(function.qualified_arn)
    return known or _renew(function)


def _renew(function: Reference) -> str:
    made = str(uuid4())
    revisions = {**_revisions(function), function.qualified_arn: made}
    additions.change_function(_latest(function), policy_revisions=revisions)
    return made


def _revisions(function: Reference) -> Mapping[str, str]:
    return additions.of_function(_latest(function)).policy_revisions


def _check_revision(function: Reference, asked: str | None) -> None:
    """Reject a stale revision; before the first permission it is the function's or the alias's."""
    known = _revisions(function).get(function.qualified_arn)
    if asked and asked not in (known, _own_revision(function)):
        raise InvokeError(412, "PreconditionFailedException", _STALE)


def _own_revision(function: Reference) -> str | None:
    storage = lambda_backends[ACCOUNT_ID][function.region]._lambdas
    alias = storage._aliases.get(function.arn, {}).get(function.qualifier or "")
    return str(alias.revision_id) if alias else revision(_found(function))


def _query(call: AwsCall, name: str) -> str | None:
    return parse_qs(call.query).get(name, [None])[0]


def _json(status: int, content: dict[str, Any]) -> AwsResponse:
    return AwsResponse(status, json.dumps(content).encode(), {"Content-Type": "application/json"})
