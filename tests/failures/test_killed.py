"""What happens to a stack whose parts are killed."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pg8000.native
import pytest

from local_aws_tests.support.waiting import settle
from tests.failures.conftest import Recovers, Tell
from tests.failures.stack import Stack
from tools.deploy import stack_outputs as outputs
from tools.laptop.client import Client, Person

pytestmark = pytest.mark.usefixtures("up")


def test_the_supervisor(stack: Stack, client: Client, recovers: Recovers, tell: Tell) -> None:
    """Who signed up a moment before is there afterwards."""
    person = client.sign_up()
    client.confirm(person)
    person = client.sign_in(person)
    client.aws("dynamodb").put_item(
        TableName=client.outputs.user_attributes_table,
        Item={"pk": {"S": "U#kept"}, "sk": {"S": "META"}},
    )
    os.kill(stack.supervisor, signal.SIGKILL)
    assert not stack.strays()
    status = stack.make("status")
    assert "down. `make up` starts the stack." in status.output
    next_up = recovers()
    assert "The last run was killed. Every acknowledged change is restored" in next_up
    assert client.call("GET", "/v1/me", person.tokens["AccessToken"]).status == 200
    client.sign_in(person)
    key = {"pk": {"S": "U#kept"}, "sk": {"S": "META"}}
    assert client.aws("dynamodb").get_item(TableName=client.outputs.user_attributes_table, Key=key)[
        "Item"
    ]
    tell("the supervisor is killed (-9)", status.message, next_up)


def test_the_supervisor_while_terraform_applies(
    stack: Stack, client: Client, recovers: Recovers, tell: Tell
) -> None:
    stack.change_a_resource(client)
    command = stack.start("up")
    assert settle((stack.state / "terraform" / "dev.applying").exists, 60)
    os.kill(stack.supervisor, signal.SIGKILL)
    ended = command.end()
    assert ended.code == 2
    assert "ended unexpectedly, perhaps killed." in ended.message
    assert "`make up` starts it again" in ended.message
    assert not stack.strays()
    tell("the supervisor is killed while Terraform applies", ended.message, recovers())


def test_terraform_half_way(stack: Stack, client: Client, recovers: Recovers, tell: Tell) -> None:
    """Resources exist then that its state does not know: creating them again would fail."""
    logs = client.aws("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    for group in groups:
        logs.delete_log_group(logGroupName=group)
    command = stack.start("up")
    command.until("✓ terraform init")
    assert settle(lambda: bool(logs.describe_log_groups()["logGroups"]), 120)
    terraform = int((stack.state / "terraform" / "dev.applying").read_text())
    os.killpg(terraform, signal.SIGKILL)
    ended = command.end()
    assert ended.code == 2
    assert "terraform was killed by signal 9" in ended.message
    assert "`make up` restores the state before this apply" in ended.message
    next_up = recovers()
    assert "An apply was interrupted" in next_up
    assert {group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]} == set(
        groups
    )
    tell("terraform is killed half-way (-9)", ended.message, next_up)


def test_postgres_under_load(
    stack: Stack, client: Client, member: Person, recovers: Recovers, tell: Tell
) -> None:
    """Requests fail as 503 for a moment and then work again; what was answered with 200 is kept."""
    statuses: Counter[int] = Counter()
    restarts = stack.log().count("Postgres is running again")
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            statuses[client.call("GET", "/v1/me", member.tokens["AccessToken"]).status] += 1

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        assert settle(lambda: statuses[200] > 10, 60)
        os.kill(stack.postmaster(), signal.SIGKILL)
        assert settle(lambda: stack.log().count("Postgres is running again") > restarts, 60)
        before = statuses[200]
        assert settle(lambda: statuses[200] > before + 10, 60), statuses
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert set(statuses) <= {200, 503}, statuses
    assert "Postgres ended unexpectedly. Restarting it" in stack.log()
    told = f"supervisor.log: Postgres ended unexpectedly. Restarting it … Clients: {dict(statuses)}"
    tell("Postgres is killed under load", told, recovers())


def test_a_worker_in_the_middle_of_a_request(
    stack: Stack, client: Client, member: Person, recovers: Recovers, tell: Tell
) -> None:
    """A lock that we hold keeps the request waiting. As on AWS: 502 for it, its statement may still come to its end in
    Postgres, and the next request has a new worker."""
    token = member.tokens["AccessToken"]
    etag = client.call("GET", "/v1/me", token).headers["etag"]
    workers = stack.workers(
        "users"
    )  # before the request: its statement waits for a lock for two seconds only
    answers: list[int] = []
    patch = {"If_Match": etag, "Content_Type": "application/merge-patch+json"}
    with _locked_users(outputs.read(stack.settings).database_url) as connection:
        request = threading.Thread(
            target=lambda: answers.append(
                client.call("PATCH", "/v1/me", token, {"given_name": "Grace"}, **patch).status
            )
        )
        request.start()
        assert settle(lambda: _somebody_waits(connection), 30)
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        request.join()
    assert answers == [502]
    log = (stack.state / "logs" / "functions" / "atrium-dev-users.log").read_text()
    assert "Status: error" in log
    tell(
        "a worker is killed in the middle of a request",
        "502 to this client; `make logs SERVICE=users`",
        recovers(),
    )


@contextmanager
def _locked_users(url: str) -> Iterator[pg8000.native.Connection]:
    parts = urlsplit(url)
    connection = pg8000.native.Connection(
        parts.username or "",
        parts.hostname or "",
        parts.path[1:],
        parts.port or 5432,
        parts.password,
    )
    try:
        connection.run("BEGIN")
        connection.run("SELECT uid FROM users FOR UPDATE")
        yield connection
    finally:
        connection.close()


def _somebody_waits(connection: pg8000.native.Connection) -> bool:
    [[waiting]] = connection.run("SELECT count(*) FROM pg_locks WHERE NOT granted")
    return bool(waiting)
