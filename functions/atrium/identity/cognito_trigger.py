"""A Lambda handler for a Cognito trigger: typed event in, part of the response out, one log line.

https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-identity-pools-working-with-aws-lambda-triggers.html
"""

from collections.abc import Callable
from typing import Any

import msgspec

from atrium.runtime import log, tracing


class Refusal(Exception):  # noqa: N818  not an error: a decision
    """Its message reaches the person, as in "PreSignUp failed with error <message>."; Cognito adds the full stop."""


class TriggerRequest(msgspec.Struct, rename="camel", frozen=True):
    user_attributes: dict[str, str] = {}
    client_metadata: dict[str, str] | None = None


class TriggerEvent(msgspec.Struct, rename="camel", frozen=True):
    trigger_source: str
    user_pool_id: str

    @property
    def provider(self) -> str:
        """Of the identities that this pool makes. A pool that replaces it is another provider."""
        return f"cognito:{self.user_pool_id}"


def trigger[Event: TriggerEvent](
    kind: type[Event], decide: Callable[[Event], dict[str, Any]]
) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """`decide` returns what to set in the event's `response`, or raises Refusal.

    Any other exception is logged, and the person hears only that something failed: Cognito shows them the message.
    """

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        measurement = log.Measurement()
        try:
            with tracing.subsegment("trigger"):
                answer = decide(msgspec.convert(event, kind))
        except Refusal as refusal:
            _log("WARN", event, context, measurement, outcome="refused", reason=str(refusal))
            raise
        except Exception as error:
            _log("ERROR", event, context, measurement, outcome="failed", error=log.failure(error))
            raise Refusal("Something failed on our side. Please try again in a moment") from None
        _log("INFO", event, context, measurement, outcome="done")
        return event | {"response": (event.get("response") or {}) | answer}

    return handler


def _log(
    level: log.Level,
    event: dict[str, Any],
    context: Any,
    measurement: log.Measurement,
    **fields: Any,
) -> None:
    log.write(
        level,
        "trigger",
        request_id=getattr(context, "aws_request_id", None),
        xray_trace_id=tracing.xray_trace_id(),
        source=event.get("triggerSource"),
        **fields,
        **measurement.fields(),
    )
