"""A consumer's queue receives the events of a new user, by a rule on the deployed bus."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tools.laptop.client import Client

BUS = "events"
MOST_POLLS = 30


class Consumer:
    """A queue that a rule feeds, with the events that it has received."""

    def __init__(self, client: Client) -> None:
        self._client = client
        publisher = client.outputs.functions["publish_events"]
        self._bus = publisher.removesuffix("publish_events") + BUS
        self._sqs, self._events = client.aws("sqs"), client.aws("events")
        self._name = f"consumer-{uuid4().hex[:8]}"
        self._queue = ""

    def subscribe(self, *types: str) -> None:
        pattern = json.dumps({"source": ["atrium"], "detail-type": list(types)})
        rule = self._events.put_rule(Name=self._name, EventBusName=self._bus, EventPattern=pattern)[
            "RuleArn"
        ]
        self._queue = self._sqs.create_queue(QueueName=self._name)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])[
            "Attributes"
        ]["QueueArn"]
        policy = {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
            "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
        }]}  # fmt: skip
        self._sqs.set_queue_attributes(
            QueueUrl=self._queue, Attributes={"Policy": json.dumps(policy)}
        )
        self._events.put_targets(
            Rule=self._name, EventBusName=self._bus, Targets=[{"Id": "queue", "Arn": arn}]
        )

    def wait_for(self, user: str) -> dict[str, Any]:
        """Return the first event of the user. Runs the publisher, as its schedule does each minute."""
        states = []
        for _ in range(MOST_POLLS):
            answer = self._client.aws("lambda").invoke(
                FunctionName=self._client.outputs.functions["publish_events"], Qualifier="live"
            )
            run = json.load(answer["Payload"])
            assert "FunctionError" not in answer, run
            states.append(run["state"])
            for event in self._received():
                if event["detail"]["user"] == user:
                    return event
        raise AssertionError(f"No event of {user} arrived. The runs ended with: {states}")

    def _received(self) -> list[dict[str, Any]]:
        found = self._sqs.receive_message(
            QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=1
        ).get("Messages", [])
        for each in found:
            self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=each["ReceiptHandle"])
        return [json.loads(each["Body"]) for each in found]

    def close(self) -> None:
        self._events.remove_targets(Rule=self._name, EventBusName=self._bus, Ids=["queue"])
        self._events.delete_rule(Name=self._name, EventBusName=self._bus)
        self._sqs.delete_queue(QueueUrl=self._queue)


@pytest.fixture
def consumer(client: Client) -> Iterator[Consumer]:
    consumer = Consumer(client)
    consumer.subscribe("user.created")
    yield consumer
    consumer.close()


def test_a_consumer_learns_of_a_new_user(client: Client, consumer: Consumer) -> None:
    person = client.new_member()
    event = consumer.wait_for(person.uid)
    assert (event["source"], event["detail-type"]) == ("atrium", "user.created")
    assert set(event["detail"]) == {"id", "sequence", "user", "action", "time"}
