"""Authentication at the proxy: IAM token, the signer's `rds-db:connect`, and proxy secret."""

from collections.abc import Callable, Sequence

from local_aws.database.proxy import Authenticate
from local_aws.database.refusal import ProxyRefusalError
from local_aws.database.registered import RegisteredProxy, registered_proxies
from local_aws.database.token import InvalidTokenError, Signer, verify
from local_aws.iam import sessions
from local_aws.network.reachability import caller_of, no_way_to_proxy
from local_aws.settings import LOOPBACK

# RDS Proxy's own messages:
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.troubleshooting.html
_BAD_TOKEN = "The IAM authentication failed for the role {user}. Check the IAM token for this role and try again."  # noqa: S105
_NO_CREDENTIALS = "This RDS Proxy has no credentials for the role {user}. Check the credentials for this role and try again."
_NO_WAY = "The function's network does not reach this proxy. On AWS the connection would time out."
_NO_TARGET = "This RDS Proxy currently has no available target instance."


def iam_authentication(
    port: Callable[[], int], proxies: Callable[[], Sequence[RegisteredProxy]] = registered_proxies
) -> Authenticate:
    """Return the check of an IAM token.

    `port` is a function, because the proxy may choose its port when it starts to listen.
    """

    def authenticate(user: str, password: str) -> str:
        proxy = _registered(proxies())
        endpoints = {f"{host}:{port()}" for host in (LOOPBACK, "localhost")}
        try:
            verified = verify(password, user, endpoints, _signer)
            _has_a_way(verified.access_key, proxy)
            _may_connect(verified.access_key, proxy.user_arn(user))
        except InvalidTokenError as error:
            raise ProxyRefusalError("28P01", _BAD_TOKEN.format(user=user), str(error)) from None
        problem = proxy.problem_with(user)
        if problem:
            raise ProxyRefusalError("28000", _NO_CREDENTIALS.format(user=user), problem)
        return verified.access_key

    return authenticate


def _registered(proxies: Sequence[RegisteredProxy]) -> RegisteredProxy:
    """Return the registered proxy; exactly one must exist."""
    if len(proxies) != 1:
        detail = (
            f"The local control plane has {len(proxies)} DB proxies but needs exactly one. "
            "Apply the Terraform root that creates it."
        )
        raise ProxyRefusalError("08006", _NO_TARGET, detail)
    if not proxies[0].has_target:
        raise ProxyRefusalError(
            "08006",
            _NO_TARGET,
            "The DB proxy has no available target yet. Register one (aws_db_proxy_target), and wait until it is AVAILABLE.",
        )
    return proxies[0]


def _signer(access_key: str) -> Signer | None:
    found = sessions.session(access_key)
    return Signer(found.secret, found.token) if found and not found.expired else None


def _has_a_way(access_key: str, proxy: RegisteredProxy) -> None:
    """Check that the function's network reaches the proxy.

    On AWS this comes before IAM, but only the token identifies the function.
    """
    signer = sessions.session(access_key)
    caller = caller_of(signer) if signer and proxy.place else None
    reason = no_way_to_proxy(caller, proxy.place) if caller and proxy.place else None
    if reason:
        raise ProxyRefusalError("08001", _NO_WAY, reason)


def _may_connect(access_key: str, user_arn: str) -> None:
    caller = sessions.session(access_key)
    assert caller is not None, "verify has just found it"
    decision = sessions.authorize(caller, "rds-db:connect", user_arn, {})
    if not decision.allowed:
        raise InvalidTokenError(
            f"{caller.arn} is not authorized to perform: rds-db:connect on {user_arn} {decision.reason}"
        )
