"""Tables, queues, and functions that record the events they get."""

import json
from collections.abc import Callable
from typing import Any

from local_aws.moto_state import additions
from local_aws.settings import ACCOUNT_ID
from local_aws_tests.lambda_service.laptop import REGION, Laptop
from local_aws_tests.support.waiting import settle

# The function writes each event on a line, and then runs the file `answer` in its folder, if it
# exists.
RECORDER = """
import json, os
def handler(event, context):
    folder = os.environ["FOLDER"]
    with open(f"{folder}/events", "a") as file:
        file.write(json.dumps(event) + "\\n")
    try:
        with open(f"{folder}/answer") as file:
            code = file.read()
    except FileNotFoundError:
        return None
    scope = {"event": event, "numbers": [r["dynamodb"]["SequenceNumber"] for r in event.get("Records", []) if "dynamodb" in r]}
    exec(code, scope)
    return scope.get("answer")
"""

ALLOWED = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["dynamodb:*", "sqs:*", "sns:*", "lambda:*"], "Resource": "*"}
    ],
}


class Recorder:
    """A deployed function and its recorded events."""

    def __init__(self, aws: Laptop, name: str, **options: Any) -> None:
        self.name = name
        self.folder = aws.settings.root / f"recorder-{name}"
        self.folder.mkdir()
        settings: dict[str, Any] = {
            "Timeout": 20,
            "Environment": {"Variables": {"FOLDER": str(self.folder)}},
        }
        self.arn = aws.deploy(name, RECORDER, **settings | options)["FunctionArn"]

    def answers(self, code: str) -> None:
        """Set Python code that can read `event` and `numbers`, and may set `answer` or raise."""
        (self.folder / "answer").write_text(code)

    @property
    def events(self) -> list[Any]:
        written = self.folder / "events"
        return (
            [json.loads(line) for line in written.read_text().splitlines()]
            if written.exists()
            else []
        )

    @property
    def batches(self) -> list[list[Any]]:
        return [event["Records"] for event in self.events]

    def seen(self) -> list[list[str]]:
        """Return the keys of the records in each batch of a stream."""
        return [
            [record["dynamodb"]["Keys"]["pk"]["S"] for record in batch] for batch in self.batches
        ]


class EventSourceHarness:
    def __init__(self, aws: Laptop) -> None:
        self.aws = aws
        self.functions = aws.client("lambda")
        self.tables = aws.client("dynamodb")
        self.queues = aws.client("sqs")
        self.allow_all()

    def allow_all(self) -> None:
        self.allow(ALLOWED)

    def allow(self, policy: dict[str, Any]) -> None:
        """Replace the permissions of the functions' role."""
        self.aws.client("iam").put_role_policy(
            RoleName="worker", PolicyName="inline", PolicyDocument=json.dumps(policy)
        )

    def table(self, name: str) -> str:
        """Create a table. Return the ARN of its stream."""
        made = self.tables.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        return str(made["TableDescription"]["LatestStreamArn"])

    def put(self, table: str, *keys: str, **attributes: Any) -> None:
        for key in keys:
            self.tables.put_item(TableName=table, Item={"pk": {"S": key}, **attributes})

    def due(self) -> dict[str, Any]:
        """Return the rules that have a next time."""
        return dict(additions.of_events(REGION).due)

    def queue(self, name: str, **attributes: str) -> tuple[str, str]:
        """Create a queue. Return (URL, ARN)."""
        url = self.queues.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url, f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{name}"

    def map(self, source: str, function: str, **options: Any) -> Any:
        if ":dynamodb:" in source:
            options = {"StartingPosition": "TRIM_HORIZON"} | options
        return self.functions.create_event_source_mapping(
            EventSourceArn=source, FunctionName=function, **options
        )

    def messages(self, url: str, count: int, seconds: float = 120) -> list[Any]:
        """Wait until a queue has this many messages, and remove them."""
        found: list[Any] = []

        def enough() -> bool:
            got = self.queues.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=10,
                MessageAttributeNames=["All"],
                AttributeNames=["All"],
            )
            found.extend(got.get("Messages", []))
            return len(found) >= count

        wait(enough, seconds)
        return found


def wait(done: Callable[[], bool], seconds: float = 120) -> None:
    assert settle(done, seconds), "it did not happen in time"
