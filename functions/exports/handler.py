from atrium.api import api
from exports import export

ROUTES = {
    "GET /v1/me/export": export.read_own,
    "GET /v1/users/{id}/export": export.read,
}
handler = api(__package__, ROUTES)
