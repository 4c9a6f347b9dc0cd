"""Creation of a user in Postgres and in the table after confirmation. A repeat changes nothing."""

from typing import Any

from atrium.identity.cognito_trigger import RefusalError, TriggerEvent, TriggerRequest
from atrium.identity.users import EmailTakenError, EmailUnusableError, ensure_user


class Confirmation(TriggerEvent, rename="camel", frozen=True):
    request: TriggerRequest


def enrol(confirmation: Confirmation) -> dict[str, Any]:
    """Create the user. Raise RefusalError if the e-mail belongs to another user.

    The response has nothing to set. If a store is down, the account is confirmed anyway, and
    pre_token_generation creates the user at sign-in.
    """
    if confirmation.trigger_source != "PostConfirmation_ConfirmSignUp":
        return {}  # a reset of a forgotten password: the user exists already
    attributes = confirmation.request.user_attributes
    try:
        ensure_user(confirmation.provider, attributes["sub"], attributes["email"], attributes)
    except EmailTakenError:
        raise RefusalError(
            "This e-mail address belongs to another account. Ask an administrator to erase that account, "
            "or sign up with another address"
        ) from None
    except EmailUnusableError:
        raise RefusalError(
            "This e-mail address is not accepted here. Sign up with another one"
        ) from None
    return {}
