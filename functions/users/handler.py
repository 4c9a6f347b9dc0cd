from atrium.api import api, deferred
from users import me

# A cold start imports only what most requests need: the caller's own record.
ROUTES = {
    "GET /v1/me": me.read,
    "PATCH /v1/me": me.change,
    "DELETE /v1/me": deferred("users.deletions", "delete_own"),
    "PUT /v1/me/consent": deferred("users.consent", "give"),
    "GET /v1/me/permissions": me.read_permissions,
    "GET /v1/me/sessions": deferred("users.sessions", "list_own"),
    "DELETE /v1/me/sessions": deferred("users.sessions", "end_others"),
    "DELETE /v1/me/sessions/{session}": deferred("users.sessions", "end_own"),
    "GET /v1/me/mfa": deferred("users.mfa", "read_own"),
    "PUT /v1/me/mfa": deferred("users.mfa", "enable_own"),
    "DELETE /v1/me/mfa": deferred("users.mfa", "disable_own"),
    "GET /v1/users": deferred("users.directory", "list_"),
    "POST /v1/users": deferred("users.invitations", "invite"),
    "GET /v1/users/{id}": deferred("users.people", "read"),
    "PATCH /v1/users/{id}": deferred("users.people", "change"),
    "DELETE /v1/users/{id}": deferred("users.status", "delete"),
    "PUT /v1/users/{id}/status": deferred("users.status", "set_"),
    "PUT /v1/users/{id}/identity": deferred("users.identities", "link"),
    "GET /v1/users/{id}/sessions": deferred("users.sessions", "list_of_user"),
    "DELETE /v1/users/{id}/sessions": deferred("users.sessions", "end_all"),
    "DELETE /v1/users/{id}/sessions/{session}": deferred("users.sessions", "end_of_user"),
    "GET /v1/invitations": deferred("users.invitation_list", "list_"),
    "GET /v1/invitations/{id}": deferred("users.invitation_list", "read"),
    "DELETE /v1/invitations/{id}": deferred("users.invitation_changes", "cancel"),
    "POST /v1/invitations/{id}/resend": deferred("users.invitation_changes", "resend"),
    "GET /v1/users/{id}/mfa": deferred("users.mfa", "read_of_user"),
    "DELETE /v1/users/{id}/mfa": deferred("users.mfa", "disable_of_user"),
    "GET /v1/operations/{id}": deferred("users.operations", "read"),
    "POST /v1/users/{id}/erasures": deferred("users.deletions", "erase"),
}
handler = api(__package__, ROUTES)
