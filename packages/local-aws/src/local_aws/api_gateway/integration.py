"""Integrations of a routed request: a function (`aws_proxy`) or the gateway itself (`mock`)."""

import asyncio
import json
import re
import time
from typing import Any

from local_aws.api_gateway.deployed_api import DeployedApi
from local_aws.api_gateway.errors import (
    GatewayError,
    configuration_error,
    integration_timeout,
    request_too_large,
    unsupported_media_type,
)
from local_aws.api_gateway.event import GatewayRequest, proxy_event
from local_aws.api_gateway.mapping import by_accept, parameter, render
from local_aws.api_gateway.proxy_response import GatewayResponse, proxy_response
from local_aws.api_gateway.routes import Route
from local_aws.iam.sessions import role_may
from local_aws.iam.trust import trusts_service
from local_aws.lambda_service import Invocation, InvokeError, LambdaService
from local_aws.settings import ACCOUNT_ID

API_GATEWAY = "apigateway.amazonaws.com"
TIMEOUT_SECONDS = 29.0

_STAGE_VARIABLE = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_]+)\}")
_FUNCTION_ARN = re.compile(r"/functions/(arn:[^/]+)/invocations$")


async def invoke_function(
    service: LambdaService,
    request: GatewayRequest,
    api: DeployedApi,
    route: Route,
    parameters: dict[str, str],
) -> GatewayResponse:
    """Call the function behind an `aws_proxy` integration.

    Raise `GatewayError` if it fails. The measurements are stored for the access log.
    """
    started = time.perf_counter()
    try:
        invocation = await _invoked(service, request, api, route, parameters)
        request.context["integration"] = {
            "requestId": invocation.request_id,
            "status": invocation.status,
        }
        return proxy_response(invocation, request, api)
    except GatewayError as error:
        # A function's error is JSON itself, and access log formats put the variable between quotes.
        request.context["integrationErrorMessage"] = json.dumps(error.reason)[1:-1]
        raise
    finally:
        request.context["integrationLatency"] = int((time.perf_counter() - started) * 1000)


async def _invoked(
    service: LambdaService,
    request: GatewayRequest,
    api: DeployedApi,
    route: Route,
    parameters: dict[str, str],
) -> Invocation:
    uri = _STAGE_VARIABLE.sub(
        lambda found: api.variables.get(found[1], ""), route.integration.get("uri", "")
    )
    match = _FUNCTION_ARN.search(uri)
    if match is None:
        raise configuration_error(
            f"the integration of {route.resource} does not name a function: {route.integration}"
        )
    if route.integration.get("httpMethod", "POST") != "POST":
        raise configuration_error(
            f"Lambda must be invoked by POST, not {route.integration['httpMethod']}"
        )
    credentials = route.integration.get("credentials")
    if credentials:
        _check_credentials(str(credentials), match[1])
    method_arn = f"arn:aws:execute-api:{api.region}:{ACCOUNT_ID}:{api.api_id}/{api.stage}/{request.method}{route.resource}"
    source = None if credentials else (API_GATEWAY, method_arn)
    seconds = min(TIMEOUT_SECONDS, route.integration.get("timeoutInMillis", 29_000) / 1000)
    try:
        # An overloaded function costs the gateway no event, which is a third of a rejection's time.
        service.require_capacity(match[1], source)
        event = proxy_event(request, api, route, parameters)
        async with asyncio.timeout(seconds):
            return await service.invoke(
                match[1], event, trace_header=request.trace_header, source=source
            )
    except TimeoutError:
        raise integration_timeout(seconds) from None
    except InvokeError as error:
        if error.status == 413:
            raise request_too_large(str(error)) from None
        # A throttled function is a 500, not a 429, because the caller exceeded no limit of the API.
        # https://repost.aws/questions/QUfI6bsdd0SOiPeyimzxSkfQ
        raise configuration_error(f"Lambda did not run the function: {error}") from None


def _check_credentials(role: str, function: str) -> None:
    """Raise a `GatewayError` unless API Gateway may invoke the function as this role.

    The function's own policy is then not asked.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/permissions.html
    """
    if not trusts_service(role, API_GATEWAY):
        raise configuration_error(
            f"API Gateway does not have permission to assume the provided role {role}"
        )
    if not role_may(role, "lambda:InvokeFunction", function).allowed:
        raise configuration_error("Invalid permissions on Lambda function")


def mock_response(request: GatewayRequest, route: Route) -> GatewayResponse:
    """Answer a `mock` integration.

    The request template sets the status; the response of that status sets the rest.
    """
    status = _mock_status(request, route.integration)
    answers = route.integration.get("responses", {})
    answer = next(
        (answers[key] for key in answers if key != "default" and re.fullmatch(key, status)), None
    )
    answer = answer or answers.get("default")
    if answer is None:
        raise configuration_error(
            f"no response of the mock integration of {route.resource} matches {status!r}"
        )
    headers = []
    for target, expression in answer.get("responseParameters", {}).items():
        value = parameter(expression, request.context, request.header_map)
        if value is not None:
            headers.append((target.removeprefix("method.response.header."), value))
    content_type, template = by_accept(
        answer.get("responseTemplates", {}), request.header("Accept") or ""
    ) or ("", "")
    if content_type and "content-type" not in {name.lower() for name, _ in headers}:
        headers.append(("Content-Type", content_type))
    return GatewayResponse(
        int(answer["statusCode"]), headers, render(template, request.context).encode()
    )


def _mock_status(request: GatewayRequest, integration: dict[str, Any]) -> str:
    """Return the status of a mock integration.

    A request whose media type has no template passes through, and its body must contain the status;
    or it is a 415.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/integration-passthrough-behaviors.html
    """
    templates = integration.get("requestTemplates", {})
    media_type = (request.header("Content-Type") or "application/json").split(";")[0].strip()
    template = templates.get(media_type)
    if template is None:
        behavior = integration.get("passthroughBehavior", "when_no_match").lower()
        if behavior == "never" or (behavior == "when_no_templates" and templates):
            raise unsupported_media_type(media_type)
        template = request.body.decode(errors="replace")
    else:
        template = render(template, request.context)
    try:
        return str(int(json.loads(template)["statusCode"]))
    except (ValueError, KeyError, TypeError):
        raise configuration_error(
            f"mock integration: no integer statusCode in {template[:200]!r}"
        ) from None
