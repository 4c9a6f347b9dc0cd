"""Costs of moto: a transaction copies only its own items, and AWS's policies are parsed once."""

import gc
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.dynamodb.models.dynamo_type import Item
from moto.iam.models import iam_backends

from local_aws.control_plane import moto_growth  # noqa: F401 - the fix to moto, made by importing it
from local_aws.settings import ACCOUNT_ID

TABLE = "things"


@pytest.fixture
def table() -> Iterator[Any]:
    keys = {"pk": "HASH", "sk": "RANGE"}
    with mock_aws():
        client = boto3.client(
            "dynamodb", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        client.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


def key(name: str) -> dict[str, Any]:
    return {"pk": {"S": name}, "sk": {"S": "META"}}


def put(name: str, **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": TABLE, "Item": key(name) | more}}


def add(name: str) -> dict[str, Any]:
    values = {":one": {"N": "1"}}
    update = {
        "Key": key(name),
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": values,
    }
    return {"Update": {"TableName": TABLE} | update}


def items(table: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.scan(TableName=TABLE)["Items"]
    return sorted(found, key=lambda item: str(item["pk"]["S"]))


def test_a_refused_transaction_changes_no_item(table: Any) -> None:
    table.transact_write_items(
        TransactItems=[put("changed", n={"N": "1"}), put("deleted"), put("replaced")]
    )
    before = items(table)
    delete = {"Delete": {"TableName": TABLE, "Key": key("deleted")}}
    refused = {
        "ConditionCheck": {
            "TableName": TABLE,
            "Key": key("none"),
            "ConditionExpression": "attribute_exists(pk)",
        }
    }
    with pytest.raises(ClientError) as raised:
        table.transact_write_items(
            TransactItems=[
                add("changed"),
                delete,
                put("replaced", n={"N": "2"}),
                put("new"),
                refused,
            ]
        )
    codes = [reason["Code"] for reason in raised.value.response["CancellationReasons"]]
    assert codes == ["None", "None", "None", "None", "ConditionalCheckFailed"]
    assert items(table) == before
    with pytest.raises(ClientError, match="multiple operations on one item"):
        table.transact_write_items(TransactItems=[add("changed"), add("changed")])
    assert items(table) == before


def test_a_transaction_leaves_no_copies_in_memory(table: Any) -> None:
    for number in range(0, 300, 100):
        table.transact_write_items(
            TransactItems=[put(str(each)) for each in range(number, number + 100)]
        )

    def living() -> int:
        gc.collect()
        return sum(isinstance(each, Item) for each in gc.get_objects())

    before = living()
    for _ in range(5):
        table.transact_write_items(TransactItems=[add("1"), add("2")])
    assert living() <= before + 5


def test_accounts_share_awss_policies_but_count_attachments_separately() -> None:
    arn = "arn:aws:iam::aws:policy/PowerUserAccess"
    counts, texts = [], []
    for _ in range(2):
        with mock_aws():
            iam = boto3.client("iam", aws_access_key_id="a", aws_secret_access_key="b")
            iam.create_role(RoleName="deploy", AssumeRolePolicyDocument="{}")
            counts.append(iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"])
            iam.attach_role_policy(RoleName="deploy", PolicyArn=arn)
            counts.append(iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"])
            held = iam_backends[ACCOUNT_ID]["aws"].managed_policies[arn]
            texts.append(held.versions[0].document)
    assert counts == [0, 1, 0, 1]
    assert texts[0] is texts[1]
