"""The running stack's endpoint holds each call to AWS's models, and counts it."""

import json
import urllib.request

import pytest
from botocore.exceptions import ClientError

from tools.laptop.client import Client


def test_a_wrong_name_is_refused_by_the_endpoint_before_the_service_sees_it(client: Client) -> None:
    with pytest.raises(ClientError) as refused:
        client.aws("logs").create_log_group(logGroupName="a group")
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"
    assert "at 'logGroupName' failed to satisfy constraint" in str(refused.value)


def test_what_make_up_sent_was_checked_and_none_of_it_refused(client: Client) -> None:
    with urllib.request.urlopen(
        f"{client.outputs.aws_endpoint_url}/_local/request-model", timeout=35
    ) as response:
        count = json.load(response)
    assert count["calls"] > 20
    assert count["values"] > count["calls"]
    assert not count["refused"].keys() & {"apigateway", "ec2", "iam", "kms", "rds", "sqs"}
    assert count["not_read"].keys() <= {"s3"}
