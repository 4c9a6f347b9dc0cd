"""An API and a user pool behind httpx's mock transport, for the client's tests."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from atrium_client import Atrium, InMemory, Tokens

ADDRESS = "https://api.example.com"
POOL = "https://cognito-idp.eu-central-1.amazonaws.com"
CONFIGURATION: Any = {
    "issuer": f"{POOL}/eu-central-1_abc",
    "client_id": "client",
    "user_pool_id": "eu-central-1_abc",
    "authorization_endpoint": f"{POOL}/oauth2/authorize",
    "token_endpoint": f"{POOL}/oauth2/token",
}
FAR = 4_000_000_000.0

Answer = Callable[[httpx.Request], httpx.Response]


def answer(status: int, body: Any = None, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers=named, json=body)


def problem(status: int, code: str, **more: Any) -> httpx.Response:
    body = {
        "type": f"/docs/errors.html#{code}",
        "title": "No",
        "code": code,
        "request_id": "r",
        **more,
    }
    content = json.dumps(body).encode()
    return httpx.Response(
        status, headers={"Content-Type": "application/problem+json"}, content=content
    )


@dataclass
class Api:
    """A stub that answers the API's calls with `answers`, in order, and the pool's with `refresh`."""

    answers: list[httpx.Response | Answer] = field(default_factory=list)
    refresh: Answer = lambda _: refreshed("fresh")
    sent: list[httpx.Request] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    refreshes: int = 0
    revoked: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/configuration":
            return answer(200, CONFIGURATION)
        if request.url.host != httpx.URL(ADDRESS).host:
            return self._of_pool(request)
        with self._lock:
            self.sent.append(request)
            self.tokens.append(request.headers.get("Authorization", "")[7:])
            next_one = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return next_one(request) if callable(next_one) else next_one

    def _of_pool(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("X-Amz-Target", "").endswith("RevokeToken"):
            self.revoked.append(json.loads(request.content)["Token"])
            return httpx.Response(200)
        with self._lock:
            self.refreshes += 1
        return self.refresh(request)

    def client(self, tokens: Tokens | None = None) -> Atrium:
        http = httpx.Client(transport=httpx.MockTransport(self))
        atrium = Atrium.connect(ADDRESS, http=http, tokens=InMemory())
        if tokens:
            atrium.session.start(tokens)
        return atrium


def signed_in(access: str = "old", expires_at: float = FAR) -> Tokens:
    return Tokens(access, "refresh", expires_at)


def refreshed(access: str) -> httpx.Response:
    result = {"AccessToken": access, "RefreshToken": f"{access} refresh", "ExpiresIn": 3600}
    return answer(200, {"AuthenticationResult": result})


def demands(token: str, body: Any) -> Answer:
    """Return an answer: `body` for a request with `token`, 401 for any other."""

    def respond(request: httpx.Request) -> httpx.Response:
        if request.headers.get("Authorization") == f"Bearer {token}":
            return answer(200, body)
        return problem(401, "token_expired")

    return respond
