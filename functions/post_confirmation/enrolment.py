"""Creation of a user in Postgres and in the table after confirmation. A repeat changes nothing."""

from typing import Any

from atrium.identity.cognito_trigger import RefusalError, TriggerEvent, TriggerRequest
from atrium.identity.users import EmailTakenError, EmailUnusableError, ensure_user
from atrium.runtime import log
from atrium.runtime.uuid7 import uuid7
from atrium.stores import postgres, user_table
from post_confirmation import queries

_STORE_FAILURES = (
    postgres.DatabaseError,
    postgres.DatabaseUnavailableError,
    user_table.TableUnavailableError,
)


class Confirmation(TriggerEvent, rename="camel", frozen=True):
    request: TriggerRequest


def enrol(confirmation: Confirmation) -> dict[str, Any]:
    """Create the user. Raise RefusalError if the e-mail belongs to another user.

    The response has nothing to set. If a store is down, the account is confirmed anyway, and
    pre_token_generation creates the user at sign-in.
    """
    if confirmation.trigger_source == "PostConfirmation_ConfirmForgotPassword":
        # The password is new already. Cognito would tell the person that the reset had failed.
        try:
            _tell_of_reset(confirmation)
        except _STORE_FAILURES as error:
            log.write("ERROR", "mail about a reset password lost", error=log.failure(error))
        return {}
    if confirmation.trigger_source != "PostConfirmation_ConfirmSignUp":
        return {}
    attributes = confirmation.request.user_attributes
    try:
        ensure_user(confirmation.provider, attributes["sub"], attributes["email"], attributes)
    except EmailTakenError:
        raise RefusalError(
            "This e-mail address belongs to another account. Ask an administrator to link or erase that account, "
            "or sign up with another address"
        ) from None
    except EmailUnusableError:
        raise RefusalError(
            "This e-mail address is not accepted here. Sign up with another one"
        ) from None
    return {}


def _tell_of_reset(confirmation: Confirmation) -> None:
    """Write the command of a mail. Cognito does not repeat the trigger if this fails."""
    from atrium.identity import commands

    subject = confirmation.request.user_attributes["sub"]
    for (uid,) in postgres.query(
        queries.FIND_USER, provider=confirmation.provider, subject=subject
    ):
        arguments = {"uid": str(uid), "identities": [(confirmation.provider, subject)]}
        command = commands.Command(str(uuid7()), "tell_password_reset", arguments, str(uid))
        user_table.transact([commands.new_item(command)])
