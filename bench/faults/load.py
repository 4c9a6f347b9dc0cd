"""Light load: four callers, each of which repeats one kind of request and counts the answers."""

import itertools
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from tools.laptop.client import Client, Person

PAUSE_SECONDS = 0.1
BROKEN = "no answer"
PERMISSIONS = ("access.read", "access.write", "orders.read")


@dataclass(frozen=True)
class People:
    """The callers: an administrator, a member, and a user whose role was revoked."""

    admin: Person
    member: Person
    revoked: Person
    coffee: str
    order: str  # the path of an order of the member's


@dataclass
class Caller:
    """A kind of request.

    `ask` returns the answer's status and the address of the written resource.
    """

    name: str
    ask: Callable[[], tuple[str, str | None]]
    answers: Counter[str] = field(default_factory=Counter)
    acknowledged: list[str] = field(default_factory=list)

    def once(self) -> str:
        try:
            status, written = self.ask()
        except ClientError as error:
            status, written = str(error.response["Error"]["Code"]), None
        except (BotoCoreError, OSError):
            status, written = BROKEN, None
        if written:
            self.acknowledged.append(written)
        return status

    def repeat(self, over: threading.Event) -> None:
        while not over.wait(PAUSE_SECONDS):
            self.answers[self.once()] += 1


def is_success(status: str) -> bool:
    return status.startswith("2")


def callers(client: Client, people: People) -> list[Caller]:
    """Return the callers of one cell, with no answers yet."""

    def order() -> tuple[str, str | None]:
        body = {"lines": [{"coffee": people.coffee, "quantity": 1}]}
        answer = client.call(
            "POST", "/v1/orders", people.member.token, body, Idempotency_Key=str(uuid.uuid4())
        )
        return str(answer.status), answer.headers.get("location") if answer.status == 201 else None

    def role(asker: Person) -> tuple[str, str | None]:
        path = f"/v1/roles/fault-{uuid.uuid4().hex[:12]}"
        body = {"description": "Written during a fault", "permissions": [], "parents": []}
        answer = client.call("PUT", path, asker.token, body, If_None_Match="*")
        return str(answer.status), path if answer.status in (200, 201) else None

    def sign_in() -> tuple[str, str | None]:
        client.sign_in(people.member)
        return "200", None

    reads = itertools.cycle((True, False))

    def revoked() -> tuple[str, str | None]:
        if not next(reads):
            return role(people.revoked)
        answer = client.call("GET", people.order, people.revoked.token)
        return str(answer.status), people.order if answer.status == 200 else None

    return [
        Caller("order", order),
        Caller("role", lambda: role(people.admin)),
        Caller("sign-in", sign_in),
        Caller("revoked", revoked),
    ]
