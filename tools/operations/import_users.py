"""`make import-users FILE=users.csv ENV=dev`: invite the users of a file.

Each row is an invitation by the API, so the same rules hold, and the administrator who signs in must
be able to grant the roles. The command can be killed and run again: a row's Idempotency-Key is a
digest of its content, and a journal beside the file says which rows are done. Refused rows are in
`<file>.<environment>.refused.csv` with line, column and reason. No output has personal data.
"""

import argparse
import csv
import json
import os
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.deploy import command, environment
from tools.deploy.environment import Environment
from tools.deploy.errors import RefusedError
from tools.operations import import_rows, observations, throwaway_user
from tools.operations.import_journal import Entry, Journal, State
from tools.operations.import_rows import Refusal, Row
from tools.operations.observations import Answer, Request

RATE = 5.0
"""Rows a second. Cognito creates 50 users a second, and an account's mails are limited, too."""
OPEN = 20
"""Invitations that are being sent at a time."""
OPERATION_SECONDS = 600.0
ATTEMPTS = 8

Ask = Callable[[Request], Answer]

_PRESENT = ("email_taken", "invitation_pending")
# The API's own texts may quote the address.
_OF_EMAIL = {
    "email_refused": "The rules of the environment refuse this address (address_rules in envs/*/locals.tf).",
    "validation_failed": "This is not an e-mail address such as ada@example.org.",
}


@dataclass
class Import:
    """A run. `token` signs in; `sleep` waits for seconds."""

    ask: Ask
    token: Callable[[], str]
    journal: Journal
    rate: float = RATE
    sleep: Callable[[float], None] = lambda seconds: time.sleep(seconds)
    is_dry_run: bool = False
    _token: str = ""
    _sent: deque[tuple[Row, str]] = field(default_factory=deque)

    def run(self, rows: list[Row | Refusal], progress: Callable[[int], None]) -> list[Refusal]:
        """Import the rows and return the refused ones, in the order of their lines."""
        refused = [row for row in rows if isinstance(row, Refusal)]
        wanted = [row for row in rows if isinstance(row, Row)]
        for number, row in enumerate(wanted, 1):
            self._start(row)
            while len(self._sent) >= OPEN:
                self._await(*self._sent.popleft())
            progress(number)
        while self._sent:
            self._await(*self._sent.popleft())
        refused += [found for row in wanted if (found := self._refusal(row))]
        return sorted(refused, key=lambda each: each.line)

    def _start(self, row: Row) -> None:
        known = self.journal.get(row.key)
        if known is None or known.state == "refused":  # the reason may no longer exist
            known = self._invite(row)
        if known.state == "sent":
            self._sent.append((row, known.operation))

    def _invite(self, row: Row) -> Entry:
        self.sleep(1 / self.rate)
        path = "/v1/users?dry_run=true" if self.is_dry_run else "/v1/users"
        body = json.dumps(row.body).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": row.key}
        answer = self._send(Request("POST", path, headers, body))
        found = answer.json() or {}
        if answer.status == 204:
            return self._end(row, "invited")
        if answer.status == 202:
            return self._end(row, "sent", operation=found["id"])
        if found.get("code") in _PRESENT:
            return self._end(row, "present")
        if answer.status == 403 and not found.get("errors"):  # the API would accept no row
            raise RefusedError(
                f"the API refused the caller: {found.get('detail', '')} "
                "Sign in as a user who may invite, and run the same command again."
            )
        if answer.status in (403, 422):
            column, reason = _fault(found)
            return self._end(row, "refused", column=column, reason=reason)
        raise RefusedError(
            f"line {row.line}: the API answered {answer.status} {found.get('code', '')}. "
            "Nothing is lost: run the same command again."
        )

    def _await(self, row: Row, operation: str) -> None:
        waited = 0.0
        while True:
            answer = self._send(Request("GET", f"/v1/operations/{operation}"))
            found = answer.json() or {}
            if answer.status == 404 or found.get("state") not in ("pending", "succeeded", "failed"):
                raise RefusedError(
                    f"line {row.line}: GET /v1/operations/{operation} answered {answer.status}. "
                    "Sign in as the user who began the import, and run the same command again."
                )
            if found["state"] == "succeeded":
                self._end(row, "invited", operation=operation)
                return
            if found["state"] == "failed":
                self._end(row, "refused", operation=operation, reason=str(found["reason"]))
                return
            if waited >= OPERATION_SECONDS:
                raise RefusedError(
                    f"line {row.line}: operation {operation} has not ended. Run the same command again."
                )
            self.sleep(1.0)
            waited += 1.0

    def _send(self, request: Request) -> Answer:
        """Send the request; repeat it after 401, 409 in flight, 429 and 503.

        Raise RefusedError if it still fails.
        """
        for attempt in range(ATTEMPTS):
            self._token = self._token or self.token()
            signed = {**request.headers, "Authorization": f"Bearer {self._token}"}
            answer = self.ask(Request(request.method, request.path, signed, request.body))
            if answer.status == 401:
                self._token = ""
            elif answer.status not in (429, 503) and _code(answer) != "idempotency_in_flight":
                return answer
            self.sleep(float(answer.headers.get("retry-after", 2**attempt)))
        raise RefusedError(
            f"the API answered {answer.status} {ATTEMPTS} times. Run the same command again later."
        )

    def _end(self, row: Row, state: State, **more: str) -> Entry:
        entry = Entry(row.key, state, **more)
        self.journal.add(entry)
        return entry

    def _refusal(self, row: Row) -> Refusal | None:
        found = self.journal.get(row.key)
        if found is None or found.state != "refused":
            return None
        return Refusal(row.line, found.column, found.reason)


def _code(answer: Answer) -> Any:
    return (answer.json() or {}).get("code")


def _fault(problem: dict[str, Any]) -> tuple[str, str]:
    """Return the column and the reason of a refusal, without values of the row."""
    errors = problem.get("errors") or [{"pointer": "#", "detail": problem.get("detail", "")}]
    column = errors[0]["pointer"].removeprefix("#").removeprefix("/").split("/")[0]
    if column == "email":
        return column, _OF_EMAIL.get(problem["code"], "The address is refused.")
    return column, errors[0]["detail"]


class _ForgetfulJournal(Journal):
    """A journal that a dry run does not keep."""

    def add(self, entry: Entry) -> None:
        self.entries[entry.key] = entry


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.operations.import_users", description=__doc__
    )
    parser.add_argument("--env", default="", help="local, dev, prod, …")
    parser.add_argument("--file", default="", help="a CSV file with a header")
    parser.add_argument("--dry-run", action="store_true", help="check every row, send nothing")
    parser.add_argument("--rate", type=float, default=RATE, help="rows a second")
    options = parser.parse_args()
    return command.run("import-users", lambda: import_users(options))


def import_users(options: argparse.Namespace) -> None:
    if not options.file:
        raise RefusedError("FILE is missing. Run make import-users ENV=… FILE=users.csv DRY_RUN=1")
    if options.rate <= 0:
        raise RefusedError("RATE must be above 0: it is the number of rows a second.")
    target, file = environment.environment(options.env), Path(options.file)
    url = str(target.output("api_url")).rstrip("/")
    kind = _ForgetfulJournal if options.dry_run else Journal
    run = Import(
        lambda request: observations.ask(url, request),
        lambda: _token(target),
        kind(file.with_name(f"{file.name}.{target.name}.journal")),
        options.rate,
        is_dry_run=options.dry_run,
    )
    rows = list(import_rows.read(file))
    refused = run.run(rows, _progress(len(rows)))
    report = file.with_name(f"{file.name}.{target.name}.refused.csv")
    write_report(report, refused)
    states = Counter(entry.state for entry in _entries(run.journal, rows))
    would = " would be" if options.dry_run else ""
    print(
        f"{len(rows)} rows: {states['invited']}{would} invited, {states['present']} had an account, "
        f"{len(refused)} refused." + (f" See {report}." if refused else "")
    )


def _entries(journal: Journal, rows: list[Row | Refusal]) -> Iterator[Entry]:
    return (
        found
        for row in rows
        if isinstance(row, Row) and (found := journal.get(row.key)) is not None
    )


def write_report(file: Path, refused: list[Refusal]) -> None:
    """Write the refused rows, or remove the report of an earlier run if there are none."""
    if not refused:
        file.unlink(missing_ok=True)
        return
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(["line", "column", "reason"])
        writer.writerows([each.line, each.column, each.reason] for each in refused)


def _progress(total: int) -> Callable[[int], None]:
    def show(number: int) -> None:
        if number % 50 == 0:
            print(f"  {number} of {total} rows")

    return show


def _token(target: Environment) -> str:
    """Return an access token: of the seeded administrator on the laptop, else of ADMIN_EMAIL, or TOKEN."""
    if token := os.environ.get("TOKEN"):
        return token
    email = os.environ.get("ADMIN_EMAIL") or target.outputs.get("admin_email", "")
    password = os.environ.get("ADMIN_PASSWORD") or target.outputs.get("admin_password", "")
    if not email or not password:
        raise RefusedError(
            "the administrator who invites the users is missing. Set ADMIN_EMAIL and ADMIN_PASSWORD, or TOKEN (an access token)."
        )
    return throwaway_user.sign_in(target, target.client("cognito-idp"), email, password)


if __name__ == "__main__":
    sys.exit(main())
