"""SES v2's `SendEmail`. moto checks the sender's identity, and the inbox gets the mail."""

import json
from collections.abc import Callable
from typing import Any

from local_aws.aws_call import AwsCall, AwsResponse, Forward, Interceptor
from local_aws.request_model.operation_name import model_of, operation_name

Deliver = Callable[[str, str, str], None]
"""Add a mail to the inbox: address, subject and body."""


def interceptor(deliver: Deliver) -> Interceptor:
    """Return an interceptor of the signing name `ses`, which SES v1 and v2 share."""

    async def intercept(call: AwsCall, forward: Forward) -> AwsResponse:
        if model_of(call) != "sesv2" or operation_name(call) != "SendEmail":
            return await forward(call)
        mail = json.loads(call.body)
        if "Simple" not in mail["Content"]:
            return _not_emulated()
        answer = await forward(call)
        if answer.status == 200:
            for address in _recipients(mail):
                deliver(address, *_texts(mail["Content"]["Simple"]))
        return answer

    return intercept


def _recipients(mail: dict[str, Any]) -> list[str]:
    return [address for addresses in mail.get("Destination", {}).values() for address in addresses]


def _texts(message: dict[str, Any]) -> tuple[str, str]:
    """Return the subject and the body, HTML before plain text."""
    body = message["Body"].get("Html") or message["Body"]["Text"]
    return message["Subject"]["Data"], body["Data"]


def _not_emulated() -> AwsResponse:
    message = "sesv2: not emulated: SendEmail with Raw or Template content. Send Simple content."
    body = json.dumps({"__type": "NotEmulated", "message": message}).encode()
    headers = {"content-type": "application/json", "x-amzn-ErrorType": "NotEmulated"}
    return AwsResponse(501, body, headers)
