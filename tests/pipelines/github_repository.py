"""A stub of GitHub's API for one repository's environments, issues and comments, on loopback."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NAME, TOKEN = "example/atrium", "t0ken"
REVIEWED = {
    "protection_rules": [{"type": "branch_policy"}, {"type": "required_reviewers"}],
    "deployment_branch_policy": {"custom_branch_policies": True},
}


class Repository:
    """A repository's environments, issues and comments, behind GitHub's paths."""

    def __init__(self) -> None:
        self.environments: dict[str, Any] = {}
        self.issues: list[dict[str, Any]] = []
        self.comments: list[dict[str, Any]] = []
        self.asked: list[str] = []

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        self.asked.append(f"{method} {path.partition('?')[0]}")
        if found := re.fullmatch(r"/environments/(\w+)", path):
            known = self.environments.get(found[1])
            return (200, known) if known else (404, {"message": "Not Found"})
        if found := re.fullmatch(r"/issues/(?:comments/)?(\d+)", path):
            items = self.comments if "comments" in path else self.issues
            items[int(found[1]) - 1].update(body)
            return 200, {}
        items = self.comments if "/comments" in path else self.issues
        if method == "POST":
            number = len(items) + 1
            items.append({"id": number, "number": number, "state": "open"} | body)
            return 201, items[-1]
        page = int(re.search(r"&page=(\d+)", path)[1])  # type: ignore[index]
        shown = [item for item in items if item["state"] == "open"]
        return 200, shown[(page - 1) * 100 : page * 100]


@contextmanager
def served(repository: Repository) -> Iterator[str]:
    """Serve the repository's API and yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            assert self.headers["Authorization"] == f"Bearer {TOKEN}"
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"null")
            path = self.path.removeprefix(f"/repos/{NAME}")
            status, answer = repository.answer(self.command, path, body)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        do_GET = do_POST = do_PATCH = do  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
