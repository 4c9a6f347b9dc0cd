"""Deliveries from a topic to a queue: the queue's policy must admit SNS.

Importing this module patches moto, which asks no policy.

https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html
"""

import json
import logging
from typing import Any

from moto.sns.models import Subscription
from moto.sqs.models import sqs_backends

from local_aws.iam.resource_policies import admits
from local_aws.settings import ACCOUNT_ID

SNS = "sns.amazonaws.com"

log = logging.getLogger("local_aws.control_plane")

_publish: Any = Subscription.publish


def _deliver(subscription: Any, *message: Any, **more: Any) -> None:
    if subscription.protocol == "sqs" and not _is_admitted(subscription):
        log.warning(
            "%s was not delivered to %s: the queue's policy does not let %s send messages.",
            subscription.topic.arn,
            subscription.endpoint,
            SNS,
        )
        return
    _publish(subscription, *message, **more)


def _is_admitted(subscription: Any) -> bool:
    *_, region, _, name = subscription.endpoint.split(":")
    queue: Any = sqs_backends[ACCOUNT_ID][region].queues.get(name)
    statements = json.loads(queue.policy)["Statement"] if queue and queue.policy else []
    listed = statements if isinstance(statements, list) else [statements]
    return admits(listed, SNS, subscription.topic.arn, "sqs:SendMessage", subscription.endpoint)


Subscription.publish = _deliver  # type: ignore[method-assign, assignment]
