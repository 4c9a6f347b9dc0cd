"""Settings of a function that affect how it runs, its logs, or its changes."""

import io
import json
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws_tests.lambda_service.laptop import REGION, Laptop, zipped

NAMES = "import os\ndef handler(event, context): return os.environ.get('SAID'), os.getpid()"
WRAPPER = '#!/bin/sh\nexport SAID="$1"\nexec "$@"\n'
WRAPPER_AS_PARENT = '#!/bin/sh\nexport SAID=parent\n"$@"\n'


def started_in_both_modes(files: dict[str, tuple[str, int]]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, (text, mode) in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, text)
    return content.getvalue()


def layer(aws: Laptop, name: str, files: dict[str, tuple[str, int]]) -> str:
    made = aws.client("lambda").publish_layer_version(
        LayerName=name, Content={"ZipFile": started_in_both_modes(files)}
    )
    return str(made["LayerVersionArn"])


def refused(call: Any, **arguments: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["Error"] | {"status": answer["ResponseMetadata"]["HTTPStatusCode"]}


def logged(aws: Laptop, function: str) -> list[str]:
    return (aws.settings.logs / "functions" / f"{function}.log").read_text().splitlines()


@pytest.mark.parametrize("script", [WRAPPER, WRAPPER_AS_PARENT])
def test_a_wrapper_in_a_layer_starts_the_runtime(aws: Laptop, script: str) -> None:
    name = f"wrapped-{len(script)}"
    arn = layer(aws, name, {"bin/wrapper": (script, 0o755)})
    aws.deploy(
        name,
        NAMES,
        Layers=[arn],
        Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/bin/wrapper"}},
    )
    said, _ = aws.invoke(name)[0]
    assert said == "parent" or "python" in said


def test_a_wrapper_in_the_function_starts_the_runtime(aws: Laptop) -> None:
    code = started_in_both_modes({"main.py": (NAMES, 0o644), "wrap": (WRAPPER_AS_PARENT, 0o755)})
    aws.deploy(
        "wrapped-itself",
        NAMES,
        Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrap"}},
    )
    aws.client("lambda").update_function_code(FunctionName="wrapped-itself", ZipFile=code)
    assert aws.invoke("wrapped-itself")[0][0] == "parent"


def test_a_missing_wrapper_is_an_invalid_entrypoint(aws: Laptop) -> None:
    aws.deploy(
        "unwrapped", NAMES, Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/nowhere"}}
    )
    error, done = aws.invoke("unwrapped")
    assert (done.function_error, error["errorType"]) == ("Unhandled", "Runtime.InvalidEntrypoint")
    assert error["errorMessage"] == "Error: fork/exec /opt/nowhere: no such file or directory"


PRINTS = "import logging\ndef handler(event, context):\n  logging.getLogger().info('told')\n  print('bare')"


def json_log(aws: Laptop, name: str, **levels: str) -> list[str]:
    aws.deploy(name, PRINTS, LoggingConfig={"LogFormat": "JSON", **levels})
    aws.invoke(name)
    return logged(aws, name)


def test_the_json_log_format_applies_to_platform_and_runtime(aws: Laptop) -> None:
    start, told, bare, report = json_log(aws, "json-log")
    assert json.loads(start)["type"] == "platform.start"
    assert json.loads(start)["record"].keys() == {"requestId", "version"}
    assert (json.loads(told)["level"], json.loads(told)["message"]) == ("INFO", "told")
    assert bare == "bare"
    record = json.loads(report)["record"]
    assert (json.loads(report)["type"], record["status"]) == ("platform.report", "success")
    assert record["metrics"].keys() >= {
        "durationMs",
        "billedDurationMs",
        "memorySizeMB",
        "initDurationMs",
    }


def test_log_levels_filter_the_json_log(aws: Laptop) -> None:
    assert json_log(aws, "json-quiet", ApplicationLogLevel="WARN", SystemLogLevel="WARN") == [
        "bare"
    ]
    kinds = [
        json.loads(line).get("type")
        for line in json_log(aws, "json-loud", SystemLogLevel="DEBUG")
        if line != "bare"
    ]
    assert kinds == ["platform.start", None, "platform.runtimeDone", "platform.report"]


def test_a_custom_log_group_and_the_log_configuration_are_stored(aws: Laptop) -> None:
    logs, client = aws.client("logs"), aws.client("lambda")
    logs.create_log_group(logGroupName="shared")
    aws.deploy("grouped", NAMES, LoggingConfig={"LogGroup": "shared"})
    aws.invoke("grouped")
    assert logs.filter_log_events(logGroupName="shared")["events"]
    shown = client.get_function_configuration(FunctionName="grouped")["LoggingConfig"]
    assert shown == {"LogFormat": "Text", "LogGroup": "shared"}
    client.update_function_configuration(
        FunctionName="grouped", LoggingConfig={"LogFormat": "JSON"}
    )
    shown = client.get_function_configuration(FunctionName="grouped")["LoggingConfig"]
    assert (shown["LogFormat"], shown["LogGroup"]) == ("JSON", "/aws/lambda/grouped")
    aws.invoke("grouped")
    assert json.loads(logged(aws, "grouped")[-1])["type"] == "platform.report", (
        "the change reaches the next invocation"
    )


def test_a_published_version_keeps_its_settings(aws: Laptop) -> None:
    client = aws.client("lambda")
    aws.deploy("kept", NAMES, LoggingConfig={"LogGroup": "of-the-version"})
    version = client.publish_version(FunctionName="kept")["Version"]
    client.update_function_configuration(FunctionName="kept", LoggingConfig={"LogFormat": "JSON"})
    shown = client.get_function_configuration(FunctionName="kept", Qualifier=version)
    assert shown["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "of-the-version"}


def test_the_first_invocation_creates_the_log_group_if_the_role_may(aws: Laptop) -> None:
    aws.deploy("makes-group", NAMES)
    iam, logs = aws.client("iam"), aws.client("logs")
    statement = {"Effect": "Allow", "Action": "logs:CreateLogGroup", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="worker", PolicyName="logs", PolicyDocument=policy)
    try:
        aws.invoke("makes-group")
    finally:
        iam.delete_role_policy(RoleName="worker", PolicyName="logs")
    messages = [
        each["message"]
        for each in logs.filter_log_events(logGroupName="/aws/lambda/makes-group")["events"]
    ]
    assert [message.split()[0] for message in messages] == ["START", "END", "REPORT"]


def test_a_stale_revision_is_refused_and_each_change_has_a_new_one(aws: Laptop) -> None:
    client = aws.client("lambda")
    aws.deploy("revised", NAMES, Publish=True)
    first = client.get_function_configuration(FunctionName="revised")["RevisionId"]
    client.update_function_configuration(FunctionName="revised", Timeout=9, RevisionId=first)
    second = client.get_function_configuration(FunctionName="revised")["RevisionId"]
    assert first != second
    code = zipped({"main.py": NAMES})
    for call, arguments in (
        (client.update_function_configuration, {"Timeout": 10}),
        (client.update_function_code, {"ZipFile": code}),
        (client.publish_version, {}),
    ):
        error = refused(call, FunctionName="revised", RevisionId=first, **arguments)
        assert (error["Code"], error["status"]) == ("PreconditionFailedException", 412)
    assert client.get_function_configuration(FunctionName="revised")["Timeout"] == 9
    third = client.update_function_code(FunctionName="revised", ZipFile=code, RevisionId=second)[
        "RevisionId"
    ]
    assert third != second


def test_a_stale_revision_of_an_alias_is_refused(aws: Laptop) -> None:
    client = aws.client("lambda")
    aws.deploy("revised-alias", NAMES, Publish=True)
    first = client.create_alias(FunctionName="revised-alias", Name="live", FunctionVersion="1")[
        "RevisionId"
    ]
    arguments = {"FunctionName": "revised-alias", "Name": "live", "Description": "x"}
    assert client.update_alias(**arguments, RevisionId=first)["RevisionId"] != first
    assert (
        refused(client.update_alias, **arguments, RevisionId=first)["Code"]
        == "PreconditionFailedException"
    )


def test_creating_a_function_url_is_refused(aws: Laptop) -> None:
    aws.deploy("no-url", NAMES)
    error = refused(
        aws.client("lambda").create_function_url_config, FunctionName="no-url", AuthType="NONE"
    )
    assert (error["Code"], error["status"]) == ("NotEmulated", 501)
    assert "the function URL of no-url" in error["Message"]


@pytest.mark.parametrize("call", ["create", "update"])
def test_a_layer_with_extensions_is_refused_by_name(aws: Laptop, call: str) -> None:
    arn = layer(aws, "extended", {"extensions/agent": ("#!/bin/sh\n", 0o755)})
    if call == "update":
        aws.deploy("extended-later", NAMES)
        client = aws.client("lambda")
        error = refused(
            client.update_function_configuration, FunctionName="extended-later", Layers=[arn]
        )
    else:
        error = refused(aws.deploy, name="extended", code=NAMES, Layers=[arn])
    assert (error["Code"], error["status"]) == ("NotEmulated", 501)
    assert f"arn:aws:lambda:{REGION}" in error["Message"]
    assert "extensions/agent" in error["Message"]
