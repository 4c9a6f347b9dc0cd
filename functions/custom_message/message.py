"""The choice of a template and its language, and the values that it may contain.

The language is the person's: `locale` of the app's client metadata, else of the account, else the
setting `MAIL_LANGUAGE`. The account has the locale of the sign-up or the invitation.

Anybody can sign up with a stranger's address, or change the own account to it. So a mail to an
unproven address contains nothing that its sender could choose.
"""

import html
from typing import Any

from atrium.identity.cognito_trigger import TriggerEvent, TriggerRequest
from atrium.runtime import config
from custom_message import templates

TEMPLATES = {
    "CustomMessage_SignUp": "confirm",
    "CustomMessage_ResendCode": "confirm",
    "CustomMessage_ForgotPassword": "reset",
    "CustomMessage_UpdateUserAttribute": "verify",
    "CustomMessage_VerifyUserAttribute": "verify",
    "CustomMessage_AdminCreateUser": "invite",
}
"""The template of each trigger source. Cognito sends its own text for any other."""

TO_UNPROVEN = ("confirm", "verify")


class Parameters(TriggerRequest, rename="camel", frozen=True, kw_only=True):
    """The request. Cognito replaces the two placeholders in the text after the trigger."""

    code_parameter: str
    username_parameter: str | None = None


class MessageRequest(TriggerEvent, rename="camel", frozen=True):
    request: Parameters


def write(event: MessageRequest) -> dict[str, Any]:
    """Return the subject and the text, or nothing for a source without a template."""
    name = TEMPLATES.get(event.trigger_source)
    if name is None:
        return {}
    request = event.request
    given = "" if name in TO_UNPROVEN else request.user_attributes.get("given_name", "")
    values = {
        "code": request.code_parameter,
        "username": request.username_parameter or "",
        "name": f" {html.escape(_without_placeholders(given))}" if given else "",
        "product": html.escape(product()),
    }
    template = templates.find(_language(request), name)
    return {
        "emailSubject": template.subject.substitute(product=product()),
        "emailMessage": template.body.substitute(values),
    }


def product() -> str:
    return config.optional("MAIL_PRODUCT", "Atrium")


def _without_placeholders(given: str) -> str:
    """Return a name in which Cognito replaces nothing."""
    return given.replace("{", "").replace("}", "")


def _language(request: Parameters) -> str:
    asked = (request.client_metadata or {}).get("locale"), request.user_attributes.get("locale")
    return next(filter(None, map(templates.language_of, asked)), templates.default_language())
