"""A valid request for each operation that needs current authority, sent by a caller who has just
lost it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

Target = Literal["other", "self"]

ANY: Mapping[str, str] = MappingProxyType({"If-Match": "*"})
NEW: Mapping[str, str] = MappingProxyType({"If-None-Match": "*"})
NONE: Mapping[str, str] = MappingProxyType({})

SCHEMA = {"type": "object", "properties": {"level": {"type": "string"}}}
NAMESPACE = {"description": "Plans", "schema": SCHEMA, "personal": False}
ROLE = {"description": "A trial's", "permissions": ["access.write", "users.write"]}

QUESTION = {
    "subject": {"type": "user", "id": "{other}"},
    "action": {"name": "read"},
    "resource": {"type": "document", "id": "7"},
}


class Attack(NamedTuple):
    """An attack. `parameters` and body contain placeholders, which `Trials.prepare` fills.

    `target` is the user it is about, if any. `needs_admin`: no permission is enough. `only_reads`:
    it changes nothing, but its response is secret. A POST gets an Idempotency-Key.
    """

    route: str
    parameters: Mapping[str, str] = NONE
    body: Any = None
    headers: Mapping[str, str] = NONE
    target: Target | None = None
    needs_admin: bool = False
    only_reads: bool = False

    def __str__(self) -> str:
        return f"{self.route} ({self.target})" if self.target else self.route


SESSION = "4ff8dc4e-0000-4000-8000-0000000000ff"
"""Another session of the caller or of the other user, in addition to that of the attack's token."""

_ATTRIBUTE = "/v1/users/{id}/attributes/{namespace}/{name}"
_LEVEL = {"namespace": "plan", "name": "level"}


def _about(
    route: str, body: Any = None, more: Mapping[str, str] = NONE, headers: Mapping[str, str] = ANY
) -> list[Attack]:
    """Return the attack against another user, and in the caller's own favour."""
    targets: tuple[Target, ...] = ("other", "self")
    return [
        Attack(route, {"id": "{" + each + "}", **more}, body, headers, each) for each in targets
    ]


ATTACKS = [
    *_about("PATCH /v1/users/{id}/attributes", {"attributes": {"plan": {"level": "gold"}}}),
    *_about(f"PUT {_ATTRIBUTE}", {"value": "gold"}, _LEVEL),
    *_about(f"DELETE {_ATTRIBUTE}", None, _LEVEL),
    Attack(
        "PUT /v1/namespaces/{namespace}", {"namespace": "{new}"}, NAMESPACE, NEW, needs_admin=True
    ),
    Attack(
        "PUT /v1/namespaces/{namespace}",
        {"namespace": "plan"},
        NAMESPACE | {"description": "Changed"},
        ANY,
    ),
    Attack("DELETE /v1/namespaces/{namespace}", {"namespace": "plan"}, None, ANY, needs_admin=True),
    Attack("POST /v1/decisions/explain", NONE, QUESTION, needs_admin=True, only_reads=True),
    Attack("PUT /v1/roles/{role}", {"role": "{new}"}, ROLE, NEW),
    Attack("PUT /v1/roles/{role}", {"role": "{role}"}, ROLE, ANY),
    Attack("DELETE /v1/roles/{role}", {"role": "spare"}, None, ANY),
    Attack("POST /v1/users/{id}/grants", {"id": "{other}"}, {"role": "spare"}, NONE, "other"),
    Attack(
        "PUT /v1/users/{id}/grants/{grant}",
        {"id": "{other}", "grant": "{grant}"},
        {"expires_at": "2100-01-01T00:00:00Z"},
        ANY,
        "other",
    ),
    *_about("DELETE /v1/users/{id}/grants/{grant}", None, {"grant": "{grant}"}),
    Attack("POST /v1/users", NONE, {"email": "{new}@example.org"}),
    Attack("DELETE /v1/invitations/{id}", {"id": "{invitation}"}, None, ANY),
    Attack("POST /v1/invitations/{id}/resend", {"id": "{invitation}"}),
    *_about("PATCH /v1/users/{id}", {"locale": "fr"}),
    *_about("DELETE /v1/users/{id}"),
    *_about("POST /v1/users/{id}/erasures", headers=NONE),
    Attack("PATCH /v1/me", NONE, {"locale": "fr"}, ANY, "self"),
    Attack("DELETE /v1/me", NONE, None, ANY, "self"),
    *_about("PUT /v1/users/{id}/status", {"status": "active"}),
    *_about("PUT /v1/users/{id}/identity", {"subject": "{account}", "reason": "wrong_link"}),
    *_about("DELETE /v1/users/{id}/sessions"),
    *_about("DELETE /v1/users/{id}/sessions/{session}", None, {"session": SESSION}),
    Attack("DELETE /v1/me/sessions", NONE, None, ANY, "self"),
    Attack("DELETE /v1/me/sessions/{session}", {"session": SESSION}, None, NONE, "self"),
    Attack("PUT /v1/me/consent", NONE, {"version": "2026-01"}, ANY, "self"),
    Attack("PUT /v1/me/mfa", NONE, None, ANY, "self"),
    Attack("DELETE /v1/me/mfa", NONE, None, ANY, "self"),
    *_about("DELETE /v1/users/{id}/mfa"),
    Attack("PUT /v1/orders/{id}/status", {"id": "{order}"}, {"status": "preparing"}, ANY),
]
