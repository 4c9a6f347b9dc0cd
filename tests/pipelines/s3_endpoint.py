"""moto as an AWS endpoint, on which a test can block chosen requests."""

import threading
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

BUCKET = "example-states"
REGION = "eu-central-1"
KEYS = {"AWS_ACCESS_KEY_ID": "offline", "AWS_SECRET_ACCESS_KEY": "offline", "AWS_REGION": REGION}

Chosen = Callable[[str, str], bool]
"""A function that returns True for the method and path of a request to block."""


class Endpoint:
    """The endpoint. `hold` blocks chosen requests; `reached` is set when one has arrived."""

    def __init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._chosen: Chosen | None = None
        self._open = threading.Event()
        self._lost = False
        self.reached = threading.Event()
        self.server = make_server("127.0.0.1", 0, self._answer, threaded=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        return KEYS | {"AWS_ENDPOINT_URL": self.url}

    def client(self, service: str = "s3") -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="offline",
            aws_secret_access_key="offline",
        )

    def hold(self, chosen: Chosen) -> None:
        self.reached.clear()
        self._open.clear()
        self._lost = False
        self._chosen = chosen

    def release(self, *, lost: bool = False) -> None:
        """Let the blocked requests pass, or drop them."""
        self._chosen, self._lost = None, lost
        self._open.set()

    def wait(self, method: str, path: str) -> bool:
        """Block a chosen request. Return True if it must be dropped."""
        chosen = self._chosen
        if not chosen or not chosen(method, path):
            return False
        self.reached.set()
        self._open.wait()
        return self._lost

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if self.wait(environ["REQUEST_METHOD"], environ["PATH_INFO"]):
            start_response("503 Service Unavailable", [])
            return []
        answer: Iterable[bytes] = self._moto(environ, start_response)
        return answer


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    """Serve an endpoint with the bucket of the states."""
    with serve(Endpoint()) as served:
        yield served


@contextmanager
def serve[Kind: Endpoint](served: Kind) -> Iterator[Kind]:
    """Serve this endpoint with the bucket of the states."""
    thread = threading.Thread(target=served.server.serve_forever)
    thread.start()
    try:
        urllib.request.urlopen(f"{served.url}/moto-api/reset", data=b"").close()
        place: Any = {"LocationConstraint": REGION}
        served.client().create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
        yield served
    finally:
        served.release()
        served.server.shutdown()
        thread.join()
