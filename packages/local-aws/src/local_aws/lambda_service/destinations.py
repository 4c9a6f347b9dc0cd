"""Where Lambda sends what came of an invocation: queues, topics and functions, as the function's role."""

import logging
from typing import Any

from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from local_aws.iam.sessions import role_may
from local_aws.settings import ACCOUNT_ID

ACTIONS = {"sqs": "sqs:SendMessage", "sns": "sns:Publish", "lambda": "lambda:InvokeFunction"}

log = logging.getLogger("local.lambda")


def send(
    role: str, arn: str, body: str, attributes: dict[str, tuple[str, str]] | None = None
) -> None:
    """To a queue or topic. Call on moto's thread. `attributes`: name -> (type, value).

    What cannot be delivered is lost with a line in the log, as AWS only counts it in `DestinationDeliveryFailures`.
    """
    try:
        _deliver(role, arn, body, attributes or {})
    except Exception as error:
        log.error(
            "Could not send the record to the destination %s: %s: %s",
            arn,
            type(error).__name__,
            error,
        )


def _deliver(role: str, arn: str, body: str, attributes: dict[str, tuple[str, str]]) -> None:
    service, region, name = arn.split(":")[2], arn.split(":")[3], arn.rpartition(":")[2]
    decision = role_may(role, ACTIONS[service], arn)
    if not decision.allowed:
        raise PermissionError(f"{role} may not {ACTIONS[service]} {decision.reason}")
    if service == "sqs":
        texts: dict[str, Any] = {
            key: {"DataType": kind, "StringValue": value}
            for key, (kind, value) in attributes.items()
        }
        sqs_backends[ACCOUNT_ID][region].send_message(name, body, message_attributes=texts)
    else:
        texts = {key: {"Type": kind, "Value": value} for key, (kind, value) in attributes.items()}
        sns_backends[ACCOUNT_ID][region].publish(body, arn=arn, message_attributes=texts)
