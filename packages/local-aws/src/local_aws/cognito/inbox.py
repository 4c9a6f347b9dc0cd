"""The inbox: mail is not sent from a laptop, but kept and readable over HTTP."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from local_aws.cognito.pools import Pool
from local_aws.cognito.service import Service
from local_aws.cognito.state import Message

KEPT = 1000
VERIFICATION = ("Your verification code", "Your confirmation code is {####}")
INVITATION = (
    "Your temporary password",
    "Your username is {username} and temporary password is {####}.",
)


def send_code(service: Service, pool: Pool, to: str, code: str) -> dict[str, str]:
    """Send a code and return the `CodeDeliveryDetails`."""
    template = pool.extended_config.get("VerificationMessageTemplate") or {}
    subject = template.get("EmailSubject") or VERIFICATION[0]
    body = template.get("EmailMessage") or VERIFICATION[1]
    _deliver(service, to, subject, body.replace("{####}", code), code)
    return delivery(to)


def send_invitation(service: Service, pool: Pool, to: str, username: str, password: str) -> None:
    template = (pool.extended_config.get("AdminCreateUserConfig") or {}).get(
        "InviteMessageTemplate"
    ) or {}
    subject = template.get("EmailSubject") or INVITATION[0]
    body = template.get("EmailMessage") or INVITATION[1]
    _deliver(
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


def _deliver(service: Service, to: str, subject: str, body: str, code: str) -> None:
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
