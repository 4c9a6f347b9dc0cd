"""`make import-users` with the API's handler: refused rows, interruptions at every call, rate
limits.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pg8000.native
import pytest

from atrium.stores import user_table
from attribute_changes.outcomes import handle_outcome
from tests.support.people import new_admin
from tests.unit.commands.requests import call, item
from tests.unit.events import POOL, UID
from tools.deploy import environment
from tools.deploy.errors import RefusedError
from tools.operations import import_rows, import_users, observations, throwaway_user
from tools.operations.import_journal import Entry, Journal
from tools.operations.import_rows import Refusal, Row
from tools.operations.import_users import Import
from tools.operations.observations import Answer, Request

HEADER = "email,given_name,family_name,locale,roles\n"
ROWS = (
    HEADER
    + """\
ada-{0}@example.org,Ada,Lovelace,en-GB,editor
Ada-{0}@Example.org,Ada,Lovelace,,
grace-{0}@example.org,"Grace
Brewster",Hopper,,
grace2-{0}@example.org,Grace,Hopper,,
barbara-{0}@example.org,Barbara,Liskov,,unknown
no address,Donald,Knuth,,
ADMIN@example.org,Edsger,Dijkstra,,
frances-{0}@example.org,Frances
,Edith,Clarke,,
hedy-{0}@example.org,Hedy,Lamarr,,
"""
)
REFUSED = [
    (3, "email", "The address is also in line 2."),
    (4, "given_name", "Control characters are not allowed"),
    (7, "roles", "This role does not exist"),
    (8, "email", "This is not an e-mail address such as ada@example.org."),
    (10, "", "The row does not have as many fields as the header."),
    (11, "email", "The address is missing."),
]
INVITED = ["ada", "grace2", "hedy"]


class KilledError(BaseException):
    """The end of the process."""


class Api:
    """The API as its handler answers. The stream is delivered while the command sleeps."""

    def __init__(self, database: pg8000.native.Connection) -> None:
        self.database = database
        self.requests = list[Request]()
        self.slept = list[float]()
        self.answers = list[Answer]()
        self.cut: tuple[int, bool] | None = None

    def ask(self, request: Request) -> Answer:
        self.requests.append(request)
        number = len(self.requests)
        if self.cut == (number, False):
            raise KilledError
        answer = self.answers.pop(0) if self.answers else self._answer(request)
        if self.cut == (number, True):
            raise KilledError
        return answer

    def _answer(self, request: Request) -> Answer:
        path, _, query = request.path.partition("?")
        asked = {query.partition("=")[0]: [query.partition("=")[2]]} if query else None
        headers: Any = {name.replace("-", "_"): value for name, value in request.headers.items()}
        body = json.loads(request.body) if request.body else None
        if path == "/v1/users":
            got = call("POST /v1/users", body, query=asked, **headers)
        else:
            got = call("GET /v1/operations/{id}", None, {"id": path.rpartition("/")[2]}, **headers)
        return Answer(got.status, got.headers, got.body)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        pending = "SELECT id::text FROM operations WHERE state = 'pending'"
        for [operation] in self.database.run(pending):
            subject = {"provider": f"cognito:{POOL}", "subject": operation}
            outcome = {"outcome": "succeeded", "result": json.dumps(subject)}
            handle_outcome(item(operation) | outcome)

    def run(self, file: Path, **settings: Any) -> list[tuple[int, str, str]]:
        journal = Journal(file.with_suffix(".journal"))
        run = Import(self.ask, lambda: "token", journal, sleep=self.sleep, **settings)
        refused = run.run(list(import_rows.read(file)), lambda number: None)
        return [(each.line, each.column, each.reason) for each in refused]

    def invited(self, number: int) -> list[str]:
        rows = self.database.run(
            "SELECT email::text FROM users JOIN invitations USING (uid) WHERE email LIKE :like ORDER BY 1",
            like=f"%-{number}@example.org",
        )
        return [email.partition("-")[0] for [email] in rows]


@pytest.fixture
def api(database: pg8000.native.Connection, table: Any) -> Api:
    new_admin(database, UID, "admin@example.org")
    key = {"pk": {"S": "R#editor"}, "sk": {"S": "META"}}
    user_table.transact([{"Put": {"Item": key | {"version": {"N": "1"}}}}])
    return Api(database)


FEW_ROWS = HEADER + "ada-{0}@example.org,,,,editor\nno address,,,,\nhedy-{0}@example.org,,,,\n"


def written(folder: Path, number: int, rows: str = ROWS) -> Path:
    file = folder / f"{number}.csv"
    file.write_text(rows.format(number))
    return file


def test_rows_are_invited_or_refused_as_by_the_api(api: Api, tmp_path: Path) -> None:
    file = written(tmp_path, 0)
    assert api.run(file) == REFUSED
    assert api.invited(0) == INVITED
    assert api.database.run(
        "SELECT roles FROM invitations JOIN users USING (uid) WHERE email = 'ada-0@example.org'"
    ) == [[["editor"]]]
    asked = len(api.requests)
    assert api.run(file) == REFUSED  # the second run sends only the refused rows again
    assert len(api.requests) - asked == 3
    assert api.invited(0) == INVITED


def test_a_run_killed_at_any_call_and_repeated_has_the_same_result(
    api: Api, tmp_path: Path
) -> None:
    refused = api.run(written(tmp_path, 0, FEW_ROWS))
    calls = len(api.requests)
    assert (calls, refused) == (6, [(3, *REFUSED[3][1:])])
    for number in range(1, 2 * calls + 1):
        file, api.requests = written(tmp_path, number, FEW_ROWS), []
        api.cut = (number + 1) // 2, number % 2 == 0
        with pytest.raises(KilledError):
            api.run(file)
        api.cut = None
        journal = file.with_suffix(".journal")
        if journal.exists():  # also test a last line that is incomplete
            journal.write_bytes(journal.read_bytes()[:-7])
        assert api.run(file) == refused, number
        assert api.invited(number) == ["ada", "hedy"], number
    print(f"{2 * calls} cut points, each survived")


def test_a_dry_run_refuses_the_same_rows_and_invites_nobody(api: Api, tmp_path: Path) -> None:
    assert api.run(written(tmp_path, 0), is_dry_run=True) == REFUSED
    assert api.database.run("SELECT FROM operations") == []


def test_the_rate_and_retry_after_are_respected(api: Api, tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_text(f"{HEADER}hedy-0@example.org,Hedy,Lamarr,,\n")
    api.answers = [
        Answer(429, {"retry-after": "7"}, b"{}"),
        Answer(401, {"retry-after": "0"}, b"{}"),
    ]
    assert api.run(file, rate=4) == []
    assert api.slept[:3] == [0.25, 7.0, 0.0]
    keys = {request.headers["Idempotency-Key"] for request in api.requests[:3]}
    assert len(keys) == 1


def test_an_unreachable_api_stops_the_run(api: Api, tmp_path: Path) -> None:
    api.answers = [Answer(503, {}, b"{}")] * 8
    with pytest.raises(RefusedError, match="503 8 times"):
        api.run(written(tmp_path, 0))


@pytest.mark.parametrize("code", ["mfa_required", "insufficient_scope", "permission_missing"])
def test_a_caller_without_the_permission_stops_the_run_at_the_first_row(
    api: Api, tmp_path: Path, code: str
) -> None:
    """Check this, because otherwise each row would be refused for a reason that has nothing to do
    with it.
    """
    body = json.dumps({"code": code, "detail": "You may not."}).encode()
    api.answers = [Answer(403, {}, body)]
    with pytest.raises(RefusedError, match=r"refused the caller: You may not\."):
        api.run(written(tmp_path, 0))
    assert len(api.requests) == 1


def test_a_long_journal_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check the number of reads: one for each entry would take quadratic time."""
    file = tmp_path / "users.journal"
    file.write_text('{"key": "a", "state": "invi')
    journal = Journal(file)
    with monkeypatch.context() as closed:
        closed.setattr(Path, "read_bytes", None)
        closed.setattr(Path, "read_text", None)
        for key in "bc":
            journal.add(Entry(key, "invited"))
    assert list(Journal(file).entries) == ["b", "c"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "must name the columns"),
        ("given_name\nAda\n", "must name the columns"),
        ("email,password\na@example.org,x\n", "must name the columns"),
        ("email,email\n", "must name the columns"),
        ('email\n"ada', "is not CSV"),
        (b"email\n\xff\n", "is not UTF-8"),
        (None, "does not exist"),
    ],
)
def test_a_file_without_the_columns_of_users_is_refused(
    tmp_path: Path, content: str | bytes | None, words: str
) -> None:
    file = tmp_path / "users.csv"
    if content is not None:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(RefusedError, match=words):
        list(import_rows.read(file))


def test_a_file_exported_by_a_spreadsheet_is_read(tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_bytes('\ufeffemail,roles\r\na@example.org,"x, y"\r\n'.encode())
    assert list(import_rows.read(file)) == [Row(2, {"email": "a@example.org", "roles": ["x", "y"]})]


class Target:
    """An environment whose API is the handler."""

    name = "dev"
    outputs: dict[str, str] = {}  # noqa: RUF012

    def output(self, name: str) -> str:
        return name

    def client(self, service: str) -> None: ...


@pytest.fixture
def command(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Return the command for a file with these rows."""
    monkeypatch.setattr(environment, "environment", lambda name: Target())
    monkeypatch.setattr(observations, "ask", lambda url, request: api.ask(request))
    monkeypatch.setattr(throwaway_user, "sign_in", lambda *arguments: "token")
    monkeypatch.setattr("time.sleep", api.sleep)
    file = written(tmp_path, 0)

    def run(*options: str) -> int:
        monkeypatch.setattr(sys, "argv", ["import-users", "--file", str(file), *options])
        return import_users.main()

    return run


def test_the_commands_output_has_no_personal_data(
    command: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ADMIN_EMAIL", "admin@example.org")
    monkeypatch.setenv("ADMIN_PASSWORD", "secret")
    assert command() == 0
    told = capsys.readouterr()
    lines = [line for line in told.out.splitlines() if not line.startswith("{")]
    report = tmp_path / "0.csv.dev.refused.csv"
    assert lines == [f"10 rows: 3 invited, 1 had an account, 6 refused. See {report}."]
    written_texts = [*lines, told.err, report.read_text()]
    written_texts.append((tmp_path / "0.csv.dev.journal").read_text())
    for text in written_texts:
        assert "-0@" not in text
        assert "Lovelace" not in text
    assert report.read_text().splitlines()[1] == "3,email,The address is also in line 2."


def test_without_a_signed_in_caller_the_command_is_refused(
    command: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("TOKEN", "ADMIN_EMAIL", "ADMIN_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    assert command() == 1
    assert "Set ADMIN_EMAIL and ADMIN_PASSWORD, or TOKEN" in capsys.readouterr().err


def test_a_refusal_names_the_line_of_the_file(tmp_path: Path) -> None:
    report = tmp_path / "refused.csv"
    import_users.write_report(report, [Refusal(2, "email", "No.")])
    assert report.read_text() == "line,column,reason\n2,email,No.\n"
    import_users.write_report(report, [])
    assert not report.exists()
