"""The user pool's sign-in page: authorization code with PKCE (RFC 7636) and loopback (RFC 8252)."""

import base64
import hashlib
import hmac
import secrets
import time
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx

from atrium_client.flow import Flow
from atrium_client.tokens import Tokens
from atrium_client.types import Configuration
from atrium_client.user_pool import SignInError, json_of

DONE = b"<!doctype html><title>Signed in</title><p>You are signed in. You can close this page."


def _random() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class HostedSignIn:
    """A sign-in that has begun on the page. Keep it until the page sends the person back."""

    configuration: Configuration
    redirect: str
    state: str = field(default_factory=_random)
    verifier: str = field(default_factory=_random)

    @property
    def address(self) -> str:
        """The address of the page, to open in a browser."""
        page = self.configuration["authorization_endpoint"]
        if not page:
            raise ValueError("This API has no sign-in page.")
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self.configuration["client_id"],
            "redirect_uri": self.redirect,
            "scope": "openid email",
            "state": self.state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return str(httpx.URL(page, params=query))

    def is_own(self, returned: str) -> bool:
        """Return True if an address belongs to this sign-in and to no other."""
        return hmac.compare_digest(_parameter(returned, "state").encode(), self.state.encode())

    def finish(self, returned: str) -> Flow[Tokens]:
        """Exchange the code in the address to which the page sent the person back."""
        if not self.is_own(returned):
            raise SignInError(
                "state_mismatch", "This sign-in was not started here. Start it again."
            )
        code = _parameter(returned, "code")
        if not code:
            why = _parameter(returned, "error_description")
            raise SignInError(
                _parameter(returned, "error") or "code_missing",
                why or "The sign-in page returned no code.",
            )
        response: httpx.Response = yield httpx.Request(
            "POST",
            self.configuration["token_endpoint"] or "",
            data={
                "grant_type": "authorization_code",
                "client_id": self.configuration["client_id"],
                "redirect_uri": self.redirect,
                "code": code,
                "code_verifier": self.verifier,
            },
        )
        body = json_of(response)
        if "access_token" not in body:
            error = str(body.get("error") or f"http_{response.status_code}")
            description = body.get("error_description")
            raise SignInError(error, description or "The code was refused. Sign in again.")
        return Tokens(
            body["access_token"], body.get("refresh_token"), time.time() + body["expires_in"]
        )


def in_browser(
    sign_in: HostedSignIn,
    open_page: Callable[[str], object] = webbrowser.open,
    timeout: float = 300,
) -> str:
    """Open the page, and return the address to which it sends the browser back.

    The redirect must be a loopback address of this machine with a port. Requests that do not
    belong to this sign-in are answered 404. Raise TimeoutError after `timeout` seconds.
    """
    redirect = httpx.URL(sign_in.redirect)
    with _Return(("127.0.0.1", redirect.port or 80), sign_in) as server:
        open_page(sign_in.address)
        ends = time.monotonic() + timeout
        while server.returned is None:
            server.timeout = ends - time.monotonic()
            if server.timeout <= 0:
                raise TimeoutError("Nobody signed in on the page in time.")
            server.handle_request()
        return server.returned


class _Return(HTTPServer):
    def __init__(self, address: tuple[str, int], sign_in: HostedSignIn) -> None:
        self.sign_in = sign_in
        self.returned: str | None = None
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Return
    timeout = 10  # of a connection that sends nothing, such as a browser's spare one

    def do_GET(self) -> None:
        sign_in = self.server.sign_in
        address = httpx.URL(sign_in.redirect).join(self.path)
        is_return = address.path == httpx.URL(sign_in.redirect).path
        if not (is_return and sign_in.is_own(str(address))):
            self.send_error(404)
            return
        self.server.returned = str(address)
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(DONE)))
        self.end_headers()
        self.wfile.write(DONE)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: the address has the code."""


def _parameter(address: str, name: str) -> str:
    return str(httpx.URL(address).params.get(name, ""))
