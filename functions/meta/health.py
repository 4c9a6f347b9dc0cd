"""The health check. It does not check the stores: their outage must not take the API out, too."""

from atrium.http import response
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.runtime import config


def read(_: Request) -> Response:
    return response.json({"status": "pass", "stage": config.required("ATRIUM_STAGE")})
