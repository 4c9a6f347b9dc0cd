"""From a confirmed address to a user in Postgres and in the table. A repeat changes nothing."""

from typing import Any

from atrium.identity.cognito_trigger import Refusal, TriggerEvent, TriggerRequest
from atrium.identity.users import EmailTakenError, EmailUnusableError, ensure_user


class Confirmation(TriggerEvent, rename="camel", frozen=True):
    request: TriggerRequest


def enrol(confirmation: Confirmation) -> dict[str, Any]:
    """The trigger's response has nothing to set. Raises Refusal when the e-mail belongs to somebody else.

    Should a store be down, the person is confirmed all the same; pre_token_generation makes up for it at sign-in.
    """
    if confirmation.trigger_source != "PostConfirmation_ConfirmSignUp":
        return {}  # a forgotten password was reset: the user has long been there
    attributes = confirmation.request.user_attributes
    try:
        ensure_user(confirmation.provider, attributes["sub"], attributes["email"], attributes)
    except EmailTakenError:
        raise Refusal(
            "This e-mail address belongs to another account. Ask an administrator to link the accounts"
        ) from None
    except EmailUnusableError:
        raise Refusal(
            "This e-mail address is not accepted here. Sign up with another one"
        ) from None
    return {}
