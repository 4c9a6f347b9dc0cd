"""What moto's models have no place for. Plain data, so that the whole of it can be pickled with moto's own state."""

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
    """A code that was mailed. Times are epoch seconds."""

    value: str
    expires_at: float
    attempts_left: int


@dataclass
class Challenge:
    """A sign-in that waits for its next step. It is known to the client as `Session`."""

    name: str
    pool_id: str
    client_id: str
    sub: str
    expires_at: float
    token_verified: bool = False  # of MFA_SETUP: its software token has shown a right code


@dataclass
class SoftwareToken:
    """An authenticator app. A new secret counts once it has shown a right code; until then the old one stays in force."""

    secret: bytes | None = None
    offered: bytes | None = None
    used_step: int = 0  # the last time step whose code was taken, so that none is taken twice


@dataclass
class Failures:
    """Sign-ins that went wrong in a row. Times are epoch seconds."""

    count: int
    locked_until: float
    last_at: float


@dataclass
class SrpExchange:
    """A USER_SRP_AUTH that waits for its proof. Names are RFC 5054's; `sub` is None for someone who does not exist."""

    pool_id: str
    client_id: str
    sub: str | None
    a: int
    b: int
    b_public: int
    verifier: int
    expires_at: float
    username: str = ""  # as the client gave it


@dataclass
class SignIn:
    """One authentication. Every token that comes of it carries its `origin_jti`, so revoking it revokes them all."""

    origin_jti: str
    pool_id: str
    client_id: str
    sub: str
    auth_time: int
    expires_at: float  # of the refresh token
    refresh_secret: bytes  # SHA-256 of the refresh token's secret half
    revoked: bool = False
    hosted_scopes: tuple[str, ...] | None = (
        None  # what was granted on the hosted page; None for a sign-in by API
    )


@dataclass(frozen=True)
class BrowserSession:
    """Someone who signed in on the hosted page; the next app of the pool need not ask again."""

    sub: str
    auth_time: int
    expires_at: float


@dataclass(frozen=True)
class AuthorizationCode:
    """What the hosted page granted an app, until the app fetches the tokens."""

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
    """A mail. `sent_at` is RFC 3339 in UTC."""

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
    )  # by sub: when it expires, epoch seconds
    pending_emails: dict[str, str] = field(
        default_factory=dict
    )  # by sub: the address that is not confirmed yet
    software_tokens: dict[str, SoftwareToken] = field(default_factory=dict)  # by sub
    failures: dict[tuple[str, str], Failures] = field(
        default_factory=dict
    )  # by pool id and sub, or name if unknown
    browser_sessions: dict[str, BrowserSession] = field(default_factory=dict)  # by cookie
    authorization_codes: dict[str, AuthorizationCode] = field(default_factory=dict)  # by code
    inbox: list[Message] = field(default_factory=list)  # oldest first
    secret: bytes = field(
        default_factory=lambda: secrets.token_bytes(32)
    )  # behind simulated answers

    def __setstate__(self, kept: dict[str, Any]) -> None:
        """A snapshot of an older stack lacks what has been added since."""
        self.__init__(**kept)  # type: ignore[misc]
