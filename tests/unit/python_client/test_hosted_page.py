"""The loopback address to which the sign-in page sends the browser back."""

import socket
import threading
import urllib.error
import urllib.request

import httpx
import pytest
from atrium_client import HostedSignIn, SignInError, hosted_page

from tests.unit.python_client.api import CONFIGURATION, Api, answer


@pytest.fixture
def sign_in() -> HostedSignIn:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return HostedSignIn(CONFIGURATION, f"http://127.0.0.1:{port}/done")


def test_only_a_redirect_with_the_state_is_accepted(sign_in: HostedSignIn) -> None:
    statuses = []

    def browse(address: str) -> None:
        state = httpx.URL(address).params["state"]
        for path in ("favicon.ico", "done?state=forged&code=c", f"done?state={state}&code=c"):
            try:
                with urllib.request.urlopen(
                    f"{sign_in.redirect.removesuffix('done')}{path}"
                ) as got:
                    statuses.append(got.status)
            except urllib.error.HTTPError as refused:
                with refused:
                    statuses.append(refused.code)

    browser: list[threading.Thread] = []

    def open_page(address: str) -> None:
        browser.append(threading.Thread(target=browse, args=(address,)))
        browser[0].start()

    returned = hosted_page.in_browser(sign_in, open_page)
    browser[0].join()
    assert returned == f"{sign_in.redirect}?state={sign_in.state}&code=c"
    assert statuses == [404, 404, 200]


def test_waiting_for_the_browser_times_out(sign_in: HostedSignIn) -> None:
    with pytest.raises(TimeoutError):
        hosted_page.in_browser(sign_in, lambda _: None, timeout=0)


def test_the_code_is_exchanged_with_its_verifier(sign_in: HostedSignIn) -> None:
    exchanged: list[httpx.QueryParams] = []

    def exchange(request: httpx.Request) -> httpx.Response:
        exchanged.append(httpx.QueryParams(request.content.decode()))
        return answer(200, {"access_token": "a", "refresh_token": "r", "expires_in": 3600})

    atrium = Api(refresh=exchange).client()
    with pytest.raises(SignInError, match="not started here"):
        atrium.finish_sign_in(sign_in, f"{sign_in.redirect}?code=c&state=other")
    with pytest.raises(SignInError, match="no"):
        atrium.finish_sign_in(
            sign_in, f"{sign_in.redirect}?error=access_denied&state={sign_in.state}"
        )
    atrium.finish_sign_in(sign_in, f"{sign_in.redirect}?code=c&state={sign_in.state}")
    assert atrium.session.is_signed_in
    [form] = exchanged
    assert (form["code"], form["code_verifier"]) == ("c", sign_in.verifier)
    assert sign_in.verifier not in sign_in.address


@pytest.mark.parametrize("status", [200, 502])
def test_a_page_of_a_proxy_instead_of_tokens_is_a_sign_in_error(
    sign_in: HostedSignIn, status: int
) -> None:
    atrium = Api(refresh=lambda _: httpx.Response(status, text="<html>")).client()
    with pytest.raises(SignInError, match="refused") as refused:
        atrium.finish_sign_in(sign_in, f"{sign_in.redirect}?code=c&state={sign_in.state}")
    assert refused.value.code == f"http_{status}"
    assert not atrium.session.is_signed_in
