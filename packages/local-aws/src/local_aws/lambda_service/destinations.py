"""The targets of finished asynchronous invocations: queues, topics and functions.

Records are sent with the function's role.
"""

import logging
from typing import Any

from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from local_aws.iam.sessions import role_may
from local_aws.settings import ACCOUNT_ID

ACTIONS = {"sqs": "sqs:SendMessage", "sns": "sns:Publish", "lambda": "lambda:InvokeFunction"}

log = logging.getLogger("local.lambda")


def send(
    role: str,
    arn: str,
    body: str,
    attributes: dict[str, tuple[str, str]] | None = None,
    trace: str | None = None,
) -> None:
    """Send a record to a queue or topic; call this on moto's thread.

    `attributes` maps a name to (type, value). `trace` is the invocation's X-Ray header, which a
    message carries as its system attribute.

    A record that cannot be delivered is logged and lost. AWS only counts it in
    `DestinationDeliveryFailures`.
    """
    try:
        _deliver(role, arn, body, attributes or {}, trace)
    except Exception as error:
        log.error(
            "Could not send the record to the destination %s: %s: %s",
            arn,
            type(error).__name__,
            error,
        )


def _deliver(
    role: str, arn: str, body: str, attributes: dict[str, tuple[str, str]], trace: str | None
) -> None:
    service, region, name = arn.split(":")[2], arn.split(":")[3], arn.rpartition(":")[2]
    decision = role_may(role, ACTIONS[service], arn)
    if not decision.allowed:
        raise PermissionError(f"{role} may not {ACTIONS[service]} {decision.reason}")
    if service == "sqs":
        texts: dict[str, Any] = {
            key: {"DataType": kind, "StringValue": value}
            for key, (kind, value) in attributes.items()
        }
        of_system = {"AWSTraceHeader": {"StringValue": trace}} if trace else None
        sqs_backends[ACCOUNT_ID][region].send_message(
            name, body, message_attributes=texts, system_attributes=of_system
        )
    else:
        texts = {key: {"Type": kind, "Value": value} for key, (kind, value) in attributes.items()}
        sns_backends[ACCOUNT_ID][region].publish(body, arn=arn, message_attributes=texts)
