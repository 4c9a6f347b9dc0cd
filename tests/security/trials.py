"""Trials of revocation with every operation that needs current authority, warm caches and parallel
requests.

A caller uses rights in one container until everything is cached, and continues to read there. An
administrator ends the rights in another container. After the response the caller sends a change,
several times at once. An attack succeeds if a response is 2xx or anything in either store has
changed.
"""

import importlib
import itertools
import json
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Literal

import pg8000.native
import pytest

from atrium.api import Handler, api
from atrium.identity import permissions, rules, session
from atrium.stores import authority
from tests.security.attacks import NAMESPACE, SESSION, Attack
from tests.security.containers import Container
from tests.support.kept_connections import empty
from tests.unit.access.conftest import Service
from tests.unit.conftest import ROOT, TABLE, TABLES
from tests.unit.events import Context, answer, api_event, claims
from tools.laptop.answer import Answer

Kind = Literal["revoked", "disabled", "deleted", "demoted", "expired"]
KINDS: tuple[Kind, ...] = ("revoked", "disabled", "deleted", "demoted", "expired")

AT_ONCE = 2
"""Concurrent requests of one attack."""
LIFETIME = 3600
"""Seconds until the grant of an `expired` caller ends."""

ADMIN = "01890a5d-ac96-774b-bcce-000000000001"
HELD = [
    "access.read",
    "access.write",
    "document.read",
    "orders.write",
    "users.erase",
    "users.link",
    "users.read",
    "users.write",
]
COFFEE = "01990000-0000-7000-8000-000000000001"

_STATE = """
SELECT (SELECT count(*) FROM audit_events), (SELECT count(*) FROM operations), (SELECT count(*) FROM outbox),
    (SELECT count(*) FROM idempotency_keys), (SELECT jsonb_agg(invitations ORDER BY id) FROM invitations),
    (SELECT jsonb_agg(users ORDER BY uid) FROM users),
    (SELECT jsonb_agg(orders ORDER BY id) FROM orders)
"""


def services() -> dict[str, rules.Rules]:
    """Return the rules of each service by name, as the build writes them."""
    contracts = sorted(ROOT.glob("functions/*/openapi.yaml"))
    names = [
        contract.parent.name for contract in contracts if (contract.parent / "handler.py").exists()
    ]
    return {name: rules.read(str(ROOT / "functions" / name / "rules.json")) for name in names}


def handlers() -> dict[str, Handler]:
    """Return the handler of each route, with the current kernel."""
    made = {
        name: api(name, importlib.import_module(f"{name}.handler").ROUTES) for name in services()
    }
    return {route: made[name] for name, of in services().items() for route in of}


@dataclass(frozen=True)
class Caller:
    uid: str
    role: str
    grant: str
    until: int | None

    @property
    def token(self) -> dict[str, str]:
        end = {} if self.until is None else {"roles_until": str(self.until)}
        return claims(
            uid=self.uid, roles=self.role, access_epoch="1", auth_time=str(int(time.time())), **end
        )


@dataclass
class Trials:
    """The trials so far.

    `successes` lists successful attacks, `statuses` counts the responses to attacks.
    """

    table: Any
    database: pg8000.native.Connection
    used: Container = field(default_factory=Container)
    other: Container = field(default_factory=Container)
    successes: list[tuple[Kind, Attack]] = field(default_factory=list)
    statuses: dict[Kind, dict[int, int]] = field(default_factory=dict)
    passed: float = 0.0  # seconds, for the expiry of tokens only: caches stay warm

    def __post_init__(self) -> None:
        self.handlers = handlers()
        self._numbers = itertools.count()
        self._service = Service(self.table)

    def run(self, kind: Kind, attack: Attack) -> None:
        """Run one trial. Odd ones have an administrator as caller, where that is possible."""
        number = next(self._numbers)
        caller, places = self.prepare(kind, number, needs_admin=attack.needs_admin)
        with self._reading(caller, places):
            self._end(kind, caller)
            before = self.state()
            with self.used.here():
                answers = self._at_once(caller, attack, places)
        counted = self.statuses.setdefault(kind, {})
        for each in answers:
            counted[each.status] = counted.get(each.status, 0) + 1
        if self.state() != before or any(each.status < 300 for each in answers):
            self.successes.append((kind, attack))

    def control(self, attack: Attack, number: int) -> Answer:
        """Send the attack while the caller still has the rights."""
        caller, places = self.prepare("revoked", number, needs_admin=attack.needs_admin)
        before = self.state()
        with self.used.here():
            answered = self.send(caller.token, attack, places)
        assert attack.only_reads or self.state() != before, (
            f"{attack} changes nothing, so its refusal would show nothing: {answered.text}"
        )
        return answered

    def prepare(
        self, kind: Kind, number: int, *, needs_admin: bool = False
    ) -> tuple[Caller, dict[str, str]]:
        """Write the data of a trial.

        Return the caller, and the values of the placeholders in requests.
        """
        self.passed = 0.0
        self.used, self.other = (
            Container(),
            Container(),
        )  # the roles of the previous trial had the same versions
        self._forget()
        is_admin = kind != "demoted" and (needs_admin or number % 2 == 1)
        caller, other, order, invitation = (str(uuid.uuid4()) for _ in range(4))
        # Half of the demoted callers hold the permissions through another role.
        above = number % 2 == 1
        self._new_users(caller, other)
        self._new_order(order, other)
        self._new_invitation(invitation)
        self._new_roles(
            {
                "base": HELD if above else [],
                "boss": [] if above else HELD,
                "reader": [HELD[2]],
                "spare": [],
            }
        )
        role = "admin" if is_admin else "boss"
        until = int(time.time()) + LIFETIME if kind == "expired" else None
        end: dict[str, Any] = {} if until is None else {"expires_at": until}
        grant = self._service.grant(caller, role=role, **end)
        places = {
            "self": caller,
            "other": other,
            "grant of self": grant,
            "grant of other": self._service.grant(other, role="reader"),
            "order": order,
            "invitation": invitation,
            "role": "base" if above else "boss",
            "new": f"new{number}",
            "account": str(uuid.uuid4()),
        }
        return Caller(caller, role, grant, until), places

    def send(self, token: Mapping[str, str], attack: Attack, places: Mapping[str, str]) -> Answer:
        known = {**places, "grant": places.get(f"grant of {attack.target}", "")}
        headers = {**attack.headers, "Content-Type": "application/json"}
        if attack.route.startswith("POST "):
            headers["Idempotency-Key"] = str(uuid.uuid4())
        body = None if attack.body is None else _filled(json.dumps(attack.body), known)
        event = api_event(attack.route, body, headers, token)
        event["pathParameters"] = {
            name: _filled(value, known) for name, value in attack.parameters.items()
        } or None
        return answer(self.handlers[attack.route](event, Context()))

    def state(self) -> Any:
        """Return everything in both stores."""
        items = self.table.scan(TableName=TABLE)["Items"]
        found = self.database.run(_STATE)
        return json.dumps(
            [sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"])), found], default=str
        )

    def _at_once(self, caller: Caller, attack: Attack, places: Mapping[str, str]) -> list[Answer]:
        def one(_: int) -> Answer:
            with self.used.here():
                return self.send(caller.token, attack, places)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(one, range(AT_ONCE)))

    @contextmanager
    def _reading(self, caller: Caller, places: Mapping[str, str]) -> Iterator[None]:
        """Let the caller read repeatedly, in a container that has everything cached."""
        reads = [
            Attack("GET /v1/users/{id}/attributes", {"id": places["other"]}),
            Attack("GET /v1/roles/{role}", {"role": "reader"}),
            Attack("GET /v1/users/{id}", {"id": places["other"]}),
        ]
        with self.used.here():
            for read in reads:
                admitted = self.send(caller.token, read, places)
                assert admitted.status == 200, f"{read}: nothing is cached: {admitted.text}"
        done = threading.Event()

        def go_on() -> None:
            with self.used.here():
                while not done.is_set():
                    self.send(caller.token, reads[0], places)

        reader = threading.Thread(target=go_on)
        reader.start()
        try:
            yield
        finally:
            done.set()
            reader.join()

    def _end(self, kind: Kind, caller: Caller) -> None:
        """End the caller's rights as an administrator in another container.

        Return after the response.
        """
        match kind:
            case "revoked":
                path = {"id": caller.uid, "grant": caller.grant}
                ended = Attack(
                    "DELETE /v1/users/{id}/grants/{grant}", path, None, {"If-Match": "*"}
                )
            case "disabled":
                body = {"status": "disabled"}
                ended = Attack(
                    "PUT /v1/users/{id}/status", {"id": caller.uid}, body, {"If-Match": "*"}
                )
            case "deleted":
                ended = Attack("DELETE /v1/users/{id}", {"id": caller.uid}, None, {"If-Match": "*"})
            case "demoted":
                self._demote()
                return
            case "expired":
                self.passed = LIFETIME + 1
                return
        self._by_admin(ended)

    def _demote(self) -> None:
        for role, parents in (("base", []), ("boss", ["base"])):
            body = {"description": "Nothing", "permissions": [], "parents": parents}
            self._by_admin(Attack("PUT /v1/roles/{role}", {"role": role}, body, {"If-Match": "*"}))

    def _by_admin(self, change: Attack) -> None:
        with self.other.here():
            answered = self.send(claims(uid=ADMIN, roles="admin"), change, {})
        assert answered.status < 300, answered.text

    def _forget(self) -> None:
        """Empty both stores, because moto copies the whole table for each transaction."""
        items = self.table.scan(TableName=TABLE, ProjectionExpression="pk, sk")["Items"]
        self._service.write([{"DeleteRequest": {"Key": item}} for item in items])
        empty(self.database, *TABLES, "orders", "order_lines")

    def _new_users(self, *uids: str) -> None:
        """Write the administrator, and users with an attribute in the namespace `plan`."""
        user = {
            "sk": "META",
            "status": "active",
            "access_epoch": 1,
            "version": 1,
            "attributes_version": 1,
        }
        plan = NAMESPACE | {
            "schema": json.dumps(NAMESPACE["schema"]),
            "in_token": False,
            "version": 1,
        }
        value = {"sk": "ATTR#plan#level", "value": "silver", "version": 1}
        times = dict.fromkeys(("auth_time", "first_seen", "last_seen"), 1_767_225_600)
        session = {"sk": SESSION, "device": "Firefox", "expires_at": 4_000_000_000, **times}
        items = [
            {
                "pk": "NAMESPACES",
                "sk": "plan",
                "visible_to": "self",
                "writable_by": "nobody",
                **plan,
            }
        ]
        items += [user | {"pk": f"U#{uid}"} for uid in (ADMIN, *uids)]
        items += [value | {"pk": f"U#{uid}"} for uid in uids]
        items += [session | {"pk": f"S#{uid}"} for uid in uids]
        self._service.put_all(items)
        self._service.set_layout("keyed")
        self._service.grant(ADMIN, role="admin")
        rows = "INSERT INTO users (uid, email) SELECT uid, uid || '@example.org' FROM unnest(CAST(:uids AS uuid[])) AS uid"
        self.database.run(rows, uids=[ADMIN, *uids])

    def _new_roles(self, held: Mapping[str, list[str]]) -> None:
        """Write the roles; `base` is a parent of `boss`."""
        parents = {role: ["base"] if role == "boss" else [] for role in held}
        definitions = [
            {"pk": f"R#{role}", "sk": "META", "version": 1, "description": role, "parents": above}
            | {"gsi1pk": "ROLES", "gsi1sk": role}
            for role, above in parents.items()
        ]
        permissions = [
            {"pk": f"R#{role}", "sk": f"PERM#{permission}", "permission": permission}
            for role, names in held.items()
            for permission in names
        ]
        self._service.put_all([*definitions, *permissions])
        graph = {role: {"L": [{"S": name} for name in above]} for role, above in parents.items()}
        key = {"pk": {"S": "ROLES"}, "sk": {"S": "GRAPH"}, "version": {"N": "1"}}
        self._service.write([{"PutRequest": {"Item": {**key, "parents": {"M": graph}}}}])

    def _new_invitation(self, id: str) -> None:
        """Write an open invitation of somebody who has not signed in."""
        rows = [
            "INSERT INTO users (uid, email) VALUES (:id, 'invited@example.org')",
            "INSERT INTO operations (id, kind, state, uid, actor) VALUES (:id, 'user.invite', 'succeeded', :id, :id)",
            "INSERT INTO invitations (id, uid, operation, actor, state, expires_at) VALUES (:id, :id, :id, :id, 'open', '2999-01-01')",
        ]
        for row in rows:
            self.database.run(row, id=id)

    def _new_order(self, order: str, uid: str) -> None:
        self.database.run("INSERT INTO orders (id, uid) VALUES (:id, :uid)", id=order, uid=uid)
        line = "INSERT INTO order_lines (order_id, coffee_id, quantity, price_cents) VALUES (:id, :coffee, 1, 220)"
        self.database.run(line, id=order, coffee=COFFEE)


def _filled(text: str, places: Mapping[str, str]) -> str:
    for name, value in places.items():
        text = text.replace("{" + name + "}", value)
    return text


def clock_of_tokens(monkeypatch: pytest.MonkeyPatch, trials: Trials) -> None:
    """Move the clock that compares the end of a token's roles forward by `trials.passed` seconds."""
    monkeypatch.setattr(session, "time", SimpleNamespace(time=lambda: time.time() + trials.passed))


def cached_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Break the kernel: caches admit to everything, and no write has the caller's condition."""
    cached_reads(monkeypatch)
    monkeypatch.setattr(authority, "caller", lambda: None)


def cached_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Break the kernel: caches admit to everything, but writes to the table have the caller's
    condition.
    """
    verify, hold = session.verify, permissions.hold
    monkeypatch.setattr(session, "verify", lambda token, current: verify(token))
    monkeypatch.setattr(
        permissions, "hold", lambda caller, permission, current: hold(caller, permission)
    )


def endless_roles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Break the kernel: it ignores the end of a token's roles."""
    claimed = session.claims_of

    def without_end(token: Mapping[str, str]) -> Any:
        return claimed({name: value for name, value in token.items() if name != "roles_until"})

    monkeypatch.setattr(session, "claims_of", without_end)
