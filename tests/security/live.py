"""The attacks of `tests/security` by HTTP, on the running stack.

  python -m tests.security.live [--trials 30]

Each trial has a caller of its own. They get rights, use them in parallel until containers have
cached them, lose them by an administrator, and then send several attacks at once. An attack
succeeds if a response is 2xx, or if an audit trail has an entry by the caller, who changed nothing
before.
"""

import argparse
import itertools
import json
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local_aws.supervisor.ready import StackError
from tests.security.attacks import ATTACKS, NAMESPACE, SESSION, Attack
from tools.deploy import stack_settings
from tools.laptop.answer import Answer
from tools.laptop.client import Client, Person, claims, client_of

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("revoked", "disabled", "deleted", "demoted", "expired")
TRIALS_AT_ONCE = 2
ATTACKS_AT_ONCE = 4
WARM_AT_ONCE = 6
LIFETIME = 40
"""Seconds until the grant of an `expired` caller ends: enough to sign in and to warm the caches on
a busy machine.
"""
BUSY = (429, 502, 503, 504)  # functions on a busy laptop are throttled or stopped, too
PATIENCE = 120
HELD = [
    "access.read",
    "access.write",
    "document.read",
    "orders.read",
    "orders.write",
    "users.erase",
    "users.link",
    "users.read",
    "users.write",
]


@dataclass(frozen=True)
class Target:
    """Another user, with the things that attacks are about."""

    uid: str
    grant: str
    order: str
    session: str


@dataclass(frozen=True)
class Result:
    """The result of a trial. `answers` are counted by status and code."""

    kind: str
    answers: Counter[str]
    successes: list[str]


class Office:
    """An administrator, and what they prepare for trials."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.admin = client.sign_in(
            Person(client.outputs.admin_email, client.outputs.admin_password)
        )
        self.restore()

    def restore(self) -> None:
        """Create again what successful attacks delete."""
        if self.ask("GET", "/v1/namespaces/plan").status == 404:
            _good(self.ask("PUT", "/v1/namespaces/plan", NAMESPACE, If_None_Match="*"))
        for role in ("reader", "spare"):
            if self.ask("GET", f"/v1/roles/{role}").status == 404:
                self.put_role(role, ["document.read"] if role == "reader" else [])

    def ask(
        self, method: str, path: str, body: Any = None, token: str | None = None, **headers: str
    ) -> Answer:
        """Send a request, and repeat it while the stack is busy.

        Without `token` the administrator sends it.
        """
        until = time.monotonic() + PATIENCE
        while True:
            answer = self.client.call(method, path, token or self.admin.token, body, **headers)
            if answer.status not in BUSY or time.monotonic() > until:
                return answer
            time.sleep(float(answer.headers.get("retry-after", "1")))

    def put_role(self, role: str, held: Sequence[str]) -> None:
        body = {"description": "A trial's", "permissions": list(held)}
        known = self.ask("GET", f"/v1/roles/{role}").status == 200
        condition = {"If_Match": "*"} if known else {"If_None_Match": "*"}
        answer = self.ask("PUT", f"/v1/roles/{role}", body, **condition)
        # the change of a repeated request was made the first time, but its response was late
        if answer.status != 412:
            _good(answer)

    def grant(self, uid: str, role: str, until: int | None = None) -> str:
        end = (
            {}
            if until is None
            else {"expires_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(until))}
        )
        made = self.ask(
            "POST",
            f"/v1/users/{uid}/grants",
            {"role": role, **end},
            Idempotency_Key=str(uuid.uuid4()),
        )
        return str(_good(made).json["id"])

    def new_target(self) -> Target:
        person = self.client.new_member()
        menu = _good(self.ask("GET", "/v1/coffees")).json["items"]
        body = {
            "lines": [{"coffee": max(menu, key=lambda each: each["stock"])["id"], "quantity": 1}]
        }
        order = self.ask(
            "POST", "/v1/orders", body, token=person.token, Idempotency_Key=str(uuid.uuid4())
        )
        value = {"value": "silver"}
        path = f"/v1/users/{person.uid}/attributes/plan/level"
        _good(self.ask("PUT", path, value, If_None_Match="*"))
        grant = self.grant(person.uid, "reader")
        return Target(person.uid, grant, _good(order).json["id"], session_of(person))

    def entries(self, actor: str) -> list[str]:
        """Return the entries of an actor in both audit trails."""
        with self.client.database() as database:
            rows = database.run(
                "SELECT action FROM audit_events WHERE actor = :actor AND action <> 'user.created'",
                actor=actor,
            )
        pages = (
            self.client.aws("dynamodb")
            .get_paginator("scan")
            .paginate(
                TableName=self.client.outputs.user_attributes_table,
                FilterExpression="begins_with(pk, :trail) AND actor = :actor",
                ExpressionAttributeValues={":trail": {"S": "AUDIT#"}, ":actor": {"S": actor}},
            )
        )
        return [row[0] for row in rows] + [
            item["action"]["S"] for page in pages for item in page["Items"]
        ]


class Trial:
    """A caller who loses their rights."""

    def __init__(self, office: Office, kind: str, number: int) -> None:
        self.office, self.kind = office, kind
        self.role = (
            f"trial-{uuid.uuid4().hex[:10]}" if kind == "demoted" or number % 2 == 0 else "admin"
        )
        if self.role != "admin":
            office.put_role(self.role, HELD)
        member = office.client.new_member()
        self.until = int(time.time()) + LIFETIME if kind == "expired" else None
        self.grant = office.grant(member.uid, self.role, self.until)
        self.caller = office.client.sign_in(member)
        self.other = office.new_target()

    def run(self, attacks: Sequence[Attack]) -> Result:
        self._warm()
        self._end()
        with ThreadPoolExecutor(ATTACKS_AT_ONCE) as pool:
            answers = list(pool.map(self.send, attacks))
        successes = [
            str(attack) for attack, each in zip(attacks, answers, strict=True) if each.status < 300
        ]
        successes += self.office.entries(self.caller.uid)
        return Result(
            self.kind, Counter(f"{each.status} {_code(each)}" for each in answers), successes
        )

    def control(self, attack: Attack) -> None:
        """Send the attack while the caller still has the rights."""
        answer = self.send(attack)
        if answer.status >= 300:
            raise AssertionError(
                f"{attack} fails with rights, so its refusal would show nothing: {answer.body!r}"
            )

    def send(self, attack: Attack) -> Answer:
        uid = self.caller.uid
        grant = self.grant if attack.target == "self" else self.other.grant
        places = {
            "self": uid,
            "other": self.other.uid,
            "grant": grant,
            "order": self.other.order,
            "role": self.role,
        }
        places["account"] = str(uuid.uuid4())
        places["new"] = f"new{uuid.uuid4().hex[:12]}"
        places["session"] = (
            session_of(self.caller) if attack.target == "self" else self.other.session
        )
        method, path = attack.route.split(" ")
        parameters = {
            name: _filled(value.replace(SESSION, "{session}"), places)
            for name, value in attack.parameters.items()
        }
        headers = {name.replace("-", "_"): value for name, value in attack.headers.items()}
        if method == "POST":
            headers["Idempotency_Key"] = str(uuid.uuid4())
        if method == "PATCH":
            headers["Content_Type"] = "application/merge-patch+json"
        body = None if attack.body is None else json.loads(_filled(json.dumps(attack.body), places))
        return self.office.ask(
            method, _filled(path, parameters), body, self.caller.token, **headers
        )

    def _warm(self) -> None:
        paths = [
            f"/v1/users/{self.other.uid}/attributes",
            f"/v1/users/{self.other.uid}",
            "/v1/orders",
        ] * 2

        def read(path: str) -> int:
            return self.office.ask("GET", path, token=self.caller.token).status

        with ThreadPoolExecutor(WARM_AT_ONCE) as pool:
            statuses = list(pool.map(read, paths))
        if set(statuses) != {200}:
            raise AssertionError(
                f"{self.kind}: the caller could not read, so the end would show nothing: {statuses}"
            )

    def _end(self) -> None:
        """End the caller's rights. Return after the response."""
        uid, ends = self.caller.uid, self._ends()
        ends[self.kind](f"/v1/users/{uid}")

    def _ends(self) -> Mapping[str, Callable[[str], object]]:
        ask = self.office.ask
        return {
            "revoked": lambda user: _good(
                ask("DELETE", f"{user}/grants/{self.grant}", If_Match="*")
            ),
            "disabled": lambda user: _good(
                ask("PUT", f"{user}/status", {"status": "disabled"}, If_Match="*")
            ),
            "deleted": lambda user: _good(ask("DELETE", user, If_Match="*")),
            "demoted": lambda _: self.office.put_role(self.role, []),
            "expired": lambda _: self._expire(),
        }

    def _expire(self) -> None:
        until = int(claims(self.caller.token)["roles_until"])
        while time.time() < until:
            time.sleep(min(0.5, max(until - time.time(), 0.01)))


def session_of(person: Person) -> str:
    return str(claims(person.token)["origin_jti"])


def fair(kind: str) -> list[Attack]:
    """Return the attacks without those on the caller's own things, which need no permission."""
    contracts = [yaml.safe_load(file.read_text()) for file in ROOT.glob("functions/*/openapi.yaml")]
    allowed = {
        f"{method.upper()} {path}": operation["x-atrium-allow"]
        for contract in contracts
        for path, operations in contract.get("paths", {}).items()
        for method, operation in operations.items()
    }

    def is_own(attack: Attack) -> bool:
        by_self = any(one == "self" or "self" in one for one in allowed[attack.route])
        return attack.target == "self" and by_self

    return [each for each in ATTACKS if not (kind == "demoted" and is_own(each))]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.security.live", description=__doc__)
    parser.add_argument("--trials", type=int, default=30, help="of each kind")
    wanted = parser.parse_args()
    try:
        client = client_of(stack_settings.from_environment())
    except StackError as error:
        sys.exit(f"make proof-security: {error}")
    office = Office(client)
    for attack in (attack for attack in ATTACKS if attack.target != "self"):
        Trial(office, "revoked", number=1 if attack.needs_admin else 0).control(attack)
        office.restore()
    turns = {kind: itertools.cycle(fair(kind)) for kind in KINDS}
    asked = [
        (kind, number, list(itertools.islice(turns[kind], ATTACKS_AT_ONCE)))
        for number in range(wanted.trials)
        for kind in KINDS
    ]

    def run(one: tuple[str, int, list[Attack]]) -> Result:
        kind, number, attacks = one
        return Trial(office, kind, number).run(attacks)

    results: list[Result] = []
    with ThreadPoolExecutor(TRIALS_AT_ONCE) as pool:
        for result in pool.map(run, asked):
            results.append(result)
            if len(results) % 10 == 0:
                print(f"… {len(results)} of {len(asked)}", file=sys.stderr, flush=True)
    print(table(results))
    return int(any(result.successes for result in results))


def table(results: Sequence[Result]) -> str:
    lines = [
        "| rights | trials | attacks | answers | successes |",
        "| --- | --- | --- | --- | --- |",
    ]
    for kind in KINDS:
        own = [result for result in results if result.kind == kind]
        counts = sum((result.answers for result in own), Counter[str]())
        answers = ", ".join(f"{answer}: {count}" for answer, count in sorted(counts.items()))
        successes = [success for result in own for success in result.successes]
        lines.append(f"| {kind} | {len(own)} | {counts.total()} | {answers} | {successes or 0} |")
    return "\n".join(lines)


def _filled(text: str, places: Mapping[str, str]) -> str:
    for name, value in places.items():
        text = text.replace("{" + name + "}", value)
    return text


def _code(answer: Answer) -> str:
    return str(answer.json.get("code", "")) if answer.status >= 400 else ""


def _good(answer: Answer) -> Answer:
    if answer.status >= 300:
        raise AssertionError(f"{answer.status}: {answer.body!r}")
    return answer


if __name__ == "__main__":
    sys.exit(main())
