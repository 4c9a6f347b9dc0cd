from atrium.http.api import api
from meta import configuration, contract, health

ROUTES = {
    "GET /v1/configuration": configuration.read,
    "GET /v1/health": health.read,
    "GET /v1/openapi.json": contract.read,
}
handler = api(__package__, ROUTES)
