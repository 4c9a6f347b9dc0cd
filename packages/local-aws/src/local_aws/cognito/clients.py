"""App clients: their settings, AWS's defaults and AWS's checks.

https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient.html
"""

from collections.abc import Iterator
from typing import Any

from local_aws.cognito import client_secrets, pages, pools, tokens
from local_aws.cognito.attribute_values import VERIFIED_FLAGS
from local_aws.cognito.attributes import KNOWN
from local_aws.cognito.errors import CognitoError, NotEmulatedError, invalid_parameter
from local_aws.cognito.pools import Client, Pool
from local_aws.cognito.service import Service

Settings = dict[str, Any]

DEFAULTS: Settings = {
    "RefreshTokenValidity": 30,
    "AllowedOAuthFlowsUserPoolClient": False,
    "EnableTokenRevocation": True,
    "EnablePropagateAdditionalUserContextData": False,
    "AuthSessionValidity": 3,
}
STANDARD_SCOPES = frozenset({"openid", "email", "phone", "profile", tokens.USER_SCOPE})
LOOPBACK_CALLBACKS = ("http://localhost", "http://127.0.0.1", "http://[::1]")
# https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-with-identity-providers.html
SHORTEST, LONGEST = 300, 86400  # of access and ID tokens, in seconds
SHORTEST_REFRESH, LONGEST_REFRESH = 3600, 315_360_000
NOT_SETTINGS = ("UserPoolId", "ClientId", "GenerateSecret", "ClientSecret")


async def create_client(service: Service, request: Settings) -> dict[str, Any]:
    pool = pools.find_pool(request["UserPoolId"])
    has_secret = bool(request.get("GenerateSecret") or request.get("ClientSecret"))
    if request.get("GenerateSecret") and request.get("ClientSecret"):
        raise invalid_parameter("ClientSecret cannot be given together with GenerateSecret.")
    _check(pool, request, has_secret, "creating a client")
    client = Client(pool.id, has_secret, {})
    if has_secret:
        value = request.get("ClientSecret") or client_secrets.generate()
        client.generate_secret = False  # replaced when the first secret is stored
        client_secrets.keep(service, client, value)
        client.generate_secret, client.secret = True, value
    now = service.clock()
    client.extended_config = _settings(request) | {"CreationDate": now, "LastModifiedDate": now}
    pool.clients[client.id] = client
    return {"UserPoolClient": _describe(service, client)}


async def update_client(service: Service, request: Settings) -> dict[str, Any]:
    """Replace the client's settings: what the request omits gets its default again."""
    pool, client = pools.find_client(request["ClientId"], request["UserPoolId"])
    _check(pool, request, client.generate_secret, "updating a client")
    before = client.extended_config
    kept = {name: before[name] for name in ("ClientName", "CreationDate") if name in before}
    changed = {"LastModifiedDate": service.clock()}
    client.extended_config = kept | _settings(request) | changed
    return {"UserPoolClient": _describe(service, client)}


async def describe_client(service: Service, request: Settings) -> dict[str, Any]:
    _, client = pools.find_client(request["ClientId"], request["UserPoolId"])
    return {"UserPoolClient": _describe(service, client)}


async def delete_client(service: Service, request: Settings) -> dict[str, Any]:
    pool, client = pools.find_client(request["ClientId"], request["UserPoolId"])
    del pool.clients[client.id]
    service.state.client_secrets.pop(client.id, None)
    return {}


async def list_clients(_: Service, request: Settings) -> dict[str, Any]:
    pool = pools.find_pool(request["UserPoolId"])
    listed = [
        {"ClientId": c.id, "ClientName": c.extended_config.get("ClientName"), "UserPoolId": pool.id}
        for c in pool.clients.values()
    ]
    page = pages.cut(listed, request.get("MaxResults"), request.get("NextToken"))
    return page.answer("UserPoolClients", "NextToken")


def _settings(request: Settings) -> Settings:
    given = {name: value for name, value in request.items() if name not in NOT_SETTINGS}
    if given.get("RefreshTokenValidity") == 0:
        del given["RefreshTokenValidity"]  # AWS replaces 0 by the default
    return DEFAULTS | given


def _describe(service: Service, client: Client) -> dict[str, Any]:
    known = client_secrets.of_client(service, client)
    secret = {"ClientSecret": known[0].value} if known else {}
    return (
        {"UserPoolId": client.user_pool_id, "ClientId": client.id}
        | secret
        | (client.extended_config)
    )


def _check(pool: Pool, given: Settings, has_secret: bool, doing: str) -> None:
    """Check the settings in AWS's order: attributes, lifetimes, flows, providers, OAuth."""
    _check_attributes(pool, given, doing)
    _check_lifetimes(given)
    _check_flows(given)
    for provider in given.get("SupportedIdentityProviders") or []:
        if provider != "COGNITO" and provider not in pool.identity_providers:
            raise invalid_parameter(
                f"The provider {provider} does not exist for User Pool {pool.id}."
            )
    _check_oauth(pool, given, has_secret)


def _check_attributes(pool: Pool, given: Settings, doing: str) -> None:
    known = KNOWN | set(pool.schema_attributes)
    for kind, unwritable in (("read", frozenset[str]()), ("write", VERIFIED_FLAGS | {"sub"})):
        names = given.get(f"{kind.capitalize()}Attributes")
        if names is not None and not set(names) <= known - unwritable:
            raise invalid_parameter(f"Invalid {kind} attributes specified while {doing}")
    required = {n for n, a in pool.schema_attributes.items() if a.required and n != "sub"}
    writable = given.get("WriteAttributes")
    if writable and not required <= set(writable):
        raise invalid_parameter(f"Invalid write attributes specified while {doing}")


def _check_lifetimes(given: Settings) -> None:
    lifetimes = tokens.validity_of(given)
    short = (lifetimes.access, lifetimes.id)
    if (
        any(not SHORTEST <= seconds <= LONGEST for seconds in short)
        or not SHORTEST_REFRESH <= lifetimes.refresh <= LONGEST_REFRESH
        or max(short) > lifetimes.refresh
    ):
        raise invalid_parameter("Invalid range for token validity.")


def _check_flows(given: Settings) -> None:
    flows = given.get("ExplicitAuthFlows") or []
    modern = [flow for flow in flows if flow.startswith("ALLOW_")]
    if modern and len(modern) < len(flows):
        raise invalid_parameter(
            "ExplicitAuthFlows cannot mix values with and without the prefix ALLOW_."
        )
    if "ALLOW_REFRESH_TOKEN_AUTH" in flows and tokens.is_rotating(given):
        raise invalid_parameter(
            "ALLOW_REFRESH_TOKEN_AUTH cannot be enabled together with refresh token rotation."
        )
    exchanging = [flow for flow in flows if "TOKEN_EXCHANGE" in flow]
    if exchanging:
        raise NotEmulatedError(f"the flow {exchanging[0]}")


def _check_oauth(pool: Pool, given: Settings, has_secret: bool) -> None:
    flows = set(given.get("AllowedOAuthFlows") or [])
    scopes = given.get("AllowedOAuthScopes") or []
    if given.get("AllowedOAuthFlowsUserPoolClient") and not (flows and scopes):
        raise _invalid_flow(
            "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed"
            " to use OAuth flows."
        )
    if "client_credentials" in flows:
        _check_client_credentials(flows, has_secret)
    if "implicit" in flows:
        raise NotEmulatedError("the OAuth flow implicit")
    for scope in scopes:
        if scope not in STANDARD_SCOPES and scope not in set(scopes_of(pool)):
            raise CognitoError("ScopeDoesNotExistException", f"Invalid scope requested: {scope}")
    _check_addresses(given)


def _check_client_credentials(flows: set[str], has_secret: bool) -> None:
    if len(flows) > 1:
        raise _invalid_flow(
            "client_credentials flow can not be selected along with code flow or implicit flow."
        )
    if not has_secret:
        raise _invalid_flow(
            "client_credentials flow can not be selected if client does not have a client secret."
        )


def _check_addresses(given: Settings) -> None:
    callbacks = given.get("CallbackURLs") or []
    for url in (*callbacks, *(given.get("LogoutURLs") or [])):
        if url.startswith("http://") and not url.startswith(LOOPBACK_CALLBACKS):
            raise invalid_parameter(f"{url} cannot use the HTTP protocol.")
    default = given.get("DefaultRedirectURI")
    if default is not None and default not in callbacks:
        raise invalid_parameter("DefaultRedirectURI must be in the CallbackURLs list.")


def scopes_of(pool: Pool) -> Iterator[str]:
    """Yield the scopes of the pool's resource servers, as they appear in tokens."""
    for server in pool.resource_servers.values():
        for scope in server.scopes or []:
            yield f"{server.identifier}/{scope['ScopeName']}"


def _invalid_flow(message: str) -> CognitoError:
    return CognitoError("InvalidOAuthFlowException", message)
