"""Lambda's API for functions, versions, aliases, tags and policies: fields, states and errors.

The expected values were recorded on AWS by LocalStack's suite (tests/aws/services/lambda_,
test_lambda_api.snapshot.json of March 2026).
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws_tests.lambda_service.laptop import REGION, ROLE, Laptop, zipped

ACCOUNT = "000000000000"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"
CODE = "def handler(event, context): return event"
STALE = "The Revision Id provided does not match the latest Revision Id. Call the {} API to retrieve the latest Revision Id"
MISMATCH = "The derived qualifier from the function name does not match the specified qualifier."
PUT: dict[str, Any] = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}


@pytest.fixture
def api(aws: Laptop) -> Iterator[Any]:
    aws.deploy("made", CODE)
    yield aws.client("lambda")
    forget(aws, "made")


@pytest.fixture
def new(aws: Laptop) -> Iterator[str]:
    yield "new"
    forget(aws, "new")


def forget(aws: Laptop, name: str) -> None:
    client = aws.client("lambda")
    with suppress(client.exceptions.ResourceNotFoundException):
        client.delete_function(FunctionName=name)


def error_of(work: Callable[[], Any]) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        work()
    found: dict[str, Any] = dict(caught.value.response)
    error = found["Error"]
    if "validation error" not in error["Message"]:
        assert found["Type"] == "User"
    return found["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error["Message"]


def invalid(message: str) -> tuple[int, str, str]:
    return 400, "InvalidParameterValueException", message


def missing(message: str) -> tuple[int, str, str]:
    return 404, "ResourceNotFoundException", message


def test_a_new_function_is_pending_and_then_active(aws: Laptop, new: str) -> None:
    made = aws.deploy(new, CODE)
    assert (made["State"], made["StateReason"], made["StateReasonCode"]) == (
        "Pending",
        "The function is being created.",
        "Creating",
    )
    assert "LastUpdateStatus" not in made
    for name in ("Environment", "Layers", "VpcConfig", "KMSKeyArn", "SigningJobArn"):
        assert name not in made
    assert made["RuntimeVersionConfig"]["RuntimeVersionArn"].startswith(
        f"arn:aws:lambda:{REGION}::runtime:"
    )
    found = aws.client("lambda").get_function_configuration(FunctionName=new)
    assert (found["State"], found["LastUpdateStatus"]) == ("Active", "Successful")
    assert "StateReason" not in found
    assert found["RevisionId"] != made["RevisionId"]


def test_an_update_is_in_progress_and_then_successful(api: Any) -> None:
    updates: tuple[Callable[[], Any], ...] = (
        lambda: api.update_function_configuration(FunctionName="made", Description="d"),
        lambda: api.update_function_code(FunctionName="made", ZipFile=zipped({"main.py": "x = 1"})),
    )
    for update in updates:
        answer = update()
        assert (answer["State"], answer["LastUpdateStatus"]) == ("Active", "InProgress")
        assert answer["LastUpdateStatusReasonCode"] == "Creating"
        found = api.get_function(FunctionName="made")["Configuration"]
        assert found["LastUpdateStatus"] == "Successful"
        assert found["RevisionId"] != answer["RevisionId"]


def test_an_empty_environment_is_shown_if_it_was_given(aws: Laptop, new: str) -> None:
    made = aws.deploy(new, CODE, Environment={"Variables": {}})
    assert made["Environment"] == {"Variables": {}}


def test_lists_show_no_states(api: Any) -> None:
    api.publish_version(FunctionName="made")
    versions = api.list_versions_by_function(FunctionName="made")["Versions"]
    for each in (*api.list_functions()["Functions"], *versions):
        assert not {"State", "LastUpdateStatus", "Layers"} & each.keys()


@pytest.mark.parametrize("named", ["made", f"{ACCOUNT}:function:made", f"{ARN}:made"])
def test_a_function_is_found_by_name_partial_and_full_arn(api: Any, named: str) -> None:
    api.publish_version(FunctionName=named)
    api.create_alias(FunctionName=named, Name="live", FunctionVersion="1")
    for qualifier in ("1", "live"):
        for reference in (
            {"FunctionName": named, "Qualifier": qualifier},
            {"FunctionName": f"{named}:{qualifier}"},
        ):
            found = api.get_function(**reference)["Configuration"]
            assert (found["FunctionArn"], found["Version"]) == (f"{ARN}:made:{qualifier}", "1")
    api.update_function_configuration(FunctionName=named, Description="d")
    api.put_function_concurrency(FunctionName=named, ReservedConcurrentExecutions=1)
    api.delete_function(FunctionName=named)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (
            lambda api: api.get_function(FunctionName="gone"),
            missing(f"Function not found: {ARN}:gone"),
        ),
        (
            lambda api: api.get_function(FunctionName="made", Qualifier="7"),
            missing(f"Function not found: {ARN}:made:7"),
        ),
        (
            lambda api: api.get_function(FunctionName="made:1", Qualifier="2"),
            invalid(MISMATCH),
        ),
        (
            lambda api: api.get_function(
                FunctionName=f"arn:aws:lambda:us-west-1:{ACCOUNT}:function:made"
            ),
            missing(f"Functions from 'us-west-1' are not reachable in this region ('{REGION}')"),
        ),
        (
            lambda api: api.delete_function(FunctionName="gone", Qualifier="1"),
            missing(f"Function not found: {ARN}:gone"),
        ),
        (
            lambda api: api.delete_function(FunctionName="made", Qualifier="$LATEST"),
            invalid("$LATEST version cannot be deleted without deleting the function."),
        ),
        (
            lambda api: api.get_function_url_config(FunctionName="made"),
            missing("The resource you requested does not exist."),
        ),
        (
            lambda api: api.publish_version(FunctionName="made", RevisionId="stale"),
            (412, "PreconditionFailedException", STALE.format("GetFunction/GetAlias")),
        ),
        (
            lambda api: api.create_alias(FunctionName="made", Name="a", FunctionVersion="9"),
            missing(f"Function not found: {ARN}:made:9"),
        ),
        (
            lambda api: api.update_alias(FunctionName="made", Name="none"),
            missing(f"Alias not found: {ARN}:made:none"),
        ),
        (
            lambda api: api.create_alias(
                FunctionName="made",
                Name="a",
                FunctionVersion="$LATEST",
                RoutingConfig={"AdditionalVersionWeights": {"1": 0.5}},
            ),
            invalid("$LATEST is not supported for an alias pointing to more than 1 version"),
        ),
        (
            lambda api: api.create_alias(
                FunctionName="made",
                Name="a",
                FunctionVersion="1",
                RoutingConfig={"AdditionalVersionWeights": {"1": 0.5}},
            ),
            invalid(
                "Invalid function version 1. "
                "Function version 1 is already included in routing configuration."
            ),
        ),
        (
            lambda api: api.create_alias(
                FunctionName="made",
                Name="a",
                FunctionVersion="1",
                RoutingConfig={"AdditionalVersionWeights": {"2": 0.5, "3": 0.5}},
            ),
            invalid("Number of items in AdditionalVersionWeights cannot be greater than 1"),
        ),
        (
            lambda api: api.put_function_concurrency(
                FunctionName="gone", ReservedConcurrentExecutions=1
            ),
            missing(f"Function not found: {ARN}:gone:$LATEST"),
        ),
        (
            lambda api: api.put_function_concurrency(
                FunctionName="made", ReservedConcurrentExecutions=901
            ),
            invalid(
                "Specified ReservedConcurrentExecutions for function decreases account's "
                "UnreservedConcurrentExecution below its minimum value of [100]."
            ),
        ),
        (
            lambda api: api.tag_resource(Resource=f"{ARN}:gone", Tags={"a": "b"}),
            missing(f"Function not found: {ARN}:gone"),
        ),
        (
            lambda api: api.tag_resource(Resource=f"{ARN}:made:1", Tags={"a": "b"}),
            invalid(
                "Tags on function aliases and versions are not supported. "
                "Please specify a function ARN."
            ),
        ),
        (
            lambda api: api.tag_resource(Resource=f"{ARN}:made", Tags={}),
            invalid("An error occurred and the request cannot be processed."),
        ),
        (
            lambda api: api.tag_resource(
                Resource=f"{ARN}:made", Tags={str(n): "x" for n in range(51)}
            ),
            invalid("Number of tags exceeds resource tag limit."),
        ),
        (
            lambda api: api.update_function_code(FunctionName="made", ZipFile=b"no zip"),
            invalid(
                "Could not unzip uploaded file. Please check your file, then try to upload again."
            ),
        ),
        (
            lambda api: api.update_function_configuration(
                FunctionName="made", Layers=[f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:gone:1"]
            ),
            invalid(
                f"Layer version arn:aws:lambda:{REGION}:{ACCOUNT}:layer:gone:1 does not exist."
            ),
        ),
        (
            lambda api: api.update_function_configuration(
                FunctionName="made",
                Layers=[f"arn:aws:lambda:us-west-1:{ACCOUNT}:layer:other:1"],
            ),
            invalid(
                "Layers are not in the same region as the function. "
                f"Layers are expected to be in region {REGION}."
            ),
        ),
        (
            lambda api: api.update_function_configuration(
                FunctionName="made",
                Layers=[f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:l{n}:1" for n in range(6)],
            ),
            invalid("Cannot reference more than 5 layers."),
        ),
        (
            lambda api: api.get_function_event_invoke_config(FunctionName="gone"),
            missing(f"The function {ARN}:gone:$LATEST doesn't have an EventInvokeConfig"),
        ),
        (
            lambda api: api.put_function_event_invoke_config(
                FunctionName="gone", MaximumRetryAttempts=1
            ),
            missing("The function doesn't exist."),
        ),
        (
            lambda api: api.put_function_event_invoke_config(FunctionName="made"),
            invalid("You must specify at least one of error handling or destination setting."),
        ),
        (
            lambda api: api.update_function_event_invoke_config(
                FunctionName="made", MaximumRetryAttempts=1
            ),
            missing(f"The function {ARN}:made:$LATEST doesn't have an EventInvokeConfig"),
        ),
        (
            lambda api: api.put_function_event_invoke_config(
                FunctionName="made",
                DestinationConfig={"OnFailure": {"Destination": f"{ARN}:made"}},
            ),
            invalid("You can't specify the function as a destination for itself."),
        ),
        (
            lambda api: api.put_function_event_invoke_config(
                FunctionName="made",
                DestinationConfig={"OnFailure": {"Destination": f"{ARN}:gone"}},
            ),
            invalid(f"The destination ARN {ARN}:gone is invalid."),
        ),
        (
            lambda api: api.get_policy(FunctionName="made"),
            missing("The resource you requested does not exist."),
        ),
        (
            lambda api: api.remove_permission(FunctionName="made", StatementId="s"),
            missing("No policy is associated with the given resource."),
        ),
        (
            lambda api: api.remove_permission(FunctionName="gone", StatementId="s"),
            missing(f"No policy found for: {ARN}:gone"),
        ),
        (
            lambda api: api.add_permission(FunctionName="made:$LATEST", StatementId="s", **PUT),
            invalid("We currently do not support adding policies for $LATEST."),
        ),
        (
            lambda api: api.add_permission(
                FunctionName="made", StatementId="s", **PUT | {"Principal": "who.example.com"}
            ),
            invalid(
                "The provided principal was invalid. Please check the principal and try again."
            ),
        ),
        (
            lambda api: api.add_permission(FunctionName="made:none", StatementId="s", **PUT),
            missing(f"Cannot find alias arn: {ARN}:made:none"),
        ),
        (
            lambda api: api.add_permission(FunctionName="made:42", StatementId="s", **PUT),
            missing(f"Function not found: {ARN}:made:42"),
        ),
    ],
)
def test_an_error_equals_that_of_aws(
    api: Any, call: Callable[[Any], Any], expected: tuple[int, str, str]
) -> None:
    assert error_of(lambda: call(api)) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"Environment": {"Variables": {"LARGE": "x" * 4096}}},
            "Lambda was unable to configure your environment variables because the environment "
            "variables you have provided exceeded the 4KB limit. "
            'String measured: {"LARGE":"' + "x" * 4096 + '"}',
        ),
        (
            {"Runtime": "python3.7"},
            "The runtime parameter of python3.7 is no longer supported for creating or updating "
            "AWS Lambda functions. We recommend you use a supported runtime while creating or "
            "updating functions.",
        ),
        (
            {"Tags": {str(n): "x" for n in range(51)}},
            "Number of tags exceeds resource tag limit.",
        ),
    ],
)
def test_an_invalid_function_is_refused(aws: Laptop, options: dict[str, Any], message: str) -> None:
    asked: dict[str, Any] = {
        "FunctionName": "new",
        "Runtime": "python3.13",
        "Role": ROLE,
        "Handler": "main.handler",
        "Code": {"ZipFile": zipped({"main.py": CODE})},
    }
    create = aws.client("lambda").create_function
    assert error_of(lambda: create(**asked | options)) == invalid(message)


def test_a_function_can_be_created_by_its_arn(aws: Laptop, new: str) -> None:
    assert aws.deploy(f"{ARN}:{new}", CODE)["FunctionArn"] == f"{ARN}:{new}"


def test_deleting_a_version_that_does_not_exist_succeeds(api: Any) -> None:
    api.delete_function(FunctionName="made", Qualifier="77")
    api.get_function(FunctionName="made")


def test_tags_are_removed_by_name(api: Any) -> None:
    api.tag_resource(Resource=f"{ARN}:made", Tags={"a": "1", "b": "2", "c": "3"})
    api.untag_resource(Resource=f"{ARN}:made", TagKeys=["a", "c"])
    assert api.list_tags(Resource=f"{ARN}:made")["Tags"] == {"b": "2"}


def test_aliases_of_a_version_are_listed(api: Any) -> None:
    for version in ("1", "2"):
        api.update_function_configuration(FunctionName="made", Description=version)
        api.publish_version(FunctionName="made")
    first = api.create_alias(FunctionName="made", Name="first", FunctionVersion="1")
    assert "RoutingConfig" not in first
    api.create_alias(FunctionName="made", Name="second", FunctionVersion="2")
    listed = api.list_aliases(FunctionName="made", FunctionVersion="1")["Aliases"]
    assert [each["Name"] for each in listed] == ["first"]
    assert error_of(
        lambda: api.create_alias(FunctionName="made", Name="first", FunctionVersion="1")
    ) == (409, "ResourceConflictException", f"Alias already exists: {ARN}:made:first")


def test_the_function_a_version_and_an_alias_have_separate_policies(api: Any) -> None:
    api.publish_version(FunctionName="made")
    api.create_alias(FunctionName="made", Name="live", FunctionVersion="1")
    api.add_permission(FunctionName="made", StatementId="s", **PUT)
    for qualifier in ("1", "live"):
        with pytest.raises(api.exceptions.ResourceNotFoundException):
            api.get_policy(FunctionName="made", Qualifier=qualifier)
        api.add_permission(FunctionName=f"made:{qualifier}", StatementId="s", **PUT)
        policy = json.loads(api.get_policy(FunctionName="made", Qualifier=qualifier)["Policy"])
        assert [each["Resource"] for each in policy["Statement"]] == [f"{ARN}:made:{qualifier}"]
    whole = json.loads(api.get_policy(FunctionName="made")["Policy"])
    assert [each["Resource"] for each in whole["Statement"]] == [f"{ARN}:made"]
    conflict = error_of(lambda: api.add_permission(FunctionName="made", StatementId="s", **PUT))
    assert conflict[:2] == (409, "ResourceConflictException")


def test_a_permission_of_an_alias_remains_when_its_version_changes(aws: Laptop, api: Any) -> None:
    api.publish_version(FunctionName="made")
    api.create_alias(FunctionName="made", Name="live", FunctionVersion="1")
    api.add_permission(FunctionName="made", Qualifier="live", StatementId="s", **PUT)
    source = ("s3.amazonaws.com", "arn:aws:s3:::things")
    assert aws.invoke("made", {"a": 1}, qualifier="live", source=source)[0] == {"a": 1}
    api.update_function_configuration(FunctionName="made", Description="d")
    api.publish_version(FunctionName="made")
    api.update_alias(FunctionName="made", Name="live", FunctionVersion="2")
    assert aws.invoke("made", {"a": 2}, qualifier="live", source=source)[0] == {"a": 2}


@pytest.mark.parametrize(
    ("options", "principal", "condition"),
    [
        ({"Principal": "*"}, "*", None),
        ({"Principal": ACCOUNT}, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, None),
        ({"Principal": ROLE}, {"AWS": ROLE}, None),
        (
            {"SourceAccount": ACCOUNT, "SourceArn": "arn:aws:s3:::things"},
            {"Service": "s3.amazonaws.com"},
            {
                "StringEquals": {"AWS:SourceAccount": ACCOUNT},
                "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::things"},
            },
        ),
        (
            {"Principal": "*", "PrincipalOrgID": "o-1234567890"},
            "*",
            {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}},
        ),
    ],
)
def test_a_permission_has_the_form_of_lambdas(
    api: Any, options: dict[str, Any], principal: Any, condition: Any
) -> None:
    answer = api.add_permission(FunctionName="made", StatementId="s", **PUT | options)
    assert json.loads(answer["Statement"]) == {
        "Sid": "s",
        "Effect": "Allow",
        "Principal": principal,
        "Action": "lambda:InvokeFunction",
        "Resource": f"{ARN}:made",
        **({"Condition": condition} if condition else {}),
    }


def test_a_policys_revision_changes_with_each_permission(api: Any) -> None:
    api.add_permission(FunctionName="made", StatementId="a", **PUT)
    before = api.get_policy(FunctionName="made")["RevisionId"]
    api.add_permission(FunctionName="made", StatementId="b", RevisionId=before, **PUT)
    stale = (412, "PreconditionFailedException", STALE.format("GetPolicy"))
    remove = {"FunctionName": "made", "StatementId": "a"}
    assert error_of(lambda: api.remove_permission(**remove, RevisionId=before)) == stale
    now = api.get_policy(FunctionName="made")["RevisionId"]
    api.remove_permission(**remove, RevisionId=now)
