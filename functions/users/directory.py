"""The list of users with filters, search, sorting and keyset pagination."""

import re
from datetime import datetime
from typing import Any, Literal

from atrium.http import pages
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.http.text import Email, Line
from atrium.stores import postgres
from users import people, profile
from users.profile import Profile

Sort = Literal["created_at", "-created_at", "email", "-email"]


class Words(Line):
    max_length = 100


class UserFilter(pages.Parameters):
    q: Words | None = None
    email: Email | None = None
    status: Literal["active", "disabled", "deleted"] | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    sort: Sort = "created_at"


# Must match the index in migrations/0005_users_directory.sql.
_WORDS = "lower(' ' || coalesce(given_name, '') || ' ' || coalesce(family_name, '') || ' ' || coalesce(email::text, ''))"

# The plan uses the parameters, so absent filters cost nothing. `<%` compares trigrams, so `jonh`
# finds John. E-mail addresses are unique among users who are not erased, so e-mail alone is a sort
# key and the unique index serves the sort.
_PAGE = f"""
SELECT {profile.COLUMNS} FROM users
WHERE status <> 'erased'
    AND status = ANY ($1::text[])
    AND ($2::citext IS NULL OR email = $2::citext)
    AND ($3::timestamptz IS NULL OR created_at >= $3::timestamptz)
    AND ($4::timestamptz IS NULL OR created_at < $4::timestamptz)
    AND ($5::text IS NULL OR {_WORDS} LIKE $5::text OR $6::text <% {_WORDS})
    AND {{after}}
ORDER BY {{order}} LIMIT $7::integer
"""  # noqa: S608  no input in it

_BY_TIME = "($8::timestamptz IS NULL OR (created_at, uid) {0} ($8::timestamptz, $9::uuid))"
_BY_EMAIL = "($8::citext IS NULL OR email {0} $8::citext)"
_PAGES: dict[Sort, str] = {
    "created_at": _PAGE.format(after=_BY_TIME.format(">"), order="created_at, uid"),
    "-created_at": _PAGE.format(after=_BY_TIME.format("<"), order="created_at DESC, uid DESC"),
    "email": _PAGE.format(after=_BY_EMAIL.format(">"), order="email"),
    "-email": _PAGE.format(after=_BY_EMAIL.format("<"), order="email DESC"),
}


def list_(request: Request) -> Response:
    wanted = request.parameters(UserFilter)
    page = pages.requested(request, wanted)
    found = [people.document(user) for user in find(wanted, page.after, page.limit + 1)]
    return pages.answer(request, page, found, key=lambda user: _key(user, wanted.sort))


def find(wanted: UserFilter, after: tuple[Any, ...] | None, limit: int) -> list[Profile]:
    """Return the users after the key `after`; deleted users only if the filter asks for them."""
    statuses = [wanted.status] if wanted.status else ["active", "disabled"]
    position = after or ((None,) if "email" in wanted.sort else (None, None))
    rows = postgres.query(
        _PAGES[wanted.sort],
        statuses,
        wanted.email and str(wanted.email),
        wanted.created_from,
        wanted.created_before,
        *_search(wanted.q),
        limit,
        *position,
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
