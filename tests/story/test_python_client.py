"""`clients/python`, generated from the contract, on the running stack."""

import os
import re
import subprocess
import sys
import threading
import urllib.parse
import uuid
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from local_aws_tests.support.waiting import settle
from tools import ROOT
from tools.laptop.client import Client
from tools.setup import python_client

python_client.ensure_current()

from atrium_client import Atrium, HostedSignIn, SignInError, errors, hosted_page  # noqa: E402

SOURCE = ROOT / "clients/python/src"
EXAMPLE = re.compile(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", re.M | re.S)
EXAMPLES = EXAMPLE.findall((SOURCE.parent / "README.md").read_text())


def test_a_member_changes_their_record_and_orders_once(
    client: Client, newcomer: dict[str, str]
) -> None:
    network = Lossy()
    with connect(client, network) as atrium:
        with pytest.raises(SignInError) as refused:
            atrium.sign_in(newcomer["EMAIL"], "Wrong-Horse-7-Battery")
        assert refused.value.code == "NotAuthorizedException"
        with pytest.raises(errors.UnauthorizedError):
            atrium.read_me()
        assert atrium.sign_in(newcomer["EMAIL"], newcomer["PASSWORD"]) is None

        me = atrium.read_me()
        changed = atrium.change_me({"family_name": "King"}, if_match=me)
        with pytest.raises(errors.StaleError):
            atrium.change_me({"family_name": "Byron"}, if_match=me)
        atrium.change_me({"family_name": None}, if_match=changed)

        coffee = next(one for one in atrium.list_coffees() if one["stock"] > 10)["id"]
        network.loses = "POST"
        atrium.place_order({"lines": [{"coffee": coffee, "quantity": 1}]})
        first, again = (sent.headers["Idempotency-Key"] for sent in network.posts)
        assert first == again
        assert len(list(atrium.list_orders(limit=2))) == 1

        access = atrium.session._store.load()
        assert access
        fresh = atrium._runner.run(
            atrium.session.refreshed(atrium._runner.run(atrium.session.credentials()))
        )
        assert fresh.access != access.access
        assert atrium.read_me()["uid"] == me["uid"]
        atrium.sign_out()
        with pytest.raises(errors.UnauthorizedError):
            atrium.read_me()


def test_an_administrator_invites_grants_decides_and_reads_the_trail(
    client: Client, newcomer: dict[str, str]
) -> None:
    with connect(client) as member:
        member.sign_in(newcomer["EMAIL"], newcomer["PASSWORD"])
        uid = member.read_me()["uid"]
    with connect(client) as admin:
        admin.sign_in(client.outputs.admin_email, client.outputs.admin_password)
        admin.invite_user({"email": f"guest-{uuid.uuid4()}@example.org"})
        role = f"clerk-{uuid.uuid4().hex[:8]}"
        definition = {"description": "Reads documents", "permissions": ["document.read"]}
        admin.put_role(role, definition, if_none_match="*")
        grant = admin.make_grant(uid, {"role": role, "scope": "document:7"})
        question = {
            "subject": {"type": "user", "id": uid},
            "action": {"name": "read"},
            "resource": {"type": "document", "id": "7"},
        }
        assert admin.evaluate(question)["decision"] is True
        admin.revoke_grant(uid, grant["id"], if_match=grant)
        with pytest.raises(errors.NotFoundError):
            admin.read_grant(uid, grant["id"])

        def trail() -> list[str]:
            return [event["id"] for event in admin.list_audit_events_of_user(uid, limit=2)]

        assert settle(lambda: len(trail()) > 2, 60), "grants reach the trail by the table's stream"
        assert len(trail()) == len(set(trail()))


def test_the_sign_in_page_sends_the_browser_back_to_this_machine(
    client: Client, newcomer: dict[str, str], hosted_client: str
) -> None:
    with connect(client) as atrium:
        issuer = urllib.parse.urlsplit(atrium.configuration["issuer"])
        pages = f"{issuer.scheme}://{issuer.netloc}/oauth2"
        atrium.configuration |= {
            "client_id": hosted_client,
            "authorization_endpoint": f"{pages}/authorize",
            "token_endpoint": f"{pages}/token",
        }
        sign_in = HostedSignIn(atrium.configuration, "http://localhost:5173/")
        returned = hosted_page.in_browser(sign_in, browser(newcomer))
        atrium.finish_sign_in(sign_in, returned)
        assert atrium.read_me()["email"] == newcomer["EMAIL"]
        with pytest.raises(SignInError, match="not started here"):
            atrium.finish_sign_in(HostedSignIn(atrium.configuration, sign_in.redirect), returned)


def test_the_examples_print_what_the_readme_says(newcomer: dict[str, str]) -> None:
    code, printed = ("".join(parts) for parts in zip(*EXAMPLES, strict=True))
    environment = os.environ | newcomer | {"PYTHONPATH": str(SOURCE), "NO_PROXY": "*"}
    done = run(environment, "-c", code)
    assert (done.returncode, done.stdout) == (0, printed), done.stderr


def test_the_client_and_its_examples_are_typed(tmp_path: Path) -> None:
    example = tmp_path / "example.py"
    example.write_text("".join(code for code, _ in EXAMPLES))
    environment = os.environ | {"MYPYPATH": str(SOURCE)}
    cache = ("--cache-dir", ".venv/mypy-client")
    done = run(environment, "-m", "mypy", *cache, str(SOURCE), str(example))
    assert done.returncode == 0, done.stdout


def run(environment: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True
    )


class Lossy(httpx.HTTPTransport):
    """A network that loses the first answer to a method, after the API has acted on it."""

    loses = ""

    def __init__(self) -> None:
        super().__init__()
        self.posts: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        if request.method != self.loses:
            return answer
        self.posts.append(request)
        if len(self.posts) > 1:
            return answer
        answer.close()
        raise httpx.ReadError("the answer was lost", request=request)


def connect(client: Client, network: httpx.HTTPTransport | None = None) -> Atrium:
    http = httpx.Client(transport=network or httpx.HTTPTransport(), timeout=35)
    return Atrium.connect(client.outputs.api_url, http=http)


def browser(person: dict[str, str]) -> Callable[[str], None]:
    """Return a browser that signs in on the page, in a thread of its own."""

    def visit(address: str) -> None:
        with httpx.Client(trust_env=False, follow_redirects=True) as http:
            page = http.get(address)
            hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page.text)
            form = dict(hidden) | {"username": person["EMAIL"], "password": person["PASSWORD"]}
            assert "You are signed in" in http.post(page.url, data=form).text

    return lambda address: threading.Thread(target=visit, args=(address,)).start()
