"""The authentication flows that a client may use.

https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient.html
(ExplicitAuthFlows)
"""

from local_aws.cognito.errors import invalid_parameter
from local_aws.cognito.pools import Client
from local_aws.cognito.tokens import is_rotating

SRP = "USER_SRP_AUTH"
PASSWORD = "USER_PASSWORD_AUTH"  # noqa: S105 - the name of a flow
CUSTOM = "CUSTOM_AUTH"
CHOICE = "USER_AUTH"
REFRESH = frozenset({"REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"})
ADMIN_PASSWORD = frozenset({"ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"})
# The flows of a client that names none.
DEFAULT = frozenset({"ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH"})
# A client with the names without ALLOW_ may always refresh and use SRP, unless it is limited to
# custom authentication. The older names stand for these flows.
LEGACY = {
    "USER_PASSWORD_AUTH": frozenset({"ALLOW_USER_PASSWORD_AUTH"}),
    "ADMIN_NO_SRP_AUTH": frozenset({"ALLOW_ADMIN_USER_PASSWORD_AUTH"}),
    "CUSTOM_AUTH_FLOW_ONLY": frozenset({"ALLOW_CUSTOM_AUTH"}),
}
CURRENT_NAMES = {
    "ADMIN_NO_SRP_AUTH": "ADMIN_USER_PASSWORD_AUTH",
    "REFRESH_TOKEN": "REFRESH_TOKEN_AUTH",
}


def allowed(client: Client) -> frozenset[str]:
    """Return the client's flows under their names with ALLOW_."""
    given = frozenset(client.extended_config.get("ExplicitAuthFlows") or DEFAULT)
    legacy = given & LEGACY.keys()
    if not legacy:
        return given
    without_password = "CUSTOM_AUTH_FLOW_ONLY" in given
    meant = frozenset().union(*(LEGACY[name] for name in legacy))
    return meant | ({"ALLOW_REFRESH_TOKEN_AUTH"} if without_password else DEFAULT)


def require_allowed(client: Client, flow: str) -> None:
    """Raise AWS's error if the client may not use this flow."""
    name = CURRENT_NAMES.get(flow, flow)
    is_allowed = f"ALLOW_{name}" in allowed(client)
    if name == "REFRESH_TOKEN_AUTH" and is_rotating(client.extended_config):
        is_allowed = False  # rotated tokens are refreshed by GetTokensFromRefreshToken alone
    if is_allowed:
        return
    if "CUSTOM_AUTH_FLOW_ONLY" in (client.extended_config.get("ExplicitAuthFlows") or []):
        raise invalid_parameter("Only custom auth (lambda driven) is enabled for this client.")
    if flow in (SRP, CUSTOM, CHOICE):
        raise invalid_parameter(f"{flow} is not enabled for the client.")
    raise invalid_parameter(
        f"{flow if flow == PASSWORD else 'Auth'} flow not enabled for this client"
    )
