"""Our verifier of database tokens, compared with botocore's signer, which AWS's clients use."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.credentials import Credentials
from botocore.hooks import HierarchicalEmitter
from botocore.model import ServiceId
from botocore.signers import RequestSigner

from local_aws.database.token import InvalidTokenError, Signer, Verified, verify

HERE = "127.0.0.1:6543"
EVENTS = HierarchicalEmitter()  # the signer holds it weakly
SECRET, SESSION = "secret+/=", "session/+=token"


def token(
    endpoint: str = HERE,
    user: str = "app",
    secret: str = SECRET,
    service: str = "rds-db",
    expires: int = 900,
) -> str:
    credentials = Credentials("ASIAKEY", secret, SESSION)
    signer = RequestSigner(ServiceId(service), "eu-central-1", service, "v4", credentials, EVENTS)
    request: dict[str, Any] = {
        "url_path": "/",
        "query_string": {},
        "headers": {},
        "body": {},
        "method": "GET",
        "context": {},
    }
    request["url"] = f"https://{endpoint}/?Action=connect&DBUser={user}"
    url: str = signer.generate_presigned_url(
        request,
        operation_name="connect",
        region_name="eu-central-1",
        expires_in=expires,
        signing_name=service,
    )
    return url.removeprefix("https://")


def check(
    password: str, user: str = "app", secret: str | None = SECRET, later: timedelta = timedelta()
) -> Verified:
    signer = Signer(secret, SESSION) if secret else None
    return verify(
        password,
        user,
        {HERE},
        lambda key: signer if key == "ASIAKEY" else None,
        datetime.now(UTC) + later,
    )


def test_botocores_token_is_accepted() -> None:
    assert check(token()) == Verified("ASIAKEY", "eu-central-1")


def test_a_user_name_that_needs_escaping_is_accepted() -> None:
    check(token(user="app%20%2B"), user="app +")


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (lambda: "", "not an IAM token"),
        (lambda: "hunter2", "not an IAM token"),
        (lambda: "\0/?" + "&" * 100, "not an IAM token|not a request"),
        (
            lambda: token(endpoint="127.0.0.1:1"),
            "the token is for 127.0.0.1:1, not for 127.0.0.1:6543",
        ),
        (lambda: token(user="postgres"), "for the user 'postgres', not for 'app'"),
        (lambda: token(secret="another"), "signature does not match"),
        (lambda: token(service="rds"), "rds-db/aws4_request"),
        (lambda: token().replace("ASIAKEY", "ASIAOTHER"), "the access key ASIAOTHER is unknown"),
        (lambda: token().replace("session", "sessiom"), "session token"),
        (lambda: token().replace("Action=connect", "Action=drop"), "not a request for `connect`"),
        (lambda: token().replace("eu-central-1", "us-east-1"), "signature does not match"),
        (
            lambda: token().replace("SignedHeaders=host", "SignedHeaders=host%3Bx"),
            "`host` and no other",
        ),
        (lambda: token().replace("Expires=900", "Expires=90000"), "signature does not match"),
        (lambda: token(expires=0).replace("Expires=0", "Expires=x"), "signature does not match"),
        (lambda: token() + "&DBUser=app", "not an IAM token"),
        (lambda: token() + "0", "signature does not match"),
        (lambda: token().replace("X-Amz-Signature", "Signature"), "signature does not match"),
    ],
)
def test_an_invalid_token_is_refused(made: Callable[[], str], problem: str) -> None:
    """Create each token when it is checked, because one created at collection could have expired."""
    password = made()
    with pytest.raises(InvalidTokenError, match=problem):
        check(password)


@pytest.mark.parametrize(
    ("later", "good"),
    [
        (timedelta(minutes=14), True),
        (timedelta(minutes=15, seconds=2), False),
        (-timedelta(minutes=4), True),
    ],
)
def test_a_token_is_valid_for_fifteen_minutes(later: timedelta, good: bool) -> None:
    if good:
        check(token(), later=later)
    else:
        with pytest.raises(InvalidTokenError, match="too old: signed at"):
            check(token(), later=later)


def test_a_longer_expiry_does_not_extend_it() -> None:
    with pytest.raises(InvalidTokenError, match="too old"):
        check(token(expires=86400), later=timedelta(minutes=16))


def test_a_shorter_expiry_shortens_it() -> None:
    with pytest.raises(InvalidTokenError, match="too old"):
        check(token(expires=60), later=timedelta(minutes=2))


def test_a_token_from_the_future_is_refused() -> None:
    with pytest.raises(InvalidTokenError, match="for the future"):
        check(token(), later=-timedelta(minutes=6))
