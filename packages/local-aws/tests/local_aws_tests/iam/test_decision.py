"""AWS's evaluation logic as a table of cases from its documentation.

Where the documentation is silent, the decision fails closed.
"""

import json
from typing import Any

import pytest
from hypothesis import strategies as st

from local_aws.iam.context import UNKNOWN, Context
from local_aws.iam.decision import BOUNDARY, decide
from local_aws.iam.policy import parse
from local_aws_tests.support.generated import given

TABLE = "arn:aws:dynamodb:eu-central-1:000000000000:table/UserAttributes"
Document = dict[str, Any]


def allow(**more: Any) -> Document:
    return {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": TABLE} | more


def deny(**more: Any) -> Document:
    return allow(**more) | {"Effect": "Deny"}


def without(statement: Document, *names: str) -> Document:
    return {name: value for name, value in statement.items() if name not in names}


def allowed(
    statements: list[Document],
    context: Context | None = None,
    action: str = "dynamodb:GetItem",
    resource: str = TABLE,
    version: str = "2012-10-17",
) -> bool:
    policy = parse(json.dumps({"Version": version, "Statement": statements}), "p")
    return decide([policy], action, resource, context or {}).allowed


EFFECTS = [
    pytest.param([], False, id="nothing is an implicit deny"),
    pytest.param([allow()], True, id="an allow"),
    pytest.param([allow(), deny()], False, id="a deny after an allow wins"),
    pytest.param([deny(), allow()], False, id="a deny before an allow wins"),
    pytest.param(
        [deny(Action="dynamodb:PutItem"), allow()],
        True,
        id="a deny of something else does not matter",
    ),
    pytest.param([allow(Action="dynamodb:*")], True, id="wildcard action"),
    pytest.param([allow(Action="*")], True, id="any action"),
    pytest.param([allow(Action="DynamoDB:getitem")], True, id="actions ignore case"),
    pytest.param([allow(Action="dynamodb:Get????")], True, id="? is one character"),
    pytest.param([allow(Action="dynamodb:GetItem?")], False, id="? is not none"),
    pytest.param([allow(Action=["s3:*", "dynamodb:G*m"])], True, id="any of several actions"),
    pytest.param([allow(Action="dynamodb:Get")], False, id="an action is matched whole"),
    pytest.param(
        [without(allow(NotAction="s3:*"), "Action")], True, id="NotAction of another service"
    ),
    pytest.param(
        [without(allow(NotAction="dynamodb:Get*"), "Action")], False, id="NotAction of this one"
    ),
    pytest.param([allow(Resource="*")], True, id="any resource"),
    pytest.param([allow(Resource=TABLE + "/index/*")], False, id="an index is not its table"),
    pytest.param([allow(Resource=TABLE.lower())], False, id="resources heed case"),
    pytest.param(
        [allow(Resource="arn:aws:dynamodb:*:*:table/User*")], True, id="wildcards in an ARN"
    ),
    pytest.param(
        [allow(Resource="arn:aws:dynamodb:*")],
        True,
        id="a wildcard that ends a segment crosses colons",
    ),
    pytest.param(
        [allow(Resource="arn:aws:dynamodb:*Attributes")], False, id="and no other one does"
    ),
    pytest.param([allow(Resource=TABLE.replace("User", "????"))], True, id="? in a resource"),
    pytest.param(
        [allow(Resource=TABLE.replace(".", "x") + "x")], False, id="a longer name is another table"
    ),
    pytest.param([allow(Resource=[TABLE + "2", TABLE])], True, id="any of several resources"),
    pytest.param(
        [without(allow(NotResource=TABLE), "Resource")], False, id="NotResource of this one"
    ),
    pytest.param(
        [without(allow(NotResource=TABLE + "2"), "Resource")], True, id="NotResource of another"
    ),
    pytest.param(
        [allow(), without(deny(NotResource=TABLE), "Resource")], True, id="deny all but this table"
    ),
    pytest.param(
        [allow(Resource="*"), without(deny(NotResource=TABLE + "2"), "Resource")],
        False,
        id="deny this one",
    ),
]


@pytest.mark.parametrize(("statements", "expected"), EFFECTS)
def test_effects_actions_and_resources_decide(statements: list[Document], expected: bool) -> None:
    assert allowed(statements) is expected


KEY = "dynamodb:LeadingKeys"
MINE: Context = {
    KEY: ["U#1"],
    "aws:PrincipalArn": "arn:aws:iam::000000000000:role/users",
    "aws:SourceIp": "10.0.1.7",
}

CONDITIONS = [
    pytest.param("StringEquals", KEY, "U#1", MINE, True, id="equal"),
    pytest.param("StringEquals", KEY.upper(), "U#1", MINE, True, id="keys ignore case"),
    pytest.param("StringEquals", KEY, "u#1", MINE, False, id="values heed case"),
    pytest.param("StringEqualsIgnoreCase", KEY, "u#1", MINE, True, id="unless told"),
    pytest.param("StringEquals", KEY, ["U#2", "U#1"], MINE, True, id="any of several values"),
    pytest.param("StringEquals", KEY, "U#*", MINE, False, id="StringEquals knows no wildcard"),
    pytest.param("StringLike", KEY, "U#?", MINE, True, id="StringLike does"),
    pytest.param("StringNotEquals", KEY, ["U#2", "U#3"], MINE, True, id="none of several"),
    pytest.param(
        "StringNotEquals", KEY, ["U#1", "U#3"], MINE, False, id="not if it is one of them"
    ),
    pytest.param("StringNotLike", KEY, "U#*", MINE, False, id="StringNotLike"),
    pytest.param("StringEquals", "aws:Gone", "x", MINE, False, id="a missing key equals nothing"),
    pytest.param(
        "StringNotEquals", "aws:Gone", "x", MINE, True, id="a missing key differs from everything"
    ),
    pytest.param(
        "StringEqualsIfExists", "aws:Gone", "x", MINE, True, id="IfExists of a missing key"
    ),
    pytest.param("StringEqualsIfExists", KEY, "U#2", MINE, False, id="IfExists of a present key"),
    pytest.param("Null", "aws:Gone", "true", MINE, True, id="Null: absent"),
    pytest.param("Null", "aws:Gone", False, MINE, False, id="Null: present, as a JSON boolean"),
    pytest.param("Null", KEY, "false", MINE, True, id="Null of a present key"),
    pytest.param("Null", KEY, "maybe", MINE, False, id="Null of nonsense"),
    pytest.param(
        "ForAllValues:StringEquals",
        KEY,
        ["U#1"],
        {KEY: ["U#1", "U#1"]},
        True,
        id="all values match",
    ),
    pytest.param(
        "ForAllValues:StringEquals",
        KEY,
        ["U#1"],
        {KEY: ["U#1", "U#2"]},
        False,
        id="one of them does not",
    ),
    pytest.param(
        "ForAllValues:StringLike",
        KEY,
        ["U#*", "R#*"],
        {KEY: ["U#1", "R#2"]},
        True,
        id="each matches one",
    ),
    pytest.param(
        "ForAllValues:StringEquals",
        KEY,
        ["U#1"],
        {},
        True,
        id="ForAllValues of no key is true, on AWS too",
    ),
    pytest.param("ForAllValues:StringEquals", KEY, ["U#1"], {KEY: []}, True, id="and of no values"),
    pytest.param(
        "ForAnyValue:StringEquals",
        KEY,
        ["U#1"],
        {KEY: ["U#2", "U#1"]},
        True,
        id="one value matches",
    ),
    pytest.param(
        "ForAnyValue:StringEquals", KEY, ["U#1"], {KEY: ["U#2"]}, False, id="no value matches"
    ),
    pytest.param(
        "ForAnyValue:StringEquals", KEY, ["U#1"], {}, False, id="ForAnyValue of no key is false"
    ),
    pytest.param("ForAnyValue:StringNotEquals", KEY, ["U#1"], {}, False, id="also negated"),
    pytest.param(
        "ForAllValues:StringNotEquals",
        KEY,
        ["U#1"],
        {KEY: ["U#2", "U#1"]},
        False,
        id="none may be it",
    ),
    pytest.param(
        "ForAnyValue:StringNotEquals",
        KEY,
        ["U#1"],
        {KEY: ["U#2", "U#1"]},
        True,
        id="one must differ",
    ),
    pytest.param(
        "ForAnyValue:StringEqualsIfExists", KEY, ["U#1"], {}, True, id="a quantifier and IfExists"
    ),
    pytest.param(
        "ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/use*", MINE, True, id="ArnLike by part"
    ),
    pytest.param(
        "ArnLike",
        "aws:PrincipalArn",
        "arn:aws:*:role/users",
        MINE,
        False,
        id="its * crosses no colon",
    ),
    pytest.param(
        "ArnEquals",
        "aws:PrincipalArn",
        "arn:aws:iam::*:role/users",
        MINE,
        True,
        id="ArnEquals is ArnLike",
    ),
    pytest.param(
        "ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/x*", MINE, True, id="ArnNotLike"
    ),
    pytest.param("NumericLessThan", "n", "10", {"n": "9"}, True, id="numbers are not texts"),
    pytest.param("NumericLessThanEquals", "n", 10, {"n": "10.0"}, True, id="a JSON number"),
    pytest.param("NumericGreaterThan", "n", "9.5", {"n": "10"}, True, id="decimals"),
    pytest.param("NumericEquals", "n", "10", {"n": "ten"}, False, id="not a number"),
    pytest.param(
        "NumericNotEquals", "n", "10", {"n": "ten"}, False, id="not a number is not another number"
    ),
    pytest.param(
        "Bool",
        "aws:SecureTransport",
        True,
        {"aws:SecureTransport": "true"},
        True,
        id="a JSON boolean",
    ),
    pytest.param(
        "Bool",
        "aws:SecureTransport",
        "FALSE",
        {"aws:SecureTransport": "false"},
        True,
        id="ignoring case",
    ),
    pytest.param("Bool", "aws:Gone", "false", {}, False, id="missing is not false"),
    pytest.param(
        "DateLessThan",
        "t",
        "2026-01-01T00:00:00Z",
        {"t": "2025-12-31T23:59:59Z"},
        True,
        id="before",
    ),
    pytest.param(
        "DateGreaterThan",
        "t",
        "2026-01-01T01:00:00+02:00",
        {"t": "2025-12-31T23:30:00Z"},
        True,
        id="zones",
    ),
    pytest.param(
        "DateLessThan", "t", "2026-01-01", {"t": "1767225599"}, True, id="epoch seconds and a day"
    ),
    pytest.param("DateEquals", "t", "yesterday", {"t": "2025-12-31"}, False, id="not a date"),
    pytest.param("IpAddress", "aws:SourceIp", "10.0.0.0/16", MINE, True, id="in a network"),
    pytest.param(
        "IpAddress", "aws:SourceIp", ["10.1.0.0/16", "10.0.1.7"], MINE, True, id="one address"
    ),
    pytest.param("NotIpAddress", "aws:SourceIp", "10.0.0.0/16", MINE, False, id="not in a network"),
    pytest.param("IpAddress", "aws:SourceIp", "2001:db8::/32", MINE, False, id="the other family"),
    pytest.param("IpAddress", "aws:SourceIp", "10.0.0.0/99", MINE, False, id="no network"),
    pytest.param("BinaryEquals", "b", "QUI=", {"b": "QUI="}, True, id="base64"),
]


@pytest.mark.parametrize(("operator", "key", "values", "context", "met"), CONDITIONS)
def test_an_allow_applies_if_its_condition_is_true(
    operator: str, key: str, values: Any, context: Context, met: bool
) -> None:
    assert allowed([allow(Condition={operator: {key: values}})], context) is met


UNDECIDABLE: list[Any] = [
    pytest.param({"StringMatches": {KEY: "U#1"}}, MINE, id="an unknown operator"),
    pytest.param({"ForSomeValues:StringEquals": {KEY: "U#1"}}, MINE, id="an unknown quantifier"),
    pytest.param({"ForAllValues:Null": {KEY: "true"}}, MINE, id="Null with a quantifier"),
    pytest.param(
        {"NumericLessThan": {"n": "ten"}}, {"n": "1"}, id="a policy value of the wrong type"
    ),
    pytest.param(
        {"NumericNotEquals": {"n": "10"}}, {"n": "ten"}, id="a request value of the wrong type"
    ),
    pytest.param(
        {"StringEquals": {KEY: "U#1"}},
        {KEY: ["U#1", "U#2"]},
        id="several values without a quantifier",
    ),
    pytest.param(
        {"ForAllValues:StringEquals": {KEY: "U#1"}},
        {KEY: UNKNOWN},
        id="a value that only AWS knows",
    ),
    pytest.param(
        {"StringNotEquals": {"aws:ResourceTag/a": "b"}},
        {"aws:ResourceTag/*": UNKNOWN},
        id="tags of a resource",
    ),
    pytest.param(
        {"StringNotEquals": {KEY: "${aws:Gone}"}}, MINE, id="not a variable without a value"
    ),
    pytest.param("StringEquals", MINE, id="a condition that is none"),
    pytest.param({"StringEquals": {KEY: {"a": "b"}}}, MINE, id="a value that is none"),
]


@pytest.mark.parametrize(("condition", "context"), UNDECIDABLE)
def test_an_undecidable_condition_allows_nothing(condition: Any, context: Context) -> None:
    assert not allowed([allow(Condition=condition)], context)
    assert not allowed([allow(), deny(Condition=condition)], context)


def test_a_false_condition_outweighs_an_undecidable_one() -> None:
    doubtful = {"StringMatches": {KEY: "U#1"}, "StringEquals": {KEY: "U#2"}}
    assert allowed([allow(), deny(Condition=doubtful)], MINE)


def test_all_operators_and_all_keys_must_match() -> None:
    both = {"StringEquals": {KEY: "U#1", "aws:SourceIp": "10.0.1.7"}, "Bool": {"b": "true"}}
    assert allowed([allow(Condition=both)], {**MINE, "b": "true"})
    assert not allowed([allow(Condition=both)], {**MINE, "b": "false"})
    assert not allowed([allow(Condition=both)], {**MINE, "b": "true", "aws:SourceIp": "10.0.1.8"})


MALFORMED: list[Any] = [
    pytest.param({"Effect": "deny", "Action": "s3:*", "Resource": "*"}, id="effects heed case"),
    pytest.param({"Effect": "Deny", "Resource": "*"}, id="no action"),
    pytest.param({"Effect": "Deny", "Action": "s3:*"}, id="no resource"),
    pytest.param(
        {"Effect": "Deny", "Action": "s3:*", "NotAction": "s3:*", "Resource": "*"}, id="both"
    ),
    pytest.param({"Effect": "Deny", "Action": [], "Resource": "*"}, id="an empty list"),
    pytest.param({"Effect": "Deny", "Action": 7, "Resource": "*"}, id="a number"),
    pytest.param(
        {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Principal": "*"}, id="a principal"
    ),
    pytest.param("Deny", id="a text"),
]


@pytest.mark.parametrize("statement", MALFORMED)
def test_a_malformed_deny_denies_everything(statement: Any) -> None:
    assert not allowed([allow(), statement])


def test_a_malformed_allow_does_not_affect_other_statements() -> None:
    broken = {"Effect": "Allow", "Action": "dynamodb:*"}
    assert not allowed([broken])
    assert allowed([broken, allow()])


@pytest.mark.parametrize("document", ["", "[]", "{}", '{"Version": "2020-01-01", "Statement": []}'])
def test_an_invalid_document_denies_everything(document: str) -> None:
    whole = parse(json.dumps({"Version": "2012-10-17", "Statement": [allow()]}))
    decision = decide([whole, parse(document, "broken")], "dynamodb:GetItem", TABLE, {})
    assert not decision.allowed
    assert "the document" in decision.reason


WHO: Context = {
    "aws:username": "ada",
    "aws:PrincipalTag/team": "x*",
    "aws:userid": UNKNOWN,
    "tags": ["a", "b"],
}
VARIABLES = [
    pytest.param(
        "arn:aws:s3:::bucket/${aws:username}/x", "arn:aws:s3:::bucket/ada/x", True, id="a value"
    ),
    pytest.param(
        "arn:aws:s3:::bucket/${ AWS:UserName }/*",
        "arn:aws:s3:::bucket/ada/x",
        True,
        id="names ignore case and blanks",
    ),
    pytest.param(
        "arn:aws:s3:::bucket/${aws:username}/x",
        "arn:aws:s3:::bucket/${aws:username}/x",
        False,
        id="not the text itself",
    ),
    pytest.param(
        "arn:aws:s3:::bucket/${aws:PrincipalTag/team}", "arn:aws:s3:::bucket/x*", True, id="a tag"
    ),
    pytest.param(
        "arn:aws:s3:::bucket/${aws:PrincipalTag/team}",
        "arn:aws:s3:::bucket/xyz",
        False,
        id="a value brings no wildcard",
    ),
    pytest.param(
        "arn:aws:s3:::bucket/${aws:Gone}",
        "arn:aws:s3:::bucket/",
        False,
        id="no value matches nothing",
    ),
    pytest.param(
        "arn:aws:s3:::bucket/${aws:Gone, 'public'}",
        "arn:aws:s3:::bucket/public",
        True,
        id="a default",
    ),
    pytest.param(
        "arn:aws:s3:::bucket/${aws:username, 'public'}",
        "arn:aws:s3:::bucket/public",
        False,
        id="a default is not for a value",
    ),
    pytest.param("arn:aws:s3:::bucket/${*}", "arn:aws:s3:::bucket/*", True, id="an asterisk"),
    pytest.param(
        "arn:aws:s3:::bucket/${*}", "arn:aws:s3:::bucket/x", False, id="that is no wildcard"
    ),
    pytest.param(
        "arn:aws:s3:::bucket/${?}${$}",
        "arn:aws:s3:::bucket/?$",
        True,
        id="question mark and dollar",
    ),
    pytest.param(
        "arn:aws:s3:::bucket/${tags}", "arn:aws:s3:::bucket/a", False, id="several values"
    ),
    pytest.param(
        "arn:aws:s3:::bucket/${aws:userid}", "arn:aws:s3:::bucket/a", False, id="an unknown value"
    ),
]


@pytest.mark.parametrize(("pattern", "resource", "expected"), VARIABLES)
def test_policy_variables_are_replaced(pattern: str, resource: str, expected: bool) -> None:
    assert allowed([allow(Resource=pattern)], WHO, resource=resource) is expected


def test_variables_are_plain_text_in_the_old_version() -> None:
    assert allowed(
        [allow(Resource="arn:aws:s3:::b/${aws:username}")],
        WHO,
        resource="arn:aws:s3:::b/${aws:username}",
        version="2008-10-17",
    )


@pytest.mark.parametrize("variable", ["${aws:Gone}", "${aws:userid}"])
def test_not_resource_with_a_variable_without_a_value_allows_nothing(variable: str) -> None:
    assert not allowed([without(allow(NotResource=f"arn:aws:s3:::b/{variable}"), "Resource")], WHO)
    assert not allowed(
        [allow(), without(deny(NotResource=f"arn:aws:s3:::b/{variable}"), "Resource")], WHO
    )


def test_a_deny_of_an_unknown_value_denies() -> None:
    assert not allowed([allow(), deny(Resource="arn:aws:s3:::b/${aws:userid}")], WHO)


def test_variables_in_conditions_are_replaced() -> None:
    own = {"ForAllValues:StringLike": {KEY: "U#${aws:username}"}}
    assert allowed([allow(Condition=own)], {KEY: ["U#ada"], "aws:username": "ada"})
    assert not allowed([allow(Condition=own)], {KEY: ["U#ada", "U#bob"], "aws:username": "ada"})
    assert not allowed([allow(Condition=own)], {KEY: ["U#anything"], "aws:username": "*"})


def test_a_refusal_has_awss_reason() -> None:
    policy = parse(json.dumps({"Version": "2012-10-17", "Statement": [deny(Sid="Never")]}), "guard")
    implicit, explicit = (
        decide([], "s3:GetObject", "*", {}),
        decide([policy], "dynamodb:GetItem", TABLE, {}),
    )
    assert implicit.reason == "because no identity-based policy allows the s3:GetObject action"
    assert (explicit.reason, explicit.statement) == (
        "with an explicit deny in an identity-based policy",
        "guard/Never",
    )
    assert decide([], "s3:GetObject", "*", {}, BOUNDARY).reason == (
        "because no permissions boundary allows the s3:GetObject action"
    )


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "Effect",
                        "Action",
                        "Resource",
                        "NotResource",
                        "Condition",
                        "StringEquals",
                        "Statement",
                    ]
                ),
                x,
            )
        ),
    )
)
def test_no_document_raises_or_allows_by_mistake(content: Any) -> None:
    policy = parse(json.dumps({"Version": "2012-10-17", "Statement": [content, deny()]}))
    assert not decide([policy], "dynamodb:GetItem", TABLE, MINE).allowed
