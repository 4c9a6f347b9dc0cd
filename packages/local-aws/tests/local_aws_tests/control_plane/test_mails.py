"""SES v2's SendEmail: the inbox gets a mail if its sender is a verified identity."""

from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from botocore.exceptions import ClientError

from local_aws.cognito import Cognito
from local_aws.cognito.inbox import read
from local_aws.control_plane import endpoint, mails
from local_aws.control_plane.moto_app import Moto
from local_aws.request_model import RequestModelGate
from local_aws.settings import LOOPBACK, Settings
from local_aws_tests.cognito.user_pool_harness import Functions
from local_aws_tests.control_plane.test_endpoint import client
from local_aws_tests.lambda_service.laptop import Loop

SENDER = "Atrium <no-reply@example.org>"
CONTENT = {
    "Simple": {
        "Subject": {"Data": "Your password has changed"},
        "Body": {"Html": {"Data": "<p>Hello</p>"}},
    }
}


@pytest.fixture
def cognito(tmp_path: Any) -> Cognito:
    return Cognito(Settings(tmp_path), Functions().invoke)


@pytest.fixture
def ses(tmp_path: Any, cognito: Cognito) -> Iterator[Any]:
    loop, moto = Loop(), Moto(Settings(tmp_path))
    intercept = mails.interceptor(cognito.deliver)

    async def listen() -> web.AppRunner:
        app = endpoint.create_app(
            {"ses": lambda call, _: intercept(call, moto)}, moto, RequestModelGate().check
        )
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, LOOPBACK, 0).start()
        return runner

    runner = loop.run(listen())
    yield client("sesv2", f"http://{LOOPBACK}:{runner.addresses[0][1]}")
    loop.run(runner.cleanup())
    moto.close()
    loop.close()


def send(ses: Any, **more: Any) -> None:
    mail = {"FromEmailAddress": SENDER, "Destination": {"ToAddresses": ["ada@example.com"]}}
    ses.send_email(**(mail | {"Content": CONTENT} | more))


def inbox(cognito: Cognito) -> list[tuple[str, str, str]]:
    return [(each["to"], each["subject"], each["body"]) for each in read(cognito._service, None)]


def test_a_mail_reaches_the_inbox_once_its_sender_is_verified(ses: Any, cognito: Cognito) -> None:
    with pytest.raises(ClientError, match="not verified"):
        send(ses)
    assert inbox(cognito) == []
    ses.create_email_identity(EmailIdentity="example.org")
    send(ses)
    send(ses, Destination={"ToAddresses": ["bo@example.com"], "CcAddresses": ["cy@example.com"]})
    subject, body = "Your password has changed", "<p>Hello</p>"
    assert inbox(cognito) == [
        (f"{name}@example.com", subject, body) for name in ("ada", "bo", "cy")
    ]


def test_raw_mails_and_stored_templates_are_refused(ses: Any, cognito: Cognito) -> None:
    ses.create_email_identity(EmailIdentity="example.org")
    for content in ({"Raw": {"Data": b"x"}}, {"Template": {"TemplateName": "changed"}}):
        with pytest.raises(ClientError, match="not emulated"):
            send(ses, Content=content)
    assert inbox(cognito) == []
