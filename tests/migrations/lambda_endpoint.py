"""A stub of Lambda's Invoke API over HTTP, for handlers in this process, including their failures."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Handler = Callable[[dict[str, Any]], Any]


@contextmanager
def door(handlers: Mapping[str, Handler]) -> Iterator[tuple[str, list[tuple[str, dict[str, Any]]]]]:
    """Serve the API. Yield its URL and the invocations: (function, event).

    Only the alias `live` exists.
    """
    invoked: list[tuple[str, dict[str, Any]]] = []

    class Invoke(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            path = urlsplit(self.path)
            name = path.path.split("/")[3]
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if name not in handlers or parse_qs(path.query)["Qualifier"] != ["live"]:
                error = {"Message": f"Function not found: {name}"}
                return self.answer(404, error, {"x-amzn-ErrorType": "ResourceNotFoundException"})
            invoked.append((name, event))
            try:
                return self.answer(200, handlers[name](event), {})
            except Exception as error:
                told = {"errorType": type(error).__name__, "errorMessage": str(error)}
                return self.answer(200, told, {"X-Amz-Function-Error": "Unhandled"})

        def answer(self, status: int, body: Any, headers: Mapping[str, str]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Invoke) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", invoked
        server.shutdown()
