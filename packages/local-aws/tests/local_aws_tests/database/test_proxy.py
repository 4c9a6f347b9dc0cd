"""The complete path of a function to its database: TLS, IAM token, the proxy's secret, PgBouncer in
transaction mode, a real Postgres.
"""

import contextlib
import hashlib
import socket
import ssl
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import boto3
import pg8000.native
import pytest

from local_aws.database import token as tokens
from local_aws.database.postgres import SUPERUSER, Postgres
from local_aws.network.reachability import Place
from local_aws.settings import LOOPBACK
from local_aws_tests.database.conftest import (
    PROXY_ID,
    REGION,
    Stand,
    Started,
    allow,
    make_role,
    role_arn,
)
from local_aws_tests.lambda_service.laptop import zipped
from local_aws_tests.support.waiting import settle

USERS = f"arn:aws:rds-db:{REGION}:000000000000:dbuser:{PROXY_ID}"


def refusal(stand: Stand, **connection: Any) -> tuple[str, str, str]:
    """Return SQLSTATE, message and detail of the FATAL error."""
    with pytest.raises(pg8000.native.DatabaseError) as caught:
        stand.connect(**connection)
    error = caught.value.args[0]
    assert error["S"] == "FATAL"
    return error["C"], error["M"], error.get("D", "")


def test_a_valid_token_connects_as_that_user(stand: Stand) -> None:
    connection = stand.connect()
    assert connection.run("SELECT current_user, current_database()") == [["app", "app"]]
    connection.close()


def test_the_certificate_is_valid_for_localhost(stand: Stand) -> None:
    stand.connect(stand.token(host="localhost"), host="localhost").close()


def test_a_client_without_our_ca_refuses_the_certificate(stand: Stand) -> None:
    with socket.create_connection((LOOPBACK, stand.port), timeout=60) as plain:
        plain.sendall(struct.pack("!II", 8, 80877103))
        assert plain.recv(1) == b"S"
        with pytest.raises(ssl.SSLCertVerificationError):
            ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")


def test_a_login_without_tls_is_refused(stand: Stand) -> None:
    code, message, _ = refusal(stand, ssl_context=False)
    assert (code, message) == ("28000", "This RDS Proxy requires TLS connections")


BAD_TOKEN = (
    "28P01",
    "The IAM authentication failed for the role app. Check the IAM token for this role and try again.",
)


def test_a_password_instead_of_a_token_is_refused(stand: Stand) -> None:
    assert refusal(stand, password="generated")[:2] == BAD_TOKEN


def test_a_wrong_signature_is_refused(stand: Stand) -> None:
    good = stand.token()
    bad = good[:-1] + ("0" if good[-1] != "0" else "1")
    assert refusal(stand, password=bad) == (*BAD_TOKEN, "the signature does not match")


def test_a_token_of_another_user_is_refused(stand: Stand) -> None:
    assert refusal(stand, password=stand.token("readonly"))[:2] == BAD_TOKEN


def test_a_token_of_another_endpoint_is_refused(stand: Stand) -> None:
    assert refusal(stand, password=stand.token(port=5432))[:2] == BAD_TOKEN


def test_an_expired_token_is_refused(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    password, later = stand.token(), time.time() + 16 * 60

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Later":
            return cls.fromtimestamp(later, tz)

    monkeypatch.setattr(tokens, "datetime", Later)
    code, message, detail = refusal(stand, password=password)
    assert (code, message) == BAD_TOKEN
    assert f"{datetime.fromtimestamp(later, UTC):%H:}" in detail


def test_a_role_without_permission_is_refused(stand: Stand) -> None:
    code, _, detail = refusal(stand, user="migrator")
    assert code == "28P01"
    assert (
        "rds-db:connect on " + f"{USERS}/migrator because no identity-based policy allows" in detail
    )


def test_a_function_without_a_network_path_to_the_proxy_is_refused(stand: Stand) -> None:
    """Use a valid token of a permitted role; its session identifies the function."""
    code = {"ZipFile": zipped({"main.py": ""})}
    functions = boto3.client("lambda", region_name=REGION)
    functions.create_function(
        FunctionName="worker",
        Runtime="python3.13",
        Role=role_arn("function"),
        Handler="main.handler",
        Code=code,
    )
    stand.change(place=Place(REGION, ("subnet-1",), ("sg-1",)))
    sqlstate, message, detail = refusal(stand)
    assert (sqlstate, "time out" in message) == ("08001", True)
    assert "worker is outside of the VPC" in detail
    functions.delete_function(FunctionName="worker")
    stand.connect().close()  # a caller that is not a function
    stand.change(place=None)


def test_a_permission_is_for_one_proxy_and_one_user(stand: Stand) -> None:
    make_role("elsewhere", allow("rds-db:connect", USERS.replace(PROXY_ID, "prx-other") + "/app"))
    assert refusal(stand, password=stand.token(role="elsewhere"))[0] == "28P01"
    make_role("everyone", allow("rds-db:connect", f"{USERS}/*"))
    stand.connect(stand.token("migrator", role="everyone"), user="migrator").close()


def test_a_secret_without_a_value_is_reported(stand: Stand) -> None:
    code, message, detail = refusal(stand, user="readonly")
    assert (code, message) == (
        "28000",
        "This RDS Proxy has no credentials for the role readonly. Check the credentials for this role and try again.",
    )
    assert "Store the user and its password" in detail


def test_a_secret_that_the_proxys_role_cannot_read_is_reported(stand: Stand) -> None:
    stand.change(role_arn=make_role("blind", allow("s3:*", "*")))
    code, _, detail = refusal(stand)
    assert code == "28000"
    assert "The proxy's role may not read arn:aws:secretsmanager" in detail


def test_a_proxy_without_a_target_is_reported(stand: Stand) -> None:
    stand.change(has_target=False)
    assert refusal(stand)[:2] == (
        "08006",
        "This RDS Proxy currently has no available target instance.",
    )
    stand.registered.clear()
    assert "has 0 DB proxies" in refusal(stand)[2]


def test_a_stopped_database_is_reported(start: Started) -> None:
    stand = start("/nowhere/.s.PGSQL.5432")
    assert refusal(stand)[:2] == (
        "08006",
        "This RDS Proxy currently has no available target instance.",
    )


def test_too_many_connections_are_refused(stand: Stand) -> None:
    stand.proxy.most_connections = 2
    held = [stand.connect(), stand.connect()]
    assert refusal(stand)[0] == "53300"
    for connection in held:
        connection.close()


def test_replication_is_refused(stand: Stand) -> None:
    assert refusal(stand, replication="database")[0] == "0A000"


def test_transactions_share_two_server_connections(stand: Stand) -> None:
    """Run ten concurrent clients on a pool of two: none fails, and none gets another's rows."""

    def work(n: int) -> set[int]:
        connection = stand.connect()
        pids = set()
        for _ in range(5):
            connection.run("BEGIN")
            pids.add(connection.run("SELECT pg_backend_pid()")[0][0])
            assert connection.run(f"SELECT {n} AS n{n}, :n", n=str(n)) == [[n, str(n)]]
            connection.run("COMMIT")
        connection.close()
        return pids

    with ThreadPoolExecutor(10) as clients:
        assert len(set[int]().union(*clients.map(work, range(10)))) <= 2


def test_large_results_pass_unchanged_in_both_directions(stand: Stand) -> None:
    """Send more than any buffer holds, so that reading must pause for a slow side."""
    text = "".join(hashlib.sha256(str(n).encode()).hexdigest() for n in range(200_000))  # 12.8 MB
    connection = stand.connect()
    connection.run("BEGIN")
    [[back, length]] = connection.run("SELECT CAST(:t AS text), length(:t)", t=text)
    connection.run("COMMIT")
    connection.close()
    assert (back == text, length) == (True, len(text))


def test_an_abandoned_transaction_is_rolled_back(stand: Stand, postgres: Postgres) -> None:
    connection = stand.connect()
    connection.run("BEGIN")
    connection.run("INSERT INTO notes VALUES (1, 'half')")
    connection._usock.shutdown(socket.SHUT_RDWR)  # as when a function is killed
    watcher = pg8000.native.Connection("rdsadmin", unix_sock=postgres.socket, database="app")
    busy = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app' AND state LIKE 'idle in transaction%'"
    assert settle(lambda: watcher.run(busy) == [[0]], 60), "the server connection is still held"
    assert watcher.run("SELECT count(*) FROM notes") == [[0]]
    watcher.close()
    drop(connection)


def drop(connection: pg8000.native.Connection) -> None:
    """Close our end of a connection whose other end is closed."""
    with contextlib.suppress(pg8000.native.InterfaceError, OSError):
        connection.close()
    if connection._usock:
        connection._usock.close()


def test_a_query_is_cancelled(stand: Stand, postgres: Postgres) -> None:
    connection = stand.connect()
    process, secret = struct.unpack("!II", connection._backend_key_data)

    def cancel() -> None:
        """Cancel repeatedly, because a request that comes before the query cancels nothing."""
        active = "SELECT FROM pg_stat_activity WHERE usename = 'app' AND state = 'active' AND query LIKE '%pg_sleep(20)%'"
        with pg8000.native.Connection(
            SUPERUSER, unix_sock=postgres.socket, database="app"
        ) as watcher:
            assert settle(lambda: watcher.run(active) != [], 60)
        send(stand, struct.pack("!IIII", 16, 80877102, process, secret))

    with ThreadPoolExecutor(1) as thread:
        cancelling = thread.submit(cancel)
        with pytest.raises(pg8000.native.DatabaseError, match="57014"):
            connection.run("SELECT pg_sleep(20)")
        cancelling.result()
    connection.close()


def send(stand: Stand, data: bytes) -> bytes:
    """Send raw bytes. Return everything that is received until the other side closes."""
    with socket.create_connection((LOOPBACK, stand.port), timeout=60) as connection:
        connection.sendall(data)
        received = b""
        while piece := connection.recv(4096):
            received += piece
        return received


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        pytest.param(
            struct.pack("!II", 4, 196608), b"invalid length of startup packet", id="too short"
        ),
        pytest.param(
            struct.pack("!II", 2**31, 196608), b"invalid length of startup packet", id="too long"
        ),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", b"invalid length of startup packet", id="HTTP"),
        pytest.param(
            struct.pack("!IIII", 8, 80877103, 8, 196608),
            b"unencrypted data after SSL request",
            id="early plain text",
        ),
        pytest.param(
            struct.pack("!IIII", 8, 80877104, 8, 196608),
            b"NE",
            id="GSS is declined, then TLS required",
        ),
    ],
)
def test_malformed_startup_messages_are_refused(stand: Stand, data: bytes, answer: bytes) -> None:
    assert answer in send(stand, data)
    stand.connect().close()


def test_a_stop_closes_every_connection(start: Started, postgres: Postgres) -> None:
    stand = start(postgres.socket)
    connection, port = stand.connect(), stand.port
    stand.loop.run(stand.proxy.stop())
    with pytest.raises((pg8000.native.InterfaceError, OSError)):
        connection.run("SELECT 1")
    drop(connection)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, port))


def test_without_pgbouncer_the_proxy_connects_directly_to_postgres(
    start: Started, postgres: Postgres
) -> None:
    connection = start(postgres.socket).connect()
    assert connection.run("SELECT current_user") == [["app"]]
    connection.close()
