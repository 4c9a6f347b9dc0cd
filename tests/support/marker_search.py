"""A search in every live store of a running stack for planted texts."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.laptop.client import Client

_TABLES = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"
)


@dataclass
class Markers:
    """Texts that occur nowhere else, by the place where they were planted."""

    by_place: dict[str, str] = field(default_factory=dict)

    def new(self, place: str) -> str:
        self.by_place[place] = f"mark{uuid.uuid4().hex}"
        return self.by_place[place]


def searched(client: Client, markers: Markers) -> dict[str, list[str]]:
    """Return, by store, the places whose marker it contains. Stores without one are left out."""
    found: dict[str, set[str]] = {}
    for store, text in _texts(client):
        for place, marker in markers.by_place.items():
            if marker in text:
                found.setdefault(store, set()).add(place)
    return {store: sorted(places) for store, places in found.items()}


def _texts(client: Client) -> Iterator[tuple[str, str]]:
    with client.database() as database:
        for (name,) in database.run(_TABLES):
            for (row,) in database.run(f"SELECT to_jsonb(t)::text FROM {name} AS t"):  # noqa: S608
                yield "postgres", row
    table = client.outputs.user_attributes_table
    pages = client.aws("dynamodb").get_paginator("scan").paginate(TableName=table)
    yield from (("table", repr(item)) for page in pages for item in page["Items"])
    users = client.aws("cognito-idp").get_paginator("list_users")
    for page in users.paginate(UserPoolId=client.outputs.user_pool_id):
        yield from (("cognito", _json(user)) for user in page["Users"])
    yield from (("logs", line) for line in _log_lines(client))
    yield from (("traces", text) for text in _traces(client))
    yield from (("queues", text) for text in _messages(client))


def _log_lines(client: Client) -> Iterator[str]:
    logs = client.aws("logs")
    for groups in logs.get_paginator("describe_log_groups").paginate():
        for group in groups["logGroups"]:
            events = logs.get_paginator("filter_log_events").paginate(
                logGroupName=group["logGroupName"]
            )
            yield from (event["message"] for page in events for event in page["events"])


def _traces(client: Client) -> Iterator[str]:
    from datetime import UTC, datetime, timedelta

    xray, end = client.aws("xray"), datetime.now(UTC) + timedelta(minutes=1)
    summaries = xray.get_trace_summaries(StartTime=end - timedelta(hours=6), EndTime=end)
    ids = [each["Id"] for each in summaries["TraceSummaries"]]
    for start in range(0, len(ids), 5):
        yield _json(xray.batch_get_traces(TraceIds=ids[start : start + 5])["Traces"])


def _messages(client: Client) -> Iterator[str]:
    sqs = client.aws("sqs")
    for url in sqs.list_queues().get("QueueUrls", ()):
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        yield from (message["Body"] for message in answer.get("Messages", ()))


def files(state: Path, markers: Markers) -> set[str]:
    """Return the names of files and folders directly in `state` that hold a marker."""
    wanted = [marker.encode() for marker in markers.by_place.values()]
    return {
        file.relative_to(state).parts[0]
        for file in state.rglob("*")
        if file.is_file() and any(marker in file.read_bytes() for marker in wanted)
    }


def _json(value: Any) -> str:
    return json.dumps(value, default=str)
