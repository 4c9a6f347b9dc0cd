"""The running stack's endpoint, which checks each call against AWS's models and counts it."""

import json
import urllib.request

import pytest
from botocore.exceptions import ClientError

from tools.laptop.client import Client


def test_an_unknown_parameter_is_refused_before_the_service_sees_it(client: Client) -> None:
    with pytest.raises(ClientError) as refused:
        client.aws("logs").create_log_group(logGroupName="a group")
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"
    assert "at 'logGroupName' failed to satisfy constraint" in str(refused.value)


def test_the_calls_of_make_up_were_checked_and_none_was_refused(client: Client) -> None:
    with urllib.request.urlopen(
        f"{client.outputs.aws_endpoint_url}/_local/request-model", timeout=35
    ) as response:
        count = json.load(response)
    assert count["calls"] > 20
    assert count["values"] > count["calls"]
    assert not count["refused"].keys() & {"apigateway", "ec2", "iam", "kms", "rds", "sqs"}
    assert count["not_read"].keys() <= {"s3"}
