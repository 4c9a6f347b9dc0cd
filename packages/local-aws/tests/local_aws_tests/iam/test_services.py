"""The resource of each service's calls, and refusals in the service's own protocol."""

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.iam.access import Access
from local_aws.iam.required_access import accesses
from local_aws_tests.iam.calls import Function, allow, call, refused
from local_aws_tests.iam.conftest import ACCOUNT, REGION


def test_a_secret_is_decided_on_its_full_arn(function: Function) -> None:
    operator = boto3.client("secretsmanager", region_name=REGION)
    arn = operator.create_secret(Name="app", SecretString="x")["ARN"]
    operator.create_secret(Name="application", SecretString="x")
    secrets = function(allow("secretsmanager:GetSecretValue", arn))("secretsmanager")
    assert secrets.get_secret_value(SecretId="app")["ARN"] == arn
    secrets.get_secret_value(SecretId=arn)
    refused(lambda: secrets.get_secret_value(SecretId="application"))
    refused(lambda: secrets.put_secret_value(SecretId="app", SecretString="y"))


def test_cognito_admin_calls_are_decided_on_the_pool_and_public_ones_are_free(
    function: Function,
) -> None:
    operator = boto3.client("cognito-idp", region_name=REGION)
    pools = [operator.create_user_pool(PoolName=name)["UserPool"] for name in ("ours", "theirs")]
    for pool in pools:
        operator.admin_create_user(UserPoolId=pool["Id"], Username="ada")
    cognito = function(allow("cognito-idp:AdminGetUser", pools[0]["Arn"]))("cognito-idp")
    cognito.admin_get_user(UserPoolId=pools[0]["Id"], Username="ada")
    refused(lambda: cognito.admin_get_user(UserPoolId=pools[1]["Id"], Username="ada"))
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        cognito.sign_up(ClientId="none", Username="ada", Password="x" * 12)


def test_queues_and_keys_are_decided_on_their_arns(function: Function) -> None:
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


def test_events_are_decided_on_their_bus(function: Function) -> None:
    events = function(
        allow("events:PutEvents", f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default")
    )("events")
    entries = [{"Source": "a", "DetailType": "b", "Detail": "{}"}]
    assert events.put_events(Entries=entries)["FailedEntryCount"] == 0
    other = [*entries, entries[0] | {"EventBusName": "other"}]
    assert "event-bus/other because" in refused(lambda: events.put_events(Entries=other))


def test_a_service_without_mapping_needs_a_policy_on_all_resources(function: Function) -> None:
    make = function(allow("states:ListActivities", f"arn:aws:states:{REGION}:{ACCOUNT}:activity:a"))
    assert "on resource: * because" in refused(lambda: make("stepfunctions").list_activities())


def test_refusals_use_the_rest_or_query_protocol(function: Function) -> None:
    make = function(allow("sts:GetCallerIdentity"))
    assert "lambda:InvokeFunction" in refused(lambda: make("lambda").invoke(FunctionName="migrate"))
    assert "iam:ListRoles" in refused(lambda: make("iam").list_roles())
    assert "sns:Publish" in refused(
        lambda: make("sns").publish(TopicArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:t", Message="x")
    )
    assert make("sts").get_caller_identity()["Account"] == ACCOUNT


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
def test_an_invocation_is_decided_on_the_function_as_named(
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
def test_a_parameter_is_decided_without_its_version(name: str) -> None:
    [found] = accesses(call("ssm", "GetParameter", {"Name": name}))
    assert found.resource == f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/atrium/pool"
    each = accesses(call("ssm", "GetParameters", {"Names": ["plain", "/a/b"]}))
    assert [access.resource.rpartition(":")[2] for access in each] == [
        "parameter/plain",
        "parameter/a/b",
    ]


def test_log_streams_are_decided_on_their_group(aws: None) -> None:
    group, stream = "/aws/lambda/users", "2026/01/01/[1]x"
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:"
    assert accesses(call("logs", "CreateLogGroup", {"logGroupName": group})) == [
        Access("logs:CreateLogGroup", arn)
    ]
    put = {"logGroupName": group, "logStreamName": stream}
    assert accesses(call("logs", "PutLogEvents", put)) == [
        Access("logs:PutLogEvents", arn + stream)
    ]


def test_the_stage_of_a_secret_is_that_of_the_request(function: Function) -> None:
    current = {"StringEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}}
    secrets = function(allow("secretsmanager:*", Condition=current))("secretsmanager")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):  # the gate lets it through
        secrets.get_secret_value(SecretId="app")
    refused(lambda: secrets.get_secret_value(SecretId="app", VersionStage="AWSPREVIOUS"))
    refused(lambda: secrets.get_secret_value(SecretId="app", VersionId="0" * 32))
    refused(
        lambda: secrets.put_secret_value(
            SecretId="app", SecretString="x", VersionStages=["AWSPREVIOUS"]
        )
    )
    refused(lambda: secrets.describe_secret(SecretId="app"))


def test_a_mail_is_decided_on_its_senders_identity(function: Function) -> None:
    operator = boto3.client("sesv2", region_name=REGION)
    for identity in ("example.org", "example.net", "one@example.net"):
        operator.create_email_identity(EmailIdentity=identity)
    arn = f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/"
    of_one = {"Condition": {"StringEquals": {"ses:FromAddress": "no-reply@example.org"}}}
    ses = function(
        allow("ses:SendEmail", f"{arn}example.org", **of_one),
        allow("ses:SendEmail", f"{arn}one@example.net"),
    )("sesv2")

    def send(sender: str) -> None:
        text = {"Subject": {"Data": "a"}, "Body": {"Text": {"Data": "b"}}}
        to = {"ToAddresses": ["ada@example.com"]}
        ses.send_email(FromEmailAddress=sender, Destination=to, Content={"Simple": text})

    send("Atrium <no-reply@example.org>")
    send("one@example.net")
    assert f"ses:SendEmail on resource: {arn}example.org" in refused(lambda: send("b@example.org"))
    assert "identity/example.net" in refused(lambda: send("two@example.net"))
    assert "ses:ListEmailIdentities" in refused(ses.list_email_identities)
