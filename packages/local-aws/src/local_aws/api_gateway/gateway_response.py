"""Responses to errors: `x-amazon-apigateway-gateway-responses` of the API, or AWS's default."""

import json

from local_aws.api_gateway.body import GATEWAY_RESPONSES, Body
from local_aws.api_gateway.errors import GatewayError
from local_aws.api_gateway.event import GatewayRequest
from local_aws.api_gateway.gateway_response_types import DEFAULT_TEMPLATES
from local_aws.api_gateway.mapping import by_accept, parameter, render
from local_aws.api_gateway.proxy_response import GatewayResponse


def gateway_response(error: GatewayError, request: GatewayRequest, body: Body) -> GatewayResponse:
    """Return the response to an error.

    A type that is not customized uses DEFAULT_4XX or DEFAULT_5XX. It keeps its own status unless
    that response sets one.
    """
    responses = body.get(GATEWAY_RESPONSES, {})
    fallback = "DEFAULT_4XX" if error.status < 500 else "DEFAULT_5XX"
    custom = responses.get(error.type) or responses.get(fallback) or {}
    context = request.context | {
        "error": {
            "message": error.message,
            "messageString": json.dumps(error.message),
            "responseType": error.type,
        }
    }
    templates = custom.get("responseTemplates") or DEFAULT_TEMPLATES
    content_type, template = by_accept(templates, request.header("Accept") or "") or (
        "application/json",
        "",
    )
    # By lower-case name, because a parameter replaces a header of the same name.
    headers = {
        "content-type": ("Content-Type", content_type),
        "x-amzn-errortype": ("x-amzn-ErrorType", error.error_type),
    }
    sent = request.header_map
    for target, expression in custom.get("responseParameters", {}).items():
        name = target.removeprefix("gatewayresponse.header.")
        value = parameter(expression, context, sent)
        if value is not None:
            headers[name.lower()] = (name, value)
    return GatewayResponse(
        int(custom.get("statusCode") or error.status),
        list(headers.values()),
        render(template, context).encode(),
    )
