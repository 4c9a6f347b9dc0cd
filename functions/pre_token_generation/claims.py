"""The claims of an access token. If the table is down, sign-in works and tokens have no roles."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from atrium.identity import admins, grants, mfa, namespaces, permissions, token_size, users
from atrium.identity.cognito_trigger import RefusalError
from atrium.identity.namespaces import Attributes
from atrium.runtime import config, log, parallel
from atrium.stores import postgres, user_table
from atrium.stores.user_table import StoredAttribute
from pre_token_generation.bounds import bounded
from pre_token_generation.event import TokenGeneration
from pre_token_generation.rights import Rights
from pre_token_generation.scopes import PREFIX, SELF_SERVICE, scopes_of

INTERACTIVE = (
    "TokenGeneration_Authentication",
    "TokenGeneration_AuthenticateDevice",
    "TokenGeneration_HostedAuth",
    "TokenGeneration_NewPasswordChallenge",
)
"""Sign-ins by the person. A refresh (`TokenGeneration_RefreshTokens`) restores no account."""

BY_PAGE = "TokenGeneration_HostedAuth"

OF_SERVICE = "TokenGeneration_ClientCredentials"


def claims(event: TokenGeneration) -> dict[str, Any]:
    """Return the trigger's response, for a user or a service.

    Raise RefusalError for a disabled subject, an unknown client or an e-mail in use.
    """
    if event.trigger_source == OF_SERVICE:
        from pre_token_generation import service  # imported here: most tokens are users'

        return _response(service.claims(event))
    return _response(_of_user(event))


def _response(access_token: dict[str, Any]) -> dict[str, Any]:
    return {"claimsAndScopeOverrideDetails": {"accessTokenGeneration": access_token}}


def _of_user(event: TokenGeneration) -> dict[str, Any]:
    user = _user(event)
    rights = bounded(user.uid, _rights(user.uid))
    # On the hosted page a user can request every scope of the client. Scopes without a right are
    # suppressed.
    # An administrator's token calls none of Cognito's operations on the own account: DeleteUser
    # would leave Atrium without an administrator. Nor does the token of a user with MFA, which
    # could turn it off there, unseen (SetUserMFAPreference).
    asked = event.request.scopes or []
    not_held = {one for one in asked if one.startswith(PREFIX) and one not in rights.scopes}
    added = {"uid": user.uid, "roles": " ".join(rights.roles), "access_epoch": str(rights.epoch)}
    if rights.until is not None:
        added["roles_until"] = str(rights.until)
    if claim := token_size.generations_claim(rights.roles, rights.generations):
        added["role_generations"] = claim
    if rights.needs_mfa:
        added["needs_mfa"] = "true"
    if config.optional("REQUIRED_CONSENT_VERSION") not in ("", user.consent_version):
        added["needs_consent"] = "true"
    if rights.attributes:
        added["attributes"] = msgspec.json.encode(rights.attributes).decode()
    return {
        "claimsToAddOrOverride": added,
        "scopesToAdd": sorted(rights.scopes),
        "scopesToSuppress": sorted(
            not_held | ({SELF_SERVICE} if rights.is_administrator or rights.locks_mfa else set())
        ),
    }


def _user(event: TokenGeneration) -> users.User:
    attributes = event.request.user_attributes
    try:
        user = users.find_or_create(
            event.provider, attributes["sub"], attributes["email"], attributes
        )
    except users.EmailTakenError:
        raise RefusalError(
            "This e-mail address belongs to another account. Ask an administrator to link or erase that account, "
            "or sign up with another address"
        ) from None
    except users.EmailUnusableError:
        raise RefusalError(
            "This e-mail address is not accepted here. Sign up with another one"
        ) from None
    if user.status == "deleted" and event.trigger_source in INTERACTIVE:
        _restore(user.uid, by_page=event.trigger_source == BY_PAGE)
    elif user.status != "active":
        raise _disabled()
    if user.is_invited and user.status == "active":
        _accept(user.uid)
    if user.has_other_email and attributes.get("email_verified") == "true":
        _change_email(user.uid, attributes["email"], (event.provider, attributes["sub"]))
    return user


def _change_email(uid: str, email: str, identity: tuple[str, str]) -> None:
    """Store the e-mail that the user has verified in the pool.

    A fault does not stop the sign-in.
    """
    try:
        users.change_email(uid, email, identity)
    except (
        users.EmailTakenError,
        user_table.TableUnavailableError,
        postgres.DatabaseError,
        postgres.DatabaseUnavailableError,
    ) as error:
        log.write("ERROR", "e-mail not changed", uid=uid, error=log.failure(error))


def _accept(uid: str) -> None:
    """Accept the user's invitation. If a store fails, the next token accepts it."""
    from atrium.identity import acceptance  # imported here: only a first token needs it

    try:
        acceptance.accept(uid)
    except (user_table.TableUnavailableError, user_table.ContentionError) as error:
        log.write("ERROR", "invitation left open", uid=uid, error=log.failure(error))


def _restore(uid: str, *, by_page: bool) -> None:
    """Restore an account that its owner has deleted. Raise RefusalError if that fails.

    The sign-in page may have used a cookie from before the deletion, without asking the person.
    """
    from atrium.identity import restoration  # imported here: hardly any sign-in needs it

    try:
        if restoration.restore(uid, restoration.COOKIE_HOURS if by_page else 0):
            return
    except restoration.InProgressError:
        raise _in_progress() from None
    except user_table.TableUnavailableError as error:
        log.write("ERROR", "restoration left to the relay", uid=uid, error=log.failure(error))
        raise _in_progress() from None
    if by_page:
        raise RefusalError(
            "This account was deleted. On this page it can be restored an hour after the deletion"
        )
    raise _disabled()


def _rights(uid: str) -> Rights:
    try:
        # META is read first. If rights change after that, they come with another epoch, which makes
        # the token stale at once.
        meta = user_table.meta(uid)
        if meta is None:  # post_confirmation did not complete
            user_table.create_meta(uid)
            return Rights()
        stored = parallel.start(lambda: user_table.stored_attributes(uid))
        define = functools.cache(user_table.role_definition)  # reads each role once
        current = permissions.current(grants.everywhere(uid), define)
        withheld = mfa.withheld(has_mfa=meta.mfa)
        everywhere = mfa.in_effect(current, withheld)
        held = grants.role_names(everywhere)
        granted = scopes_of(held, mfa.defining(define, withheld))
        attributes = _attributes(uid, stored.result)
    except user_table.TableUnavailableError as error:
        log.write("ERROR", "token without roles", uid=uid, error=log.failure(error))
        return Rights()
    # Postgres already has the user as active: a change of the status is pending
    if meta.status != "active":
        raise _in_progress()
    until, generations = grants.first_end(everywhere), grants.generations(everywhere)
    is_administrator = any(map(admins.is_permanent, everywhere))
    needs_mfa = not withheld.isdisjoint(permissions.lineage(grants.role_names(current), define))
    return Rights(
        held,
        granted,
        meta.access_epoch,
        until,
        attributes,
        generations,
        is_administrator,
        meta.locks_mfa,
        needs_mfa,
    )


def _attributes(uid: str, stored: Callable[[], Sequence[StoredAttribute]]) -> Attributes:
    """Return the attributes for the token. A fault in them stops neither sign-in nor roles."""
    try:
        return namespaces.in_token(stored())
    except Exception as error:
        log.write("ERROR", "token without attributes", uid=uid, error=log.failure(error))
        return {}


def _disabled() -> RefusalError:
    return RefusalError("This account is disabled. Ask an administrator")


def _in_progress() -> RefusalError:
    return RefusalError("A change of this account is in progress. Please try again in a moment")
