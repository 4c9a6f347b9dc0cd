"""The gate as a function meets it: through boto3, signing with its role's session, reading the refusal as AWS's."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.sts.models import sts_backends

from local_aws.aws_call import AwsCall
from local_aws.iam import sessions
from local_aws.iam.access import Access, accesses
from local_aws.iam.aws_policies import POWER_USER_ACCESS
from local_aws.iam.gate import IamGate
from local_aws_tests.iam.conftest import ACCOUNT, REGION, client, document, make_role

Function = Callable[..., Callable[[str], Any]]
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/UserAttributes"


def allow(action: str | list[str], resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource} | more


def own_items(action: str) -> dict[str, Any]:
    return allow(
        action, TABLE, Condition={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "U#1*"}}
    )


@pytest.fixture
def table(aws: None) -> None:
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "gsi1pk")]
    boto3.client("dynamodb", region_name=REGION).create_table(
        TableName="UserAttributes",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=attributes,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "GSI1",
                "KeySchema": [{"AttributeName": "gsi1pk", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )


def key(pk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": "META"}}


def refused(work: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as caught:
        work()
    assert caught.value.response["Error"]["Code"] in ("AccessDeniedException", "AccessDenied")
    return caught.value.response["Error"]["Message"]


def test_a_refusal_reads_as_awss(function: Function, table: None) -> None:
    dynamodb = function(allow("dynamodb:PutItem", TABLE))("dynamodb")
    dynamodb.put_item(TableName="UserAttributes", Item=key("U#1"))
    assert refused(lambda: dynamodb.get_item(TableName="UserAttributes", Key=key("U#1"))) == (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/users/worker is not authorized to perform: dynamodb:GetItem on resource: "
        f"{TABLE} because no identity-based policy allows the dynamodb:GetItem action"
    )


def test_an_operator_is_not_asked(table: None) -> None:
    client("dynamodb", "test", "test", None).get_item(TableName="UserAttributes", Key=key("U#1"))


def test_a_made_up_session_is_refused(table: None) -> None:
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        client("dynamodb", "ASIAXXXXXXXXXXXXXXXX", "x", "x").get_item(
            TableName="UserAttributes", Key=key("U#1")
        )


@pytest.mark.parametrize("token", ["stolen", None])
def test_a_session_needs_its_token(function: Function, table: None, token: str | None) -> None:
    function(allow("*"))
    access_key, secret, _, _ = sessions.credentials_for(
        f"arn:aws:iam::{ACCOUNT}:role/users", "worker"
    )
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        client("dynamodb", access_key, secret, token).list_tables()


def test_a_session_ends(function: Function, table: None) -> None:
    dynamodb = function(allow("*"))("dynamodb")
    dynamodb.list_tables()
    sts_backends[ACCOUNT]["aws"].assumed_roles[-1].expiration = datetime.now(UTC) - timedelta(
        seconds=1
    )
    with pytest.raises(ClientError, match="ExpiredTokenException"):
        dynamodb.list_tables()


def test_expired_sessions_are_forgotten(function: Function) -> None:
    function(allow("*"))
    held = sts_backends[ACCOUNT]["aws"].assumed_roles
    held[-1].expiration = datetime.now(UTC) - timedelta(seconds=1)
    sessions.credentials_for(f"arn:aws:iam::{ACCOUNT}:role/users", "next")
    assert [each.session_name for each in held] == ["next"]


def test_a_role_must_exist(aws: None) -> None:
    with pytest.raises(
        LookupError, match="The role arn:aws:iam::000000000000:role/gone does not exist"
    ):
        sessions.credentials_for(f"arn:aws:iam::{ACCOUNT}:role/gone", "worker")


def test_an_attached_policy_counts_in_its_default_version(function: Function, table: None) -> None:
    iam = boto3.client("iam", region_name=REGION)
    dynamodb = function(allow("s3:GetObject"))("dynamodb")
    arn = iam.create_policy(
        PolicyName="read", PolicyDocument=document(allow("dynamodb:GetItem", TABLE))
    )["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="users", PolicyArn=arn)
    dynamodb.get_item(TableName="UserAttributes", Key=key("U#1"))
    iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=document(allow("s3:*")), SetAsDefault=True
    )
    refused(lambda: dynamodb.get_item(TableName="UserAttributes", Key=key("U#1")))


def test_a_boundary_narrows(function: Function, table: None) -> None:
    iam = boto3.client("iam", region_name=REGION)
    arn = iam.create_policy(PolicyName="edge", PolicyDocument=document(allow("dynamodb:Get*")))[
        "Policy"
    ]["Arn"]
    dynamodb = function(allow("dynamodb:*"), boundary=arn)("dynamodb")
    dynamodb.get_item(TableName="UserAttributes", Key=key("U#1"))
    message = refused(lambda: dynamodb.put_item(TableName="UserAttributes", Item=key("U#1")))
    assert message.endswith("because no permissions boundary allows the dynamodb:PutItem action")


def test_awss_own_policy_as_a_boundary_leaves_all_but_iam(function: Function, table: None) -> None:
    """As envs/bootstrap lets a deploy make them: with every right by its own policy, still none to make roles."""
    of_the_deploy = function(allow("*"), boundary=POWER_USER_ACCESS)
    of_the_deploy("dynamodb").get_item(TableName="UserAttributes", Key=key("U#1"))
    message = refused(
        lambda: of_the_deploy("iam").create_role(RoleName="admin", AssumeRolePolicyDocument="{}")
    )
    assert message.endswith("because no permissions boundary allows the iam:CreateRole action")


def test_a_session_policy_narrows(function: Function, table: None) -> None:
    function(allow("dynamodb:*"))
    dynamodb_only_get = document(allow("dynamodb:GetItem"))
    sts = boto3.client("sts", region_name=REGION)
    made = sts.assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/users",
        RoleSessionName="narrow",
        Policy=dynamodb_only_get,
    )
    keys = made["Credentials"]
    dynamodb = client(
        "dynamodb", keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
    )
    dynamodb.get_item(TableName="UserAttributes", Key=key("U#1"))
    assert "no session policy allows" in refused(
        lambda: dynamodb.put_item(TableName="UserAttributes", Item=key("U#1"))
    )


def test_tags_of_the_role_are_variables(function: Function, table: None) -> None:
    owner = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "U#${aws:PrincipalTag/team}"}}
    dynamodb = function(allow("dynamodb:GetItem", TABLE, Condition=owner))("dynamodb")
    dynamodb.get_item(TableName="UserAttributes", Key=key("U#ada"))
    refused(lambda: dynamodb.get_item(TableName="UserAttributes", Key=key("U#bob")))


def test_leading_keys_of_batches(function: Function, table: None) -> None:
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


def test_leading_keys_of_a_query(function: Function, table: None) -> None:
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


def test_an_index_is_another_resource(function: Function, table: None) -> None:
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


def partition(action: str | list[str], *keys: str, resource: str = TABLE) -> dict[str, Any]:
    """As modules/api_lambda writes it: the keys of the request must be there, and each like one of `keys`."""
    like = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(keys)}}
    return allow(action, resource, Condition=like | {"Null": {"dynamodb:LeadingKeys": "false"}})


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


def test_a_query_on_an_index_is_decided_by_the_key_of_that_index(
    function: Function, table: None
) -> None:
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
    refused(lambda: query("pk", "ROLE#admin", IndexName="GSI1"))  # not the key of the index


def test_a_scan_has_no_keys_so_that_null_denies_it(function: Function, table: None) -> None:
    dynamodb = function(partition(["dynamodb:Scan", "dynamodb:Query"], "*"))("dynamodb")
    refused(lambda: dynamodb.scan(TableName="UserAttributes"))


@pytest.mark.parametrize("unreadable", [{}, {"pk": {"M": {}}}, {"sk": {"S": "META"}}])
def test_one_key_that_cannot_be_read_is_not_passed_over(
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


def test_partiql_is_refused_whatever_the_role_may(function: Function, table: None) -> None:
    dynamodb = function(allow("*"))("dynamodb")
    select = {"Statement": 'SELECT * FROM "UserAttributes"'}
    calls: list[Callable[[], Any]] = [
        lambda: dynamodb.execute_statement(**select),
        lambda: dynamodb.batch_execute_statement(Statements=[select]),
        lambda: dynamodb.execute_transaction(TransactStatements=[select]),
    ]
    for call in calls:
        with pytest.raises(ClientError, match=r"NotEmulated.*PartiQL statements are not emulated"):
            call()


def test_a_secret_is_meant_by_its_full_arn(function: Function) -> None:
    operator = boto3.client("secretsmanager", region_name=REGION)
    arn = operator.create_secret(Name="app", SecretString="x")["ARN"]
    operator.create_secret(Name="application", SecretString="x")
    secrets = function(allow("secretsmanager:GetSecretValue", arn))("secretsmanager")
    assert secrets.get_secret_value(SecretId="app")["ARN"] == arn
    secrets.get_secret_value(SecretId=arn)
    refused(lambda: secrets.get_secret_value(SecretId="application"))
    refused(lambda: secrets.put_secret_value(SecretId="app", SecretString="y"))


def test_cognito_admin_calls_are_on_the_pool_and_public_ones_free(function: Function) -> None:
    operator = boto3.client("cognito-idp", region_name=REGION)
    pools = [operator.create_user_pool(PoolName=name)["UserPool"] for name in ("ours", "theirs")]
    for pool in pools:
        operator.admin_create_user(UserPoolId=pool["Id"], Username="ada")
    cognito = function(allow("cognito-idp:AdminGetUser", pools[0]["Arn"]))("cognito-idp")
    cognito.admin_get_user(UserPoolId=pools[0]["Id"], Username="ada")
    refused(lambda: cognito.admin_get_user(UserPoolId=pools[1]["Id"], Username="ada"))
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        cognito.sign_up(ClientId="none", Username="ada", Password="x" * 12)


def test_queues_and_keys(function: Function) -> None:
    url = boto3.client("sqs", region_name=REGION).create_queue(QueueName="dead")["QueueUrl"]
    kms_key = boto3.client("kms", region_name=REGION).create_key()["KeyMetadata"]
    make = function(
        allow("sqs:SendMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"),
        allow("kms:Encrypt", kms_key["Arn"]),
    )
    sqs, kms = make("sqs"), make("kms")
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "x"}])
    assert "sqs:ReceiveMessage" in refused(lambda: sqs.receive_message(QueueUrl=url))
    blob = kms.encrypt(KeyId=kms_key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    assert f"kms:Decrypt on resource: {kms_key['Arn']}" in refused(
        lambda: kms.decrypt(CiphertextBlob=blob)
    )


def test_a_service_that_is_not_mapped_needs_a_policy_on_everything(function: Function) -> None:
    events = function(
        allow("events:PutEvents", f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default")
    )("events")
    entries = [{"Source": "a", "DetailType": "b", "Detail": "{}"}]
    assert "on resource: * because" in refused(lambda: events.put_events(Entries=entries))
    refused(lambda: events.list_rules())


def test_rest_and_query_protocols_are_refused_in_their_own_form(function: Function) -> None:
    make = function(allow("sts:GetCallerIdentity"))
    assert "lambda:InvokeFunction" in refused(lambda: make("lambda").invoke(FunctionName="migrate"))
    assert "iam:ListRoles" in refused(lambda: make("iam").list_roles())
    assert "sns:Publish" in refused(
        lambda: make("sns").publish(TopicArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:t", Message="x")
    )
    assert make("sts").get_caller_identity()["Account"] == ACCOUNT


def call(
    service: str, action: str | None = None, body: Any = None, path: str = "/", query: str = ""
) -> AwsCall:
    return AwsCall(
        service, "POST", path, query, {}, json.dumps(body or {}).encode(), REGION, action
    )


FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:migrate"


@pytest.mark.parametrize(
    ("name", "query", "resource"),
    [
        ("migrate", "", FUNCTION),
        ("migrate", "Qualifier=live", f"{FUNCTION}:live"),
        ("migrate%3Alive", "", f"{FUNCTION}:live"),
        (FUNCTION.replace(":", "%3A"), "", FUNCTION),
        (FUNCTION.replace(":", "%3A"), "Qualifier=live", f"{FUNCTION}:live"),
        (f"{FUNCTION}:live", "", f"{FUNCTION}:live"),
        (f"{ACCOUNT}:function:migrate", "", FUNCTION),
    ],
)
def test_an_invocation_is_on_the_function_as_it_is_named(
    name: str, query: str, resource: str
) -> None:
    path = f"/2015-03-31/functions/{name}/invocations"
    assert accesses(call("lambda", path=path, query=query)) == [
        Access("lambda:InvokeFunction", resource)
    ]


@pytest.mark.parametrize(
    "name",
    ["/atrium/pool", "/atrium/pool:3", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/atrium/pool"],
)
def test_a_parameter_is_meant_without_its_version(name: str) -> None:
    [found] = accesses(call("ssm", "GetParameter", {"Name": name}))
    assert found.resource == f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/atrium/pool"
    each = accesses(call("ssm", "GetParameters", {"Names": ["plain", "/a/b"]}))
    assert [access.resource.rpartition(":")[2] for access in each] == [
        "parameter/plain",
        "parameter/a/b",
    ]


def test_log_streams_are_part_of_their_group(aws: None) -> None:
    group, stream = "/aws/lambda/users", "2026/01/01/[1]x"
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:"
    assert accesses(call("logs", "CreateLogGroup", {"logGroupName": group})) == [
        Access("logs:CreateLogGroup", arn)
    ]
    put = {"logGroupName": group, "logStreamName": stream}
    assert accesses(call("logs", "PutLogEvents", put)) == [
        Access("logs:PutLogEvents", arn + stream)
    ]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"\xff", b'{"TableName": 7}', b'{"RequestItems": {"t": 7}}', b'{"Key": []}'],
)
@pytest.mark.parametrize(
    "action",
    ["GetItem", "BatchGetItem", "BatchWriteItem", "TransactWriteItems", "Query", "DescribeTable"],
)
def test_a_body_that_makes_no_sense_is_refused_not_passed(
    aws: None, action: str, body: bytes
) -> None:
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


TRUE, FALSE = "true", "false"
UNTOLD = [
    pytest.param(
        {"Null": {"aws:ResourceTag/owner": FALSE}}, id="that a tag is there, which nobody looked up"
    ),
    pytest.param({"Null": {"aws:SourceVpce": FALSE}}, id="that it came by an endpoint"),
    pytest.param(
        {"Null": {"aws:TokenIssueTime": TRUE}}, id="that these are no temporary credentials"
    ),
    pytest.param(
        {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}, id="that it is of no such organization"
    ),
    pytest.param(
        {"BoolIfExists": {"aws:MultiFactorAuthPresent": TRUE}}, id="that there was a second factor"
    ),
    pytest.param(
        {"ArnNotLike": {"lambda:SourceFunctionArn": "arn:aws:lambda:*:*:function:x"}},
        id="that it is not x",
    ),
    pytest.param({"StringNotEquals": {"ssm:Overwrite": "x"}}, id="a key of the service itself"),
    pytest.param({"Bool": {"aws:ViaAWSService": TRUE}}, id="that a service calls"),
    pytest.param(
        {"StringNotEquals": {"aws:ResourceAccount": ACCOUNT}}, id="that it is another account's"
    ),
]


@pytest.mark.parametrize("condition", UNTOLD)
def test_no_condition_on_what_aws_alone_knows_lets_a_call_through(
    function: Function, condition: dict[str, Any]
) -> None:
    parameters = function(allow("ssm:GetParameter", Condition=condition))("ssm")
    refused(lambda: parameters.get_parameter(Name="/atrium/dev/pool"))


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param({"Bool": {"aws:ViaAWSService": FALSE}}, id="a direct call"),
        pytest.param(
            {"StringEquals": {"aws:ResourceAccount": ACCOUNT}}, id="a resource of this account"
        ),
        pytest.param({"StringNotEquals": {"ssm:Overwrite": "x"}}, id="of which it cannot be told"),
    ],
)
def test_and_a_deny_that_may_be_meant_holds(function: Function, condition: dict[str, Any]) -> None:
    deny = allow("ssm:GetParameter", Condition=condition) | {"Effect": "Deny"}
    parameters = function(allow("ssm:GetParameter"), deny)("ssm")
    assert "explicit deny" in refused(lambda: parameters.get_parameter(Name="/atrium/dev/pool"))


def test_a_secrets_stage_is_what_the_call_says_it_is(function: Function) -> None:
    current = {"StringEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}}
    secrets = function(allow("secretsmanager:*", Condition=current))("secretsmanager")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):  # which is let through
        secrets.get_secret_value(SecretId="app")
    refused(lambda: secrets.get_secret_value(SecretId="app", VersionStage="AWSPREVIOUS"))
    refused(lambda: secrets.get_secret_value(SecretId="app", VersionId="0" * 32))
    refused(
        lambda: secrets.put_secret_value(
            SecretId="app", SecretString="x", VersionStages=["AWSPREVIOUS"]
        )
    )
    refused(lambda: secrets.describe_secret(SecretId="app"))
