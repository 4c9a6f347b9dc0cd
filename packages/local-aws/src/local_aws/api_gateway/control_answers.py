"""API Gateway's answers to its management API, where moto's differ.

They differ in statuses, in fields without a value, and in the wording of errors.

https://docs.aws.amazon.com/apigateway/latest/api/API_RestApi.html
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.request_model.operation_name import operation_name, success_status
from local_aws.settings import ACCOUNT_ID

type Content = dict[str, Any]

_VERSION_OF_MOTO = "V1"  # on AWS, an API that was not imported has none

_API = re.compile(r"^/restapis/(?P<api>[^/]+)")
# moto's messages, and AWS's.
_MESSAGES = {
    "Invalid method properties specified": "Invalid Method identifier specified",
    "Invalid Model Name specified": "Invalid model name specified: {name}",
    "Invalid resource identifier specified": "Invalid Resource identifier specified",
    "Invalid Rest API Id specified": "Invalid API identifier specified {account}:{api}",
    "Invalid integration identifier specified": "Invalid Integration identifier specified",
    "No integration defined for method": "Invalid Integration identifier specified",
    "Invalid Request Validator Id specified": "Invalid Request Validator identifier specified",
}


def shaped(call: AwsCall, response: AwsResponse) -> AwsResponse:
    """Return moto's answer in the form of API Gateway's."""
    if response.status >= 500:
        return response
    try:
        content = json.loads(response.body or b"{}")
    except ValueError:
        return response
    if not isinstance(content, dict):
        return response
    if response.status >= 400:
        return _error(call, response, content)
    operation = operation_name(call)
    status = success_status(call) or response.status
    if shape := _SHAPES.get(operation):
        shape(content)
    for item in content.get("item") or content.get("items") or ():
        if shape := _SHAPES.get(_SINGULAR.get(operation, "")):
            shape(item)
    body = b"" if status in (202, 204) else json.dumps(content).encode()
    return replace(response, status=status, body=body if content else b"{}")


def _error(call: AwsCall, response: AwsResponse, content: Content) -> AwsResponse:
    given = str(content.get("message") or content.get("Message") or "")
    message = _MESSAGES.get(given, given)
    api = _API.match(call.path)
    last = call.path.rstrip("/").rpartition("/")[2]
    if given in _MESSAGES:
        message = message.format(account=ACCOUNT_ID, api=api["api"] if api else "", name=last)
    return replace(response, body=json.dumps(content | {"message": message}).encode())


def _api(content: Content) -> None:
    if content.get("version") == _VERSION_OF_MOTO:
        del content["version"]
    _drop_empty(content, "version", "description", "binaryMediaTypes", "policy", "tags")
    _drop_empty(content, "minimumCompressionSize", keep_zero=True)
    endpoint = content.get("endpointConfiguration") or {}
    kinds = endpoint.get("types") or []
    endpoint.setdefault("ipAddressType", "dualstack" if "PRIVATE" in kinds else "ipv4")
    _drop_empty(endpoint, "vpcEndpointIds")


def _updated_api(content: Content) -> None:
    tags = content.get("tags") or {}
    _api(content)
    content["tags"] = tags


def _stage(content: Content) -> None:
    _drop_empty(content, "description", "variables", "canarySettings", "documentationVersion")
    _drop_empty(content, "accessLogSettings", "tags", "clientCertificateId", "webAclArn")


def _method(content: Content) -> None:
    _drop_empty(content, "requestModels", "requestParameters", "requestValidatorId")
    _drop_empty(content, "operationName", "authorizerId", "authorizationScopes")
    _drop_empty(content, "methodResponses")


def _validator(content: Content) -> None:
    for name in ("validateRequestBody", "validateRequestParameters"):
        content[name] = bool(content.get(name))


def _resource(content: Content) -> None:
    _drop_empty(content, "resourceMethods", "parentId", "pathPart")


def _integration(content: Content) -> None:
    _drop_empty(content, "integrationResponses", "requestParameters", "requestTemplates")
    _drop_empty(content, "credentials", "contentHandling", "tlsConfig", "uri", "httpMethod")
    _drop_empty(content, "connectionId", "responseTransferMode")


def _answer(content: Content) -> None:
    _drop_empty(content, "responseParameters", "responseModels", "selectionPattern")
    _drop_empty(content, "contentHandling")


def _drop_empty(content: Content, *names: str, keep_zero: bool = False) -> None:
    for name in names:
        if name in content and not content[name] and not (keep_zero and content[name] == 0):
            del content[name]


_SINGULAR = {
    "GetRequestValidators": "GetRequestValidator",
    "GetResources": "GetResource",
    "GetRestApis": "GetRestApi",
    "GetStages": "GetStage",
}
_SHAPES: dict[str, Callable[[Content], None]] = {
    "CreateRequestValidator": _validator,
    "CreateResource": _resource,
    "CreateRestApi": _api,
    "CreateStage": _stage,
    "POST /restapis": _api,
    "GetIntegration": _integration,
    "GetIntegrationResponse": _answer,
    "GetMethod": _method,
    "GetMethodResponse": _answer,
    "GetRequestValidator": _validator,
    "GetResource": _resource,
    "GetRestApi": _api,
    "GetStage": _stage,
    "ImportRestApi": _api,
    "PutIntegration": _integration,
    "PutIntegrationResponse": _answer,
    "PutMethod": _method,
    "PutMethodResponse": _answer,
    "PutRestApi": _api,
    "UpdateMethod": _method,
    "UpdateRequestValidator": _validator,
    "UpdateResource": _resource,
    "UpdateRestApi": _updated_api,
    "UpdateStage": _stage,
}
