"""Durability: the supervisor is killed (-9) while clients write, and no acknowledged write is lost.

`make failure-matrix` kills once; `make proof-durability` sets `STACK_KILLS=30`.
"""

import os
import random
import signal
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.failures.conftest import AddRow, Recovers
from tests.failures.stack import Stack
from tools.laptop.client import Client

pytestmark = pytest.mark.usefixtures("up")

KILLS = int(os.environ.get("STACK_KILLS", "1"))
LONGEST_SECONDS = 8.0  # of load before a kill


class Writer(threading.Thread):
    """A client that writes until it gets no answer, and records the acknowledged writes."""

    def __init__(self, write: Callable[[], Any], over: threading.Event) -> None:
        super().__init__()
        self._write, self._over = write, over
        self.acknowledged: list[Any] = []

    def run(self) -> None:
        while not self._over.is_set():
            try:
                self.acknowledged.append(self._write())
            except (BotoCoreError, ClientError, OSError):
                self._over.wait(0.05)


class Writes:
    """One kind of write for each kind of state. Each returns what `lost` looks for."""

    def __init__(self, client: Client) -> None:
        self._client, self._clients, self._counter = client, dict[str, Any](), 0
        self._table = client.outputs.user_attributes_table
        self._queue = self._aws("sqs").create_queue(QueueName="durability")["QueueUrl"]
        self._bucket = f"durability-{uuid.uuid4().hex[:8]}"
        region = {"LocationConstraint": client.outputs.region}
        self._aws("s3").create_bucket(Bucket=self._bucket, CreateBucketConfiguration=region)
        self._secret = self._aws("secretsmanager").create_secret(
            Name=self._bucket, SecretString="0"
        )["ARN"]

    def _aws(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._client.aws(service)
        return self._clients[service]

    def kinds(self) -> dict[str, Callable[[], Any]]:
        return {
            "item": self.item, "user": self.user, "message": self.message, "object": self.object_,
            "secret": self.secret, "topic": self.topic,
        }  # fmt: skip

    def item(self) -> str:
        name = uuid.uuid4().hex
        items = [{"pk": {"S": f"durability#{name}"}, "sk": {"S": sk}} for sk in "ab"]
        puts = [{"Put": {"TableName": self._table, "Item": item}} for item in items]
        self._aws("dynamodb").transact_write_items(TransactItems=puts)
        return name

    def user(self) -> str:
        return self._client.sign_up().email

    def message(self) -> str:
        body = uuid.uuid4().hex
        self._aws("sqs").send_message(QueueUrl=self._queue, MessageBody=body)
        time.sleep(0.05)  # slow, because the whole queue is written each time
        return body

    def object_(self) -> str:
        key = uuid.uuid4().hex
        self._aws("s3").put_object(Bucket=self._bucket, Key=key, Body=key.encode())
        return key

    def secret(self) -> str:
        self._counter += 1
        self._aws("secretsmanager").put_secret_value(
            SecretId=self._secret, SecretString=str(self._counter)
        )
        return str(self._counter)

    def topic(self) -> str:
        return str(self._aws("sns").create_topic(Name=f"t-{uuid.uuid4().hex}")["TopicArn"])

    def lost(self, kind: str, acknowledged: list[Any]) -> list[Any]:
        there = getattr(self, f"_{kind}s")()
        return [each for each in acknowledged if each not in there]

    def _items(self) -> set[str]:
        pages = self._aws("dynamodb").get_paginator("scan").paginate(TableName=self._table)
        found = [(item["pk"]["S"], item["sk"]["S"]) for page in pages for item in page["Items"]]
        names = {pk.partition("#")[2] for pk, _ in found if pk.startswith("durability#")}
        halves = [
            name for name in names if not {(f"durability#{name}", sk) for sk in "ab"} <= set(found)
        ]
        assert not halves, "half a transaction"
        return names

    def _users(self) -> set[str]:
        pages = self._aws("cognito-idp").get_paginator("list_users")
        users = [
            user
            for page in pages.paginate(UserPoolId=self._client.outputs.user_pool_id)
            for user in page["Users"]
        ]
        return {
            each["Value"]
            for user in users
            for each in user["Attributes"]
            if each["Name"] == "email"
        }

    def _messages(self) -> set[str]:
        queues, found = self._aws("sqs"), set[str]()
        while got := queues.receive_message(
            QueueUrl=self._queue, MaxNumberOfMessages=10, VisibilityTimeout=120
        ).get("Messages"):
            found |= {each["Body"] for each in got}
            for each in got:
                queues.delete_message(QueueUrl=self._queue, ReceiptHandle=each["ReceiptHandle"])
        return found

    def _objects(self) -> set[str]:
        pages = self._aws("s3").get_paginator("list_objects_v2").paginate(Bucket=self._bucket)
        return {each["Key"] for page in pages for each in page.get("Contents", [])}

    def _secrets(self) -> set[str]:
        """Return the values up to the stored one, which is the last that was written."""
        last = int(
            self._aws("secretsmanager").get_secret_value(SecretId=self._secret)["SecretString"]
        )
        return set(map(str, range(last + 1)))

    def _topics(self) -> set[str]:
        pages = self._aws("sns").get_paginator("list_topics").paginate()
        return {each["TopicArn"] for page in pages for each in page["Topics"]}


def test_no_acknowledged_write_is_lost(
    stack: Stack, client: Client, recovers: Recovers, add_row: AddRow
) -> None:
    seed = int(os.environ.get("SEED", time.time_ns()))
    chance, writes, total, said = random.Random(seed), Writes(client), dict[str, int](), ""  # noqa: S311
    for _ in range(KILLS):
        over = threading.Event()
        writers = {kind: Writer(write, over) for kind, write in writes.kinds().items()}
        for writer in writers.values():
            writer.start()
        time.sleep(1 + chance.random() * LONGEST_SECONDS)
        os.kill(stack.supervisor, signal.SIGKILL)
        assert not stack.strays()
        over.set()
        for writer in writers.values():
            writer.join()
        said = recovers()
        assert "Every acknowledged change is restored" in said
        for kind, writer in writers.items():
            assert not writes.lost(kind, writer.acknowledged), f"lost with SEED={seed}: {kind}"
            total[kind] = total.get(kind, 0) + len(writer.acknowledged)
    quick = {
        kind: count for kind, count in total.items() if kind != "topic"
    }  # a topic is saved by a snapshot, not by the journal
    assert all(quick.values()), total
    print(f"{KILLS} kills, acknowledged and found: {total}")
    add_row(
        f"the supervisor is killed (-9) under load, {KILLS} times",
        f"found afterwards: {total}",
        said,
    )
