"""What happens to a stack whose parts are killed."""

import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pg8000.native

from local.stack import outputs
from tests.failures.conftest import kept
from tests.failures.stack import Stack, settle
from tests.story.client import Client, Person

Tell = Callable[[str, str, str], None]
Recovers = Callable[[], str]


def test_the_supervisor(stack: Stack, client: Client, recovers: Recovers, tell: Tell) -> None:
    """Who signed up some seconds before is there afterwards."""
    stack.be_up()
    person = client.sign_up()
    client.confirm(person)
    person = client.sign_in(person)
    client.aws("dynamodb").put_item(
        TableName=client.outputs.user_attributes_table, Item={"pk": {"S": "U#kept"}, "sk": {"S": "META"}}
    )
    changed = datetime.now()
    assert settle(lambda: _last_snapshot(stack) > changed, 40), "changes are saved by themselves"
    os.kill(stack.supervisor, signal.SIGKILL)
    assert not stack.strays()
    status = stack.make("status")
    assert "down. `make up` starts the stack." in status.output
    next_up = recovers()
    assert "The last run was killed: Cognito, DynamoDB and Terraform's state go on from the snapshot of" in next_up
    assert client.call("GET", "/v1/me", person.tokens["AccessToken"]).status == 200
    client.sign_in(person)
    key = {"pk": {"S": "U#kept"}, "sk": {"S": "META"}}
    assert client.aws("dynamodb").get_item(TableName=client.outputs.user_attributes_table, Key=key)["Item"]
    tell("the supervisor is killed (-9)", status.message, next_up)


def test_the_supervisor_while_terraform_applies(stack: Stack, recovers: Recovers, tell: Tell) -> None:
    command = stack.start("up")
    command.until("✓ terraform init")
    assert settle(lambda: (stack.state / "terraform" / "dev.applying").exists(), 10)
    os.kill(stack.supervisor, signal.SIGKILL)
    ended = command.end()
    assert ended.code == 2
    assert "ended while it was needed; was it killed?" in ended.message
    assert "`make up` starts it again" in ended.message
    assert not stack.strays()
    tell("the supervisor is killed while Terraform applies", ended.message, recovers())


def test_terraform_half_way(stack: Stack, client: Client, recovers: Recovers, tell: Tell) -> None:
    """Resources exist then that its state does not know: creating them again would fail."""
    stack.be_up()
    logs = client.aws("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    for group in groups:
        logs.delete_log_group(logGroupName=group)
    command = stack.start("up")
    command.until("✓ terraform init")
    assert settle(lambda: bool(logs.describe_log_groups()["logGroups"]), 60)
    terraform = int((stack.state / "terraform" / "dev.applying").read_text())
    os.killpg(terraform, signal.SIGKILL)
    ended = command.end()
    assert ended.code == 2
    assert "terraform was killed (signal 9)" in ended.message
    assert "`make up` goes back to before this apply" in ended.message
    next_up = recovers()
    assert "An apply was cut off" in next_up
    assert {group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]} == set(groups)
    tell("terraform is killed half-way (-9)", ended.message, next_up)


def test_postgres_under_load(stack: Stack, client: Client, member: Person, recovers: Recovers, tell: Tell) -> None:
    """Requests fail as 503 for a moment and then work again; what was answered with 200 is kept."""
    stack.be_up()
    statuses: Counter[int] = Counter()
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            statuses[client.call("GET", "/v1/me", member.tokens["AccessToken"]).status] += 1

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert settle(lambda: statuses[200] > 10, 30)
    os.kill(stack.postmaster(), signal.SIGKILL)
    assert settle(lambda: "Postgres is back" in stack.log(), 30)
    before = statuses[200]
    assert settle(lambda: statuses[200] > before + 10, 20), statuses
    over.set()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {200, 503}, statuses
    assert "Postgres ended unexpectedly; starting it again" in stack.log()
    told = f"supervisor.log: Postgres ended unexpectedly; starting it again … Clients: {dict(statuses)}"
    tell("Postgres is killed under load", told, recovers())


def test_a_worker_in_the_middle_of_a_request(stack: Stack, client: Client, member: Person, tell: Tell) -> None:
    """A lock that we hold keeps the request waiting. As on AWS: 502 for it, its statement may still come to its end in
    Postgres, and the next request has a new worker."""
    stack.be_up()
    token = member.tokens["AccessToken"]
    etag = client.call("GET", "/v1/me", token).headers["etag"]
    answers: list[int] = []
    patch = {"If_Match": etag, "Content_Type": "application/merge-patch+json"}
    url = outputs.read(stack.settings).database_url
    with _locked_users(url):
        request = threading.Thread(
            target=lambda: answers.append(
                client.call("PATCH", "/v1/me", token, {"given_name": "Grace"}, **patch).status
            )
        )
        request.start()
        time.sleep(1)
        for worker in stack.workers("users"):
            os.kill(worker, signal.SIGKILL)
        request.join()
    assert answers == [502]
    kept(client, member)
    log = (stack.state / "logs" / "functions" / "atrium-dev-users.log").read_text()
    assert "signal: SIGKILL" in log or "Status: error" in log
    tell("a worker is killed in the middle of a request", "502 to this client; `make logs SERVICE=users`", "not needed")


def _last_snapshot(stack: Stack) -> datetime:
    """When it was begun."""
    ended, seconds = re.findall(r"(?m)^(\S+ \S+) INFO local.persistence: snapshot: \d+ kB in ([\d.]+) s", stack.log())[
        -1
    ]
    return datetime.strptime(ended, "%Y-%m-%d %H:%M:%S,%f") - timedelta(seconds=float(seconds))


@contextmanager
def _locked_users(url: str) -> Iterator[None]:
    parts = urlsplit(url)
    connection = pg8000.native.Connection(
        parts.username or "", parts.hostname or "", parts.path[1:], parts.port or 5432, parts.password
    )
    try:
        connection.run("BEGIN")
        connection.run("SELECT uid FROM users FOR UPDATE")
        yield
    finally:
        connection.close()
