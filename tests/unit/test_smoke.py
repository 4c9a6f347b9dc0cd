"""The smoke test's checks: each fails when one answer of a healthy API is changed."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tools.operations import smoke

type Answers = dict[str, tuple[int, dict[str, str], Any]]

PROBLEM = {"Content-Type": "application/problem+json", "WWW-Authenticate": "Bearer"}
HEALTHY: Answers = {
    "/v1/health": (200, {}, {"status": "pass", "stage": "dev"}),
    "/v1/openapi.json": (200, {}, {"openapi": "3.0.3", "paths": {"/v1/me": {}}}),
    "/v1/me": (401, PROBLEM, {"status": 401}),
}


@pytest.fixture
def api() -> Iterator[tuple[str, Answers]]:
    """Serve the answers of a healthy API, which a test may change."""
    answers = dict(HEALTHY)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answers[self.path]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", answers
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_healthy_api_passes(api: tuple[str, Answers]) -> None:
    assert list(smoke.complaints(api[0], "dev")) == []


@pytest.mark.parametrize(
    ("path", "answer", "complaint"),
    [
        ("/v1/health", (200, {}, {"status": "pass", "stage": "prod"}), "stage dev"),
        ("/v1/health", (502, {}, {"message": "Internal server error"}), "502"),
        ("/v1/openapi.json", (200, {}, {"paths": {}}), "a contract that has /v1/me"),
        ("/v1/me", (200, PROBLEM, {"uid": "somebody"}), "200"),
        (
            "/v1/me",
            (401, PROBLEM | {"Content-Type": "application/json"}, {}),
            "not 401 as application/problem+json",
        ),
        (
            "/v1/me",
            (401, {"Content-Type": "application/problem+json"}, {}),
            "without WWW-Authenticate",
        ),
    ],
)
def test_a_changed_answer_is_reported(
    api: tuple[str, Answers], path: str, answer: Any, complaint: str
) -> None:
    url, answers = api
    answers[path] = answer
    complaints = list(smoke.complaints(url, "dev"))
    assert len(complaints) == 1
    assert complaints[0].startswith(path)
    assert complaint in complaints[0]


def test_an_api_that_does_not_answer_fails() -> None:
    assert "cannot be reached" in next(smoke.complaints("http://127.0.0.1:1", "dev"))
