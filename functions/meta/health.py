"""Is the API reachable and running? It says nothing of the stores: an outage there must not take the API out too."""

from atrium.http import response
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.runtime import config


def read(_: Request) -> Response:
    return response.json({"status": "pass", "stage": config.required("ATRIUM_STAGE")})
