"""moto's WSGI application, called in process.

moto answers an unknown action with a 500, which SDKs and the Terraform provider retry for minutes.
Here the answer is a 501 that names the call.
"""

import asyncio
import io
import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from flask import Flask, Response, request
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from local_aws.aws_call import IN_WSGI, AwsCall, AwsResponse
from local_aws.control_plane import (  # noqa: F401 - they patch moto
    alarm_actions,
    bucket_lifecycle,
    bucket_policies,
    function_vpc,
    moto_growth,
    topic_delivery,
)
from local_aws.request_model.operation_name import model_of, operation_name
from local_aws.settings import LOOPBACK, Settings

SEE = "It is not emulated; docs/fidelity.md lists what is."
# By signing name. moto has a hundred more; many of them accept a job, a pipe or a query and never
# run it.
SERVICES = frozenset(
    [
        *(
            "apigateway",
            "cognito-idp",
            "dynamodb",
            "ec2",
            "events",
            "iam",
            "kms",
            "lambda",
            "logs",
            "monitoring",
            "rds",
            "s3",
        ),
        *("secretsmanager", "sesv2", "sns", "sqs", "ssm", "sts", "tagging", "wafv2", "xray"),
    ]
)

log = logging.getLogger("local_aws.control_plane")


class Moto:
    """The `Forward` at the end of every interceptor."""

    def __init__(self, settings: Settings) -> None:
        self._wsgi = DomainDispatcherApplication(_create_backend_app)
        self._port = settings.aws_port
        # moto's backends are plain dictionaries, so a single thread keeps the changes of a call
        # atomic.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="moto")

    async def __call__(self, call: AwsCall) -> AwsResponse:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, call)

    async def run[T](self, work: Callable[[], T]) -> T:
        """Run `work` between two calls, so that it sees and changes a consistent state of moto."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def exclusively[T](self, work: Callable[[], T]) -> T:
        """Run `work` after the current call, and block the event loop until it is done.

        moto's state does not change meanwhile.
        """
        return self._thread.submit(work).result()

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _answer(self, call: AwsCall) -> AwsResponse:
        if model_of(call) not in SERVICES:
            return _no_service(call)
        started: dict[str, Any] = {}

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: object = None
        ) -> None:
            started["status"], started["headers"] = int(status.split()[0]), dict(headers)

        body = b"".join(self._wsgi(self._environ(call), start_response))
        return AwsResponse(started["status"], body, started["headers"])

    def _environ(self, call: AwsCall) -> dict[str, Any]:
        host = call.headers.get("host", f"{LOOPBACK}:{self._port}")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": call.method,
            "SCRIPT_NAME": "",
            # WSGI requires the decoded path as latin-1 text (PEP 3333).
            "PATH_INFO": unquote(call.path, encoding="latin-1"),
            "RAW_URI": call.path + (f"?{call.query}" if call.query else ""),
            "REQUEST_URI": call.path + (f"?{call.query}" if call.query else ""),
            "QUERY_STRING": call.query,
            "SERVER_NAME": LOOPBACK,
            "SERVER_PORT": str(self._port),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": LOOPBACK,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(call.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "CONTENT_TYPE": call.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(call.body)),
        }
        for name, value in call.headers.items():
            if name not in ("content-type", "content-length", "transfer-encoding", "expect"):
                environ["HTTP_" + name.upper().replace("-", "_")] = value
        environ["HTTP_HOST"] = host
        environ[IN_WSGI] = call
        return environ


def _no_service(call: AwsCall) -> AwsResponse:
    """Return a 501; clients would retry other statuses again and again."""
    message = (
        f"{model_of(call)}: {operation_name(call)}: no such service. {SEE} "
        "If it is enough that moto stores the request, add the service to SERVICES in packages/local-aws/src/local_aws/control_plane/moto_app.py."
    )
    if call.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        error = (
            "<ErrorResponse><Error><Code>NotEmulated</Code>"
            f"<Message>{escape(message)}</Message></Error></ErrorResponse>"
        )
        return AwsResponse(501, error.encode(), {"content-type": "text/xml"})
    content = {"__type": "NotEmulated", "message": message}
    return AwsResponse(501, json.dumps(content).encode(), {"content-type": "application/json"})


def _create_backend_app(service: Any) -> Flask:
    app = create_backend_app(service)
    app.debug = False
    app.register_error_handler(NotImplementedError, lambda error: _not_emulated(service, error))
    app.register_error_handler(Exception, lambda error: _failed(service, error))
    return app


def _not_emulated(service: str, error: Exception) -> Response:
    return _refusal(service, 501, "NotEmulated", f"{service}: {error}. {SEE}")


def _failed(service: str, error: Exception) -> Response:
    if getattr(error, "code", None):  # a werkzeug HTTPException: routing's 404 and 405
        action = operation_name(request.environ[IN_WSGI])
        return _refusal(
            service, 501, "NotEmulated", f"{service}: {action}: moto has no such operation. {SEE}"
        )
    log.exception("%s failed in moto", service, exc_info=error)
    # The status is not 500: moto would fail the same way at each of the 25 retries of Terraform's
    # provider.
    action = operation_name(request.environ[IN_WSGI])
    text = (
        f"{service}: {action}: moto failed with {type(error).__name__}: {error}. "
        "logs/supervisor.log in the state folder has the traceback."
    )
    return _refusal(service, 501, "NotEmulated", text)


def _refusal(service: str, status: int, code: str, message: str) -> Response:
    """Return the error in the format of the service's SDK.

    This is XML for the query protocol and S3, and JSON for other services.
    """
    if "json" not in (request.content_type or "") and (
        request.form.get("Action") or service == "s3"
    ):
        error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        body = (
            f"<Response><Errors>{error}</Errors></Response>"
            if service == "ec2"
            else f"<ErrorResponse>{error}</ErrorResponse>"
        )
        return Response(error if service == "s3" else body, status, content_type="text/xml")
    body = json.dumps({"__type": code, "message": message})
    return Response(body, status, {"x-amzn-errortype": code}, content_type="application/json")
