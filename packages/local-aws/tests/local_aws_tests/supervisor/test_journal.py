"""The journal: each acknowledged call since the last snapshot survives a kill, for each kind of
state.
"""

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from aiohttp import web
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.backends import get_backend
from moto.sqs.models import sqs_backends

from local_aws.api_gateway.control import RestApis
from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.cognito.endpoint import Cognito
from local_aws.control_plane import endpoint
from local_aws.control_plane.moto_app import Moto
from local_aws.dynamodb import DynamoDb
from local_aws.settings import ACCOUNT_ID, LOOPBACK, Settings
from local_aws.supervisor.persistence import Kept, Persistence
from local_aws_tests.lambda_service.laptop import REGION, TRUST, Loop, zipped

# A killed process does not close moto's temporary files.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
_SERVICES: tuple[Any, ...] = (
    "cognito-idp", "dynamodb", "events", "iam", "lambda", "logs", "s3", "secretsmanager", "sns", "sqs", "ssm",
)  # fmt: skip


class Supervisor:
    """The stack's own persistence with moto, Cognito and the store of items, without workers and
    databases.
    """

    def __init__(self, loop: Loop, root: Path) -> None:
        for service in _SERVICES:
            get_backend(service).reset()
        self._loop, self.settings = loop, Settings(root=root)
        self.settings.state.mkdir(parents=True, exist_ok=True)
        self._moto = Moto(self.settings)
        self.persistence = Persistence(self.settings, self._moto)
        self.kept: Kept = self.persistence.load()
        self._runner, self._port = loop.run(self._start())

    async def _start(self) -> tuple[web.AppRunner, int]:
        async def no_function(*_: Any, **__: Any) -> Any:
            raise AssertionError("no trigger is set")

        async def allow(call: AwsCall) -> AwsResponse | None:
            return None

        cognito = Cognito(self.settings, no_function, self.kept.cognito)
        self.persistence.keep(cognito, RestApis(self.kept.apis), self.kept.store)
        interceptors = {
            "cognito-idp": cognito.intercept,
            "dynamodb": DynamoDb(self.kept.store).intercept,
        }
        app = endpoint.create_app(
            self.persistence.watched(interceptors), self.persistence.forward, allow
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, LOOPBACK, 0).start()
        return runner, runner.addresses[0][1]

    def client(self, service: str) -> Any:
        return boto3.client(
            service, region_name=REGION, endpoint_url=f"http://{LOOPBACK}:{self._port}",  # type: ignore[call-overload]
            aws_access_key_id="local", aws_secret_access_key="local", config=Config(retries={"total_max_attempts": 1}),
        )  # fmt: skip

    def save(self) -> None:
        self._loop.run(self.persistence.save())

    def stop(self) -> bool:
        """Return True if a stop would write a snapshot."""
        return self._loop.run(self.persistence.save_uncovered())

    def close(self) -> None:
        self._loop.run(self._runner.cleanup())
        self._moto.close()
        self.kept.store.close()


class Stack:
    """A supervisor that tests can kill.

    The next one has only what is on the disk at that moment.
    """

    def __init__(self, loop: Loop, folder: Path) -> None:
        self._loop, self._folder, self._starts = loop, folder, 0
        self.now = Supervisor(loop, folder / "0")

    def kill(self) -> None:
        self._starts += 1
        root = self._folder / str(self._starts)
        shutil.copytree(
            self.now.settings.root, root
        )  # before anything is closed, because closing writes
        self.now.close()
        self.now = Supervisor(self._loop, root)

    def client(self, service: str) -> Any:
        return self.now.client(service)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    loop = Loop()
    made = Stack(loop, tmp_path)
    yield made
    made.now.close()
    loop.close()


def pool_of(stack: Stack) -> tuple[str, str]:
    cognito = stack.client("cognito-idp")
    pool = cognito.create_user_pool(
        PoolName="people", AutoVerifiedAttributes=["email"], UsernameAttributes=["email"]
    )["UserPool"]["Id"]  # fmt: skip
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    made = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="app", ExplicitAuthFlows=flows
    )
    return pool, made["UserPoolClient"]["ClientId"]


def test_users_codes_and_sign_ins_survive_a_kill(stack: Stack) -> None:
    pool, client = pool_of(stack)
    cognito = stack.client("cognito-idp")
    cognito.create_group(UserPoolId=pool, GroupName="staff")
    stack.now.save()
    for name in ("ada@example.com", "bob@example.com"):
        cognito.sign_up(ClientId=client, Username=name, Password="correct-Horse-1")
    cognito.admin_confirm_sign_up(UserPoolId=pool, Username="ada@example.com")
    cognito.admin_add_user_to_group(UserPoolId=pool, Username="ada@example.com", GroupName="staff")
    stack.kill()
    cognito = stack.client("cognito-idp")
    assert stack.now.kept.cognito
    [code] = [
        message.code for message in stack.now.kept.cognito.inbox if message.to == "bob@example.com"
    ]
    cognito.confirm_sign_up(ClientId=client, Username="bob@example.com", ConfirmationCode=code)
    assert [
        each["GroupName"]
        for each in cognito.admin_list_groups_for_user(UserPoolId=pool, Username="ada@example.com")[
            "Groups"
        ]
    ] == ["staff"]
    assert len(cognito.list_users_in_group(UserPoolId=pool, GroupName="staff")["Users"]) == 1
    password = {"USERNAME": "ada@example.com", "PASSWORD": "correct-Horse-1"}
    signed_in = cognito.initiate_auth(
        ClientId=client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=password
    )
    cognito.admin_delete_user(UserPoolId=pool, Username="bob@example.com")
    stack.kill()
    cognito = stack.client("cognito-idp")
    refresh = {"REFRESH_TOKEN": signed_in["AuthenticationResult"]["RefreshToken"]}
    assert cognito.initiate_auth(
        ClientId=client, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters=refresh
    )
    assert len(cognito.list_users(UserPoolId=pool)["Users"]) == 1


def test_a_pool_is_in_a_snapshot_before_its_call_is_answered(stack: Stack) -> None:
    pool, client = pool_of(stack)
    stack.kill()
    cognito = stack.client("cognito-idp")
    assert (
        cognito.describe_user_pool_client(UserPoolId=pool, ClientId=client)["UserPoolClient"][
            "ClientName"
        ]
        == "app"
    )


def test_messages_survive_a_kill(stack: Stack) -> None:
    queues, topics = stack.client("sqs"), stack.client("sns")
    of_sns = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [of_sns]})
    url = queues.create_queue(QueueName="jobs", Attributes={"Policy": policy})["QueueUrl"]
    topic = topics.create_topic(Name="news")["TopicArn"]
    topics.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:jobs"
    )
    stack.now.save()
    for number in range(3):
        queues.send_message(QueueUrl=url, MessageBody=f"job {number}")
    topics.publish(TopicArn=topic, Message="from the topic")
    [first] = queues.receive_message(QueueUrl=url, VisibilityTimeout=600)["Messages"]
    queues.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    stack.kill()
    queues = stack.client("sqs")
    url = queues.get_queue_url(QueueName="jobs")["QueueUrl"]
    bodies = [
        each["Body"]
        for each in queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    ]
    assert len(bodies) == 3
    assert {"job 1", "job 2"} <= {*bodies, first["Body"]}
    assert first["Body"] not in bodies
    assert any("from the topic" in body for body in bodies)


def test_objects_survive_a_kill(stack: Stack) -> None:
    s3 = stack.client("s3")
    s3.create_bucket(Bucket="things", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="things", Key="gone", Body=b"x")
    stack.now.save()
    s3.put_object(Bucket="things", Key="a/b c&d", Body=b"kept" * 1000, Metadata={"by": "test"})
    s3.delete_object(Bucket="things", Key="gone")
    upload = s3.create_multipart_upload(Bucket="things", Key="large")["UploadId"]
    part = s3.upload_part(
        Bucket="things", Key="large", UploadId=upload, PartNumber=1, Body=b"p" * 1000
    )
    stack.kill()
    s3 = stack.client("s3")
    found = s3.get_object(Bucket="things", Key="a/b c&d")
    assert (found["Body"].read(), found["Metadata"]) == (b"kept" * 1000, {"by": "test"})
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket="things", Key="gone")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(
        Bucket="things", Key="large", UploadId=upload, MultipartUpload=parts
    )
    s3.delete_objects(Bucket="things", Delete={"Objects": [{"Key": "a/b c&d"}]})
    stack.kill()
    listed = stack.client("s3").list_objects_v2(Bucket="things")["Contents"]
    assert [each["Key"] for each in listed] == ["large"]


def test_functions_secrets_parameters_and_rules_survive_a_kill(stack: Stack) -> None:
    stack.client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=TRUST)
    stack.now.save()
    functions, role = stack.client("lambda"), f"arn:aws:iam::{ACCOUNT_ID}:role/worker"
    functions.create_function(
        FunctionName="work",
        Runtime="python3.13",
        Role=role,
        Handler="main.handler",
        Code={"ZipFile": zipped({"main.py": "one"})},
    )
    functions.update_function_code(
        FunctionName="work", ZipFile=zipped({"main.py": "two"}), Publish=True
    )
    functions.create_alias(FunctionName="work", Name="live", FunctionVersion="1")
    functions.put_function_concurrency(FunctionName="work", ReservedConcurrentExecutions=3)
    secret = stack.client("secretsmanager").create_secret(Name="word", SecretString="open")["ARN"]
    stack.client("secretsmanager").put_secret_value(SecretId=secret, SecretString="sesame")
    stack.client("ssm").put_parameter(Name="/a", Value="b", Type="String")
    stack.client("events").put_rule(Name="hourly", ScheduleExpression="rate(1 hour)")
    before = functions.get_function(FunctionName="work", Qualifier="live")["Configuration"]
    stack.kill()
    after = stack.client("lambda").get_function(FunctionName="work", Qualifier="live")[
        "Configuration"
    ]
    assert {name: after[name] for name in ("CodeSha256", "Version")} == {
        name: before[name] for name in ("CodeSha256", "Version")
    }
    reserved = stack.client("lambda").get_function_concurrency(FunctionName="work")
    assert reserved["ReservedConcurrentExecutions"] == 3
    assert (
        stack.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"] == "sesame"
    )
    assert stack.client("ssm").get_parameter(Name="/a")["Parameter"]["Value"] == "b"
    assert [rule["Name"] for rule in stack.client("events").list_rules()["Rules"]] == ["hourly"]


def test_the_journal_is_emptied_by_a_snapshot(stack: Stack) -> None:
    """Check that nothing older is replayed over newer data."""
    queues = stack.client("sqs")
    url = queues.create_queue(QueueName="jobs")["QueueUrl"]
    stack.now.save()
    queues.send_message(QueueUrl=url, MessageBody="one")
    assert stack.now.kept.store.blocking(lambda data: data.changes_after(0))
    stack.now.save()
    assert not stack.now.kept.store.blocking(lambda data: data.changes_after(0))
    queues.send_message(QueueUrl=url, MessageBody="two")
    stack.kill()
    queues = stack.client("sqs")
    got = queues.receive_message(
        QueueUrl=queues.get_queue_url(QueueName="jobs")["QueueUrl"], MaxNumberOfMessages=10
    )
    assert sorted(each["Body"] for each in got["Messages"]) == ["one", "two"]


def test_an_interrupted_apply_loses_resources_but_no_data(stack: Stack) -> None:
    tables, queues = stack.client("dynamodb"), stack.client("sqs")
    keys: dict[str, Any] = {
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}], "BillingMode": "PAY_PER_REQUEST",
    }  # fmt: skip
    tables.create_table(TableName="people", **keys)
    url = queues.create_queue(QueueName="jobs")["QueueUrl"]
    stack.now.save()
    tables.put_item(TableName="people", Item={"pk": {"S": "before"}})
    marker = stack.now.settings.state / "terraform" / "root.applying"
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text("1")
    tables.delete_table(TableName="people")
    tables.create_table(TableName="people", **keys)
    tables.create_table(TableName="new", **keys)
    stack.client("ssm").put_parameter(Name="/a", Value="b", Type="String")
    queues.send_message(QueueUrl=url, MessageBody="during")
    tables.put_item(TableName="people", Item={"pk": {"S": "during"}})
    stack.kill()
    assert "An apply was interrupted" in stack.now.kept.notice
    tables = stack.client("dynamodb")
    assert tables.list_tables()["TableNames"] == ["people"]
    assert tables.scan(TableName="people")["Items"] == [{"pk": {"S": "before"}}]
    assert not stack.client("ssm").describe_parameters()["Parameters"]
    queues = stack.client("sqs")
    got = queues.receive_message(QueueUrl=queues.get_queue_url(QueueName="jobs")["QueueUrl"])
    assert [each["Body"] for each in got["Messages"]] == ["during"]


def test_two_concurrent_calls_share_one_snapshot(stack: Stack) -> None:
    """Check that resources created at the same time do not each wait for a snapshot of their own."""
    topics = stack.client("sns")
    before = stack.now.persistence.snapshots

    async def make() -> None:
        await asyncio.gather(
            *(asyncio.to_thread(topics.create_topic, Name=f"t{number}") for number in range(8))
        )

    asyncio.run(make())
    assert stack.now.persistence.snapshots - before <= 4
    stack.kill()
    assert len(stack.client("sns").list_topics()["Topics"]) == 8


def test_a_change_that_cannot_be_stored_is_refused(stack: Stack) -> None:
    """Fill the disk: resources that need a snapshot and messages are refused until there is space."""
    queues, topics = stack.client("sqs"), stack.client("sns")
    url = queues.create_queue(QueueName="jobs")["QueueUrl"]
    stack.now.save()
    part = stack.now.settings.state / "control-plane.part"
    part.symlink_to("/dev/full")
    with pytest.raises(ClientError, match="InsufficientStorage"):
        topics.create_topic(Name="news")
    part.unlink(missing_ok=True)
    full = (
        "CREATE TRIGGER full BEFORE INSERT ON changes BEGIN SELECT RAISE(FAIL, 'disk is full'); END"
    )
    stack.now.kept.store.blocking(lambda data: data.sql.execute(full))
    with pytest.raises(ClientError, match="disk is full"):
        queues.send_message(QueueUrl=url, MessageBody="one")
    stack.now.kept.store.blocking(lambda data: data.sql.execute("DROP TRIGGER full"))
    queues.send_message(QueueUrl=url, MessageBody="two")
    stack.kill()
    queues = stack.client("sqs")
    got = queues.receive_message(
        QueueUrl=queues.get_queue_url(QueueName="jobs")["QueueUrl"], MaxNumberOfMessages=10
    )
    assert "two" in [each["Body"] for each in got["Messages"]]


def test_a_stop_writes_no_snapshot_of_data_in_the_journal(stack: Stack) -> None:
    url = stack.client("sqs").create_queue(QueueName="jobs")["QueueUrl"]
    stack.now.save()
    stack.client("sqs").send_message(QueueUrl=url, MessageBody="one")
    assert not stack.now.stop()
    # as when a function has read it
    sqs_backends[ACCOUNT_ID][REGION].queues["jobs"]._messages.clear()
    stack.now.persistence.changed()
    assert not stack.now.stop()
    stack.kill()
    assert "Messages" not in stack.client("sqs").receive_message(QueueUrl=url)
