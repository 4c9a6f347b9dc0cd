"""An S3 endpoint that a test can hold up: moto's, with a gate before chosen requests."""

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
"""Returns True for a method and a path that are to be held up."""


class Endpoint:
    """The endpoint; `hold` lets no chosen request pass, and `reached` says that one came."""

    def __init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._chosen: Chosen | None = None
        self._open = threading.Event()
        self.reached = threading.Event()
        self.server = make_server("127.0.0.1", 0, self._answer, threaded=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        return KEYS | {"AWS_ENDPOINT_URL": self.url}

    def client(self) -> Any:
        return boto3.client(
            "s3",
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="offline",
            aws_secret_access_key="offline",
        )

    def hold(self, chosen: Chosen) -> None:
        self.reached.clear()
        self._open.clear()
        self._chosen = chosen

    def let_go(self) -> None:
        self._chosen = None
        self._open.set()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        chosen = self._chosen
        if chosen and chosen(environ["REQUEST_METHOD"], environ["PATH_INFO"]):
            self.reached.set()
            self._open.wait()
        answer: Iterable[bytes] = self._moto(environ, start_response)
        return answer


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    """Serve an endpoint with the bucket of the states."""
    served = Endpoint()
    thread = threading.Thread(target=served.server.serve_forever)
    thread.start()
    try:
        urllib.request.urlopen(f"{served.url}/moto-api/reset", data=b"").close()
        place: Any = {"LocationConstraint": REGION}
        served.client().create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
        yield served
    finally:
        served.let_go()
        served.server.shutdown()
        thread.join()
