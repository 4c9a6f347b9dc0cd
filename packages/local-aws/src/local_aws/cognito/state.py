"""State that moto's models cannot hold.

It is plain data, so that it can be pickled with moto's own state.
"""

import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Purpose(StrEnum):
    CONFIRM_SIGN_UP = "confirm_sign_up"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - the name of a purpose
    VERIFY_EMAIL = "verify_email"


@dataclass
class Code:
    """A mailed code; times are epoch seconds."""

    value: str
    expires_at: float
    attempts_left: int = 0  # of an older stack


@dataclass
class Challenge:
    """A sign-in that waits for its next step; the client knows it as `Session`."""

    name: str
    pool_id: str
    client_id: str
    sub: str
    expires_at: float
    token_verified: bool = False  # in MFA_SETUP: the software token was verified
    used: bool = False  # answered: a second answer is refused


@dataclass
class SoftwareToken:
    """An authenticator app.

    A new secret replaces the old one once it has produced a correct code.
    """

    secret: bytes | None = None
    offered: bytes | None = None
    used_step: int = 0  # the time step of the last accepted code, so that no code is accepted twice


@dataclass
class Failures:
    """Consecutive failed sign-ins; times are epoch seconds."""

    count: int
    locked_until: float
    last_at: float


@dataclass
class SrpExchange:
    """A USER_SRP_AUTH exchange that waits for its proof.

    Names are RFC 5054's; `sub` is None for an unknown user.
    """

    pool_id: str
    client_id: str
    sub: str | None
    a: int
    b: int
    b_public: int
    verifier: int
    expires_at: float
    username: str = ""  # the name in the client's spelling


@dataclass(frozen=True)
class ClientSecret:
    """A secret of an app client; `created_at` is in epoch seconds."""

    id: str
    value: str
    created_at: float


@dataclass
class SignIn:
    """An authentication.

    All its tokens carry its `origin_jti`, so revoking it revokes them all.
    """

    origin_jti: str
    pool_id: str
    client_id: str
    sub: str
    auth_time: int
    expires_at: float  # of the refresh token
    refresh_secret: bytes  # SHA-256 of the newest refresh token's secret half
    revoked: bool = False
    hosted_scopes: tuple[str, ...] | None = (
        None  # the hosted page's grant; None for a sign-in by API
    )
    # earlier refresh tokens of a client that rotates them: digest and end of validity
    replaced: tuple[tuple[bytes, float], ...] = ()
    device_key: str | None = None


@dataclass(frozen=True)
class BrowserSession:
    """A browser's sign-in on the hosted page, which other apps of the pool reuse."""

    sub: str
    auth_time: int
    expires_at: float


@dataclass(frozen=True)
class AuthorizationCode:
    """The hosted page's grant to an app, until the app fetches the tokens."""

    pool_id: str
    client_id: str
    sub: str
    auth_time: int
    redirect_uri: str
    scopes: tuple[str, ...]
    code_challenge: str | None
    nonce: str | None
    expires_at: float


@dataclass
class Message:
    """A mail; `sent_at` is RFC 3339 in UTC."""

    to: str
    subject: str
    body: str
    code: str
    sent_at: str


@dataclass
class State:
    codes: dict[tuple[str, Purpose], Code] = field(default_factory=dict)  # by the user's sub
    challenges: dict[str, Challenge] = field(default_factory=dict)  # by Session
    srp_exchanges: dict[str, SrpExchange] = field(default_factory=dict)  # by SECRET_BLOCK
    sign_ins: dict[str, SignIn] = field(default_factory=dict)  # by origin_jti
    temporary_passwords: dict[str, float] = field(
        default_factory=dict
    )  # by sub: expiry in epoch seconds
    pending_emails: dict[str, str] = field(default_factory=dict)  # by sub: the unconfirmed address
    software_tokens: dict[str, SoftwareToken] = field(default_factory=dict)  # by sub
    failures: dict[tuple[str, str], Failures] = field(
        default_factory=dict
    )  # by pool id and sub; by name for an unknown user
    browser_sessions: dict[str, BrowserSession] = field(default_factory=dict)  # by cookie
    authorization_codes: dict[str, AuthorizationCode] = field(default_factory=dict)  # by code
    calls: dict[tuple[str, str], tuple[float, ...]] = field(
        default_factory=dict
    )  # by sub and operation: the times of the last hour's calls
    client_secrets: dict[str, tuple[ClientSecret, ...]] = field(
        default_factory=dict
    )  # by client id, oldest first
    inbox: list[Message] = field(default_factory=list)  # oldest first
    secret: bytes = field(
        default_factory=lambda: secrets.token_bytes(32)
    )  # key of simulated answers for unknown users

    def __setstate__(self, kept: dict[str, Any]) -> None:
        """Restore from a snapshot, with defaults for fields that an older stack did not have."""
        self.__init__(**kept)  # type: ignore[misc]
