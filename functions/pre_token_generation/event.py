"""The event of Cognito's trigger before it makes a token."""

import msgspec

from atrium.identity.cognito_trigger import TriggerEvent, TriggerRequest


class TokenRequest(TriggerRequest, rename="camel", frozen=True):
    scopes: list[str] | None = None


class CallerContext(msgspec.Struct, rename="camel", frozen=True):
    client_id: str = ""


class TokenGeneration(TriggerEvent, rename="camel", frozen=True):
    request: TokenRequest
    caller_context: CallerContext = CallerContext()
