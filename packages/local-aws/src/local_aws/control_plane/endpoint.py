"""The AWS endpoint: checks HTTP requests and passes them to their services as `AwsCall`."""

import json
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from urllib.parse import parse_qs

from aiohttp import web

from local_aws.aws_call import AwsCall, AwsResponse, ConnectionLostError, Forward, Interceptor

MAX_BODY = 128 * 1024 * 1024  # a Lambda zip is sent inline, base64-encoded
CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
# Calls that clients make before they have credentials, by the prefix of X-Amz-Target.
UNSIGNED_TARGETS = {"AWSCognitoIdentityProviderService": "cognito-idp"}
DEFAULT_REGION = "us-east-1"
FOR_BROWSERS = {"cognito-idp"}  # this service sets its own CORS headers
OWN_OPERATIONS = "/_local/"

_SCOPE = re.compile(r"([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?", re.IGNORECASE)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Gate = Callable[[AwsCall], Awaitable[AwsResponse | None]]
Observe = Callable[[AwsCall, AwsResponse, float], None]


class MalformedCredentialError(Exception):
    """An invalid signature, with the message of AWS's IncompleteSignature."""

    def __init__(self, found: str) -> None:
        super().__init__(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            f"got '{found[:200]}'"
        )


def first_refusal(*gates: Gate) -> Gate:
    """Combine gates into one, which asks them in this order."""

    async def check(call: AwsCall) -> AwsResponse | None:
        for gate in gates:
            if (refusal := await gate(call)) is not None:
                return refusal
        return None

    return check


def create_app(
    interceptors: Mapping[str, Interceptor],
    forward: Forward,
    gate: Gate,
    pages: Iterable[web.RouteDef] = (),
    observe: Observe = lambda _, __, ___: None,
) -> web.Application:
    """Create the endpoint's app.

    `gate` returns an error answer or None. A service without an interceptor goes straight to
    `forward`. `pages` are tried first. `observe` gets every answered call and the time at which it
    began.
    """

    async def answer(request: web.Request) -> web.Response:
        try:
            call = await read_call(request)
        except MalformedCredentialError as error:
            return _response(_refused("IncompleteSignature", str(error)))
        if call is None:
            return _response(_unsigned())
        if "origin" in call.headers and not _is_for_browsers(call):
            return _response(_from_a_page(call.headers["origin"]))
        began = time.perf_counter()
        try:
            refusal = await gate(call)
        except ConnectionLostError:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)  # nobody reads it
        if refusal is not None:
            observe(call, refusal, began)
            return _response(refusal)
        interceptor = interceptors.get(call.service)
        answered = await (interceptor(call, forward) if interceptor else forward(call))
        observe(call, answered, began)
        return _response(answered)

    app = web.Application(client_max_size=MAX_BODY, middlewares=[_only_for_this_machine])
    app.add_routes(pages)
    app.router.add_route("*", "/{path:.*}", answer)
    return app


@web.middleware
async def _only_for_this_machine(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Reject requests that a web page could send without its user's intent.

    Signatures are not checked here. A page that uses DNS rebinding sends its own host name. The
    laptop's own operations are for programs, which send no Origin; a browser sends one with each
    POST.
    """
    host = request.headers.get("Host", "")
    if _HOST.fullmatch(host) is None:
        message = f"The host {host!r} is not this machine. Use 127.0.0.1, localhost or [::1]."
        return _response(_refused("AccessDenied", message))
    if (
        request.path.startswith(OWN_OPERATIONS)
        and request.method not in ("GET", "HEAD")
        and "Origin" in request.headers
    ):
        return _response(_from_a_page(request.headers["Origin"]))
    return await handler(request)


async def read_call(request: web.Request) -> AwsCall | None:
    """Parse a request; return None if it names no service.

    Raises:
        MalformedCredentialError: the signature does not contain key, date, region and service.
    """
    headers = {name.lower(): value for name, value in request.headers.items()}
    body = await request.read()
    signed = CREDENTIAL.search(headers.get("authorization", ""))
    target = headers.get("x-amz-target", "")
    if signed:
        access_key, region, service = signed.group(1), signed.group(2), signed.group(3)
    elif target.split(".")[0] in UNSIGNED_TARGETS:
        access_key, region, service = None, DEFAULT_REGION, UNSIGNED_TARGETS[target.split(".")[0]]
    elif presigned := {name.lower(): value for name, value in request.query.items()}.get(
        "x-amz-credential"
    ):
        scope = _SCOPE.fullmatch(presigned)
        if scope is None:
            raise MalformedCredentialError(presigned)
        access_key, region, service = scope.groups()
    elif headers.get("authorization", "").startswith("AWS4-"):
        raise MalformedCredentialError(headers["authorization"])
    else:
        return None
    path, _, query = request.raw_path.partition("?")
    return AwsCall(
        service=service,
        method=request.method,
        path=path,
        query=query,
        headers=headers,
        body=body,
        region=region,
        action=target.rpartition(".")[2] or _form_action(headers, body, query),
        access_key=access_key,
    )


def _is_for_browsers(call: AwsCall) -> bool:
    """Return True for Cognito's user calls.

    Administrators' calls need an account's keys, which no page has.
    """
    return (
        call.service in FOR_BROWSERS
        and call.access_key is None
        and not (call.action or "").startswith("Admin")
    )


def _form_action(headers: Mapping[str, str], body: bytes, query: str) -> str | None:
    form = (
        body.decode("latin-1")
        if headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        else query
    )
    return next(iter(parse_qs(form).get("Action", [])), None)


def _unsigned() -> AwsResponse:
    message = (
        "This is an AWS endpoint: send signed requests. "
        "Any access key will do, such as AWS_ACCESS_KEY_ID=local and AWS_SECRET_ACCESS_KEY=local."
    )
    return _refused("MissingAuthenticationToken", message)


def _from_a_page(origin: str) -> AwsResponse:
    """Return the error answer for a request from a web page.

    Signatures are not checked here, so any page in a developer's browser could otherwise act as the
    operator.
    """
    return _refused(
        "AccessDenied",
        f"A web page ({origin}) can only call Cognito here. "
        "Call the API, or call AWS from a program.",
    )


def _refused(code: str, message: str) -> AwsResponse:
    body = json.dumps({"__type": code, "message": message}).encode()
    return AwsResponse(403, body, {"content-type": "application/json"})


def _response(answer: AwsResponse) -> web.Response:
    # aiohttp sets the length itself, and hop-by-hop headers belong to the connection.
    headers = {
        k: v
        for k, v in answer.headers.items()
        if k.lower() not in ("content-length", "transfer-encoding", "connection")
    }
    return web.Response(status=answer.status, body=answer.body, headers=headers)
