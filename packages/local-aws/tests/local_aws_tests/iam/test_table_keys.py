"""Calls of DynamoDB, decided separately for each table, index, item and part of a transaction."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.aws_call import AwsCall
from local_aws.iam import sessions
from local_aws.iam.gate import IamGate
from local_aws.iam.required_access import accesses
from local_aws_tests.iam.calls import (
    TABLE,
    Function,
    allow,
    call,
    key,
    own_items,
    partition,
    refused,
)
from local_aws_tests.iam.conftest import ACCOUNT, REGION, make_role


def test_leading_keys_of_batches_are_decided(function: Function, table: None) -> None:
    dynamodb = function(own_items("dynamodb:Batch*Item"))("dynamodb")

    def read(*pks: str) -> Any:
        return dynamodb.batch_get_item(
            RequestItems={"UserAttributes": {"Keys": [key(pk) for pk in pks]}}
        )

    def write(*pks: str) -> Any:
        items = [{"PutRequest": {"Item": key(pk)}} for pk in pks]
        return dynamodb.batch_write_item(RequestItems={"UserAttributes": items})

    read("U#1", "U#12")
    write("U#1")
    refused(lambda: read("U#1", "U#2"))
    refused(lambda: write("U#1", "R#admin"))


def test_leading_keys_of_a_query_are_decided(function: Function, table: None) -> None:
    dynamodb = function(own_items("dynamodb:Query"))("dynamodb")

    def query(pk: str, condition: str = "#k = :k") -> Any:
        return dynamodb.query(
            TableName="UserAttributes",
            KeyConditionExpression=condition,
            ExpressionAttributeNames={"#k": "pk"},
            ExpressionAttributeValues={":k": {"S": pk}},
        )

    query("U#1")
    refused(lambda: query("U#2"))


def test_an_index_is_a_separate_resource(function: Function, table: None) -> None:
    dynamodb = function(allow("dynamodb:Query", TABLE))("dynamodb")
    values = {":k": {"S": "ROLE#admin"}}
    query: dict[str, Any] = {
        "KeyConditionExpression": "gsi1pk = :k",
        "ExpressionAttributeValues": values,
    }
    message = refused(lambda: dynamodb.query(TableName="UserAttributes", IndexName="GSI1", **query))
    assert f"on resource: {TABLE}/index/GSI1 because" in message


def test_a_transaction_needs_the_permission_of_each_part(function: Function, table: None) -> None:
    dynamodb = function(allow(["dynamodb:PutItem", "dynamodb:ConditionCheckItem"], TABLE))(
        "dynamodb"
    )
    put = {"Put": {"TableName": "UserAttributes", "Item": key("U#1")}}
    exists = "attribute_not_exists(pk)"
    check = {
        "ConditionCheck": {
            "TableName": "UserAttributes",
            "Key": key("U#3"),
            "ConditionExpression": exists,
        }
    }
    delete = {"Delete": {"TableName": "UserAttributes", "Key": key("U#2")}}
    dynamodb.transact_write_items(TransactItems=[put, check])
    assert "dynamodb:DeleteItem" in refused(
        lambda: dynamodb.transact_write_items(TransactItems=[put, delete])
    )
    read = [{"Get": {"TableName": "UserAttributes", "Key": key("U#1")}}]
    assert "dynamodb:GetItem" in refused(lambda: dynamodb.transact_get_items(TransactItems=read))


def test_each_part_of_a_transaction_is_decided_by_its_own_action_and_key(
    function: Function, table: None
) -> None:
    dynamodb = function(
        partition("dynamodb:PutItem", "AUDIT#*", "U#*"),
        partition(["dynamodb:ConditionCheckItem", "dynamodb:UpdateItem"], "U#*"),
        partition("dynamodb:GetItem", "U#*"),
    )("dynamodb")

    def write(*parts: tuple[str, str]) -> Any:
        dynamodb.transact_write_items(TransactItems=[{kind: _part(kind, pk)} for kind, pk in parts])

    def read(*pks: str) -> Any:
        dynamodb.transact_get_items(TransactItems=[{"Get": _part("Get", pk)} for pk in pks])

    write(("Put", "AUDIT#1"), ("Update", "U#1"), ("ConditionCheck", "U#2"))
    assert "dynamodb:UpdateItem" in refused(
        lambda: write(("Put", "AUDIT#2"), ("Update", "AUDIT#1"))
    )
    assert "dynamodb:PutItem" in refused(
        lambda: write(("Put", "AUDIT#2"), ("Put", "R#admin"), ("Update", "U#1"))
    )
    assert "dynamodb:ConditionCheckItem" in refused(
        lambda: write(("Put", "U#9"), ("ConditionCheck", "R#admin"))
    )
    assert "dynamodb:DeleteItem" in refused(lambda: write(("Put", "U#9"), ("Delete", "U#1")))
    read("U#1", "U#2")
    assert "dynamodb:GetItem" in refused(lambda: read("U#1", "KEY#cursor"))


def _part(kind: str, pk: str) -> dict[str, Any]:
    table: dict[str, Any] = {"TableName": "UserAttributes"}
    if kind == "Put":
        return table | {"Item": key(pk)}
    condition = (
        {"ConditionExpression": "attribute_not_exists(absent)"} if kind == "ConditionCheck" else {}
    )
    update = (
        {"UpdateExpression": "SET x = :x", "ExpressionAttributeValues": {":x": {"S": "x"}}}
        if kind == "Update"
        else {}
    )
    return table | {"Key": key(pk)} | condition | update


def test_a_query_on_an_index_is_decided_by_the_indexs_key(function: Function, table: None) -> None:
    dynamodb = function(
        partition("dynamodb:Query", "U#*"),
        partition("dynamodb:Query", "ROLE#*", resource=f"{TABLE}/index/GSI1"),
    )("dynamodb")

    def query(name: str, value: str, **index: str) -> Any:
        condition = {
            "KeyConditionExpression": f"{name} = :k",
            "ExpressionAttributeValues": {":k": {"S": value}},
        }
        return dynamodb.query(TableName="UserAttributes", **condition, **index)

    query("pk", "U#1")
    query("gsi1pk", "ROLE#admin", IndexName="GSI1")
    refused(lambda: query("pk", "ROLE#admin"))
    refused(lambda: query("gsi1pk", "U#1", IndexName="GSI1"))
    refused(lambda: query("gsi1pk", "ROLES", IndexName="GSI1"))
    refused(lambda: query("pk", "ROLE#admin", IndexName="GSI1"))  # pk is not the key of the index


def test_a_scan_has_no_keys_and_is_denied_by_null(function: Function, table: None) -> None:
    dynamodb = function(partition(["dynamodb:Scan", "dynamodb:Query"], "*"))("dynamodb")
    refused(lambda: dynamodb.scan(TableName="UserAttributes"))


@pytest.mark.parametrize("unreadable", [{}, {"pk": {"M": {}}}, {"sk": {"S": "META"}}])
def test_an_unreadable_key_is_refused(
    function: Function, table: None, unreadable: dict[str, Any]
) -> None:
    function(partition("dynamodb:PutItem", "U#*"))
    parts = [
        {"Put": {"TableName": "UserAttributes", "Item": item}} for item in (key("U#1"), unreadable)
    ]
    [found] = accesses(call("dynamodb", "TransactWriteItems", {"TransactItems": parts}))
    assert found.context["dynamodb:LeadingKeys"] is None
    decision = sessions.role_may(
        f"arn:aws:iam::{ACCOUNT}:role/users", found.action, found.resource, found.context
    )
    assert not decision.allowed


def test_partiql_is_refused_for_every_role(function: Function, table: None) -> None:
    dynamodb = function(allow("*"))("dynamodb")
    select = {"Statement": 'SELECT * FROM "UserAttributes"'}
    calls: list[Callable[[], Any]] = [
        lambda: dynamodb.execute_statement(**select),
        lambda: dynamodb.batch_execute_statement(Statements=[select]),
        lambda: dynamodb.execute_transaction(TransactStatements=[select]),
    ]
    for ask in calls:
        with pytest.raises(ClientError, match=r"NotEmulated.*PartiQL statements are not emulated"):
            ask()


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"\xff", b'{"TableName": 7}', b'{"RequestItems": {"t": 7}}', b'{"Key": []}'],
)
@pytest.mark.parametrize(
    "action",
    ["GetItem", "BatchGetItem", "BatchWriteItem", "TransactWriteItems", "Query", "DescribeTable"],
)
def test_a_malformed_body_is_refused(aws: None, action: str, body: bytes) -> None:
    make_role("users", [allow("dynamodb:*", TABLE)])
    access_key, _, token, _ = sessions.credentials_for(
        f"arn:aws:iam::{ACCOUNT}:role/users", "worker"
    )
    odd = AwsCall(
        "dynamodb",
        "POST",
        "/",
        "",
        {"x-amz-security-token": token},
        body,
        REGION,
        action,
        access_key,
    )
    answer = asyncio.run(IamGate().check(odd))
    assert answer is not None
    assert answer.status == 400
