"""What moto's models have no place for. Plain data, so that the whole of it can be pickled with moto's own state."""

import secrets
from dataclasses import dataclass, field
from enum import StrEnum


class Purpose(StrEnum):
    CONFIRM_SIGN_UP = "confirm_sign_up"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - the name of a purpose


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
    temporary_passwords: dict[str, float] = field(default_factory=dict)  # by sub: when it expires, epoch seconds
    inbox: list[Message] = field(default_factory=list)  # oldest first
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))  # behind simulated answers
