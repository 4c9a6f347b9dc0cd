"""Operations on items: their effects, and AWS's messages of refusals."""

from itertools import chain
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws_tests.dynamodb.conftest import Endpoint


def item(pk: str, sk: str = "a", **attributes: Any) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}, **attributes}


def query(aws: Endpoint, table: str, pk: str, **options: Any) -> list[str]:
    """Return the sort keys."""
    answer = aws.client.query(**{
        "TableName": table, "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": pk}},
    } | options)  # fmt: skip
    return [each["sk"]["S"] for each in answer["Items"]]


def test_every_type_is_read_as_written(aws: Endpoint) -> None:
    table = aws.table("types")
    values: dict[str, Any] = {
        "text": {"S": "grüße 🎈"}, "empty": {"S": ""}, "bytes": {"B": b"\x00\xff"}, "true": {"BOOL": True},
        "nothing": {"NULL": True}, "list": {"L": [{"S": "a"}, {"M": {"b": {"N": "1"}}}]},
        "texts": {"SS": ["a", "b"]}, "numbers": {"NS": ["-1", "2", "10"]}, "binaries": {"BS": [b"a", b"b"]},
        "long": {"N": "1234567890123456789012345678901234567.8"},
    }  # fmt: skip
    aws.client.put_item(TableName=table, Item=item("u", **values))
    assert aws.client.get_item(TableName=table, Key=item("u"))["Item"] == item("u", **values)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("1.0", "1"),
        ("1E3", "1000"),
        ("-0", "0"),
        ("0.00", "0"),
        ("1e-3", "0.001"),
        ("+5", "5"),
        ("007", "7"),
    ],
)
def test_numbers_have_one_canonical_form(aws: Endpoint, given: str, kept: str) -> None:
    if "numbers" not in aws.client.list_tables()["TableNames"]:
        aws.table("numbers")
    aws.client.put_item(TableName="numbers", Item=item(given, n={"N": given}))
    assert aws.client.get_item(TableName="numbers", Key=item(given))["Item"]["n"]["N"] == kept


def test_arithmetic_has_38_digits_of_precision(aws: Endpoint) -> None:
    table = aws.table("arithmetic")
    aws.client.put_item(TableName=table, Item=item("u", n={"N": "9" * 37}))
    aws.client.update_item(
        TableName=table,
        Key=item("u"),
        UpdateExpression="ADD n :one",
        ExpressionAttributeValues={":one": {"N": "0.5"}},
    )
    assert aws.client.get_item(TableName=table, Key=item("u"))["Item"]["n"]["N"] == "9" * 37 + ".5"


def test_conditions_on_sort_keys_are_ordered_and_bounded(aws: Endpoint) -> None:
    table = aws.table("ordered")
    for sk in ("b#1", "a", "b", "é", "b#2", "c"):
        aws.client.put_item(TableName=table, Item=item("u", sk))
    aws.client.put_item(TableName=table, Item=item("other", "b"))
    assert query(aws, table, "u") == ["a", "b", "b#1", "b#2", "c", "é"]
    assert query(aws, table, "u", ScanIndexForward=False) == ["é", "c", "b#2", "b#1", "b", "a"]
    bounds = {
        "pk = :pk AND begins_with(sk, :x)": ["b", "b#1", "b#2"],
        "sk BETWEEN :x AND :y AND pk = :pk": ["b", "b#1", "b#2", "c"],
        "(pk = :pk) and (sk < :x)": ["a"],
        "pk=:pk AND sk>=:y": ["c", "é"],
    }
    for condition, found in bounds.items():
        values = {":pk": {"S": "u"}, ":x": {"S": "b"}} | (
            {":y": {"S": "c"}} if ":y" in condition else {}
        )
        if ":x" not in condition:
            del values[":x"]
        assert (
            query(
                aws, table, "u", KeyConditionExpression=condition, ExpressionAttributeValues=values
            )
            == found
        )


def test_numbers_sort_by_value(aws: Endpoint) -> None:
    kinds = {"pk": "S", "n": "N"}
    table = aws.table(
        "by-number",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "n", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind} for name, kind in kinds.items()
        ],
        GlobalSecondaryIndexes=None,
    )
    numbers = [
        "-1" + "0" * 20,
        "-11",
        "-10",
        "-1.5",
        "-1",
        "-0.001",
        "0",
        "0.001",
        "0.5",
        "1",
        "1.5",
        "2",
        "10",
        "11",
        "1" + "0" * 20,
    ]
    for number in reversed(numbers):
        aws.client.put_item(TableName=table, Item={"pk": {"S": "u"}, "n": {"N": number}})
    found = aws.client.query(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "u"}},
    )
    assert [each["n"]["N"] for each in found["Items"]] == numbers


def test_results_are_paged_by_limit_and_by_size(aws: Endpoint) -> None:
    table = aws.table("pages")
    for number in range(5):
        aws.client.put_item(
            TableName=table, Item=item("u", str(number), gsi1pk={"S": "g"}, gsi1sk={"S": "same"})
        )
    for index in (
        {},
        {
            "IndexName": "GSI1",
            "KeyConditionExpression": "gsi1pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": "g"}},
        },
    ):
        for forward in (True, False):
            seen: list[str] = []
            start: dict[str, Any] = {}
            while True:
                answer = aws.client.query(**{
                    "TableName": table, "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "u"}},
                    "Limit": 2, "ScanIndexForward": forward,
                } | index | start)  # fmt: skip
                seen += [each["sk"]["S"] for each in answer["Items"]]
                if "LastEvaluatedKey" not in answer:
                    break
                start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
            assert seen == sorted("01234", reverse=not forward)
    for number in range(4):
        aws.client.put_item(
            TableName=table, Item=item("large", str(number), text={"S": "x" * 400_000})
        )
    page = aws.client.query(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "large"}},
    )
    assert (page["Count"], page["LastEvaluatedKey"]["sk"]["S"]) == (2, "1")


def test_an_index_contains_the_items_that_have_its_keys(aws: Endpoint) -> None:
    table = aws.table("indexed")
    aws.client.put_item(TableName=table, Item=item("1", gsi1pk={"S": "g"}, gsi1sk={"S": "a"}))
    aws.client.put_item(TableName=table, Item=item("2", gsi1pk={"S": "g"}))
    found = {"TableName": table, "IndexName": "GSI1", "KeyConditionExpression": "gsi1pk = :g"}
    values = {":g": {"S": "g"}}

    def keys() -> list[str]:
        return [
            each["pk"]["S"]
            for each in aws.client.query(**found, ExpressionAttributeValues=values)["Items"]
        ]

    assert keys() == ["1"]
    aws.client.update_item(
        TableName=table,
        Key=item("2"),
        UpdateExpression="SET gsi1sk = :v",
        ExpressionAttributeValues={":v": {"S": "0"}},
    )
    assert keys() == ["2", "1"]
    aws.client.update_item(TableName=table, Key=item("1"), UpdateExpression="REMOVE gsi1pk")
    assert keys() == ["2"]
    with pytest.raises(
        ClientError,
        match="Type mismatch for Index Key gsi1sk Expected: S Actual: N IndexName: GSI1",
    ):
        aws.client.put_item(TableName=table, Item=item("3", gsi1pk={"S": "g"}, gsi1sk={"N": "1"}))


def test_an_index_created_later_contains_the_existing_items(aws: Endpoint) -> None:
    table = aws.table("later")
    aws.client.put_item(TableName=table, Item=item("1", kind={"S": "cup"}))
    create = {
        "IndexName": "kinds", "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }  # fmt: skip
    attributes = [
        {"AttributeName": name, "AttributeType": "S"}
        for name in ("pk", "sk", "gsi1pk", "gsi1sk", "kind")
    ]
    changes = [{"Delete": {"IndexName": "GSI1"}}, {"Create": create}]
    aws.client.update_table(
        TableName=table, AttributeDefinitions=attributes, GlobalSecondaryIndexUpdates=changes
    )
    found = aws.client.query(
        TableName=table,
        IndexName="kinds",
        KeyConditionExpression="kind = :k",
        ExpressionAttributeValues={":k": {"S": "cup"}},
    )
    assert found["Items"] == [item("1", kind={"S": "cup"})]
    with pytest.raises(ClientError, match="The table does not have the specified index: GSI1"):
        aws.client.scan(TableName=table, IndexName="GSI1")


def test_a_recreated_table_is_empty(aws: Endpoint) -> None:
    table = aws.table("again")
    aws.client.put_item(TableName=table, Item=item("1"))
    assert aws.client.describe_table(TableName=table)["Table"]["ItemCount"] == 1
    aws.client.delete_table(TableName=table)
    aws.table("again")
    assert aws.client.scan(TableName=table)["Items"] == []


def test_the_segments_of_a_scan_contain_each_item_once(aws: Endpoint) -> None:
    table = aws.table("segments")
    for number in range(20):
        aws.client.put_item(TableName=table, Item=item(str(number)))
    parts = [
        [
            each["pk"]["S"]
            for each in aws.client.scan(TableName=table, Segment=part, TotalSegments=3)["Items"]
        ]
        for part in range(3)
    ]
    assert sorted(chain(*parts), key=int) == [str(number) for number in range(20)]
    assert all(parts)


CONDITIONS = {
    "attribute_exists(n) AND NOT attribute_exists(absent)": True,
    "attribute_not_exists(m.inside)": False,
    "attribute_type(n, :number)": True,
    "begins_with(s, :he)": True,
    "contains(s, :he) OR contains(ss, :he)": True,
    "contains(l, :five)": True,
    "size(s) = :five": True,
    "size(ss) > :five": False,
    "n BETWEEN :one AND :five": True,
    "n IN (:one, :five)": False,
    "n IN (:one, :three)": True,
    "l[0] = :five": True,
    "m.inside <> :he": True,
    "absent <> :he": True,
    "n < :he": False,
    "(n = :one OR n = :three) AND s <> :he": True,
    "n = :three AND n = :one OR s = :hello": True,
    "NOT n = :three": False,
}


@pytest.mark.parametrize(("condition", "holds"), CONDITIONS.items())
def test_conditions_are_evaluated(aws: Endpoint, condition: str, holds: bool) -> None:
    if "conditions" not in aws.client.list_tables()["TableNames"]:
        aws.table("conditions")
        attributes: dict[str, Any] = {
            "n": {"N": "3"}, "s": {"S": "hello"}, "ss": {"SS": ["a", "he"]}, "l": {"L": [{"N": "5"}]},
            "m": {"M": {"inside": {"S": "x"}}},
        }  # fmt: skip
        aws.client.put_item(TableName="conditions", Item=item("u", **attributes))
    values: dict[str, Any] = {
        ":number": {"S": "N"}, ":he": {"S": "he"}, ":hello": {"S": "hello"}, ":one": {"N": "1"}, ":three": {"N": "3.0"},
        ":five": {"N": "5"},
    }  # fmt: skip
    used = {
        name: value
        for name, value in values.items()
        if f"{name})" in condition.replace(",", ")").replace(" ", ")") + ")"
    }
    found = aws.client.scan(
        TableName="conditions",
        FilterExpression=condition,
        **({"ExpressionAttributeValues": used} if used else {}),
    )
    assert (found["Count"], found["ScannedCount"]) == (int(holds), 1)


UPDATES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("SET a = b, b = a", {}, {"a": {"N": "2"}, "b": {"N": "1"}}),
    ("SET a = :v - b", {":v": {"N": "1"}}, {"a": {"N": "-1"}}),
    ("SET a = if_not_exists(c, :v)", {":v": {"N": "7"}}, {"a": {"N": "7"}}),
    ("SET a = if_not_exists(a, :v)", {":v": {"N": "7"}}, {"a": {"N": "1"}}),
    (
        "SET l = list_append(l, :v)",
        {":v": {"L": [{"S": "z"}]}},
        {"l": {"L": [{"S": "x"}, {"S": "y"}, {"S": "z"}]}},
    ),
    ("SET l[9] = :v", {":v": {"S": "z"}}, {"l": {"L": [{"S": "x"}, {"S": "y"}, {"S": "z"}]}}),
    ("SET m.k = :v REMOVE a", {":v": {"S": "z"}}, {"m": {"M": {"k": {"S": "z"}}}, "a": None}),
    ("REMOVE l[0], l[1]", {}, {"l": {"L": []}}),
    ("ADD a :v, c :v", {":v": {"N": "5"}}, {"a": {"N": "6"}, "c": {"N": "5"}}),
    ("ADD ss :v", {":v": {"SS": ["b", "c"]}}, {"ss": {"SS": ["a", "b", "c"]}}),
    ("DELETE ss :v", {":v": {"SS": ["b", "z"]}}, {"ss": {"SS": ["a"]}}),
    ("DELETE ss :v", {":v": {"SS": ["a", "b"]}}, {"ss": None}),
]


@pytest.mark.parametrize(("expression", "values", "changed"), UPDATES)
def test_updates_change_attributes(
    aws: Endpoint, expression: str, values: dict[str, Any], changed: dict[str, Any]
) -> None:
    if "updates" not in aws.client.list_tables()["TableNames"]:
        aws.table("updates")
    before: dict[str, Any] = {
        "a": {"N": "1"}, "b": {"N": "2"}, "l": {"L": [{"S": "x"}, {"S": "y"}]}, "m": {"M": {}}, "ss": {"SS": ["a", "b"]},
    }  # fmt: skip
    aws.client.put_item(TableName="updates", Item=item("u", **before))
    answer = aws.client.update_item(
        TableName="updates", Key=item("u"), UpdateExpression=expression, ReturnValues="ALL_NEW",
        **({"ExpressionAttributeValues": values} if values else {}),
    )  # fmt: skip
    expected = {name: value for name, value in (before | changed).items() if value is not None}
    assert answer["Attributes"] == item("u", **expected)
    assert aws.client.get_item(TableName="updates", Key=item("u"))["Item"] == answer["Attributes"]


V = {":v": {"S": "x"}}
REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    ("put_item", {"Item": {"pk": {"S": "u"}}}, "Missing the key sk in the item"),
    ("put_item", {"Item": item("")}, "cannot contain an empty string value. Key: pk"),
    ("put_item", {"Item": {"pk": {"N": "1"}, "sk": {"S": "a"}}}, "Type mismatch for key pk expected: S actual: N"),
    ("put_item", {"Item": item("x" * 2049)}, "Size of hashkey has exceeded the maximum size limit of2048 bytes"),
    ("put_item", {"Item": item("x", "y" * 1025)}, "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"),
    ("put_item", {"Item": item("x", t={"S": "y" * 410_000})}, "Item size has exceeded the maximum allowed size"),
    ("put_item", {"Item": item("x", n={"N": "1" * 39})}, "more than 38 significant digits"),
    ("put_item", {"Item": item("x", n={"N": "1e126"})}, "Number overflow"),
    ("put_item", {"Item": item("x", n={"N": "ten"})}, "The parameter cannot be converted to a numeric value: ten"),
    ("put_item", {"Item": item("x", s={"SS": []})}, "An string set  may not be empty"),
    ("put_item", {"Item": item("x", s={"SS": ["a", "a"]})}, "contains duplicates"),
    ("put_item", {"Item": item("x"), "ConditionExpression": "pk = :v"}, "attribute value: :v"),
    ("put_item", {"Item": item("x"), "ConditionExpression": "#n = :v", "ExpressionAttributeValues": V}, "attribute name: #n"),
    ("put_item", {"Item": item("x"), "ConditionExpression": "status = :v", "ExpressionAttributeValues": V}, "reserved keyword: status"),
    ("put_item", {"Item": item("x"), "ConditionExpression": "pk = :v", "ExpressionAttributeValues": {**V, ":w": {"S": "x"}}}, "unused in expressions: keys: {:w}"),
    ("put_item", {"Item": item("x"), "ConditionExpression": "pk = = :v", "ExpressionAttributeValues": V}, "Syntax error"),
    ("put_item", {"Item": item("x"), "ExpressionAttributeValues": V}, "can only be specified when using expressions"),
    ("get_item", {"Key": {"pk": {"S": "u"}}}, "The provided key element does not match the schema"),
    ("get_item", {"Key": item("u", z={"S": "a"})}, "The provided key element does not match the schema"),
    ("update_item", {"Key": item("u"), "UpdateExpression": "SET pk = :v", "ExpressionAttributeValues": V}, "This attribute is part of the key"),
    ("update_item", {"Key": item("u"), "UpdateExpression": "SET a = :v, a.b = :v", "ExpressionAttributeValues": V}, "Two document paths overlap"),
    ("update_item", {"Key": item("u"), "UpdateExpression": "SET a = :v SET b = :v", "ExpressionAttributeValues": V}, 'The "SET" section can only be used once'),
    ("update_item", {"Key": item("u"), "UpdateExpression": "ADD a :v", "ExpressionAttributeValues": V}, "operator: ADD, operand type: STRING"),
    ("update_item", {"Key": item("u"), "UpdateExpression": "SET a = b"}, "refers to an attribute that does not exist in the item"),
    ("update_item", {"Key": item("u"), "UpdateExpression": "SET a.b = :v", "ExpressionAttributeValues": V}, "is invalid for update"),
    ("query", {"KeyConditionExpression": "sk = :v", "ExpressionAttributeValues": V}, "missed key schema element: pk"),
    ("query", {"KeyConditionExpression": "pk > :v", "ExpressionAttributeValues": V}, "Query key condition not supported"),
    ("query", {"KeyConditionExpression": "pk = :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}, "does not match schema type"),
    ("query", {"KeyConditionExpression": "gsi1pk = :v", "ExpressionAttributeValues": V, "IndexName": "GSI1", "ConsistentRead": True}, "Consistent reads are not supported"),
    ("query", {"KeyConditionExpression": "pk = :v", "ExpressionAttributeValues": V, "ExclusiveStartKey": item("other")}, "outside query boundaries"),
    ("scan", {"TableName": "absent"}, "Requested resource not found"),
    ("scan", {"ScanFilter": {"pk": {}}}, "NotEmulated"),
    ("create_backup", {"BackupName": "one"}, "NotEmulated"),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "request_", "message"), REFUSALS)
def test_invalid_calls_are_refused_with_awss_message(
    aws: Endpoint, operation: str, request_: dict[str, Any], message: str
) -> None:
    if "refusals" not in aws.client.list_tables()["TableNames"]:
        aws.table("refusals")
    with pytest.raises(ClientError) as raised:
        getattr(aws.client, operation)(**{"TableName": "refusals"} | request_)
    assert message in str(raised.value)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == (
        501 if message == "NotEmulated" else 400
    )


def test_consumed_capacity_is_counted_as_on_aws(aws: Endpoint) -> None:
    table = aws.table("capacity")
    whole: dict[str, Any] = {"TableName": table, "ReturnConsumedCapacity": "INDEXES"}
    put = aws.client.put_item(
        **whole, Item=item("u", t={"S": "x" * 1500}, gsi1pk={"S": "g"}, gsi1sk={"S": "a"})
    )
    assert put["ConsumedCapacity"]["CapacityUnits"] == 4
    assert put["ConsumedCapacity"]["GlobalSecondaryIndexes"] == {"GSI1": {"CapacityUnits": 2}}
    assert aws.client.get_item(**whole, Key=item("u"))["ConsumedCapacity"]["CapacityUnits"] == 0.5
    strong = aws.client.get_item(**whole, Key=item("u"), ConsistentRead=True)
    assert strong["ConsumedCapacity"]["CapacityUnits"] == 1
    delete = [{"Delete": {"TableName": table, "Key": item("u")}}]
    done = aws.client.transact_write_items(TransactItems=delete, ReturnConsumedCapacity="TOTAL")
    assert [each["CapacityUnits"] for each in done["ConsumedCapacity"]] == [8]
