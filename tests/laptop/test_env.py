"""`make env` when the admin's sign-in fails: a sentence with the next command, and no traceback."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from local_aws.settings import LOOPBACK, Settings
from local_aws.supervisor.ports import free_ports
from local_aws.supervisor.ready import StackError
from tools.deploy.stack_outputs import Outputs
from tools.laptop.stack import show

REASON = "PreTokenGeneration failed with error Task timed out after 3.00 seconds."


class RefusesSignIn(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.dumps({"__type": "UserLambdaValidationException", "message": REASON}).encode()
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def refusing_port() -> Iterator[int]:
    server = HTTPServer((LOOPBACK, 0), RefusesSignIn)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def outputs(port: int) -> Outputs:
    endpoint = f"http://{LOOPBACK}:{port}"
    return Outputs(
        api_url="", aws_endpoint_url=endpoint, region="eu-central-1", user_pool_id="eu-central-1_a",
        user_pool_client_id="client", user_attributes_table="", database_url="", proxy_host="", proxy_port=0,
        admin_email="admin@example.com", admin_password="secret", inbox_url="", functions={},
    )  # fmt: skip


def test_a_refused_sign_in_is_reported_with_its_reason(tmp_path: Path, refusing_port: int) -> None:
    with pytest.raises(
        StackError, match=r"admin@example.com could not sign in: .*PreTokenGeneration failed"
    ) as told:
        show.environment(Settings(root=tmp_path, aws_port=refusing_port), outputs(refusing_port))
    assert "`make logs`" in str(told.value)


def test_a_stack_that_is_down_is_reported(tmp_path: Path) -> None:
    port, _ = free_ports()
    with pytest.raises(StackError, match="could not sign in: Could not connect"):
        show.environment(Settings(root=tmp_path, aws_port=port), outputs(port))
