"""GetGatewayResponse and GetGatewayResponses: the API's own response of a type, or AWS's default.

https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

import json
import re
from typing import Any

from local_aws.api_gateway.body import GATEWAY_RESPONSES, Body
from local_aws.aws_call import AwsCall, AwsResponse

PATH = re.compile(r"^/restapis/(?P<api>[a-z0-9]+)/gatewayresponses/?(?P<type>[^/]+)?$")
DEFAULT_TEMPLATES = {"application/json": '{"message":$context.error.messageString}'}

# None: each error keeps its own status.
STATUS = {
    "ACCESS_DENIED": "403", "API_CONFIGURATION_ERROR": "500", "AUTHORIZER_CONFIGURATION_ERROR": "500",
    "AUTHORIZER_FAILURE": "500", "BAD_REQUEST_BODY": "400", "BAD_REQUEST_PARAMETERS": "400", "DEFAULT_4XX": None,
    "DEFAULT_5XX": None, "EXPIRED_TOKEN": "403", "INTEGRATION_FAILURE": "504", "INTEGRATION_TIMEOUT": "504",
    "INVALID_API_KEY": "403", "INVALID_SIGNATURE": "403", "MISSING_AUTHENTICATION_TOKEN": "403",
    "QUOTA_EXCEEDED": "429", "REQUEST_TOO_LARGE": "413", "RESOURCE_NOT_FOUND": "404", "THROTTLED": "429",
    "UNAUTHORIZED": "401", "UNSUPPORTED_MEDIA_TYPE": "415", "WAF_FILTERED": "403",
}  # fmt: skip


def answer(call: AwsCall, response_type: str | None, draft: Body) -> AwsResponse | None:
    """Answer a GET, and reject an unknown type; return None to leave the call to moto."""
    if response_type is not None and response_type not in STATUS:
        return _json(
            400, {"message": "Invalid gateway response type specified"}, "BadRequestException"
        )
    if call.method != "GET":
        return None
    own = draft.get(GATEWAY_RESPONSES, {})
    if response_type is None:
        return _json(200, {"item": [_shown(each, own) for each in STATUS]})
    return _json(200, _shown(response_type, own))


def _shown(response_type: str, own: dict[str, Any]) -> dict[str, Any]:
    custom = own.get(response_type)
    chosen = custom or {}
    status = chosen.get("statusCode") or STATUS[response_type]
    return {
        "responseType": response_type,
        **({"statusCode": str(status)} if status else {}),
        "responseParameters": chosen.get("responseParameters") or {},
        "responseTemplates": chosen.get("responseTemplates") or DEFAULT_TEMPLATES,
        "defaultResponse": custom is None,
    }


def _json(status: int, content: dict[str, Any], error: str = "") -> AwsResponse:
    headers = {"content-type": "application/json"} | ({"x-amzn-errortype": error} if error else {})
    return AwsResponse(status, json.dumps(content).encode(), headers)
