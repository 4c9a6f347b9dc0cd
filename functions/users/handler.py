from atrium.http.api import api
from users import directory, invitations, me, operations, people, status

ROUTES = {
    "GET /v1/me": me.read,
    "PATCH /v1/me": me.change,
    "GET /v1/me/permissions": me.read_permissions,
    "GET /v1/users": directory.list_,
    "POST /v1/users": invitations.invite,
    "GET /v1/users/{id}": people.read,
    "PATCH /v1/users/{id}": people.change,
    "DELETE /v1/users/{id}": status.delete,
    "PUT /v1/users/{id}/status": status.set_,
    "GET /v1/operations/{id}": operations.read,
}
handler = api(__package__, ROUTES)
