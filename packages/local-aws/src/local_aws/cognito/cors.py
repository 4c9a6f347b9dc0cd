"""CORS: pages of other origins may make calls that need no AWS credentials, as on AWS.

A preflight never allows a signed call (`Authorization` with AWS credentials). Every key is accepted
here, so any site could otherwise use the laptop's AWS through its visitor's browser.
"""

from collections.abc import Iterable
from dataclasses import replace

from aiohttp import web

from local_aws.aws_call import AwsCall, AwsResponse

ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}
EXPOSED = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date"
API_HEADERS = (
    "cache-control",
    "content-type",
    "x-amz-target",
    "x-amz-user-agent",
    "amz-sdk-invocation-id",
    "amz-sdk-request",
)
MAX_AGE = 7200  # seconds


def readable(call: AwsCall, answer: AwsResponse) -> AwsResponse:
    """Add CORS headers to the answer if the request has an `Origin` header."""
    if "origin" not in call.headers:
        return answer
    return replace(
        answer, headers={**answer.headers, **ANY_ORIGIN, "Access-Control-Expose-Headers": EXPOSED}
    )


def preflights(*paths: str, headers: Iterable[str] = API_HEADERS) -> list[web.RouteDef]:
    allowed = {
        **ANY_ORIGIN,
        "Access-Control-Allow-Headers": ",".join(headers),
        "Access-Control-Allow-Methods": "GET,POST",
        "Access-Control-Max-Age": str(MAX_AGE),
    }

    async def allow(_: web.Request) -> web.Response:
        return web.Response(status=200, headers=allowed)

    return [web.options(path, allow) for path in paths]
