"""Calls that set up an authenticator app.

They need an access token or the session of an MFA_SETUP challenge.
"""

from typing import Any

from local_aws.cognito import challenges, mfa, pools, requests, sessions
from local_aws.cognito.errors import invalid_parameter
from local_aws.cognito.service import Service


async def associate_software_token(
    service: Service, request: requests.AssociateSoftwareToken
) -> dict[str, Any]:
    if request.access_token:
        pool, _, user = sessions.authenticate(service, request.access_token)
        return {"SecretCode": mfa.offer(service, pool, user)}
    session = _session(request.session)
    _, pool, user = challenges.find(service, session, mfa.SETUP)
    secret = mfa.offer(service, pool, user)
    return {"SecretCode": secret, "Session": challenges.renew(service, session)}


async def verify_software_token(
    service: Service, request: requests.VerifySoftwareToken
) -> dict[str, Any]:
    if request.access_token:
        pool, _, user = sessions.authenticate(service, request.access_token)
        mfa.confirm(service, pool, user, request.user_code)
        return {"Status": "SUCCESS"}
    session = _session(request.session)
    challenge, pool, user = challenges.find(service, session, mfa.SETUP)
    mfa.confirm(service, pool, user, request.user_code)
    challenge.token_verified = True
    return {"Status": "SUCCESS", "Session": challenges.renew(service, session)}


async def set_user_mfa_preference(
    service: Service, request: requests.SetUserMfaPreference
) -> dict[str, Any]:
    _, _, user = sessions.authenticate(service, request.access_token)
    mfa.set_preference(service, user, request.software_token, request.sms, request.email)
    return {}


async def admin_set_user_mfa_preference(
    service: Service, request: requests.AdminSetUserMfaPreference
) -> dict[str, Any]:
    user = pools.require_user(pools.find_pool(request.user_pool_id), request.username)
    mfa.set_preference(service, user, request.software_token, request.sms, request.email)
    return {}


def _session(session: str | None) -> str:
    if not session:
        raise invalid_parameter(
            "Only one of the AccessToken or Session must be provided in the request."
        )
    return session
