"""The list of users with filters, search, sorting and keyset pagination."""

import re
from datetime import datetime
from typing import Any, Literal

from atrium.http.request import Request
from atrium.http.response import Response
from atrium.http.text import Email, Line
from atrium.paging import pages
from atrium.stores import postgres
from users import people, queries
from users.model import Profile
from users.queries import Sort


class Words(Line):
    max_length = 100


class UserFilter(pages.Parameters):
    q: Words | None = None
    email: Email | None = None
    status: Literal["active", "disabled", "deleted"] | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    sort: Sort = "created_at"


def list_(request: Request) -> Response:
    wanted = request.parameters(UserFilter)
    page = pages.requested(request, wanted)
    found = [people.document(user) for user in find(wanted, page.after, page.limit + 1)]
    return pages.answer(request, page, found, key=lambda user: _key(user, wanted.sort))


def find(wanted: UserFilter, after: tuple[Any, ...] | None, limit: int) -> list[Profile]:
    """Return the users after the key `after`; deleted users only if the filter asks for them."""
    statuses = [wanted.status] if wanted.status else ["active", "disabled"]
    position: dict[str, Any]
    if "email" in wanted.sort:
        position = {"after_email": after and after[0]}
    else:
        time, uid = after or (None, None)
        position = {"after_time": time, "after_uid": uid}
    prefixes, word = _search(wanted.q)
    rows = postgres.query(
        queries.LIST_USERS[wanted.sort],
        statuses=statuses,
        email=wanted.email and str(wanted.email),
        created_from=wanted.created_from,
        created_before=wanted.created_before,
        prefixes=prefixes,
        word=word,
        limit=limit,
        **position,
    )
    return [Profile(*row) for row in rows]


def _search(q: str | None) -> tuple[str | None, str | None]:
    """Return a LIKE pattern of word prefixes in order, and a single word for fuzzy matching."""
    words = [_normal(word) for word in q.lower().split()] if q else []
    escaped = [re.sub(r"([\\%_])", r"\\\1", word) for word in words]
    pattern = "".join(f"% {word}" for word in escaped) + "%"
    return (pattern if words else None, words[0] if len(words) == 1 else None)


def _normal(word: str) -> str:
    """Return an e-mail address in its stored form, and any other word unchanged."""
    try:
        return str(Email.parse(word))
    except ValueError:
        return word


def _key(user: dict[str, Any], sort: Sort) -> tuple[object, ...]:
    return (user["email"],) if "email" in sort else (user["created_at"], user["uid"])
