"""Kills of the parts of a stack."""

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
from tests.failures.conftest import AddRow, Recovers
from tests.failures.stack import Stack
from tools.deploy import stack_outputs as outputs
from tools.laptop.client import Client, Person

pytestmark = pytest.mark.usefixtures("up")


def test_data_survive_a_kill_of_the_supervisor(
    stack: Stack, client: Client, recovers: Recovers, add_row: AddRow
) -> None:
    """Sign up just before the kill: the user must exist afterwards."""
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
    add_row("the supervisor is killed (-9)", status.message, next_up)


def test_a_kill_of_the_supervisor_during_an_apply_is_recovered(
    stack: Stack, client: Client, recovers: Recovers, add_row: AddRow
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
    add_row("the supervisor is killed while Terraform applies", ended.message, recovers())


def test_a_kill_of_terraform_half_way_is_recovered(
    stack: Stack, client: Client, recovers: Recovers, add_row: AddRow
) -> None:
    """Kill Terraform when resources exist that its state does not have, so that creating them would
    fail.
    """
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
    add_row("terraform is killed half-way (-9)", ended.message, next_up)


def test_a_kill_of_postgres_under_load_loses_no_acknowledged_write(
    stack: Stack, client: Client, member: Person, recovers: Recovers, add_row: AddRow
) -> None:
    """Check that requests fail with 503 for a moment and then work again."""
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
    add_row("Postgres is killed under load", told, recovers())


def test_a_kill_of_a_worker_during_a_request_is_502(
    stack: Stack, client: Client, member: Person, recovers: Recovers, add_row: AddRow
) -> None:
    """Hold a lock that the request waits for, and kill its worker.

    As on AWS, the request is 502, its statement may still complete in Postgres, and the next
    request gets a new worker.
    """
    token = member.tokens["AccessToken"]
    etag = client.call("GET", "/v1/me", token).headers["etag"]
    workers = stack.workers(
        "users"
    )  # take the lock first: a statement waits only two seconds for it
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
    add_row(
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
