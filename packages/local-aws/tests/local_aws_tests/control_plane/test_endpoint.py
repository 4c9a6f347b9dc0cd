"""The AWS endpoint: moto answers supported calls, all others are refused at once and by name."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import boto3
import pytest
from aiohttp import web
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws.aws_call import AwsCall, AwsResponse, Forward
from local_aws.control_plane import endpoint
from local_aws.control_plane.moto_app import Moto
from local_aws.settings import Settings


async def _everyone(call: AwsCall) -> AwsResponse | None:
    return None


async def _page(request: web.Request) -> web.Response:
    return web.json_response({})


@asynccontextmanager
async def running(
    gate: endpoint.Gate = _everyone, pages: Iterable[web.RouteDef] = (), **interceptors: Any
) -> AsyncIterator[str]:
    moto = Moto(Settings(Path()))
    app = endpoint.create_app(interceptors, moto, gate, pages)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
        moto.close()


def client(service: str, url: str) -> Any:
    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=url,
        region_name="eu-central-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}),
    )


async def refusal(call: Any, **arguments: Any) -> ClientError:
    with pytest.raises(ClientError) as error:
        await asyncio.to_thread(call, **arguments)
    return error.value


def test_moto_keeps_its_state_between_calls() -> None:
    async def run() -> None:
        async with running() as url:
            topics = client("sns", url)
            created = await asyncio.to_thread(topics.create_topic, Name="alarms")
            assert created["TopicArn"] == "arn:aws:sns:eu-central-1:000000000000:alarms"
            listed = await asyncio.to_thread(topics.list_topics)
            assert created["TopicArn"] in [topic["TopicArn"] for topic in listed["Topics"]]

    asyncio.run(run())


def test_an_action_that_moto_lacks_is_501_and_named() -> None:
    async def run() -> None:
        async with running() as url:
            error = await refusal(
                client("ec2", url).create_instance_connect_endpoint, SubnetId="subnet-1"
            )
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 501
            assert "create_instance_connect_endpoint" in str(error)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        (
            "apigateway",
            "get_usage",
            {"usagePlanId": "x", "startDate": "2026-01-01", "endDate": "2026-01-02"},
        ),  # REST
        ("lambda", "get_function_recursion_config", {"FunctionName": "x"}),
        ("dynamodb", "list_contributor_insights", {}),  # JSON
        (
            "sqs",
            "list_message_move_tasks",
            {"SourceArn": "arn:aws:sqs:eu-central-1:000000000000:x"},
        ),
        ("translate", "list_languages", {}),  # a service that moto does not have
        ("outposts", "list_sites", {}),
        # services of moto that would accept these calls and do nothing
        ("athena", "start_query_execution", {"QueryString": "SELECT 1"}),
        ("kinesis", "list_streams", {}),
        (
            "rds-data",
            "execute_statement",
            {"resourceArn": "arn:aws:rds:x", "secretArn": "arn:aws:rds:x", "sql": "SELECT 1"},
        ),
        ("stepfunctions", "start_execution", {"stateMachineArn": "arn:aws:states:x"}),
        ("scheduler", "list_schedules", {}),
        ("pipes", "list_pipes", {}),
        ("ses", "list_identities", {}),  # answers in XML
        ("apigatewayv2", "get_apis", {}),
    ],
)
def test_an_unsupported_call_is_501_with_service_and_action(
    service: str, operation: str, arguments: dict[str, str]
) -> None:
    async def run() -> None:
        async with running() as url:
            aws = client(service, url)
            error = await refusal(getattr(aws, operation), **arguments)
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 501
            said = error.response["Error"]["Message"]
            assert said.startswith(
                tuple(
                    f"{name}: "
                    for name in (service, f"aws{service}", aws.meta.service_model.signing_name)
                )
            )
            assert operation in said or aws.meta.method_to_api_mapping[operation] in said
            assert "docs/fidelity.md" in said

    asyncio.run(run())


def test_the_gate_decides_before_the_service_runs() -> None:
    asked: list[str] = []

    async def sns(call: AwsCall, forward: Forward) -> AwsResponse:
        asked.append(call.service)
        return await forward(call)

    async def nobody(call: AwsCall) -> AwsResponse | None:
        assert call.access_key == "local"
        assert call.action == "CreateTopic"
        return AwsResponse(
            403, b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"
        )

    async def run() -> None:
        async with running(nobody, sns=sns) as url:
            error = await refusal(client("sns", url).create_topic, Name="alarms")
            assert error.response["Error"]["Code"] == "AccessDenied"
            assert asked == []

    asyncio.run(run())


def test_a_web_page_cannot_act_as_the_operator() -> None:
    """Check a form post, which needs no preflight, so CORS alone would not stop it."""
    query = "X-Amz-Credential=local/20260101/eu-central-1/sns/aws4_request&Action=CreateTopic&Name=planted"

    async def run() -> None:
        async with running() as url, aiohttp.ClientSession() as session:
            page = {"Origin": "https://example.org"}
            async with session.post(f"{url}/?{query}", headers=page) as answer:
                assert answer.status == 403
                assert "https://example.org" in await answer.text()
            async with session.post(
                f"{url}/?{query}"
            ) as answer:  # the same request from a program does reach moto
                assert answer.status != 403

    asyncio.run(run())


@pytest.mark.parametrize(
    "host",
    ["rebound.example.org:{port}", "127.0.0.1.example.org", "localhost.example.org:{port}", "x"],
)
def test_a_foreign_host_header_is_refused(host: str) -> None:
    """Simulate DNS rebinding: the page's host name resolves to this machine, so its requests have
    no Origin.
    """

    async def run() -> None:
        async with (
            running(pages=[web.get("/_local/inbox", _page)]) as url,
            aiohttp.ClientSession() as session,
        ):
            headers = {"Host": host.format(port=url.rpartition(":")[2])}
            for path in ("/_local/inbox", "/anything"):
                async with session.get(url + path, headers=headers) as answer:
                    assert answer.status == 403
                    assert "is not this machine" in await answer.text()

    asyncio.run(run())


@pytest.mark.parametrize(
    "host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST", "[::1]:{port}"]
)
def test_this_machines_names_are_served(host: str) -> None:
    async def run() -> None:
        async with (
            running(pages=[web.get("/_local/inbox", _page)]) as url,
            aiohttp.ClientSession() as session,
        ):
            headers = {"Host": host.format(port=url.rpartition(":")[2])}
            async with session.get(f"{url}/_local/inbox", headers=headers) as answer:
                assert answer.status == 200

    asyncio.run(run())


def test_a_web_page_cannot_post_to_the_stacks_own_operations() -> None:
    async def run() -> None:
        async with (
            running(pages=[web.post("/_local/snapshot", _page)]) as url,
            aiohttp.ClientSession() as session,
        ):
            async with session.post(
                f"{url}/_local/snapshot", headers={"Origin": "https://example.org"}
            ) as answer:
                assert answer.status == 403
            async with session.post(f"{url}/_local/snapshot") as answer:
                assert answer.status == 200

    asyncio.run(run())


@pytest.mark.parametrize(("action", "status"), [("AdminGetUser", 403), ("InitiateAuth", 200)])
def test_a_web_page_calls_cognito_as_a_user_and_never_as_an_administrator(
    action: str, status: int
) -> None:
    async def cognito(call: AwsCall, forward: Forward) -> AwsResponse:
        return AwsResponse(200, b"{}")

    async def run() -> None:
        interceptors: dict[str, Any] = {"cognito-idp": cognito}
        async with running(**interceptors) as url, aiohttp.ClientSession() as session:
            target = {
                "X-Amz-Target": f"AWSCognitoIdentityProviderService.{action}",
                "Origin": "http://localhost:5173",
            }
            async with session.post(url, headers=target) as answer:
                assert answer.status == status
            signed = {
                "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/eu-central-1/cognito-idp/aws4_request"
            }
            async with session.post(url, headers=target | signed) as answer:
                assert answer.status == 403, "a signed call is no user's"

    asyncio.run(run())


@pytest.mark.parametrize(
    "credential",
    ["", "local", "local/20260101/eu-central-1/sns", "a/b/c/d/e/f", "/20260101/r/s/aws4_request"],
)
def test_a_malformed_credential_is_an_incomplete_signature(credential: str) -> None:
    async def run() -> None:
        async with running() as url, aiohttp.ClientSession() as session:
            query = {"X-Amz-Credential": credential or "/"}
            async with session.get(url, params=query) as answer:
                assert answer.status == 403
                assert (await answer.json())["__type"] == "IncompleteSignature"
            signed = {
                "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"
            }
            async with session.get(url, headers=signed) as answer:
                assert (await answer.json())["__type"] == "IncompleteSignature"

    asyncio.run(run())


def test_an_unsigned_request_says_how_to_sign() -> None:
    async def run() -> None:
        async with (
            running() as url,
            aiohttp.ClientSession() as session,
            session.get(f"{url}/anything") as answer,
        ):
            assert answer.status == 403
            assert "AWS_ACCESS_KEY_ID=local" in await answer.text()

    asyncio.run(run())
