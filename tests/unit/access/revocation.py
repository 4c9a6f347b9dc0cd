"""Trials of revocation in two containers, each with caches of its own and one clock for both.

A trial grants a right and uses it in the first container, revokes it in the second, and asks the
first again after 30 seconds. The service runs on moto's table. `make proof-revocation` runs a
thousand.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from atrium.identity import namespaces, permissions, session
from tests.unit.access.conftest import ADMIN, Service

LIMIT_SECONDS = 30
"""The maximum time until a revocation takes effect, by DESIGN and the contract."""

Kind = Literal["grant", "right", "permission", "parent", "token", "caller"]
KINDS: tuple[Kind, ...] = ("grant", "right", "permission", "parent", "token", "caller")
AT_ONCE: tuple[Kind, ...] = ("grant", "right")
"""Kinds of revocation that take effect at once, because each decision reads them from the table."""

_CACHED = (session, permissions, namespaces)
_FORGOTTEN_AFTER = 24
"""The number of trials after which old items are deleted, because moto copies the whole table for
each transaction.
"""


@dataclass
class Container:
    caches: dict[Any, dict[Any, Any]] = field(
        default_factory=lambda: {module: {} for module in _CACHED}
    )

    @contextmanager
    def here(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for module, cache in self.caches.items():
                patch.setattr(module, "cache", cache)
            yield


@dataclass
class Trials:
    """Results of trials. `permitted` counts the permits before the revocation: all must be.

    `outlived` counts permits after the limit, by kind.
    """

    service: Service
    sleep: Callable[[float], None]
    used: Container = field(default_factory=Container)
    other: Container = field(default_factory=Container)
    permitted: Counter[Kind] = field(default_factory=Counter)
    outlived: Counter[Kind] = field(default_factory=Counter)

    def run(self, count: int, seed: int = 8) -> None:
        chance = random.Random(seed)  # noqa: S311
        for number in range(count):
            if number % _FORGOTTEN_AFTER == 0:
                self.service.delete("U#0", "ON#", "AUDIT#", "IDEMPOTENCY#")
            self._trial(number, KINDS[number % len(KINDS)], chance.uniform(0, LIMIT_SECONDS))

    def _trial(self, number: int, kind: Kind, age: float) -> None:
        """Run a trial whose revocation comes when the caches are `age` seconds old."""
        # The few role names are used again once the caches have expired. More roles would slow each
        # change, because it writes the item with all of them.
        self.sleep(LIMIT_SECONDS + 1)
        uid, role, thing = (
            f"{number:08x}-0000-7000-8000-000000000000",
            f"role{number % len(KINDS)}",
            str(number),
        )
        epoch, revoke = self._grant(kind, uid, role, thing)
        with self.used.here():
            if self._may(kind, uid, role, thing, epoch):
                self.permitted[kind] += 1
        self.sleep(age)
        with self.used.here():
            self._may(kind, uid, role, thing, epoch)
        with self.other.here():
            assert revoke() < 300
        if kind not in AT_ONCE:
            self.sleep(LIMIT_SECONDS)
        with self.used.here():
            if self._may(kind, uid, role, thing, epoch):
                self.outlived[kind] += 1

    def _grant(self, kind: Kind, uid: str, role: str, thing: str) -> tuple[int, Callable[[], int]]:
        """Make a grant.

        Return the epoch of the user's token, and a function that revokes the grant.
        """
        service = self.service
        service.new_user(uid)
        with self.other.here():
            held = ["document.read", "access.read"]
            self._put_role(f"{role}-base", held if kind == "parent" else [])
            self._put_role(role, [] if kind == "parent" else held, parents=[f"{role}-base"])
            what = {"action": "read"} if kind == "right" else {"role": role}
            scope = "*" if kind in ("token", "caller") else f"document:{thing}"
            made = service.post(f"/v1/users/{uid}/grants", {**what, "scope": scope})
            assert made.status == 201, made.text
        path = made.headers["location"].removeprefix("/dev")

        def revoke() -> int:
            if kind in ("permission", "caller"):
                return self._put_role(role, [], parents=[f"{role}-base"])
            if kind == "parent":
                return self._put_role(f"{role}-base", [])
            return service.ask("DELETE", path, If_Match="*").status

        return service.epoch(uid), revoke

    def _put_role(self, role: str, held: list[str], parents: list[str] | None = None) -> int:
        body = {"description": role, "permissions": held, "parents": parents or []}
        known = self.service.item(f"R#{role}", "META") is not None
        condition: dict[str, Any] = {"If_Match": "*"} if known else {"If_None_Match": "*"}
        return self.service.ask("PUT", f"/v1/roles/{role}", body, **condition).status

    def _may(self, kind: Kind, uid: str, role: str, thing: str, epoch: int) -> bool:
        """Return True if access is permitted.

        For `token` and `caller` the user asks, with their old token.
        """
        itself = kind in ("token", "caller")
        caller: dict[str, Any] = (
            {"uid": uid, "roles": role, "epoch": epoch} if itself else {"uid": ADMIN}
        )
        resource = {"type": "document", "id": thing}
        body = {
            "subject": {"type": "user", "id": uid},
            "action": {"name": "read"},
            "resource": resource,
        }
        answer = self.service.ask("POST", "/access/v1/evaluation", body, **caller)
        return answer.status == 200 and (itself or bool(answer.json["decision"]))
