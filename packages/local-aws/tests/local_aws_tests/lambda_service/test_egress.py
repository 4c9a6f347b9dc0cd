"""A function's own sockets go where its network leads, and are told why where it does not."""

import http.server
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local_aws.lambda_service.egress import Egress
from local_aws_tests.lambda_service.laptop import Laptop, Loop, laptop

KNOCK = """
import errno, os, socket
def handler(event, context):
    try:
        if event["how"] == "look up":
            return {"said": socket.getaddrinfo(event["host"], event["port"])[0][4][0]}
        if event["how"] == "unix":
            with socket.socket(socket.AF_UNIX) as client:
                return {"said": client.connect(event["host"])}
        if event["how"] == "own":
            with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
                return {"said": "connected"}
        if event["how"] == "forked":
            pid = os.fork()
            if not pid:
                with socket.socket() as client:
                    code = client.connect_ex((event["host"], event["port"]))
                    os._exit(code)
            return {"said": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}
        if event["how"] == "send":
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                return {"said": client.sendto(b"x", (event["host"], event["port"]))}
        with socket.create_connection((event["host"], event["port"]), 2) as client:
            return {"said": "connected"}
    except OSError as error:
        return {"refused": str(error)}
"""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    """The port of another program of this machine."""
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


EGRESS = {
    "inside": Egress("inside", internet="inside is in vpc-1, which has no route to the internet"),
    "outside": Egress("outside"),
}


@pytest.fixture(scope="module")
def aws(loop: Loop, runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    with (
        pytest.MonkeyPatch.context() as patch,
        laptop(
            loop,
            tmp_path_factory.mktemp("checkout"),
            runtime,
            egress=lambda function: EGRESS[function.name],
        ) as made,
    ):
        patch.setenv("MOTO_ACCOUNT_ID", "000000000000")
        for name in EGRESS:
            made.deploy(name, KNOCK)
        yield made


def knock(
    aws: Laptop, function: str, how: str, host: str = "127.0.0.1", port: int = 0
) -> dict[str, Any]:
    answer: dict[str, Any] = aws.invoke(function, {"how": how, "host": host, "port": port})[0]
    return answer


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0.0.0.0", "::ffff:127.0.0.1"])  # noqa: S104 - connects to loopback
@pytest.mark.parametrize("function", ["inside", "outside"])
def test_no_function_reaches_another_program_of_this_machine(
    aws: Laptop, elsewhere: int, function: str, host: str
) -> None:
    refusal = knock(aws, function, "connect", host, elsewhere)["refused"]
    assert "is a program of this machine" in refusal
    assert function in refusal


def test_not_by_its_socket_file_a_datagram_or_a_fork_either(
    aws: Laptop, elsewhere: int, tmp_path: Path
) -> None:
    assert (
        "a program of this machine"
        in knock(aws, "outside", "unix", str(tmp_path / ".s.PGSQL.5432"))["refused"]
    )
    assert "a program of this machine" in knock(aws, "outside", "send", port=elsewhere)["refused"]
    assert knock(aws, "outside", "forked", port=elsewhere).get("said") != 0


def test_what_the_function_listens_on_itself_is_its_own(aws: Laptop) -> None:
    assert knock(aws, "inside", "own") == {"said": "connected"}


def test_from_a_vpc_without_a_nat_no_address_is_reached_and_no_name_looked_up(aws: Laptop) -> None:
    for how, host in (
        ("connect", "192.0.2.1"),
        ("connect", "2001:db8::1"),
        ("look up", "example.com"),
    ):
        assert "has no route to the internet" in knock(aws, "inside", how, host, 443)["refused"]


def test_from_outside_of_it_the_machine_tries(aws: Laptop) -> None:
    assert (
        "NoRouteFromVpc"
        not in knock(aws, "outside", "look up", "no-such-name.invalid", 443)["refused"]
    )


def test_an_open_port_is_open_and_a_closed_one_says_why(
    aws: Laptop, elsewhere: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker keeps the egress rules of the time when it starts."""
    monkeypatch.setitem(
        EGRESS, "open", replace(EGRESS["inside"], function="open", open=(elsewhere,))
    )
    monkeypatch.setitem(
        EGRESS, "closed", Egress("closed", closed={elsewhere: "no group leads to the DB proxy"})
    )
    for name in ("open", "closed"):
        aws.deploy(name, KNOCK)
    assert knock(aws, "open", "connect", port=elsewhere) == {"said": "connected"}
    assert (
        "no group leads to the DB proxy"
        in knock(aws, "closed", "connect", port=elsewhere)["refused"]
    )
