from atrium.http.api import api
from meta import contract, health

ROUTES = {
    "GET /v1/health": health.read,
    "GET /v1/openapi.json": contract.read,
}
handler = api(__package__, ROUTES)
