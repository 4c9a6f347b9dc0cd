"""X-Ray tracing: a request that is not sampled loads nothing, a sampled one reports its operation."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from atrium.runtime import tracing
from tests.unit.conftest import ROOT

PROGRAM = """
import json, os, sys
from atrium.http import response
from tests.unit.service import service
handler = service({"GET /v1/x": lambda request: response.json({})})
event = json.loads(sys.argv[1])
handler(event, None)
print("aws_xray_sdk" in sys.modules, file=sys.stderr)
"""
EVENT = json.dumps(
    {
        "resource": "/v1/x",
        "httpMethod": "GET",
        "path": "/v1/x",
        "requestContext": {"requestId": "r", "path": "/v1/x"},
    }
)


def run(sampled: int, daemon: str, task_root: Path) -> bool:
    """Return True if one request in a new function loaded the SDK."""
    environment = {
        "PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}",
        "LAMBDA_TASK_ROOT": str(task_root),
        "AWS_XRAY_DAEMON_ADDRESS": daemon,
        "_X_AMZN_TRACE_ID": f"Root=1-58406520-a006649127e371903a2de979;Parent=53995c3f42cd8ad8;Sampled={sampled}",
    }
    command = [sys.executable, "-c", PROGRAM, EVENT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stderr.split()[-1] == "True"


def test_only_a_sampled_request_is_traced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(0.2)
        address = f"127.0.0.1:{daemon.getsockname()[1]}"
        assert run(0, address, tmp_path) is False
        with pytest.raises(TimeoutError):
            daemon.recv(65536)
        assert run(1, address, tmp_path) is True
        segment = json.loads(daemon.recv(65536).split(b"\n", 1)[1])
    assert (segment["name"], segment["trace_id"]) == (
        "operation",
        "1-58406520-a006649127e371903a2de979",
    )
    assert segment["annotations"] == {"route": "GET /v1/x"}


def test_a_sampled_request_succeeds_without_the_sdk(tmp_path: Path) -> None:
    environment = {
        "PYTHONPATH": str(ROOT / "functions"),
        "_X_AMZN_TRACE_ID": "Root=1-2-3;Parent=4;Sampled=1",
    }
    program = PROGRAM.replace("from atrium", "sys.modules['aws_xray_sdk'] = None\nfrom atrium", 1)
    program = program.replace("handler(event, None)", "print(handler(event, None)['statusCode'])")
    done = subprocess.run(
        [sys.executable, "-c", program, EVENT],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "200"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "4bf92f3577b34da6a3ce929d0e0e4736",
        ),
        (
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later",
            "4bf92f3577b34da6a3ce929d0e0e4736",
        ),
        ("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", None),
        ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", None),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", None),
        ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", None),
        ("garbage", None),
        (None, None),
    ],
)
def test_a_trace_id_is_taken_only_from_a_valid_traceparent(
    header: str | None, expected: str | None
) -> None:
    assert tracing.trace_id(header) == expected
