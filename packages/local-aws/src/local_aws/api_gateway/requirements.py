"""Checks of an imported body.

Features that are not emulated are rejected at deployment, not at the first request.
"""

from collections.abc import Iterable
from typing import Any

from local_aws.api_gateway.body import GATEWAY_RESPONSES, Body
from local_aws.api_gateway.errors import NotEmulatedError
from local_aws.api_gateway.mapping import check_parameter, check_template
from local_aws.api_gateway.routes import Route, Routes


def require_emulated(body: Body) -> None:
    """Raise `NotEmulatedError` for the first feature of the body that is not served as on AWS."""
    for route in Routes(body).all():
        _check_integration(route)
    _check_responses(body.get(GATEWAY_RESPONSES, {}).values())


def _check_integration(route: Route) -> None:
    kind, where = str(route.integration.get("type", "")).lower(), f"{route.method} {route.resource}"
    if kind not in ("aws_proxy", "mock"):
        raise NotEmulatedError(
            f"integration type {kind!r} of {where} (only aws_proxy and mock are emulated)"
        )
    if kind == "aws_proxy" and route.integration.get("connectionId"):
        raise NotEmulatedError(f"connectionId of the integration of {where}")
    if kind == "mock":
        for template in route.integration.get("requestTemplates", {}).values():
            check_template(template)
        _check_responses(route.integration.get("responses", {}).values())


def _check_responses(responses: Iterable[dict[str, Any]]) -> None:
    for response in responses:
        for template in (response.get("responseTemplates") or {}).values():
            check_template(template or "")
        for expression in (response.get("responseParameters") or {}).values():
            check_parameter(expression)
