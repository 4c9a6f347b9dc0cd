"""RDS IAM tokens: a presigned `rds-db` `connect` URL without its scheme, used as the password.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
"""

import hashlib
import hmac
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote

LIFETIME = timedelta(minutes=15)
_CLOCK_SKEW = timedelta(minutes=5)
_ALGORITHM = "AWS4-HMAC-SHA256"
_NO_PAYLOAD = hashlib.sha256(b"").hexdigest()


class InvalidTokenError(ValueError):
    """An invalid token; the message gives the reason."""


@dataclass(frozen=True)
class Signer:
    secret: str
    session_token: str | None


@dataclass(frozen=True)
class Verified:
    access_key: str
    region: str


def verify(
    token: str,
    user: str,
    endpoints: Collection[str],
    signer: Callable[[str], Signer | None],
    now: datetime | None = None,
) -> Verified:
    """Check that `token` lets its signer connect as `user` to one of `endpoints` ("host:port").

    Raises:
        InvalidTokenError: The token does not allow the connection.
    """
    endpoint, parameters = _parts(token)
    if endpoint not in endpoints:
        raise InvalidTokenError(
            f"the token is for {endpoint}, not for {' or '.join(sorted(endpoints))}"
        )
    access_key, date, region = _scope(parameters)
    if parameters.get("DBUser") != user:
        raise InvalidTokenError(
            f"the token is for the user {parameters.get('DBUser')!r}, not for {user!r}"
        )
    found = signer(access_key)
    if found is None:
        raise InvalidTokenError(f"the access key {access_key} is unknown")
    if parameters.get("X-Amz-Security-Token") != found.session_token:
        raise InvalidTokenError("the session token does not belong to the access key")
    expected = _signature(endpoint, parameters, found.secret, date, region)
    if not hmac.compare_digest(expected, parameters.get("X-Amz-Signature", "")):
        raise InvalidTokenError("the signature does not match")
    _check_age(parameters, date, now or datetime.now(UTC))
    return Verified(access_key, region)


def _parts(token: str) -> tuple[str, dict[str, str]]:
    endpoint, slash, query = token.partition("/?")
    pairs = parse_qsl(query, keep_blank_values=True)
    parameters = dict(pairs)
    if not slash or len(parameters) != len(pairs):
        raise InvalidTokenError("the password is not an IAM token (host:port/?Action=connect&…)")
    if parameters.get("Action") != "connect" or parameters.get("X-Amz-Algorithm") != _ALGORITHM:
        raise InvalidTokenError(
            f"the token is not a request for `connect` signed with {_ALGORITHM}"
        )
    if parameters.get("X-Amz-SignedHeaders") != "host":
        raise InvalidTokenError("the token must sign the header `host` and no other")
    return endpoint, parameters


def _scope(parameters: dict[str, str]) -> tuple[str, str, str]:
    scope = parameters.get("X-Amz-Credential", "").split("/")
    if len(scope) != 5 or scope[3:] != ["rds-db", "aws4_request"]:
        raise InvalidTokenError(
            "the token's credential is not <access key>/<date>/<region>/rds-db/aws4_request"
        )
    return scope[0], scope[1], scope[2]


def _signature(
    endpoint: str, parameters: dict[str, str], secret: str, date: str, region: str
) -> str:
    unsigned = sorted(
        (_encoded(n), _encoded(v)) for n, v in parameters.items() if n != "X-Amz-Signature"
    )
    query = "&".join(f"{name}={value}" for name, value in unsigned)
    request = f"GET\n/\n{query}\nhost:{endpoint}\n\nhost\n{_NO_PAYLOAD}"
    scope = f"{date}/{region}/rds-db/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = f"{_ALGORITHM}\n{parameters.get('X-Amz-Date', '')}\n{scope}\n{digest}"
    key = f"AWS4{secret}".encode()
    for part in (date, region, "rds-db", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")


def _check_age(parameters: dict[str, str], date: str, now: datetime) -> None:
    try:
        signed = datetime.strptime(parameters.get("X-Amz-Date", ""), "%Y%m%dT%H%M%SZ").replace(
            tzinfo=UTC
        )
        lifetime = min(timedelta(seconds=int(parameters.get("X-Amz-Expires", ""))), LIFETIME)
    except (ValueError, OverflowError) as error:
        raise InvalidTokenError(
            f"the token's X-Amz-Date or X-Amz-Expires cannot be parsed ({error})"
        ) from None
    if f"{signed:%Y%m%d}" != date:
        raise InvalidTokenError("the token's X-Amz-Date is not on the day of its credential")
    if signed > now + _CLOCK_SKEW:
        raise InvalidTokenError(
            f"the token is signed for the future: signed at {signed:%H:%M:%S}, "
            f"and it is {now:%H:%M:%S} UTC"
        )
    if now > signed + lifetime:
        raise InvalidTokenError(
            f"the token is too old: signed at {signed:%H:%M:%S}, and it is {now:%H:%M:%S} UTC"
        )
