"""Is the API reachable and running? It says nothing of the stores: an outage there must not take the API out too."""

from atrium import config, response
from atrium.request import Request
from atrium.response import Response


def read(_: Request) -> Response:
    return response.json({"status": "pass", "stage": config.required("ATRIUM_STAGE")})
