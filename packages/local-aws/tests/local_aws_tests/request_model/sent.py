"""Requests in the form that SDKs send, without the SDK's own checks, and the gate's answer."""

import asyncio
import re
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.control_plane.endpoint import CREDENTIAL, UNSIGNED_TARGETS, _form_action
from local_aws.request_model import RequestModelGate

REGION = "eu-central-1"


class SentError(Exception):
    """The request, raised out of botocore, which would send it."""

    def __init__(self, call: AwsCall) -> None:
        super().__init__()
        self.call = call


@cache
def client(service: str) -> Any:
    made = boto3.client(  # type: ignore[call-overload]
        service,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(parameter_validation=False, s3={"addressing_style": "path"}),
    )
    made.meta.events.register("before-send", _stop)
    return made


def _stop(request: Any, **_: Any) -> AWSResponse:
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    address = urlsplit(request.url)
    body = request.body.read() if hasattr(request.body, "read") else request.body or b""
    body = body.encode() if isinstance(body, str) else body
    target = headers.get("x-amz-target", "")
    signed = CREDENTIAL.search(headers.get("authorization", ""))
    service = signed[3] if signed else UNSIGNED_TARGETS[target.split(".")[0]]
    action = target.rpartition(".")[2] or _form_action(headers, body, address.query)
    raise SentError(
        AwsCall(
            service,
            request.method,
            address.path,
            address.query,
            headers,
            body,
            REGION,
            action,
            "test",
        )
    )


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def call(service: str, operation: str, parameters: dict[str, Any]) -> AwsCall:
    method = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
    name = {made: own for own, made in client(service).meta.method_to_api_mapping.items()}[
        operation
    ]
    assert name or method
    try:
        getattr(client(service), name)(**parameters)
    except SentError as sent:
        return sent.call
    raise AssertionError("botocore sent nothing")


def answered(gate: RequestModelGate, asked: AwsCall) -> AwsResponse | None:
    return asyncio.run(gate.check(asked))
