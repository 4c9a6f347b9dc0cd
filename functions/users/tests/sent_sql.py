"""Somebody reads and changes their own record, GET and PATCH /v1/me, beside somebody else's."""

from contextlib import suppress

from atrium import identity
from atrium.problem import Problem
from users import profile

PERSON = {"given_name": "Ada", "family_name": "Lovelace", "locale": "en-GB"}


def run() -> None:
    ada = identity.find_or_create("cognito:pool", "ada", "ada@example.com", PERSON).uid
    assert profile.find(ada)
    assert profile.change(ada, {"given_name": None, "locale": "de-DE"}, [1], "request-1")
    assert profile.change(ada, {"family_name": "King"}, None, "request-2")
    with suppress(Problem):
        profile.change(ada, {"locale": "fr"}, [1], "request-3")  # 412: the version is another by now
    assert profile.change("01920000-0000-7000-8000-00000000ffff", {"locale": "fr"}, None, "request-4") is None
