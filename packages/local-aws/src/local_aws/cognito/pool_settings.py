"""Settings of pools: the features that are not emulated, defaults, and AWS's checks."""

from typing import Any

from local_aws.cognito import pools, triggers
from local_aws.cognito.errors import NotEmulatedError, invalid_parameter

Settings = dict[str, Any]

FIXED = ("UsernameAttributes", "UsernameConfiguration", "UserPoolTier")
DEFAULTS: Settings = {"DeletionProtection": "INACTIVE"}


def of_new_pool(given: Settings) -> Settings:
    """Return the settings of a new pool, with AWS's defaults and its whole schema."""
    _check(given)
    _check_mfa(given, totp=False)
    # AWS gives this tier to a new pool, and Terraform expects to read it back.
    complete = {"UserPoolTier": "ESSENTIALS", **DEFAULTS, **given}
    if given.get("Schema"):
        complete["Schema"] = _whole_schema(given["Schema"])
    return complete


def _whole_schema(given: list[Settings]) -> list[Settings]:
    """Return the schema with the standard attributes that the request does not mention."""
    named = {attribute.get("Name") for attribute in given}
    standard = pools.STANDARD_SCHEMA.items()
    return [*({"Name": n, **about} for n, about in standard if n not in named), *given]


def of_updated_pool(given: Settings) -> Settings:
    """Return all settings of a pool after an update, which resets what it omits.

    The settings that are fixed at creation stay; an update does not repeat them.
    """
    pool = pools.find_pool(given.get("UserPoolId", ""))
    _check(given)
    mfa = given.get("MfaConfiguration", "OFF")
    _check_mfa({"MfaConfiguration": mfa}, bool((pool.token_mfa_config or {}).get("Enabled")))
    pool.mfa_config = mfa
    if given.get("PoolName"):
        pool.name = given["PoolName"]
    config = pool.extended_config
    return DEFAULTS | {name: config[name] for name in FIXED if name in config} | given


def check_factors(given: Settings) -> None:
    for name in ("SmsMfaConfiguration", "EmailMfaConfiguration", "WebAuthnConfiguration"):
        if given.get(name):
            raise NotEmulatedError(f"a second factor by {name}")
    _check_mfa(given, bool((given.get("SoftwareTokenMfaConfiguration") or {}).get("Enabled")))


def check_deletable(given: Settings) -> None:
    pool = pools.find_pool(given.get("UserPoolId", ""))
    if pool.extended_config.get("DeletionProtection") == "ACTIVE":
        raise invalid_parameter(
            "The user pool cannot be deleted because deletion protection is activated."
            " Deletion protection must be inactivated first."
        )
    if pool.domain:
        raise invalid_parameter(
            "User pool cannot be deleted. It has a domain configured that should be deleted first."
        )


def check_new_domain(given: Settings) -> None:
    pool = pools.find_pool(given.get("UserPoolId", ""))
    if given.get("Domain") in pool.backend.user_pool_domains:
        raise invalid_parameter("Domain already associated with another user pool.")
    if pool.domain:
        raise invalid_parameter("User pool already has a domain configured.")


def check_domain(given: Settings) -> None:
    pool = pools.find_pool(given.get("UserPoolId", ""))
    if not pool.domain or pool.domain.domain != given.get("Domain"):
        raise invalid_parameter("No such domain or user pool exists.")


def _check(given: Settings) -> None:
    unknown = {
        name for name, value in (given.get("LambdaConfig") or {}).items() if value
    } - triggers.SUPPORTED
    if unknown:
        raise NotEmulatedError(f"the trigger {', '.join(sorted(unknown))}")
    if given.get("AliasAttributes"):
        raise NotEmulatedError("AliasAttributes")
    if given.get("DeviceConfiguration"):
        raise NotEmulatedError("remembered devices (DeviceConfiguration)")
    _check_first_factors(given)
    _check_phone_numbers(given)
    template = given.get("VerificationMessageTemplate") or {}
    if template.get("DefaultEmailOption") == "CONFIRM_WITH_LINK":
        raise NotEmulatedError("confirmation by link (DefaultEmailOption CONFIRM_WITH_LINK)")


def _check_first_factors(given: Settings) -> None:
    policy = (given.get("Policies") or {}).get("SignInPolicy") or {}
    others = set(policy.get("AllowedFirstAuthFactors") or []) - {"PASSWORD"}
    if others:
        raise NotEmulatedError(f"the first factor {', '.join(sorted(others))} (SignInPolicy)")


def _check_phone_numbers(given: Settings) -> None:
    used = [*(given.get("UsernameAttributes") or []), *(given.get("AutoVerifiedAttributes") or [])]
    if "phone_number" in used:
        raise NotEmulatedError("signing in or verifying by phone number")


def _check_mfa(given: Settings, totp: bool) -> None:
    """Check that a pool that requires a second factor allows authenticator apps.

    No other second factor is emulated.
    """
    if given.get("MfaConfiguration") == "ON" and not totp:
        raise NotEmulatedError(
            "MfaConfiguration ON before SetUserPoolMfaConfig enables SoftwareTokenMfaConfiguration"
        )
