"""The configuration of an application: how to sign users in and where to call this API.

It comes from the stage's variables. The function's environment cannot have it, because Terraform
creates the user pool after the functions.
"""

import os
from functools import cache

from atrium.http import response
from atrium.http.json_body import MAX_BYTES
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.runtime import config
from meta.document import document

_SECONDS = 300


def read(request: Request) -> Response:
    """Return the configuration. `issuer` serves OpenID discovery; null means there is none."""
    given = request.stage_variables
    contract = document()
    content = {
        "stage": config.required("ATRIUM_STAGE"),
        "version": contract["info"]["version"],
        "region": config.required("AWS_REGION"),
        "issuer": issuer(request),
        "user_pool_id": given.get("user_pool_id"),
        "client_id": given.get("client_id"),
        "authorization_endpoint": authorization_endpoint(request),
        "token_endpoint": token_endpoint(request),
        "scopes": list(_scopes()),
        "limits": {
            "requests_per_second": float(given["rate_limit"]) if "rate_limit" in given else None,
            "burst": int(given["burst_limit"]) if "burst_limit" in given else None,
            "body_bytes": MAX_BYTES,
            "page_items": contract["components"]["parameters"]["Limit"]["schema"]["maximum"],
        },
    }
    return response.json(content, headers={"Cache-Control": f"public, max-age={_SECONDS}"})


def issuer(request: Request) -> str | None:
    """Return the `iss` of the pool's tokens, or None for an API without a pool."""
    pool = request.stage_variables.get("user_pool_id")
    region = config.required("AWS_REGION")
    cognito = _laptop() or f"https://cognito-idp.{region}.amazonaws.com"
    return f"{cognito}/{pool}" if pool else None


def authorization_endpoint(request: Request) -> str | None:
    """Return the address of the hosted sign-in page, or None without one."""
    page = request.stage_variables.get("hosted_page_url")
    return f"{_laptop() or page}/oauth2/authorize" if page else None


def token_endpoint(request: Request) -> str | None:
    """Return the address at which a code or client credentials become tokens, if there is one."""
    url = request.stage_variables.get("token_url")
    laptop = _laptop()
    return f"{laptop}/oauth2/token" if url and laptop else url


def _laptop() -> str | None:
    """Return the address of the laptop's AWS, or None on AWS.

    AWS's SDKs read the same variable.
    """
    return os.environ.get("AWS_ENDPOINT_URL")


@cache
def _scopes() -> tuple[str, ...]:
    flows = document()["components"]["securitySchemes"]["cognito"]["flows"]
    return tuple(flows["authorizationCode"]["scopes"])
