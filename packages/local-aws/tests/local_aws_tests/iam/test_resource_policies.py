"""Resource policies of queues, topics, secrets, keys, buckets and functions, evaluated with the
role's.
"""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.awslambda.models import lambda_backends

from local_aws.control_plane import topic_delivery  # noqa: F401 - corrects moto
from local_aws_tests.iam.conftest import ACCOUNT, REGION, client, document

Function = Callable[..., Callable[[str], Any]]
Work = Callable[[], Any]
ROLE = f"arn:aws:iam::{ACCOUNT}:role/users"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/users/worker"
NOTHING = {"Effect": "Allow", "Action": "xray:PutTraceSegments", "Resource": "*"}
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def statement(effect: str, action: str, resource: str, principal: Any = None) -> dict[str, Any]:
    who = principal or {"AWS": ROLE}
    return {"Effect": effect, "Principal": who, "Action": action, "Resource": resource}


def own(service: str) -> Any:
    return boto3.client(service, region_name=REGION)  # type: ignore[call-overload]


def denied(work: Work) -> str:
    with pytest.raises(ClientError) as caught:
        work()
    assert caught.value.response["Error"]["Code"].startswith("AccessDenied")
    return str(caught.value.response["Error"]["Message"])


class Resource:
    """A resource, a way to set its policy, and a role's call that the policy decides."""

    def __init__(self, arn: str, put: Callable[[str], Any], call: Callable[[Any], Any]) -> None:
        self.arn, self.put, self.call = arn, put, call


def queue() -> Resource:
    url = own("sqs").create_queue(QueueName="jobs")["QueueUrl"]
    return Resource(
        f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs",
        lambda text: own("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": text}),
        lambda of: of("sqs").send_message(QueueUrl=url, MessageBody="x"),
    )


def topic() -> Resource:
    arn = own("sns").create_topic(Name="news")["TopicArn"]
    return Resource(
        arn,
        lambda text: own("sns").set_topic_attributes(
            TopicArn=arn, AttributeName="Policy", AttributeValue=text
        ),
        lambda of: of("sns").publish(TopicArn=arn, Message="x"),
    )


def secret() -> Resource:
    arn = own("secretsmanager").create_secret(Name="word", SecretString="x")["ARN"]
    return Resource(
        arn,
        lambda text: own("secretsmanager").put_resource_policy(SecretId=arn, ResourcePolicy=text),
        lambda of: of("secretsmanager").get_secret_value(SecretId="word"),
    )


def bucket() -> Resource:
    where = {"LocationConstraint": REGION}
    own("s3").create_bucket(Bucket="objects", CreateBucketConfiguration=where)
    return Resource(
        "arn:aws:s3:::objects/*",
        lambda text: own("s3").put_bucket_policy(Bucket="objects", Policy=text),
        lambda of: of("s3").put_object(Bucket="objects", Key="a/b", Body=b"x"),
    )


ACTIONS = {
    queue: "sqs:SendMessage",
    topic: "sns:Publish",
    secret: "secretsmanager:GetSecretValue",
    bucket: "s3:PutObject",
}
EACH = pytest.mark.parametrize(("make", "action"), ACTIONS.items(), ids=ACTIONS.values())


@EACH
def test_a_resource_policy_that_names_the_role_is_enough(
    function: Function, make: Callable[[], Resource], action: str
) -> None:
    of, resource = function(NOTHING), make()
    assert f"no identity-based policy allows the {action} action" in denied(
        lambda: resource.call(of)
    )
    resource.put(document(statement("Allow", action, resource.arn)))
    resource.call(of)


@EACH
def test_a_deny_in_the_resource_policy_wins(
    function: Function, make: Callable[[], Resource], action: str
) -> None:
    of, resource = function(ALL), make()
    resource.call(of)
    resource.put(document(statement("Deny", action, resource.arn)))
    assert denied(lambda: resource.call(of)).endswith(
        "with an explicit deny in a resource-based policy"
    )


@EACH
def test_a_resource_policy_for_the_account_only_delegates(
    function: Function, make: Callable[[], Resource], action: str
) -> None:
    of, resource = function(NOTHING), make()
    resource.put(document(statement("Allow", action, resource.arn, {"AWS": ACCOUNT})))
    denied(lambda: resource.call(of))


def test_a_boundary_applies_to_a_role_but_not_to_a_named_session(function: Function) -> None:
    boundary = own("iam").create_policy(PolicyName="edge", PolicyDocument=document(NOTHING))
    of, jobs = function(NOTHING, boundary=boundary["Policy"]["Arn"]), queue()
    jobs.put(document(statement("Allow", "sqs:SendMessage", jobs.arn)))
    assert "no permissions boundary allows" in denied(lambda: jobs.call(of))
    jobs.put(document(statement("Allow", "sqs:SendMessage", jobs.arn, {"AWS": SESSION})))
    jobs.call(of)


@pytest.mark.parametrize(
    ("principal", "may"),
    [({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, True), ({"AWS": ROLE}, True), (None, False)],
)
def test_a_key_uses_identity_policies_only_if_its_policy_allows_it(
    function: Function, principal: Any, may: bool
) -> None:
    of = function(ALL)
    someone = principal or {"AWS": f"arn:aws:iam::{ACCOUNT}:role/admin"}
    if principal is None:
        own("iam").create_role(
            RoleName="admin",
            AssumeRolePolicyDocument=document(
                {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}
            ),
        )
    policy = document(statement("Allow", "kms:*", "*", someone))
    key = own("kms").create_key(Policy=policy)["KeyMetadata"]["KeyId"]
    encrypt: Work = lambda: of("kms").encrypt(KeyId=key, Plaintext=b"x")  # noqa: E731
    if may:
        encrypt()
    else:
        assert "no resource-based policy allows the kms:Encrypt action" in denied(encrypt)


def test_a_functions_policy_can_allow_a_role(function: Function) -> None:
    of = function(NOTHING)
    lambda_ = own("lambda")
    lambda_.create_function(
        FunctionName="made", Runtime="python3.13", Role=ROLE, Handler="a.b", Code={"ZipFile": b"z"}
    )
    ask: Work = lambda: of("lambda").get_function(FunctionName="made")  # noqa: E731
    denied(ask)
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:made"
    made = lambda_backends[ACCOUNT][REGION].get_function("made")
    made.policy.statements.append(statement("Allow", "lambda:GetFunction", arn))
    ask()


def test_a_queue_accepts_messages_of_a_topic_only_if_its_policy_allows_it(aws: None) -> None:
    jobs, news = queue(), topic()
    own("sns").subscribe(TopicArn=news.arn, Protocol="sqs", Endpoint=jobs.arn)
    url = own("sqs").get_queue_url(QueueName="jobs")["QueueUrl"]

    def arrived() -> int:
        own("sns").publish(TopicArn=news.arn, Message="x")
        return len(own("sqs").receive_message(QueueUrl=url).get("Messages", []))

    assert arrived() == 0
    of_sns = statement("Allow", "sqs:SendMessage", jobs.arn, {"Service": "sns.amazonaws.com"})
    for topic_arn, expected in ((f"{news.arn}-other", 0), (news.arn, 1)):
        condition = {"Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}}}
        jobs.put(document(of_sns | condition))
        assert arrived() == expected


@pytest.mark.parametrize(
    ("call", "action", "resource"),
    [
        (lambda s3: s3.get_object(Bucket="things", Key="k"), "s3:GetObject", "things/k"),
        (lambda s3: s3.head_object(Bucket="things", Key="k"), "s3:GetObject", "things/k"),
        (
            lambda s3: s3.get_object(Bucket="things", Key="k", VersionId="1"),
            "s3:GetObjectVersion",
            "things/k",
        ),
        (lambda s3: s3.delete_object(Bucket="things", Key="k"), "s3:DeleteObject", "things/k"),
        (lambda s3: s3.list_objects_v2(Bucket="things"), "s3:ListBucket", "things"),
        (lambda s3: s3.list_buckets(), "s3:ListAllMyBuckets", "*"),
        (
            lambda s3: s3.get_object_tagging(Bucket="things", Key="k"),
            "s3:GetObjectTagging",
            "things/k",
        ),
        (
            lambda s3: s3.create_multipart_upload(Bucket="things", Key="k"),
            "s3:PutObject",
            "things/k",
        ),
        (
            lambda s3: s3.abort_multipart_upload(Bucket="things", Key="k", UploadId="u"),
            "s3:AbortMultipartUpload",
            "things/k",
        ),
        (lambda s3: s3.get_bucket_policy(Bucket="things"), "s3:GetBucketPolicy", "things"),
        (
            lambda s3: s3.copy_object(Bucket="things", Key="k", CopySource="c/d"),
            "s3:PutObject",
            "things/k",
        ),
    ],
)
def test_a_call_of_s3_is_decided_on_its_bucket_or_object(
    function: Function, call: Callable[[Any], Any], action: str, resource: str
) -> None:
    key, secret, token = credentials(function)
    s3 = client("s3", key, secret, token)
    with pytest.raises(ClientError) as caught:
        call(s3)
    arn = resource if resource == "*" else f"arn:aws:s3:::{resource}"
    error = caught.value.response["Error"]
    if error["Code"] != "403":  # a response to HEAD has no body
        assert f"perform: {action} on resource: {arn} " in error["Message"]


def credentials(function: Function) -> tuple[str, str, str]:
    from local_aws.iam import sessions

    function(NOTHING)
    key, secret, token, _ = sessions.credentials_for(ROLE, "worker")
    return key, secret, token


def test_the_record_contains_the_deciding_policy() -> None:
    from local_aws.iam.record import Call, Policies, _call

    policies = Policies((("own", "{}"),), None, "", ('{"Statement": []}', True))
    written = json.loads(
        json.dumps({"policies": {"identity": [["own", "{}"]], "boundary": None, "session": "",
                                 "attached": ['{"Statement": []}', True]},
                    "role": "r", "action": "a", "resource": "x", "allowed": True,
                    "statement": "own/s", "context": {}})
    )  # fmt: skip
    assert _call(written) == Call("r", "a", "x", True, "own/s", policies, {})
