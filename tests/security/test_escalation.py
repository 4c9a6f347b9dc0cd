"""The escalation matrix: every operation that changes rights, by the rights of caller and target,
compared with the model.

Each cell is an API Gateway event to the real handler. The table's items are in memory, and a cell
counts as allowed once it writes, so that thousands of cells take seconds.
"""

import importlib
import itertools
import json
import os
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import pytest

from access import attribute_items
from atrium.identity import (
    delegation,
    grant_items,
    legacy_grants,
    mfa,
    namespaces,
    permissions,
    rights,
)
from atrium.identity.grant_items import GrantRecord, rfc3339
from atrium.stores import idempotency, idempotency_in_table, user_table
from tests.security import escalation_model as model
from tests.security.attacks import SESSION
from tests.security.escalation_model import HeldGrant, Person, Role, Roles
from tests.unit.conftest import forget
from tests.unit.events import Context, api_event, claims
from users import identities as users_identities
from users import invitation_list, profile, sessions, status
from users import mfa as users_mfa
from users.invitation_list import SentInvitation

SOON, LATER = 4_000_000_000, 4_100_000_000
CALLER, TARGET = "01890a5d-ac96-774b-bcce-0000000000ca", "01890a5d-ac96-774b-bcce-0000000000ee"

ROLES: Roles = {
    "reader": Role(["document.read"]),
    "editor": Role(["document.write"], ["reader"], assignable_by=["lead"]),
    "clerk": Role(["access.write", "users.write", "users.link"]),
    "lead": Role(["access.write", "users.write", "users.link"]),
    "chief": Role([], ["lead"]),
    "auditor": Role(["audit.read"], assignable_by=["inspector"]),
    "inspector": Role(),
    "empty": Role(),
    "biller": Role(assignable_by=["lead"], sets_trusted=True),
    "cashier": Role([], ["biller"]),
    "author": Role(["document.read"], conditional=["document.write"]),
}
CLERK = HeldGrant("clerk")
CALLERS: Sequence[Person] = (
    [CLERK],
    [CLERK._replace(until=SOON)],
    [CLERK, HeldGrant("reader")],
    [CLERK, HeldGrant("editor")],
    [CLERK, HeldGrant("reader", until=SOON)],
    [CLERK, HeldGrant("reader", "document:*")],
    [CLERK, HeldGrant("reader", "document:7")],
    [CLERK, HeldGrant("document.read", "document:7")],
    [CLERK, HeldGrant("lead", "document:7")],
    [CLERK, HeldGrant("reader", "document:*", conditional=True), HeldGrant("editor", "document:8")],
    [CLERK, HeldGrant("inspector")],
    [CLERK, HeldGrant("author")],
    [CLERK, HeldGrant("biller")],
    [CLERK, HeldGrant("auditor"), HeldGrant("reader", "document:*", SOON)],
    [CLERK, HeldGrant("admin", "document:7")],
    [CLERK, HeldGrant("admin")],
    [HeldGrant("lead")],
    [HeldGrant("lead", until=SOON)],
    [HeldGrant("chief")],
    [HeldGrant("admin")],
    [HeldGrant("admin", until=SOON)],
)
GIVEN: Sequence[HeldGrant] = (
    HeldGrant("empty"),
    HeldGrant("reader"),
    HeldGrant("reader", until=SOON),
    HeldGrant("reader", until=LATER),
    HeldGrant("reader", "document:*"),
    HeldGrant("reader", "document:7"),
    HeldGrant("reader", "document:8"),
    HeldGrant("document.read", "document:7"),
    HeldGrant("document.read", "document:*", SOON),
    HeldGrant("reader", "document:8", conditional=True),
    HeldGrant("editor"),
    HeldGrant("editor", "document:7"),
    HeldGrant("editor", until=SOON),
    HeldGrant("clerk"),
    HeldGrant("lead"),
    HeldGrant("chief"),
    HeldGrant("auditor"),
    HeldGrant("inspector"),
    HeldGrant("biller"),
    HeldGrant("biller", until=SOON),
    HeldGrant("biller", "document:7"),
    HeldGrant("cashier"),
    HeldGrant("author"),
    HeldGrant("admin"),
    HeldGrant("admin", until=SOON),
    HeldGrant("admin", "document:7"),
)
TARGETS: Sequence[Person] = (
    [],
    *([each] for each in GIVEN),
    [HeldGrant("reader", "document:7"), HeldGrant("auditor")],
)
DRAFTS: Sequence[Role] = (
    Role(),
    Role(["document.read"]),
    Role(["access.write"]),
    Role(["access.write"], assignable_by=["clerk"]),
    Role(["document.read"], assignable_by=["lead"]),
    Role([], ["auditor"]),
    Role(["document.read", "users.write"]),
    Role([], [], ["lead", "clerk"]),
    Role(["document.read"], conditional=["document.write"]),
)
REFUSALS = {"rights_exceeded", "admin_required", "own_grant"}
WITHOUT_PERMISSION = {"mfa_required", "permission_missing", "not_found"}
NEED_MFA = frozenset({"reader", "lead", "admin"})
"""Roles that need MFA in the second half of the matrix, whose callers have no MFA."""


class Cell(NamedTuple):
    route: str
    parameters: dict[str, str]
    body: Any
    caller: Person
    target: Person
    allowed: bool
    need_mfa: frozenset[str] = frozenset()


class Rule(NamedTuple):
    """The model, with `need_mfa` as the setting for callers without MFA."""

    need_mfa: frozenset[str]

    def may_call(self, caller: Person) -> bool:
        """Return True if the caller has the permissions: each caller has all that the operations
        need, or none.
        """
        person, own = model.without_mfa(caller, ROLES, {*self.need_mfa})
        held = {
            right
            for each in person
            if each.scope == "*"
            for right in model.rights_of(each.what, own)
        }
        return bool({"everything", "access.write"} & held)

    def may_give(self, caller: Person, given: HeldGrant) -> bool:
        person, own = model.without_mfa(caller, ROLES, {*self.need_mfa})
        return self.may_call(caller) and model.may_give(person, given, own, ROLES)

    def may_change(self, caller: Person, target: Person) -> bool:
        person, own = model.without_mfa(caller, ROLES, {*self.need_mfa})
        return self.may_call(caller) and model.may_change(person, target, own, ROLES)

    def may_define(self, caller: Person, name: str, role: Role) -> bool:
        person, own = model.without_mfa(caller, ROLES, {*self.need_mfa})
        return self.may_call(caller) and model.may_define(person, name, role, own, ROLES)


class WrittenError(BaseException):
    """A marker: the request has come to its first write."""


SHARE = 1 if "WHOLE_MATRIX" in os.environ else 23
"""The step between tested cells.

Each combination of operation, caller and target is tested, but not with every grant.
"""


def cells() -> Iterator[Cell]:
    for need_mfa in (NEED_MFA, frozenset[str]()):
        rule = Rule(need_mfa)
        whole = itertools.chain(_grants(rule), _users(rule), _roles(rule), _invitations(rule))
        for number, cell in enumerate(whole):
            if number % SHARE == 0:
                yield cell._replace(need_mfa=need_mfa)


def _grants(rule: Rule) -> Iterator[Cell]:
    path = {"id": TARGET}
    for caller, target in itertools.product(CALLERS, TARGETS):
        may_change = rule.may_change(caller, target)
        for given in GIVEN:
            allowed = may_change and rule.may_give(caller, given)
            yield Cell("POST /v1/users/{id}/grants", path, _body(given), caller, target, allowed)
        for place, given in enumerate(target):
            held = path | {"grant": _id(TARGET, place)}
            yield Cell(
                "DELETE /v1/users/{id}/grants/{grant}", held, None, caller, target, may_change
            )
            for end in (None, SOON, LATER):
                allowed = may_change and rule.may_give(caller, given._replace(until=end))
                body = {"expires_at": end and rfc3339(end)}
                yield Cell("PUT /v1/users/{id}/grants/{grant}", held, body, caller, target, allowed)
    for caller in CALLERS:  # the target is the caller
        for given in GIVEN:
            yield Cell(
                "POST /v1/users/{id}/grants",
                {"id": CALLER},
                _body(given),
                caller,
                [],
                allowed=False,
            )
        for place, _ in enumerate(caller):
            own = {"id": CALLER, "grant": _id(CALLER, place)}
            yield Cell(
                "PUT /v1/users/{id}/grants/{grant}",
                own,
                {"expires_at": None},
                caller,
                [],
                allowed=False,
            )
            may_call = rule.may_call(caller)
            yield Cell("DELETE /v1/users/{id}/grants/{grant}", own, None, caller, [], may_call)


_USER_CHANGES: Sequence[tuple[str, Any]] = (
    ("PATCH /v1/users/{id}/attributes", {"attributes": {}}),
    ("PATCH /v1/users/{id}", {"locale": "fr"}),
    ("PUT /v1/users/{id}/status", {"status": "disabled"}),
    ("PUT /v1/users/{id}/identity", {"subject": SESSION, "reason": "wrong_link"}),
    ("DELETE /v1/users/{id}", None),
    ("DELETE /v1/users/{id}/sessions", None),
    ("DELETE /v1/users/{id}/sessions/{session}", None),
    ("DELETE /v1/users/{id}/mfa", None),
)


_OWN = ("PATCH /v1/users/{id}/attributes", "PATCH /v1/users/{id}")
"""Changes that users may make to themselves without a permission."""


def _users(rule: Rule) -> Iterator[Cell]:
    for (caller, target), (route, body) in itertools.product(
        itertools.product(CALLERS, TARGETS), _USER_CHANGES
    ):
        path = {"id": TARGET, "session": SESSION}
        yield Cell(route, path, body, caller, target, rule.may_change(caller, target))
    for caller, (route, body) in itertools.product(CALLERS, _USER_CHANGES):
        allowed = route in _OWN or rule.may_call(caller)
        yield Cell(route, {"id": CALLER, "session": SESSION}, body, caller, [], allowed)


def _roles(rule: Rule) -> Iterator[Cell]:
    for caller, name in itertools.product(CALLERS, [*ROLES, "new"]):
        before = ROLES.get(name)
        may_change = before is None or rule.may_define(caller, name, before)
        if before is not None:
            yield Cell("DELETE /v1/roles/{role}", {"role": name}, None, caller, [], may_change)
        for draft in DRAFTS:
            if name in draft.parents:
                continue
            allowed = may_change and rule.may_define(caller, name, draft)
            body = {"description": "x"} | {
                field: list(getattr(draft, field))
                for field in ("permissions", "parents", "assignable_by")
            }
            if draft.conditional:
                body["conditional_permissions"] = [
                    {"permission": each, "condition": {"==": [1, 1]}} for each in draft.conditional
                ]
            yield Cell("PUT /v1/roles/{role}", {"role": name}, body, caller, [], allowed)


def _invitations(rule: Rule) -> Iterator[Cell]:
    """Yield invitations with a role: sent, resent by the caller, and cancelled."""
    roles = [given for given in GIVEN if given._replace(what="") == HeldGrant("")]
    for caller, given in itertools.product(CALLERS, roles):
        allowed = rule.may_give(caller, given)
        body = {"email": "new@example.org", "roles": [given.what]}
        yield Cell("POST /v1/users", {}, body, caller, [], allowed)
        sent = {"id": _id(TARGET, GIVEN.index(given))}
        yield Cell("POST /v1/invitations/{id}/resend", sent, None, caller, [], allowed)
        yield Cell("DELETE /v1/invitations/{id}", sent, None, caller, [], allowed)


def _sent(id: uuid.UUID) -> SentInvitation:
    """Return an open invitation. Its role is in GIVEN, at the index that `_id` put into the id."""
    role, now = GIVEN[int(str(id)[-4:-2])].what, datetime.now(UTC)
    uid = uuid.UUID(TARGET)
    return SentInvitation(id, uid, None, [role], "open", uid, uid, now, now, now, None, 1)


def _body(given: HeldGrant) -> dict[str, Any]:
    is_role = given.what in (*ROLES, "admin")
    what = {"role": given.what} if is_role else {"action": given.what.split(".")[1]}
    condition = {"condition": {"==": [1, 1]}} if given.conditional else {}
    end = given.until and rfc3339(given.until)
    return {**what, "scope": given.scope, "expires_at": end, **condition}


def _id(uid: str, place: int) -> str:
    return f"{uid[:-4]}{place:02}{uid[-2:]}"


class Table:
    """Items in memory, read as DynamoDB does."""

    def __init__(self) -> None:
        self.items = {(item["pk"]["S"], item["sk"]["S"]): item for item in _fixed()}
        self.fixed = dict(self.items)

    def hold(self, people: dict[str, Person]) -> None:
        self.items = dict(self.fixed)
        for uid, person in people.items():
            for place, given in enumerate(person):
                body = _body(given)
                record = GrantRecord(
                    id=_id(uid, place),
                    uid=uid,
                    role=body.get("role"),
                    action=body.get("action"),
                    scope=given.scope,
                    reason=None,
                    granted_by="test",
                    granted_at="then",
                    expires_at=body["expires_at"],
                    condition=json.dumps(body["condition"]) if given.conditional else None,
                )
                self.items |= {
                    (each["pk"]["S"], each["sk"]["S"]): each for each in grant_items.items(record)
                }

    def call(self, operation: str, **asked: Any) -> dict[str, Any]:
        if operation == "get_item":
            found = self.items.get((asked["Key"]["pk"]["S"], asked["Key"]["sk"]["S"]))
            return {"Item": found} if found else {}
        assert operation == "query", operation
        if "IndexName" in asked:
            return {"Items": []}
        values = asked["ExpressionAttributeValues"]
        first = values.get(":prefix", values.get(":first", {"S": ""}))["S"]
        last = (
            first + "\U0010ffff"
            if ":prefix" in values or ":last" not in values
            else values[":last"]["S"]
        )
        rows = sorted(
            key for key in self.items if key[0] == values[":pk"]["S"] and first <= key[1] <= last
        )
        return {"Items": [self.items[key] for key in rows]}


def _fixed() -> Iterator[dict[str, Any]]:
    for uid in (CALLER, TARGET):
        meta = {"status": {"S": "active"}, "access_epoch": {"N": "1"}, "version": {"N": "1"}}
        yield grant_items.at((f"U#{uid}", "META")) | meta
    for name, role in ROLES.items():
        parents = {"L": [{"S": parent} for parent in role.parents]}
        texts = {"description": {"S": name}, "parents": parents, "version": {"N": "1"}}
        yield grant_items.at((f"R#{name}", "META")) | texts
        for permission in role.permissions:
            yield grant_items.at((f"R#{name}", f"PERM#{permission}")) | {
                "permission": {"S": permission}
            }
        for permission in role.conditional:
            yield grant_items.at((f"R#{name}", f"COND#{permission}")) | grant_items.texts(
                {"permission": permission, "condition": '{"==":[1,1]}'}
            )
    lists = {
        field: {
            "M": {
                name: {"L": [{"S": one} for one in getattr(role, field)]}
                for name, role in ROLES.items()
            }
        }
        for field in ("parents", "assignable_by")
    }
    yield grant_items.at(("ROLES", "GRAPH")) | lists | {"version": {"N": "1"}}
    yield _trusted_namespace([name for name, role in ROLES.items() if role.sets_trusted])
    yield grant_items.at(legacy_grants.STATE) | {"layout": {"S": "keyed"}}


def _trusted_namespace(setters: Sequence[str]) -> dict[str, Any]:
    texts = {
        "description": "Plans",
        "schema": "{}",
        "visible_to": "self",
        "writable_by": "nobody",
    }
    flags = {"personal": {"BOOL": False}, "in_token": {"BOOL": True}}
    named = {"set_by": {"L": [{"S": role} for role in setters]}, "version": {"N": "1"}}
    return grant_items.at((namespaces.PK, "plan")) | grant_items.texts(texts) | flags | named


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.setenv("MFA_ROLES", "")  # monkeypatch restores it at the end

    def written(*_: Any, **__: Any) -> None:
        raise WrittenError

    made = Table()
    monkeypatch.setattr(user_table, "call", made.call)
    monkeypatch.setattr(user_table, "transact", written)
    monkeypatch.setattr(idempotency_in_table, "once", written)
    monkeypatch.setattr(idempotency, "once", written)
    monkeypatch.setattr(invitation_list, "find", _sent)
    monkeypatch.setattr(attribute_items, "write", written)
    monkeypatch.setattr(status, "write", written)
    monkeypatch.setattr(profile, "change", written)
    session = sessions.SessionRecord(SESSION, "", 0, 0, 0, 0)
    monkeypatch.setattr(sessions, "identities", lambda uid: [])
    monkeypatch.setattr(users_mfa, "identities", lambda uid: [])
    monkeypatch.setattr(users_identities, "_check", lambda *_: None)
    monkeypatch.setattr(sessions, "living", lambda uid, meta: [session])
    return made


def disagreements(table: Table, wanted: Iterator[Cell], tally: Counter[bool]) -> Iterator[str]:
    services = [importlib.import_module(f"{name}.handler") for name in ("access", "users")]
    handlers = {route: service.handler for service in services for route in service.ROUTES}
    known: Any = None
    for cell in wanted:
        if known != (cell.caller, cell.target, cell.need_mfa):
            known = (cell.caller, cell.target, cell.need_mfa)
            table.hold({CALLER: cell.caller, TARGET: cell.target})
            os.environ["MFA_ROLES"] = " ".join(cell.need_mfa)
            forget()
        tally[cell.allowed] += 1
        if (allowed := is_allowed(handlers[cell.route], cell)) != cell.allowed:
            yield f"{cell}: allowed is {allowed}"


def is_allowed(handler: Any, cell: Cell) -> bool:
    everywhere = [given for given in cell.caller if given.scope == "*"]
    ends = [given.until for given in everywhere if given.until]
    until = {"roles_until": str(min(ends))} if ends else {}
    roles = " ".join(given.what for given in everywhere)
    token = claims(uid=CALLER, roles=roles, auth_time=str(int(time.time())), **until)
    is_new = cell.parameters.get("role") == "new"
    condition = {"If-None-Match": "*"} if is_new else {"If-Match": "*"}
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k", **condition}
    event = api_event(
        cell.route, None if cell.body is None else json.dumps(cell.body), headers, token
    )
    event["pathParameters"] = cell.parameters
    try:
        answer = handler(event, Context())
    except WrittenError:
        return True
    code = json.loads(answer["body"])["code"]
    if code in (
        "last_admin",
        "role_in_use",
    ):  # an allowed request may be refused for another reason
        return True
    refusals = REFUSALS | (WITHOUT_PERMISSION if cell.need_mfa else set[str]())
    status = 404 if code == "not_found" else 403
    assert (answer["statusCode"], code in refusals) == (status, True), f"{cell}: {answer['body']}"
    return False


def test_the_matrix_agrees_with_the_model(table: Table, capsys: pytest.CaptureFixture[str]) -> None:
    tally = Counter[bool]()
    assert next(disagreements(table, cells(), tally), None) is None
    assert min(tally.values()) > 1500 / SHARE
    with capsys.disabled():
        print(
            f"\nescalation matrix: {tally.total()} cells, {tally[True]} allowed, {tally[False]} refused"
        )


def _without_parents(names: Any, roles: Any) -> set[str]:
    return set(names)


def _as_if_defined(own: Any, name: str, role: rights.Role, roles: rights.Roles) -> bool:
    return rights.can_hand_out(own, grant_items.Grant("", "*", name), {**roles, name: role})


MUTANTS: dict[str, tuple[Any, str, Any]] = {
    "the end of a grant does not matter": (
        rights,
        "contains",
        lambda own, grant: own.scope in ("*", grant.scope),
    ),
    "the scope does not matter": (rights, "contains", lambda own, grant: own.expires_at is None),
    "parents are forgotten": (rights, "lineage", _without_parents),
    "what a role may assign is forgotten": (rights, "assignable_by", lambda names, roles: set()),
    "who may assign a role may define it": (
        rights,
        "can_define",
        lambda own, name, role, roles: rights.can_hand_out(
            own, grant_items.Grant("", "*", name), roles
        ),
    ),
    "a definition counts before it is made": (rights, "can_define", _as_if_defined),
    "a conditional right is given on": (
        grant_items,
        "grant",
        lambda item, right=grant_items.grant: msgspec.structs.replace(right(item), condition=None),
    ),
    "what a role holds under a condition is not given": (
        rights,
        "given_by",
        rights.permissions_of,
    ),
    "what a role holds under a condition is held": (rights, "permissions_of", rights.given_by),
    "targets are not looked at": (delegation.Delegation, "check_target", lambda self, uid: None),
    "grants are not looked at": (delegation.Delegation, "check_grant", lambda self, grant: None),
    "one may grant to oneself": (delegation, "refuse_own", lambda caller, uid: None),
    "MFA is not asked for at the door": (
        permissions,
        "hold",
        lambda caller, permission, current, hold=permissions.hold: hold(
            msgspec.structs.replace(caller, withheld=frozenset()), permission, current=current
        ),
    ),
    "a role withheld is given on": (
        mfa,
        "in_effect",
        lambda found, without: list(found),
    ),
    "a role gives what a parent needs MFA for": (
        delegation.Delegation,
        "_roles",
        lambda self, found, named=(): delegation.roles_of(found, named),
    ),
    "roles that set trusted attributes are like others": (
        rights,
        "sets_trusted",
        lambda role, roles: False,
    ),
    "only the role as it will be counts": (
        delegation.Delegation,
        "check_role",
        lambda self, name, before, after, right=delegation.Delegation.check_role: right(
            self, name, None, after
        ),
    ),
}


@pytest.mark.parametrize(("where", "name", "wrong"), MUTANTS.values(), ids=MUTANTS)
def test_a_broken_rule_is_detected(
    table: Table, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, wrong: Any
) -> None:
    monkeypatch.setattr(where, name, wrong)
    assert next(disagreements(table, cells(), Counter()), None) is not None


def test_the_model_is_short() -> None:
    source = (importlib.import_module(model.__name__).__file__ or "").strip()
    with open(source) as opened:  # noqa: PTH123
        assert len([line for line in opened if line.strip()]) <= 75
