"""`make iam-report`: recorded calls of functions, and permissions that none of them used."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_aws.iam import record, sessions
from local_aws_tests.iam.calls import TABLE, allow, key, own_items, partition, refused
from local_aws_tests.iam.conftest import ACCOUNT, REGION, document, make_role
from tools.laptop import iam_report as report
from tools.laptop.iam_report import Allowlist, GrantedTogether, Permission, Unused

Function = Callable[..., Callable[[str], Any]]


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "iam-calls.jsonl"
    record.record.to(path)
    yield path
    record.record.to(None)


@pytest.fixture
def iam(aws: None) -> Any:
    return boto3.client("iam", region_name=REGION)


def use(dynamodb: Any, pk: str = "U#1") -> None:
    dynamodb.get_item(TableName="UserAttributes", Key=key(pk))


@pytest.mark.usefixtures("table")
def test_each_distinct_call_is_recorded_once_with_its_policies(
    function: Function, recorded: Path
) -> None:
    dynamodb = function(allow("dynamodb:GetItem", TABLE, Sid="Read"))("dynamodb")
    for pk in ("U#1", "U#2", "U#3"):
        use(dynamodb, pk)
    refused(lambda: dynamodb.put_item(TableName="UserAttributes", Item=key("U#1")))
    read, write = record.read(recorded)
    assert (read.action, read.resource, read.allowed, read.statement) == (
        "dynamodb:GetItem",
        TABLE,
        True,
        "own/Read",
    )
    assert (write.action, write.allowed) == ("dynamodb:PutItem", False)
    assert [name for name, _ in read.policies.identity] == ["own"]
    assert read.context == {}


@pytest.mark.usefixtures("table")
def test_calls_that_no_policy_distinguishes_are_one_line(
    function: Function, recorded: Path
) -> None:
    dynamodb = function(own_items("dynamodb:GetItem"))("dynamodb")
    for pk in ("U#1", "U#12", "U#1"):
        use(dynamodb, pk)
    for pk in ("U#2", "R#admin"):
        refused(lambda pk=pk: use(dynamodb, pk))  # type: ignore[misc]
    assert [(call.allowed, call.context) for call in record.read(recorded)] == [
        (True, {"dynamodb:LeadingKeys": ["U#1"]}),
        (False, {"dynamodb:LeadingKeys": ["U#2"]}),
    ]


TAGGED = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "U#${aws:PrincipalTag/team}"}}


@pytest.mark.usefixtures("table")
def test_a_condition_with_a_variable_distinguishes_every_value(
    function: Function, recorded: Path
) -> None:
    dynamodb = function(allow("dynamodb:GetItem", TABLE, Condition=TAGGED))("dynamodb")
    for pk in ("U#bob", "U#eve"):
        refused(lambda pk=pk: use(dynamodb, pk))  # type: ignore[misc]
    assert [call.context["dynamodb:LeadingKeys"] for call in record.read(recorded)] == [
        ["U#bob"],
        ["U#eve"],
    ]


@pytest.mark.usefixtures("table")
def test_a_restarted_stack_continues_its_record(function: Function, recorded: Path) -> None:
    dynamodb = function(own_items("dynamodb:*Item"))("dynamodb")
    use(dynamodb)
    record.record.to(recorded)
    use(dynamodb)
    dynamodb.put_item(TableName="UserAttributes", Item=key("U#1"))
    assert [call.action for call in record.read(recorded)] == [
        "dynamodb:GetItem",
        "dynamodb:PutItem",
    ]


def test_calls_that_aws_makes_for_a_role_are_recorded(function: Function, recorded: Path) -> None:
    function(allow("sqs:SendMessage", "*"))
    sessions.role_may(
        f"arn:aws:iam::{ACCOUNT}:role/users", "sqs:SendMessage", "arn:aws:sqs:eu-central-1:0:dead"
    )
    assert [call.action for call in record.read(recorded)] == ["sqs:SendMessage"]


def test_an_incomplete_line_is_ignored(recorded: Path) -> None:
    recorded.write_text('{"role": "arn:aws:ia')
    assert record.read(recorded) == []


def permission(
    action: str, policy: str = "own", statement: str = "#0", role: str = "users"
) -> Permission:
    return Permission(role, policy, statement, action)


@pytest.mark.usefixtures("table")
def test_an_unused_permission_is_reported(function: Function, recorded: Path, iam: Any) -> None:
    dynamodb = function(
        allow(["dynamodb:Get*", "dynamodb:PutItem"], TABLE), allow("dynamodb:Query", TABLE)
    )("dynamodb")
    use(dynamodb)
    found = report.report(report.permissions(iam), record.read(recorded), Allowlist())
    assert permission("dynamodb:Get*") in found.used
    assert permission("dynamodb:PutItem") in found.unused
    assert permission("dynamodb:Query", statement="#1") in found.unused
    assert not found.ok
    assert "✗ users: dynamodb:PutItem (own/#0)" in report.text(found)


@pytest.mark.usefixtures("table")
def test_a_denied_call_does_not_count_as_use(function: Function, recorded: Path, iam: Any) -> None:
    never = {"Effect": "Deny", "Action": "dynamodb:GetItem", "Resource": TABLE}
    dynamodb = function(allow("dynamodb:GetItem", TABLE), never)("dynamodb")
    refused(lambda: use(dynamodb))
    found = report.report(report.permissions(iam), record.read(recorded), Allowlist())
    assert list(found.unused) == [permission("dynamodb:GetItem")]


@pytest.mark.usefixtures("table")
def test_the_same_permission_of_another_role_stays_unused(
    function: Function, recorded: Path, iam: Any
) -> None:
    make_role("access", [allow("dynamodb:GetItem", TABLE)])
    use(function(allow("dynamodb:GetItem", TABLE))("dynamodb"))
    found = report.report(report.permissions(iam), record.read(recorded), Allowlist())
    assert list(found.unused) == [permission("dynamodb:GetItem", role="access")]


@pytest.mark.usefixtures("table")
def test_attached_policies_and_notaction_are_evaluated(
    function: Function, recorded: Path, iam: Any
) -> None:
    arn = iam.create_policy(
        PolicyName="attached", PolicyDocument=document(allow("dynamodb:GetItem", TABLE))
    )
    dynamodb = function({"Effect": "Allow", "NotAction": "dynamodb:*", "Resource": "*"})("dynamodb")
    iam.attach_role_policy(RoleName="users", PolicyArn=arn["Policy"]["Arn"])
    use(dynamodb)
    found = report.report(report.permissions(iam), record.read(recorded), Allowlist())
    assert list(found.used) == [permission("dynamodb:GetItem", "attached")]
    assert list(found.unused) == [permission("all but dynamodb:*")]


@pytest.mark.usefixtures("table")
def test_an_unused_partition_is_reported(function: Function, recorded: Path, iam: Any) -> None:
    actions = ["dynamodb:GetItem", "dynamodb:Query"]
    use(function(partition(actions, "U#*", "R#*"))("dynamodb"))
    together = Allowlist(granted_together=[GrantedTogether("own", "one right")])
    found = report.report(report.permissions(iam), record.read(recorded), together)
    assert list(found.used) == [Permission("users", "own", "#0", "dynamodb:GetItem", "U#*")]
    # R#* was declared and not used. Query on U#* is granted by the same right, but no role used it.
    assert [(each.action, each.partition) for each in found.unused] == [
        ("dynamodb:GetItem", "R#*"),
        ("dynamodb:Query", "R#*"),
        ("dynamodb:Query", "U#*"),
    ]
    assert "✗ users: dynamodb:GetItem on R#* (own/#0)" in report.text(found)
    allowed = Allowlist([Unused("users", "own", "dynamodb:*", "soon", "R#*")])
    assert [
        each.partition
        for each in report.report(report.permissions(iam), record.read(recorded), allowed).unused
    ] == ["U#*"]


LOGS = Allowlist([Unused("*", "logs", "logs:*", "the runtime does it")])
PUT_LOG = permission("logs:PutLogEvents", "logs")


def called(permission: Permission) -> record.Call:
    role = f"arn:aws:iam::{ACCOUNT}:role/{permission.role}"
    statement = f"{permission.policy}/{permission.statement}"
    return record.Call(role, permission.action, "*", True, statement, record.Policies())


def test_an_allowed_unused_permission_is_listed_with_its_reason() -> None:
    other = permission("logs:PutLogEvents", "other")
    found = report.report([PUT_LOG, other], [], LOGS)
    assert list(found.allowed) == [(PUT_LOG, "the runtime does it")]
    assert list(found.unused) == [other]
    assert "logs:PutLogEvents: the runtime does it" in report.text(found)


def test_a_reason_for_a_used_permission_is_an_error() -> None:
    found = report.report([PUT_LOG], [called(PUT_LOG)], LOGS)
    assert not found.ok
    assert "✗ unused_permissions_allowlist.yaml: * logs:* is used by calls" in report.text(found)


GET, QUERY, PUT = (
    permission(f"dynamodb:{name}", "table") for name in ("GetItem", "Query", "PutItem")
)
QUERY_OF_ACCESS = permission("dynamodb:Query", "table", role="access")


def test_a_permission_of_a_shared_right_is_used_if_one_role_uses_it() -> None:
    together = Allowlist(granted_together=[GrantedTogether("table", "one right")])
    found = report.report(
        [GET, QUERY, PUT, QUERY_OF_ACCESS], [called(GET), called(QUERY_OF_ACCESS)], together
    )
    assert list(found.allowed) == [(QUERY, "one right")]
    assert list(found.unused) == [PUT]  # no role uses it


def test_each_role_must_use_part_of_each_right_unless_excused() -> None:
    for each_role, unused in ((True, [QUERY_OF_ACCESS]), (False, [])):
        together = Allowlist(granted_together=[GrantedTogether("table", "one right", each_role)])
        found = report.report([QUERY, QUERY_OF_ACCESS], [called(QUERY)], together)
        assert list(found.unused) == unused
