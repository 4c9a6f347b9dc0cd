"""The order within a message group of a FIFO queue, when messages are received again.

Importing this module patches moto.

While a message of a group is in flight, AWS delivers no other message of that group:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html

moto ends the visibility timeout of each message separately. It could skip the first message, still
counted as in flight with the second, and deliver the second.
"""

from collections import defaultdict
from typing import Any

from moto.sqs.models import Message, Queue, SQSBackend

_receive = SQSBackend.receive_message


def _received_in_order(
    backend: SQSBackend, queue_name: str, *others: Any, **named: Any
) -> list[Message]:
    queue = backend.get_queue(queue_name)
    if queue.fifo_queue:
        _end_flights(queue)
    return _receive(backend, queue_name, *others, **named)


def _end_flights(queue: Queue) -> None:
    """End the visibility timeouts of a group's messages together, when the last one ends."""
    groups: dict[str | None, list[Message]] = defaultdict(list)
    for message in queue.pending_messages:
        groups[message.group_id].append(message)
    for messages in groups.values():
        last = max(messages, key=lambda message: message.visible_at)
        for message in messages:
            if last.visible:
                queue.pending_messages.discard(message)
            else:
                message.visible_at = last.visible_at


SQSBackend.receive_message = _received_in_order  # type: ignore[method-assign, assignment]
