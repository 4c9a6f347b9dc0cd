"""The Invoke API through boto3, and the logs of invocations."""

import base64
import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local_aws.lambda_service import Credentials, LambdaService
from local_aws.settings import ACCOUNT_ID, Settings
from local_aws.xray import Daemon, Traces
from local_aws_tests.lambda_service.laptop import BASE_PYTHON, REGION, Laptop
from local_aws_tests.support.waiting import settle

HELLO = """
import sys
def handler(event, context):
    print("out", event)
    print("err", file=sys.stderr)
    if event == "fail": raise ValueError("as told")
    return {"got": event}
"""


def test_an_invocation_returns_payload_version_and_log_tail(aws: Laptop) -> None:
    aws.deploy("hello", HELLO)
    answer = aws.client("lambda").invoke(FunctionName="hello", Payload=b'"you"', LogType="Tail")
    assert json.loads(answer["Payload"].read()) == {"got": "you"}
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in answer
    request_id = answer["ResponseMetadata"]["RequestId"]
    start, out, err, end, report = base64.b64decode(answer["LogResult"]).decode().splitlines()
    assert start == f"START RequestId: {request_id} Version: $LATEST"
    assert (out, err) == ("out you", "err")
    assert end == f"END RequestId: {request_id}"
    assert report.startswith(f"REPORT RequestId: {request_id}\tDuration: ")
    assert "\tMemory Size: 128 MB\t" in report
    assert "\tInit Duration: " in report


def test_a_function_error_is_a_200_with_its_type(aws: Laptop) -> None:
    aws.deploy("failing", HELLO)
    answer = aws.client("lambda").invoke(FunctionName="failing", Payload=b'"fail"')
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.loads(answer["Payload"].read())["errorMessage"] == "as told"


def test_logs_are_sent_to_cloudwatch_a_file_and_the_watcher(aws: Laptop) -> None:
    aws.deploy("logged", HELLO)
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="/aws/lambda/logged")
    aws.invoke("logged", 1)
    aws.invoke("logged", 2)
    (stream,) = logs.describe_log_streams(logGroupName="/aws/lambda/logged")["logStreams"]
    events = logs.get_log_events(
        logGroupName="/aws/lambda/logged", logStreamName=stream["logStreamName"]
    )["events"]
    messages = [event["message"] for event in events]
    assert [message.split()[0] for message in messages] == [
        "START",
        "out",
        "err",
        "END",
        "REPORT",
    ] * 2
    assert [message for message in messages if message.startswith("out")] == ["out 1", "out 2"]
    assert (aws.settings.logs / "functions" / "logged.log").read_text().splitlines() == messages
    assert [line for function, line in aws.lines if function == "logged"] == messages


def test_a_role_without_permission_gets_no_log_group(aws: Laptop) -> None:
    aws.deploy("groupless", HELLO)
    aws.invoke("groupless")
    groups = aws.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/groupless")[
        "logGroups"
    ]
    assert groups == []


def test_an_event_invocation_returns_at_once_and_runs(aws: Laptop, tmp_path: Path) -> None:
    answered, note = tmp_path / "answered", tmp_path / "ran"
    code = (  # the function cannot end before the caller has its answer
        "import os, time\ndef handler(event, context):\n"
        "  while not os.path.exists(event[0]): time.sleep(0.02)\n  open(event[1], 'w').close()"
    )
    aws.deploy("later", code, Timeout=60)
    payload = json.dumps([str(answered), str(note)]).encode()
    answer = aws.client("lambda").invoke(
        FunctionName="later", InvocationType="Event", Payload=payload
    )
    assert answer["StatusCode"] == 202
    answered.touch()
    assert settle(note.exists, 60)


def test_a_dry_run_runs_nothing(aws: Laptop) -> None:
    aws.deploy("dry", HELLO)
    assert (
        aws.client("lambda").invoke(FunctionName="dry", InvocationType="DryRun")["StatusCode"]
        == 204
    )
    assert not [line for function, line in aws.lines if function == "dry"]


@pytest.mark.parametrize("reference", ["absent", "hello-refused:absent"])
def test_unknown_function_or_qualifier_is_not_found(aws: Laptop, reference: str) -> None:
    if ":" in reference:
        aws.deploy("hello-refused", HELLO)
    name, _, qualifier = reference.partition(":")
    arguments = {"FunctionName": name} | ({"Qualifier": qualifier} if qualifier else {})
    with pytest.raises(ClientError) as refused:
        aws.client("lambda").invoke(**arguments)
    error = refused.value.response["Error"]
    assert error["Code"] == "ResourceNotFoundException"
    assert (
        error["Message"]
        == f"Function not found: arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{reference}"
    )


def test_payload_limits_equal_those_of_aws(aws: Laptop) -> None:
    aws.deploy("big", "def handler(event, context): return 'x' * event", Timeout=20)
    client = aws.client("lambda")
    with pytest.raises(ClientError) as refused:
        client.invoke(FunctionName="big", Payload=json.dumps("x" * 6_291_456).encode())
    assert refused.value.response["Error"]["Code"] == "RequestEntityTooLargeException"
    fits = client.invoke(FunctionName="big", Payload=b"5000000")
    assert len(fits["Payload"].read()) == 5_000_002
    too_large, _ = aws.invoke("big", 7_000_000)
    assert too_large["errorType"] == "Function.ResponseSizeTooLarge"


def test_payload_must_be_json(aws: Laptop) -> None:
    aws.deploy("json", HELLO)
    with pytest.raises(ClientError, match="Could not parse request body into json"):
        aws.client("lambda").invoke(FunctionName="json", Payload=b"{")


def test_a_missing_runtime_is_reported_with_the_remedy(aws: Laptop, tmp_path: Path) -> None:
    async def start() -> None:
        def nobody(role: str, session: str) -> Credentials:
            raise AssertionError

        await LambdaService(
            Settings(root=tmp_path),
            nobody,
            python=BASE_PYTHON,
            runtime=tmp_path,
            xray=Daemon(Traces()),
        ).start()

    with pytest.raises(FileNotFoundError, match="does not contain awslambdaric"):
        aws.loop.run(start())
