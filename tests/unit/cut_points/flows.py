"""The flows that change more than one store, with the repair that a person makes after a failure."""

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from atrium.http import etag
from atrium.stores import user_table
from tests.unit.cut_points.stores import Stores
from tests.unit.events import answer, api_event, claims
from tools.deploy.errors import RefusedError
from tools.operations.import_journal import Journal
from tools.operations.import_rows import Row
from tools.operations.import_users import Import
from tools.operations.observations import Answer, Request

ADMIN, MEMBER, GUEST = "admin@example.org", "member@example.org", "guest@example.org"

Step = Callable[[Stores], Any]


def nothing(_: Stores) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Flow:
    """A flow. `start` returns None if its process was killed.

    `by` names who repeats it after a kill: Cognito at once up to three times, a client or an
    operator at any time, the schedule always. `heal` is a later step that repairs the state in
    normal use, such as the next sign-in. `may_repeat` names the commands and audit events that each
    repetition may add once more.
    """

    name: str
    by: Literal["cognito", "client", "schedule"]
    prepare: Step
    start: Step
    heal: Step = nothing
    may_repeat: frozenset[str] = frozenset()


def people(stores: Stores) -> None:
    """Prepare an administrator and a member."""
    stores.grant(stores.sign_up(ADMIN), "admin")
    stores.sign_up(MEMBER)
    stores.settle()


def uid(stores: Stores, email: str) -> str:
    return next(uid for uid, label in stores.labels.items() if label == email)


def request(
    stores: Stores,
    caller: str,
    route: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
    id: str | None = None,
) -> Any:
    """Call the API. Without `id` the path names the member."""
    of = uid(stores, caller)
    meta = user_table.meta(of)
    token = claims(
        uid=of,
        roles="admin" if caller == ADMIN else "",
        access_epoch=str(meta.access_epoch if meta else 0),
        auth_time=str(int(time.time())),
    )
    sent = {"Content-Type": "application/json"} if body else {}
    event = api_event(route, json.dumps(body) if body else None, sent | (headers or {}), token)
    event["stageVariables"] = {"user_pool_id": stores.pool}
    found = stores.run("users", event | {"pathParameters": {"id": id or uid(stores, MEMBER)}})
    assert found is None or found["statusCode"] < 500, found
    return found


def set_status(status: str) -> Step:
    return lambda stores: request(
        stores, ADMIN, "PUT /v1/users/{id}/status", {"status": status}, {"If-Match": _version(stores)}
    )  # fmt: skip


def _version(stores: Stores) -> str:
    """Return the version that the client has read before its first attempt."""
    if "version" not in stores.notes:
        [[version]] = stores.database.run(
            "SELECT version FROM users WHERE email = :email", email=MEMBER
        )
        stores.notes["version"] = etag.of_version(version)
    return stores.notes["version"]


def delete(stores: Stores) -> Any:
    return request(stores, ADMIN, "DELETE /v1/users/{id}", None, {"If-Match": _version(stores)})


def delete_own(stores: Stores) -> Any:
    return request(stores, MEMBER, "DELETE /v1/me", None, {"If-Match": "*"})


def erase(stores: Stores) -> Any:
    return request(stores, ADMIN, "POST /v1/users/{id}/erasures", None, {"Idempotency-Key": "erase"})  # fmt: skip


def invite(stores: Stores) -> Any:
    body = {"email": GUEST, "given_name": "Grace", "roles": ["editor"]}
    key = {"Idempotency-Key": "invite"}
    return request(stores, ADMIN, "POST /v1/users", body, key)


def resend_invitation(stores: Stores) -> Any:
    route, key = "POST /v1/invitations/{id}/resend", {"Idempotency-Key": "resend"}
    return request(stores, ADMIN, route, None, key, invitation(stores))


def cancel_invitation(stores: Stores) -> Any:
    route, version = "DELETE /v1/invitations/{id}", {"If-Match": "*"}
    return request(stores, ADMIN, route, None, version, invitation(stores))


def invitation(stores: Stores) -> str:
    [[id]] = stores.database.run("SELECT id::text FROM invitations")
    return str(id)


def import_user(stores: Stores) -> Any:
    """Import a file with one row as `make import-users` does.

    Return None if the import did not end.
    """
    row = Row(2, {"email": GUEST, "given_name": "Grace", "roles": ["editor"]})
    journal = Journal(Path(tempfile.mkdtemp(), "users.csv.journal"))
    run = Import(lambda sent: _ask(stores, sent), lambda: "token", journal, sleep=lambda _: None)
    try:
        return run.run([row], lambda _: None)
    except RefusedError:  # it says to run the same command again
        return None


def _ask(stores: Stores, sent: Request) -> Answer:
    """Answer the command as API Gateway would: with 502 if the function died."""
    body, headers = json.loads(sent.body or "null"), dict(sent.headers)
    if sent.path == "/v1/users":
        found = request(stores, ADMIN, "POST /v1/users", body, headers)
    else:
        stores.settle()  # while the command waits
        route, id = "GET /v1/operations/{id}", sent.path.rsplit("/", 1)[1]
        found = request(stores, ADMIN, route, None, headers, id)
    if found is None:
        return Answer(502, {}, b"")
    heard = answer(found)
    return Answer(heard.status, heard.headers, heard.body)


def consent(stores: Stores) -> Any:
    body = {"version": "2026-01"}
    return request(stores, MEMBER, "PUT /v1/me/consent", body, {"If-Match": "*"})


def another_account(stores: Stores) -> None:
    """Replace the member's account in the pool, as a deletion and a new sign-up do."""
    stores.cognito.admin_delete_user(UserPoolId=stores.pool, Username=MEMBER)
    stores.new_account(MEMBER)


def link(stores: Stores) -> Any:
    body = {"subject": stores.account(MEMBER)["Username"], "reason": "account_recreated"}
    route, version = "PUT /v1/users/{id}/identity", {"If-Match": _version(stores)}
    return request(stores, ADMIN, route, body, version)


def token(email: str, source: str = "TokenGeneration_Authentication") -> Step:
    return lambda stores: stores.trigger(source, email, "pre_token_generation")


def after(*steps: Step) -> Step:
    """Return one function that runs the steps, each complete before the next."""

    def run(stores: Stores) -> None:
        for step in steps:
            step(stores)
            stores.settle()

    return run


def new_account(stores: Stores) -> None:
    stores.new_account(GUEST)


def verified_email(stores: Stores) -> None:
    """Change the member's address in the pool, as a verified change does."""
    changed = [{"Name": "email", "Value": GUEST}, {"Name": "email_verified", "Value": "true"}]
    stores.cognito.admin_update_user_attributes(
        UserPoolId=stores.pool, Username=MEMBER, UserAttributes=changed
    )


def unconfirmed_account(stores: Stores) -> None:
    """Prepare an account that somebody has registered with the guest's address but not confirmed."""
    stores.cognito.sign_up(ClientId=stores.client, Username=GUEST, Password="Somebody-Else-7",
        UserAttributes=[{"Name": "email", "Value": GUEST}])  # fmt: skip


def grace_ended(stores: Stores) -> None:
    stores.database.run("UPDATE users SET erase_at = now() - interval '1 second' WHERE erase_at IS NOT NULL")  # fmt: skip


def restore_database(stores: Stores) -> None:
    """Bring the member's row back, as a restored backup does."""
    stores.database.run(
        "UPDATE users SET status = 'active', email = :email WHERE status = 'erased'", email=MEMBER
    )


def replay(stores: Stores) -> Any:
    return stores.run("replay_erasures", {})


def make_admin(stores: Stores) -> Any:
    return stores.run("first_admin", {"email": MEMBER})


def register_service(stores: Stores) -> Any:
    wanted = {"provider": stores.provider, "client_id": "clerk", "roles": ["editor"]}
    return stores.run("register_service", wanted)


def role(stores: Stores) -> None:
    key = {"pk": {"S": "R#editor"}, "sk": {"S": "META"}}
    user_table.transact([{"Put": {"Item": key | {"version": {"N": "1"}}}}])


ENDS_SESSIONS = frozenset({"sign_out_user", "sessions.ended"})
CONFIRM = "PostConfirmation_ConfirmSignUp"

FLOWS = [
    Flow("sign_up", "cognito", after(people, new_account), lambda stores: stores.trigger(CONFIRM, GUEST, "post_confirmation"), token(GUEST)),
    Flow("first_sign_in", "cognito", after(people, new_account), token(GUEST), token(GUEST)),
    Flow("sign_in", "cognito", people, token(ADMIN)),
    Flow("email_change", "cognito", after(people, verified_email), token(GUEST), token(GUEST)),
    Flow("restore", "cognito", after(people, delete_own), token(MEMBER), token(MEMBER)),
    Flow("invite", "client", after(people, role), invite),
    Flow("invite_unconfirmed", "client", after(people, role, unconfirmed_account), invite),
    Flow("accept_invitation", "cognito", after(people, role, invite), token(GUEST), token(GUEST)),
    Flow("resend_invitation", "client", after(people, role, invite), resend_invitation),
    Flow("cancel_invitation", "client", after(people, role, invite), cancel_invitation),
    Flow("import_user", "client", after(people, role), import_user),
    Flow("consent", "client", people, consent),
    Flow("disable", "client", people, set_status("disabled")),
    Flow("link", "client", after(people, another_account), link, link, ENDS_SESSIONS),
    Flow("enable", "client", after(people, set_status("disabled")), set_status("active")),
    Flow("delete", "client", people, delete),
    Flow("delete_own", "client", people, delete_own),
    Flow("erase", "client", people, erase),
    Flow("erase_after_grace", "schedule", after(people, delete_own), grace_ended),
    Flow("replay_erasure", "client", after(people, erase, restore_database), replay, replay),  # the runbook's command is repeated until it succeeds
    Flow("make_admin", "client", people, make_admin),
    Flow("register_service", "client", after(people, role), register_service),
]  # fmt: skip
