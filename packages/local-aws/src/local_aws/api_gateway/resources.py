"""Resources, methods and request validators: patch operations, and calls that AWS rejects.

moto has no UpdateResource, UpdateMethod or UpdateRequestValidator, and checks little.

https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moto.apigateway.models import apigateway_backends

from local_aws.aws_call import AwsCall
from local_aws.settings import ACCOUNT_ID

type Operation = dict[str, Any]

_RESOURCE = re.compile(r"^/restapis/(?P<api>[^/]+)/resources(?:/(?P<resource>[^/]+))?/?$")
_METHOD = re.compile(
    r"^/restapis/(?P<api>[^/]+)/resources/(?P<resource>[^/]+)/methods/(?P<method>[^/]+)/?$"
)
_VALIDATOR = re.compile(r"^/restapis/(?P<api>[^/]+)/requestvalidators(?:/(?P<validator>[^/]+))?/?$")
_METHODS = "GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY"
_WITH_AUTHORIZER = ("CUSTOM", "COGNITO_USER_POOLS")
# UpdateMethod: a path and the attribute of moto's method.
_REPLACED = {
    "/apiKeyRequired": "api_key_required",
    "/authorizationType": "authorization_type",
    "/authorizerId": "authorizer_id",
    "/operationName": "operation_name",
    "/requestValidatorId": "request_validator_id",
}
_MAPS = {"/requestModels/": "request_models", "/requestParameters/": "request_parameters"}


@dataclass(frozen=True)
class CallError(Exception):
    """A call that API Gateway rejects."""

    status: int
    code: str
    message: str


def changed(call: AwsCall) -> dict[str, Any] | None:
    """Apply a patch of a resource, method or validator; None for every other call.

    Raises:
        CallError: AWS rejects the patch.
    """
    if call.method != "PATCH":
        return None
    operations = json.loads(call.body or b"{}").get("patchOperations") or []
    if match := _METHOD.match(call.path):
        return _changed_method(call, match, operations)
    if (match := _RESOURCE.match(call.path)) and match["resource"]:
        return _changed_resource(call, match, operations)
    if (match := _VALIDATOR.match(call.path)) and match["validator"]:
        return _changed_validator(call, match, operations)
    return None


def check(call: AwsCall) -> None:
    """Raise `CallError` for a call about resources, methods or validators that AWS rejects."""
    if match := _METHOD.match(call.path):
        _check_method(call, match)
    elif match := _RESOURCE.match(call.path):
        _check_resource(call, match)
    elif match := _VALIDATOR.match(call.path):
        _check_validator(call, match)


def drop_children(call: AwsCall) -> None:
    """Delete the resources below one that was deleted; moto keeps them."""
    match = _RESOURCE.match(call.path)
    api = _api(call, match["api"]) if match and match["resource"] else None
    if match is None or api is None or call.method != "DELETE":
        return
    gone = [match["resource"]]
    while gone:
        parent = gone.pop()
        below = [each.id for each in _children(call, match["api"], parent)]
        for each in below:
            del api.resources[each]
        gone += below


def _api(call: AwsCall, api_id: str) -> Any:
    backend = apigateway_backends[ACCOUNT_ID][call.region]
    return backend.apis.get(api_id)


def _resource(call: AwsCall, match: re.Match[str]) -> Any:
    api = _api(call, match["api"])
    found = api.resources.get(match["resource"]) if api else None
    if found is None:
        raise _missing("Resource")
    return found


def _check_method(call: AwsCall, match: re.Match[str]) -> None:
    resource = _resource(call, match)
    if call.method != "PUT":
        if match["method"] not in resource.resource_methods:
            raise _missing("Method")
        return
    asked = json.loads(call.body or b"{}")
    if match["method"] not in _METHODS.split(","):
        raise _bad(f"Invalid HttpMethod specified. Valid options are {_METHODS}")
    api = _api(call, match["api"])
    _check_authorizer(api, asked.get("authorizationType"), asked.get("authorizerId"))
    if (validator := asked.get("requestValidatorId")) and validator not in api.request_validators:
        raise _bad("Invalid Request Validator identifier specified")
    names = [each.rpartition(".")[2] for each in asked.get("requestParameters") or ()]
    if len(names) != len(set(names)):
        raise _bad("Parameter names must be unique across querystring, header and path")


def _check_authorizer(api: Any, kind: str | None, authorizer: str | None) -> None:
    if kind in _WITH_AUTHORIZER and authorizer not in api.authorizers:
        raise _bad(
            "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or "
            "COGNITO_USER_POOLS requires a valid authorizer."
        )


def _check_resource(call: AwsCall, match: re.Match[str]) -> None:
    if match["resource"] is None:
        return
    parent = _resource(call, match)
    if call.method != "POST":
        return
    part = str(json.loads(call.body or b"{}").get("pathPart", ""))
    if parent.path_part.endswith("+}"):
        raise _bad(
            f"Cannot create a child of a resource with a greedy path variable: {parent.path_part}"
        )
    siblings = [each.path_part for each in _children(call, match["api"], parent.id)]
    _check_name(part, siblings)
    variable = next((each for each in siblings if each.startswith("{")), None)
    if part.startswith("{") and variable:
        raise _bad(
            f"A sibling ({variable}) of this resource already has a variable path part "
            "-- only one is allowed"
        )


def _check_name(part: str, siblings: list[str]) -> None:
    if part in siblings:
        message = f"Another resource with the same parent already has this name: {part}"
        raise CallError(409, "ConflictException", message)


def _children(call: AwsCall, api_id: str, parent: str) -> Iterator[Any]:
    for each in _api(call, api_id).resources.values():
        if each.parent_id == parent:
            yield each


def _check_validator(call: AwsCall, match: re.Match[str]) -> None:
    api = _api(call, match["api"])
    if match["validator"] and (api is None or match["validator"] not in api.request_validators):
        raise _missing("Request Validator")
    if api is None and call.method == "POST":
        raise _bad("Invalid REST API identifier specified")


def _changed_method(
    call: AwsCall, match: re.Match[str], operations: list[Operation]
) -> dict[str, Any]:
    method = _resource(call, match).resource_methods.get(match["method"])
    if method is None:
        raise _missing("Method")
    api = _api(call, match["api"])
    kinds = {each.get("path"): each.get("value") for each in operations}
    kind = kinds.get("/authorizationType", method.authorization_type)
    _check_authorizer(api, kind, kinds.get("/authorizerId", method.authorizer_id))
    validator = kinds.get("/requestValidatorId")
    # The type comes first: it decides whether an authorizer is taken.
    for each in sorted(operations, key=lambda one: one.get("path") != "/authorizationType"):
        _change_method(method, str(each["op"]), str(each["path"]), each.get("value"))
    if validator and validator not in api.request_validators:
        method.request_validator_id = None
        raise _bad("Invalid Request Validator identifier specified")
    found: dict[str, Any] = method.to_json()
    return found


def _change_method(method: Any, operation: str, path: str, value: Any) -> None:
    for prefix, attribute in _MAPS.items():
        name = path.removeprefix(prefix)
        if name != path:
            if prefix == "/requestModels/" and "/" in name:
                raise _bad(f"Invalid patch path {path}")
            name = name.replace("~1", "/")
            held = dict(getattr(method, attribute) or {})
            if operation == "remove":
                held.pop(name, None)
            else:
                held[name] = value if attribute == "request_models" else str(value) == "true"
            setattr(method, attribute, held)
            return
    if path not in _REPLACED:
        raise _bad(f"Invalid patch path {path}")
    if operation != "replace":
        raise _bad("Invalid patch operation specified. Must be one of: [replace]")
    attribute = _REPLACED[path]
    if attribute == "authorizer_id" and method.authorization_type not in _WITH_AUTHORIZER:
        return
    setattr(method, attribute, str(value) == "true" if path == "/apiKeyRequired" else value)


def _changed_resource(
    call: AwsCall, match: re.Match[str], operations: list[Operation]
) -> dict[str, Any]:
    resource = _resource(call, match)
    for each in operations:
        operation, path, value = str(each["op"]), str(each["path"]), str(each.get("value"))
        if operation != "replace":
            raise _unsupported(path, operation)
        if path not in ("/parentId", "/pathPart"):
            raise _unsupported(path, operation, "/parentId", "/pathPart")
        if not resource.parent_id:
            raise _bad(f"Root resource cannot update its {path[1:]}.")
        parent = value if path == "/parentId" else resource.parent_id
        part = value if path == "/pathPart" else resource.path_part
        _check_place(call, match, resource, parent, part)
        resource.parent_id, resource.path_part = parent, part
    found: dict[str, Any] = resource.to_dict()
    return found


def _check_place(
    call: AwsCall, match: re.Match[str], resource: Any, parent: str, part: str
) -> None:
    resources = _api(call, match["api"]).resources
    if parent not in resources:
        raise _missing("Resource")
    above = parent
    siblings = [
        each.path_part for each in _children(call, match["api"], parent) if each.id != resource.id
    ]
    _check_name(part, siblings)
    while above:
        if above == resource.id:
            raise _bad("Resources cannot be cyclical.")
        above = resources[above].parent_id


def _changed_validator(
    call: AwsCall, match: re.Match[str], operations: list[Operation]
) -> dict[str, Any]:
    _check_validator(call, match)
    validator = _api(call, match["api"]).request_validators[match["validator"]]
    names = ("/name", "/validateRequestParameters", "/validateRequestBody")
    for each in operations:
        operation, path, value = str(each["op"]), str(each["path"]), each.get("value")
        if operation != "replace":
            raise _unsupported(path, operation)
        if path not in names:
            raise _unsupported(path, operation, *names)
        if path == "/name":
            if not value:
                raise _bad("Request Validator name cannot be blank")
            validator.name = value
        elif path == "/validateRequestBody":
            validator.validate_request_body = str(value).lower() == "true"
        else:
            validator.validate_request_parameters = str(value).lower() == "true"
    found: dict[str, Any] = validator.to_dict()
    return found


def _unsupported(path: str, operation: str, *supported: str) -> CallError:
    choice = (
        f"Must be one of: [{', '.join(supported)}]"
        if supported
        else "Please choose supported operations"
    )
    return _bad(f"Invalid patch path  '{path}' specified for op '{operation}'. {choice}")


def _bad(message: str) -> CallError:
    return CallError(400, "BadRequestException", message)


def _missing(what: str) -> CallError:
    return CallError(404, "NotFoundException", f"Invalid {what} identifier specified")
