"""The handler of an API service: dispatch, session, conditional GET, problem details, logging."""

import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from atrium.http import etag, response
from atrium.http.problem import Problem, out_of_time, unavailable
from atrium.http.request import Claims, Request, from_event, is_head
from atrium.http.response import Response
from atrium.identity import rules
from atrium.runtime import log, tracing
from atrium.runtime.deadline import DeadlineExceededError, deadline
from atrium.stores import authority

Operation = Callable[[Request], Response]
Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
Refusal = Callable[[Request, Problem], Response]


def problem_details(request: Request, problem: Problem) -> Response:
    return response.from_problem(problem, request.request_id)


def api(
    package: str,
    routes: Mapping[str, Operation],
    refusal: Refusal = problem_details,
    properties: rules.PropertiesByType = MappingProxyType({}),
) -> Handler:
    """Return the Lambda handler of the service in `package`.

    `routes` maps `METHOD /resource/{parameter}` to an operation. `refusal` turns a Problem into
    a response; services whose error format is set by another specification pass their own.
    `properties` maps a type of resources to the function that reads one's properties by its id,
    for the conditions of grants.

    The contract says who may call an operation (`x-atrium-allow`). Every route that is not
    public requires a current access token, whatever the gateway let through. Raise
    rules.RulesMissingError for a route without rules.
    """
    of_route = rules.of_package(package, routes.keys())
    signed_in = None if all(rule.is_public for rule in of_route.values()) else _signed_in()

    def answer(request: Request, token: Mapping[str, str]) -> Response:
        operation = routes.get(request.route)
        if operation is None:
            raise Problem(404, "route_unknown", f"This service has no {request.route}.")
        rule = of_route[request.route]
        if signed_in and not rule.is_public:
            request.claims = signed_in(request, token, rule.current_authority)
        rules.check_consent(request)
        rules.check_scopes(request, rule)
        rules.check_address(request, rule)
        request.row_access = rules.row_access(request, rule, properties)
        rules.check_sign_in(request, rule)
        write = authority.of_request(request.route, request.claims, current=rule.current_authority)
        with write, tracing.subsegment("operation", route=request.route):
            answered = operation(request)
            if request.row_access == "granted" and not request.filters_rows:
                raise RuntimeError(f"{request.route} does not read request.rows: it must filter.")
            return etag.not_modified(request, answered)

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        measurement = log.Measurement()
        request = from_event(event)
        error: BaseException | None = None
        code: str | None = None
        try:
            with deadline(context):
                answered = answer(request, _token(event))
        except (Exception, DeadlineExceededError) as raised:
            problem = _problem(raised)
            code = problem.code
            error = raised if problem.status >= 500 else None
            answered = refusal(request, problem)
        _log(request, answered.status, code, measurement, error)
        rule = of_route.get(request.route)
        return answered.for_gateway(
            has_body=not is_head(event), of_route=rule.headers if rule else {}
        )

    return handler


def deferred(module: str, operation: str) -> Operation:
    """Return an operation that imports its module at the first call and not at start-up."""

    def call(request: Request) -> Response:
        from importlib import import_module

        found: Operation = getattr(import_module(module), operation)
        return found(request)

    return call


def _signed_in() -> Callable[[Request, Mapping[str, str], bool], Claims]:
    """Return the function that verifies a token and notes that its session was used."""
    # Imported here: a service with only public routes does not load the AWS SDK.
    from atrium.identity import session, session_records

    def claims(request: Request, token: Mapping[str, str], current: bool) -> Claims:
        verified = session.verify(token, current=current)
        if not verified.is_service:
            session_records.note(verified, request.headers.get("user-agent", ""))
        return verified

    return claims


def _token(event: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the claims that the Cognito authorizer passed on, or none without a token."""
    authorizer = event["requestContext"].get("authorizer") or {}
    claims: Mapping[str, str] = authorizer.get("claims") or {}
    return claims


def _problem(error: BaseException) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, DeadlineExceededError):
        return out_of_time()
    if _raised_by(error, "atrium.stores.postgres", "DatabaseUnavailableError", "DatabaseBusyError"):
        return unavailable("The database")
    if _raised_by(error, "atrium.stores.user_table", "TableUnavailableError"):
        return unavailable("The table of user attributes")
    return Problem(
        500, "internal_error", "An internal error occurred. Report the `request_id` if it persists."
    )


def _raised_by(error: BaseException, module: str, *names: str) -> bool:
    # A module that is not loaded cannot have raised the error. This check must not load it.
    kinds = [getattr(sys.modules.get(module), name, None) for name in names]
    return any(isinstance(kind, type) and isinstance(error, kind) for kind in kinds)


def _log(
    request: Request,
    status: int,
    code: str | None,
    measurement: log.Measurement,
    error: BaseException | None,
) -> None:
    log.write(
        "ERROR" if status >= 500 else "INFO",
        "request",
        request_id=request.request_id,
        trace_id=tracing.trace_id(request.headers.get("traceparent")),
        xray_trace_id=tracing.xray_trace_id(),
        route=request.route,
        status=status,
        code=code,
        uid=request.claims.uid if request.claims else None,
        error=log.failure(error) if error else None,
        **measurement.fields(),
    )
