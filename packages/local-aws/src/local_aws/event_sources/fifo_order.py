"""Order within a message group of a FIFO queue, when messages come again. Importing this corrects moto.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html: while a message of
a group is in flight, no other of the group is received. moto ends each message's flight for itself, the first one while it
still counts the second: it then skipped the first and handed out the second.
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
    """End the flight of a group's messages together: at the moment of the last one."""
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
