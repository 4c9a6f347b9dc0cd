"""`python -m bench.access.revocation [--trials 24] [--write]`: time until a revocation has effect.

Each trial has its own user on the running stack. The user gets a right and uses it by HTTP, until
containers have cached it. The right is revoked at a random moment. Then the same question is asked
every two seconds for 40 seconds. No question that is asked later than 30 seconds after the
revocation may be permitted.
"""

import argparse
import random
import sys
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Semaphore
from typing import Any

from local_aws.supervisor.ready import StackError
from tools.deploy import stack_settings
from tools.laptop.answer import Answer
from tools.laptop.client import Client, Person, client_of

KINDS = {
    "grant": "a role's grant is revoked",
    "right": "the right to an action is revoked",
    "permission": "a permission is taken from the role",
    "parent": "a permission is taken from a role that the role builds on",
    "token": "the caller's own role is revoked: their token of before",
    "caller": "the caller's own role loses the permission to ask",
}
LIMIT_SECONDS = 30
WATCH_SECONDS = 40
PAUSE_SECONDS = 2
AT_ONCE = 48
PREPARED_AT_ONCE = 2
BUSY = (429, 502, 503, 504)  # Under load, a laptop's functions may be stopped, too.
TOLD_EVERY = 24  # number of trials between two progress lines
RESULTS = Path(__file__).with_name("revocation.md")


@dataclass(frozen=True)
class Trial:
    """One trial.

    `last` is the time of the last permitted question, in seconds after the revocation.
    """

    kind: str
    asked: int = 0
    last: float | None = None


class Revocation:
    """A user who is granted a right, uses it, and loses it."""

    def __init__(self, client: Client, admin: Person, kind: str) -> None:
        self.client, self.admin, self.kind = client, admin, kind
        self.role = f"trial-{uuid.uuid4().hex[:10]}"
        self.resource = {"type": "document", "id": uuid.uuid4().hex}
        self.person = client.new_member()
        self.is_own = kind in ("token", "caller")
        held = ["document.read", "access.read"]
        self._role(f"{self.role}-base", held if self.kind == "parent" else [], ())
        self._role(self.role, [] if self.kind == "parent" else held, (f"{self.role}-base",))
        scope = "*" if self.is_own else f"document:{self.resource['id']}"
        what = {"action": "read"} if self.kind == "right" else {"role": self.role}
        key = str(uuid.uuid4())
        made = self._ask(
            "POST",
            f"/v1/users/{self.person.uid}/grants",
            {**what, "scope": scope},
            Idempotency_Key=key,
        )
        self.grant: str = _good(made).headers["location"]
        if self.is_own:
            self.person = self.client.sign_in(self.person)

    def revoke(self) -> None:
        if self.kind in ("permission", "caller"):
            self._role(self.role, [], (f"{self.role}-base",))
        elif self.kind == "parent":
            self._role(f"{self.role}-base", [], ())
        else:
            answer = self._ask("DELETE", self.grant, If_Match="*")
            if answer.status != 404:  # a repeated deletion is 404
                _good(answer)

    def is_permitted(self) -> bool | None:
        """Return the decision, or None if there was no answer, which permits nothing.

        If the revoked right is the right to ask, return True if the question was answered.
        """
        subject = {"type": "user", "id": self.person.uid}
        body = {"subject": subject, "action": {"name": "read"}, "resource": self.resource}
        asker = self.person if self.is_own else self.admin
        answer = self.client.call("POST", "/access/v1/evaluation", asker.token, body)
        if answer.status in BUSY:
            return None
        return answer.status == 200 and (self.is_own or bool(answer.json["decision"]))

    def _role(self, role: str, held: Sequence[str], parents: Sequence[str]) -> None:
        body = {"description": "A trial's", "permissions": list(held), "parents": list(parents)}
        while True:
            condition = (
                "If_Match"
                if self._ask("GET", f"/v1/roles/{role}").status == 200
                else "If_None_Match"
            )
            answer = self._ask("PUT", f"/v1/roles/{role}", body, **{condition: "*"})
            if (
                answer.status != 412
            ):  # 412 on a repeat: the first request completed after its timeout
                _good(answer)
                return

    def _ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send the request, and repeat it if the answer is 503 with Retry-After."""
        while True:
            answer = self.client.call(method, path, self.admin.token, body, **headers)
            if answer.status not in BUSY:
                return answer
            time.sleep(float(answer.headers.get("retry-after", "2")))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.access.revocation", description=__doc__)
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--write", action="store_true", help="make this run revocation.md")
    wanted = parser.parse_args()
    try:
        client = client_of(stack_settings.from_environment())
    except StackError as error:
        sys.exit(f"make proof-revocation-live: {error}")
    admin = client.sign_in(Person(client.outputs.admin_email, client.outputs.admin_password))
    kinds = [list(KINDS)[number % len(KINDS)] for number in range(wanted.trials)]
    preparing = Semaphore(PREPARED_AT_ONCE)

    def trial(kind: str) -> Trial:
        with preparing:
            someone = Revocation(client, admin, kind)
        return _trial(someone)

    trials: list[Trial] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for ended in pool.map(trial, kinds):
            trials.append(ended)
            if len(trials) % TOLD_EVERY == 0:
                print(f"… {len(trials)} of {wanted.trials}", file=sys.stderr, flush=True)
    text = _table(trials)
    print(text)
    if wanted.write:
        RESULTS.write_text(text)
    return int(any(trial.last is not None and trial.last >= LIMIT_SECONDS for trial in trials))


def _trial(someone: Revocation) -> Trial:
    until = time.monotonic() + random.uniform(0, LIMIT_SECONDS)  # noqa: S311  no secret
    is_used = False
    while time.monotonic() < until or not is_used:
        permitted = someone.is_permitted()
        if permitted is False:
            raise AssertionError(
                f"{someone.kind}: what was granted was not permitted, so its end would show nothing"
            )
        is_used = is_used or permitted is True
        time.sleep(PAUSE_SECONDS)
    someone.revoke()
    revoked, seen = time.monotonic(), Trial(someone.kind)
    while (asked := time.monotonic() - revoked) < WATCH_SECONDS:
        last = asked if someone.is_permitted() else seen.last
        seen = replace(seen, asked=seen.asked + 1, last=last)
        time.sleep(PAUSE_SECONDS)
    return seen


def _good(answer: Answer) -> Answer:
    if answer.status >= 300:
        raise AssertionError(f"{answer.status}: {answer.body!r}")
    return answer


def _table(trials: Sequence[Trial]) -> str:
    lines = [
        "| what ends | trials | asked afterwards | last permit, s after it |",
        "| --- | --- | --- | --- |",
    ]
    for kind, what in KINDS.items():
        own = [trial for trial in trials if trial.kind == kind]
        permits = [trial.last for trial in own if trial.last is not None]
        last = f"{max(permits):.1f}" if permits else "none"
        lines.append(f"| {what} | {len(own)} | {sum(trial.asked for trial in own)} | {last} |")
    return (
        "\n".join(lines)
        + f"\n\n{len(trials)} trials on the running stack, up to {AT_ONCE} at once; the limit is {LIMIT_SECONDS} s.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
