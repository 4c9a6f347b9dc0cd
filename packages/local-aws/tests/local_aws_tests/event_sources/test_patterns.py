"""Lambda's filter syntax, each rule with AWS's own examples."""

import json

import pytest

from local_aws.event_sources.patterns import PatternError, matches, parse

EVENT = {
    "UserID": None,
    "LastName": "",
    "Name": "Alice",
    "Location": "New York",
    "Day": "Monday",
    "Price": 100,
    "Score": 99.5,
    "Open": True,
    "ProductName": {"S": "tea"},
    "Region": "us-east-1",
    "FileName": "photo.png",
    "Age": {"N": "30"},
    "Tags": ["red", "blue"],
    "Lines": [{"sku": "a"}, {"sku": "b"}],
}


@pytest.mark.parametrize(
    ("pattern", "holds"),
    [
        ({"UserID": [None]}, True),
        ({"LastName": [""]}, True),
        ({"LastName": [None]}, False),
        ({"Name": ["Alice"]}, True),
        ({"Name": ["alice"]}, False),
        ({"Name": [{"equals-ignore-case": "alice"}]}, True),
        ({"Location": ["New York"], "Day": ["Monday"]}, True),
        ({"Location": ["New York"], "Day": ["Friday"]}, False),
        ({"Day": ["Friday", "Monday"]}, True),
        ({"$or": [{"Location": ["Rome"]}, {"Day": ["Monday"]}]}, True),
        ({"$or": [{"Location": ["Rome"]}, {"Day": ["Friday"]}]}, False),
        ({"Day": [{"anything-but": ["Friday"]}]}, True),
        ({"Day": [{"anything-but": "Monday"}]}, False),
        ({"Day": [{"anything-but": {"prefix": "Mon"}}]}, False),
        ({"Absent": [{"anything-but": ["x"]}]}, False),
        ({"Price": [{"numeric": ["=", 100]}]}, True),
        ({"Price": [100.0]}, True),
        ({"Open": [1]}, False),
        ({"Open": [True]}, True),
        ({"Price": [{"numeric": [">", 10, "<=", 20]}]}, False),
        ({"Score": [{"numeric": [">", 99, "<", 100]}]}, True),
        ({"Age": {"N": [{"numeric": ["=", 30]}]}}, False),  # DynamoDB sends numbers as text
        ({"Age": {"N": ["30"]}}, True),
        ({"Name": [{"exists": True}]}, True),
        ({"Absent": [{"exists": False}]}, True),
        ({"Name": [{"exists": False}]}, False),
        ({"ProductName": [{"exists": True}]}, False),  # `exists` applies to leaves only
        ({"ProductName": {"S": [{"exists": True}]}}, True),
        ({"Absent": {"S": [{"exists": False}]}}, True),
        ({"Region": [{"prefix": "us-"}]}, True),
        ({"Region": [{"prefix": {"equals-ignore-case": "US-"}}]}, True),
        ({"FileName": [{"suffix": ".png"}]}, True),
        ({"Price": [{"prefix": "1"}]}, False),
        ({"Tags": ["blue"]}, True),
        ({"Lines": {"sku": ["b"]}}, True),
        ({"Lines": {"sku": ["c"]}}, False),
    ],
)
def test_a_pattern_matches_as_on_aws(pattern: dict[str, object], holds: bool) -> None:
    assert matches(parse(json.dumps(pattern)), EVENT) is holds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("{}", "the pattern must be an object with at least one key"),
        ("[]", "the pattern must be an object with at least one key"),
        ('{"a": 1}', "the pattern.a must be an object or a list"),
        ('{"a": {"b": []}}', "the pattern.a.b must be an object or a list"),
        ('{"a": [["x"]]}', "a nested list"),
        ('{"a": [{"wildcard": "x*"}]}', "the rules are exists"),
        ('{"a": [{"exists": "yes"}]}', "not one of exists"),
        ('{"a": [{"numeric": ["~", 1]}]}', "not one of numeric"),
        ('{"a": [{"numeric": [">", "1"]}]}', "not one of numeric"),
        ('{"a": [{"anything-but": [{"prefix": "x"}]}]}', "not one of anything-but"),
        ('{"$or": [{"a": ["b"]}]}', "at least two patterns"),
    ],
)
def test_an_invalid_pattern_is_refused_with_the_place(text: str, said: str) -> None:
    with pytest.raises(PatternError, match=said):
        parse(text)
