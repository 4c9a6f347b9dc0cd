"""Lambda handlers for Cognito triggers: typed event in, part of the response out, one log line.

https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-identity-pools-working-with-aws-lambda-triggers.html
"""

from collections.abc import Callable
from typing import Any

import msgspec

from atrium.runtime import log, tracing


class RefusalError(Exception):
    """A decision against the person, who sees the message.

    Cognito shows "PreSignUp failed with error <message>." and adds the full stop.
    """


class TriggerRequest(msgspec.Struct, rename="camel", frozen=True):
    user_attributes: dict[str, str] = {}
    client_metadata: dict[str, str] | None = None


class TriggerEvent(msgspec.Struct, rename="camel", frozen=True):
    trigger_source: str
    user_pool_id: str

    @property
    def provider(self) -> str:
        """Return the provider of this pool's identities. A replacement pool is another provider."""
        return f"cognito:{self.user_pool_id}"


def trigger[Event: TriggerEvent](
    kind: type[Event], decide: Callable[[Event], dict[str, Any]]
) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """Return a handler that calls `decide`.

    `decide` returns what to set in the event's `response`, or raises RefusalError. Any other
    exception is logged, and the person sees only a general message, because Cognito would show
    the exception's.
    """

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        measurement = log.Measurement()
        try:
            with tracing.subsegment("trigger"):
                answer = decide(msgspec.convert(event, kind))
        except RefusalError as refusal:
            _log("WARN", event, context, measurement, outcome="refused", reason=str(refusal))
            raise
        except Exception as error:
            _log("ERROR", event, context, measurement, outcome="failed", error=log.failure(error))
            raise RefusalError("An internal error occurred. Please try again in a moment") from None
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
