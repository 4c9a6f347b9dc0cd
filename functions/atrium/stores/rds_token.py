"""IAM database tokens, signed locally (AWS Signature 4, query form) and usually without botocore.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.Connecting.html
"""

import hashlib
import hmac
import os
from datetime import UTC, datetime
from typing import Any, NamedTuple

LIFETIME = 900
"""Seconds, the maximum of RDS. They limit the opening of a connection, not its duration."""


class _Credentials(NamedTuple):
    access_key: str
    secret_key: str
    token: str | None


def mint(host: str, port: int, user: str) -> str:
    """Return a token for `user` at `host:port`, signed with the credentials of the function's role."""
    region = os.environ["AWS_REGION"]
    credentials = _credentials()
    now = datetime.now(UTC)
    scope = f"{now:%Y%m%d}/{region}/rds-db/aws4_request"
    query = _query(user, now, scope, credentials)
    # SigV4 canonical request: method, path, query, headers, empty line, signed headers, body hash.
    request = f"GET\n/\n{query}\nhost:{host}:{port}\n\nhost\n{hashlib.sha256().hexdigest()}"
    digest = hashlib.sha256(request.encode()).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{now:%Y%m%dT%H%M%SZ}\n{scope}\n{digest}"
    signature = _hmac(_signing_key(credentials.secret_key, scope), to_sign).hex()
    return f"{host}:{port}/?{query}&X-Amz-Signature={signature}"


def _credentials() -> _Credentials:
    if "AWS_ACCESS_KEY_ID" in os.environ:
        env = os.environ
        return _Credentials(
            env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env.get("AWS_SESSION_TOKEN")
        )
    # With SnapStart, Lambda provides credentials at an endpoint instead of in the environment.
    # botocore knows it.
    import botocore.session

    provider: Any = botocore.session.get_session().get_credentials()
    found = provider.get_frozen_credentials()
    return _Credentials(found.access_key, found.secret_key, found.token)


def _query(user: str, now: datetime, scope: str, credentials: _Credentials) -> str:
    parameters = {
        "Action": "connect",
        "DBUser": user,
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{credentials.access_key}/{scope}",
        "X-Amz-Date": f"{now:%Y%m%dT%H%M%SZ}",
        "X-Amz-Expires": str(LIFETIME),
        "X-Amz-Security-Token": credentials.token,
        "X-Amz-SignedHeaders": "host",
    }
    return "&".join(
        f"{name}={_percent_encoded(value)}" for name, value in parameters.items() if value
    )


# Not with urllib.parse, which takes a twelfth of a bare cold start to load.
_UNRESERVED = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"  # RFC 3986, section 2.3
)


def _percent_encoded(text: str) -> str:
    return "".join(chr(c) if c in _UNRESERVED else f"%{c:02X}" for c in text.encode())


def _signing_key(secret_key: str, scope: str) -> bytes:
    key = b"AWS4" + secret_key.encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
