from atrium.api import api
from audit import events

ROUTES = {
    "GET /v1/audit-events": events.list_all,
    "GET /v1/users/{id}/audit-events": events.list_of_user,
    "GET /v1/me/audit-events": events.list_own,
}
handler = api(__package__, ROUTES)
