"""The inbox: mail is not sent from a laptop, but kept and readable over HTTP."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from local_aws.cognito import triggers
from local_aws.cognito.errors import CognitoError
from local_aws.cognito.pools import Pool, User
from local_aws.cognito.service import Service
from local_aws.cognito.state import Message

KEPT = 1000
MAX_SUBJECT, MAX_MESSAGE = 140, 20_000
"""Characters of the texts that a custom message may have."""
VERIFICATION = ("Your verification code", "Your confirmation code is {####}")
INVITATION = (
    "Your temporary password",
    "Your username is {username} and temporary password is {####}.",
)


async def send_code(
    service: Service,
    pool: Pool,
    user: User,
    source: str,
    to: str,
    code: str,
    client_id: str = triggers.NO_CLIENT,
    client_metadata: triggers.Metadata = None,
) -> dict[str, str]:
    """Send a code and return the `CodeDeliveryDetails`. `source` is what the trigger is told."""
    template = pool.extended_config.get("VerificationMessageTemplate") or {}
    subject = template.get("EmailSubject") or VERIFICATION[0]
    body = template.get("EmailMessage") or VERIFICATION[1]
    custom = await triggers.custom_message(service, pool, user, source, client_id, client_metadata)
    subject, body = _customized(custom, subject, body, triggers.CODE)
    deliver(service, to, subject, body.replace(triggers.CODE, code), code)
    return delivery(to)


def _customized(
    custom: triggers.CustomMessage, subject: str, body: str, *placeholders: str
) -> tuple[str, str]:
    """Return the texts of the trigger, or those of the pool if a placeholder is missing."""
    if custom.email_message is None or any(
        each not in custom.email_message for each in placeholders
    ):
        return subject, body
    if len(custom.email_subject or "") > MAX_SUBJECT or len(custom.email_message) > MAX_MESSAGE:
        raise CognitoError("InvalidLambdaResponseException", "Unrecognizable lambda output")
    return custom.email_subject or subject, custom.email_message


async def send_invitation(
    service: Service,
    pool: Pool,
    user: User,
    to: str,
    username: str,
    password: str,
    client_metadata: triggers.Metadata,
) -> None:
    template = (pool.extended_config.get("AdminCreateUserConfig") or {}).get(
        "InviteMessageTemplate"
    ) or {}
    subject = template.get("EmailSubject") or INVITATION[0]
    body = template.get("EmailMessage") or INVITATION[1]
    source = "CustomMessage_AdminCreateUser"
    custom = await triggers.custom_message(
        service, pool, user, source, triggers.NO_CLIENT, client_metadata
    )
    subject, body = _customized(custom, subject, body, triggers.CODE, triggers.USERNAME)
    deliver(
        service,
        to,
        subject,
        body.replace("{username}", username).replace("{####}", password),
        password,
    )


def delivery(to: str) -> dict[str, str]:
    """Return the delivery details with a masked address: `j***@e***`."""
    local, _, domain = to.partition("@")
    return {
        "Destination": f"{local[:1]}***@{domain[:1]}***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }


def deliver(service: Service, to: str, subject: str, body: str, code: str = "") -> None:
    """Add a mail. The oldest ones are dropped."""
    sent_at = (
        datetime.fromtimestamp(service.clock(), UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )
    service.state.inbox.append(Message(to, subject, body, code, sent_at))
    del service.state.inbox[:-KEPT]


def read(service: Service, to: str | None) -> list[dict[str, Any]]:
    """Return the messages of an address, newest last; addresses are case-insensitive."""
    return [asdict(m) for m in service.state.inbox if to is None or m.to.lower() == to.lower()]


def respond(service: Service, request: web.Request) -> web.Response:
    return web.json_response(
        read(service, request.query.get("to")), headers={"Cache-Control": "no-store"}
    )
