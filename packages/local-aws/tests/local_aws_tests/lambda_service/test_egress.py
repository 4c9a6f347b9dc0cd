"""A function's own sockets, which reach only addresses that its network leads to.

Refusals have the reason.
"""

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
    """Return the port of another program on this machine."""
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
def test_a_function_reaches_no_other_program_of_this_machine(
    aws: Laptop, elsewhere: int, function: str, host: str
) -> None:
    refusal = knock(aws, function, "connect", host, elsewhere)["refused"]
    assert "is a program of this machine" in refusal
    assert function in refusal


def test_unix_sockets_datagrams_and_forks_do_not_help(
    aws: Laptop, elsewhere: int, tmp_path: Path
) -> None:
    assert (
        "a program of this machine"
        in knock(aws, "outside", "unix", str(tmp_path / ".s.PGSQL.5432"))["refused"]
    )
    assert "a program of this machine" in knock(aws, "outside", "send", port=elsewhere)["refused"]
    assert knock(aws, "outside", "forked", port=elsewhere).get("said") != 0


def test_a_function_can_connect_to_its_own_listener(aws: Laptop) -> None:
    assert knock(aws, "inside", "own") == {"said": "connected"}


def test_a_vpc_without_nat_reaches_no_address_and_resolves_no_name(aws: Laptop) -> None:
    for how, host in (
        ("connect", "192.0.2.1"),
        ("connect", "2001:db8::1"),
        ("look up", "example.com"),
    ):
        assert "has no route to the internet" in knock(aws, "inside", how, host, 443)["refused"]


def test_a_function_outside_the_vpc_uses_the_machines_network(aws: Laptop) -> None:
    assert (
        "NoRouteFromVpc"
        not in knock(aws, "outside", "look up", "no-such-name.invalid", 443)["refused"]
    )


def test_an_allowed_port_is_reachable_and_a_refusal_has_its_reason(
    aws: Laptop, elsewhere: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Use new workers, because a worker keeps the egress rules of its start."""
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
