"""Normalisation of addresses: a mailbox has one spelling at sign-up, in invitations, in the
directory and for `make admin`.
"""

import json
import unicodedata
import uuid
from typing import Any

import pg8000.native
import pytest

from atrium.http.text import Email
from atrium.identity.cognito_trigger import RefusalError
from first_admin.handler import handler as first_admin
from post_confirmation.handler import handler as post_confirmation
from pre_sign_up.handler import handler as pre_sign_up
from pre_token_generation.handler import handler as pre_token_generation
from tests.support.people import new_admin
from tests.unit.events import SUB, UID, Context, answer, api_event, claims, trigger_event
from tools.laptop.answer import Answer
from users.handler import handler as users

pytestmark = pytest.mark.usefixtures("contract")

SPELLINGS = [
    "Amélie@Bücher.example",
    unicodedata.normalize("NFD", "Amélie@bücher.example"),
    "amélie@xn--bcher-kva.example",
    "amélie@XN--BCHER-KVA.EXAMPLE",
    "amélie@\uff42ücher.example",
    "amélie@bü\u00adcher。example",
]
NORMAL = "amélie@xn--bcher-kva.example"


@pytest.mark.parametrize("address", SPELLINGS)
def test_spellings_of_one_mailbox_have_one_normal_form(address: str) -> None:
    assert Email.parse(address).lower() == NORMAL


@pytest.mark.parametrize(
    ("address", "normal"),
    [
        (
            "x@faß.example",
            "x@xn--fa-hia.example",
        ),  # IDNA 2003 would map it to fass.example, which may belong to somebody else
        ("x@ΒΌΛΟΣ.example", "x@xn--nxasmq6b.example"),
        ("x@βόλος.example", "x@xn--nxasmm1c.example"),
        ("राम@मोहन.example", "राम@xn--l2bl7a9d.example"),
        ("x@क्‍ष.example", "x@xn--11b2ezcw70k.example"),  # a joiner where rule CONTEXTJ allows it
        ("用户@例子.example", "用户@xn--fsqu00a.example"),
        ("o'neil+tag@example.co.uk", "o'neil+tag@example.co.uk"),
    ],
)
def test_domains_follow_idna_2008(address: str, normal: str) -> None:
    assert Email.parse(address) == normal


@pytest.mark.parametrize(
    "address",
    [
        "x@⒈x.example",
        "x@a\u200db.example",
        "x@xn--zz.example",
        "x@xn--fa-hia-.example",
        "x@-a.example",
        "x@a_b.example",
        "x@😀.example",
        "x@example.org.",
        "x@exa mple.org",
        "x@[203.0.113.7]",
        "x@localhost",
        "\u0301@example.org",  # a combining mark without a letter
        "a\u00adb@example.org",
        "a\u200bb@example.org",
        ".a@example.org",
        "a..b@example.org",
        '"a b"@example.org',
        f"{'a' * 65}@example.org",
        f"a@{'b' * 64}.example",
        f"a@{'é' * 70}.example",
    ],
)
def test_an_invalid_address_or_domain_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="Must"):
        Email.parse(address)


def test_text_without_an_at_sign_is_refused_with_an_example() -> None:
    with pytest.raises(ValueError, match="Must be an e-mail address such as"):
        Email.parse("ada")


def sign_up(address: str) -> None:
    pre_sign_up(
        trigger_event("PreSignUp_SignUp", {"email": address}, validationData=None), Context()
    )


@pytest.mark.parametrize("entry", ["bücher.example", "BÜCHER.example", "xn--bcher-kva.example"])
@pytest.mark.parametrize("address", [*SPELLINGS, "a@mail.bücher.example"])
def test_a_denied_domain_is_refused_in_every_spelling(
    address: str, entry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMAIL_DOMAINS_DENIED", f"other.example {entry}")
    with pytest.raises(RefusalError, match=r"xn--bcher-kva\.example are not accepted"):
        sign_up(address)


def test_an_allowed_domain_is_accepted_in_every_spelling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_DOMAINS_ALLOWED", "Bücher.example")
    for address in SPELLINGS:
        sign_up(address)


def test_an_address_that_cannot_be_stored_is_refused_at_sign_up() -> None:
    with pytest.raises(RefusalError, match="not accepted here"):
        sign_up("x@⒈x.example")


@pytest.mark.parametrize(
    "entry", [".example.com", "*.example.com", "*", "@example.com", "example", "⒈x.example"]
)
def test_an_entry_that_would_match_nothing_stops_the_function(
    entry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from atrium.identity.address_rules import SettingError, check_settings

    monkeypatch.setenv("EMAIL_DOMAINS_DENIED", f"mailinator.com,{entry}")
    with pytest.raises(
        SettingError, match=r"EMAIL_DOMAINS_DENIED: .* is not a domain name\. Write"
    ):
        check_settings()


def confirm(address: str, sub: str = SUB) -> None:
    post_confirmation(
        trigger_event("PostConfirmation_ConfirmSignUp", {"sub": sub, "email": address}), Context()
    )


def sign_in(address: str, sub: str = SUB) -> None:
    attributes = {"sub": sub, "email": address}
    pre_token_generation(
        trigger_event("TokenGeneration_Authentication", attributes, scopes=[]), Context()
    )


@pytest.mark.parametrize("first", SPELLINGS)
def test_two_spellings_of_an_address_are_one_user(
    database: pg8000.native.Connection, table: Any, first: str
) -> None:
    confirm(first)
    assert database.run("SELECT lower(email::text) FROM users") == [[NORMAL]]
    for number, other in enumerate(SPELLINGS):
        with pytest.raises(RefusalError, match="belongs to another account"):
            confirm(other, f"sub-{number}")
        with pytest.raises(RefusalError, match="belongs to another account"):
            sign_in(other, f"sub-{number}")
        sign_in(other)
    assert database.run("SELECT count(*) FROM users") == [[1]]


def test_an_existing_user_signs_in_although_their_address_would_be_refused_today(
    database: pg8000.native.Connection, table: Any
) -> None:
    confirm("ada@example.org")
    sign_in("ada@⒈x.example")
    with pytest.raises(RefusalError, match="not accepted here"):
        sign_in("eve@⒈x.example", "another-sub")
    assert database.run("SELECT count(*) FROM users") == [[1]]


def call(route: str, body: Any = None, query: dict[str, list[str]] | None = None) -> Answer:
    token = claims(roles="admin", scope="atrium/users.write atrium/users.read atrium/me")
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    return answer(
        users(
            api_event(route, json.dumps(body) if body else None, headers, token, query), Context()
        )
    )


def test_the_directory_and_invitations_accept_every_spelling(
    database: pg8000.native.Connection, table: Any
) -> None:
    new_admin(database, UID, "ada@example.org")
    confirm(SPELLINGS[0])
    for spelling in SPELLINGS:
        for parameter in ("email", "q"):
            found = call("GET /v1/users", query={parameter: [spelling]})
            assert [user["email"].lower() for user in found.json["items"]] == [NORMAL], (
                parameter,
                spelling,
            )
        taken = call("POST /v1/users", {"email": spelling})
        assert (taken.status, taken.json["code"]) == (409, "email_taken")


def test_the_first_administrator_may_be_named_in_any_spelling(
    database: pg8000.native.Connection, table: Any
) -> None:
    confirm(SPELLINGS[0])
    granted = [first_admin({"email": spelling})["granted"] for spelling in SPELLINGS]
    assert granted == [True, False, False, False, False, False]
