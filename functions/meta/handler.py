from atrium.api import api, deferred
from meta import health

# A cold start imports only what the health check needs.
ROUTES = {
    "GET /v1/configuration": deferred("meta.configuration", "read"),
    "GET /v1/health": health.read,
    "GET /v1/openapi.json": deferred("meta.contract", "read"),
}
handler = api(__package__, ROUTES)
