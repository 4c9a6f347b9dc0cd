"""Transactions: all or nothing, idempotent by token, with stream records of the written items only."""

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws_tests.dynamodb.conftest import Endpoint
from local_aws_tests.dynamodb.test_items import item


def put(table: str, pk: str, **options: Any) -> dict[str, Any]:
    return {"Put": {"TableName": table, "Item": item(pk)} | options}


def add(table: str, pk: str) -> dict[str, Any]:
    values = {":one": {"N": "1"}}
    update = {
        "Key": item(pk),
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": values,
    }
    return {"Update": {"TableName": table} | update}


def everything(aws: Endpoint, table: str) -> list[Any]:
    found: list[Any] = aws.client.scan(TableName=table)["Items"]
    return found


def test_one_failed_condition_changes_nothing(aws: Endpoint) -> None:
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    table = aws.table("refused", StreamSpecification=stream)
    aws.client.transact_write_items(TransactItems=[put(table, "changed"), put(table, "deleted")])
    before, records = everything(aws, table), aws.store.last_record
    check = {"TableName": table, "Key": item("none"), "ConditionExpression": "attribute_exists(pk)"}
    shows = {
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    delete = {"TableName": table, "Key": item("deleted"), **shows}
    with pytest.raises(ClientError) as raised:
        aws.client.transact_write_items(
            TransactItems=[
                add(table, "changed"),
                put(table, "new"),
                {"Delete": delete},
                {"ConditionCheck": check},
            ]
        )
    reasons = raised.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == [
        "None",
        "None",
        "ConditionalCheckFailed",
        "ConditionalCheckFailed",
    ]
    assert reasons[2]["Item"] == item("deleted")
    assert everything(aws, table) == before
    assert aws.store.last_record == records


def test_two_operations_on_one_item_are_refused(aws: Endpoint) -> None:
    table = aws.table("twice")
    with pytest.raises(ClientError, match="cannot include multiple operations on one item"):
        aws.client.transact_write_items(TransactItems=[add(table, "u"), put(table, "u")])
    assert everything(aws, table) == []


def test_a_transaction_has_at_most_a_hundred_items(aws: Endpoint) -> None:
    table = aws.table("hundred")
    aws.client.transact_write_items(
        TransactItems=[put(table, str(number)) for number in range(100)]
    )
    assert len(everything(aws, table)) == 100
    got = aws.client.transact_get_items(
        TransactItems=[
            {"Get": {"TableName": table, "Key": item(str(number))}} for number in range(100)
        ]
    )
    assert len(got["Responses"]) == 100
    with pytest.raises(ClientError, match="less than or equal to 100"):
        aws.client.transact_write_items(
            TransactItems=[put(table, str(number)) for number in range(101)]
        )


def test_a_repeated_token_writes_nothing(aws: Endpoint) -> None:
    table = aws.table("repeated")
    for _ in range(3):
        aws.client.transact_write_items(TransactItems=[add(table, "u")], ClientRequestToken="one")
    aws.reopen()
    aws.client.transact_write_items(TransactItems=[add(table, "u")], ClientRequestToken="one")
    assert everything(aws, table) == [item("u", n={"N": "1"})]
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        aws.client.transact_write_items(
            TransactItems=[add(table, "other")], ClientRequestToken="one"
        )
    aws.store.blocking(
        lambda data: data.sql.execute("UPDATE tokens SET created = ?", (time.time() - 601,))
    )
    aws.client.transact_write_items(TransactItems=[add(table, "u")], ClientRequestToken="one")
    assert everything(aws, table) == [item("u", n={"N": "2"})]


def test_a_refused_transaction_can_be_repeated_with_its_token(aws: Endpoint) -> None:
    table = aws.table("again-tried")
    only_new = {"ConditionExpression": "attribute_not_exists(pk)"}
    aws.client.put_item(TableName=table, Item=item("u"))
    with pytest.raises(ClientError, match="TransactionCanceled"):
        aws.client.transact_write_items(
            TransactItems=[put(table, "u", **only_new)], ClientRequestToken="two"
        )
    aws.client.delete_item(TableName=table, Key=item("u"))
    aws.client.transact_write_items(
        TransactItems=[put(table, "u", **only_new)], ClientRequestToken="two"
    )
    assert everything(aws, table) == [item("u")]
