"""Routes `POST /access/v1/search/subject`, `…/resource` and `…/action` (section 8), with pages.

Every result is decided as an evaluation is, with the same grants at the same moment (8.1).
"""

import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from access import authzen
from access.authzen import Action, Kind, Properties, Subject
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity import decision, grant_items, permissions, services, subject_grants
from atrium.identity.decision import Resource, SubjectGrants
from atrium.identity.grant_items import Grant
from atrium.identity.permissions import ADMIN
from atrium.paging import cursor
from atrium.stores import user_table

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
MAX_CANDIDATES = 1000
"""The number of subjects that one page decides about. Then the page ends, however short it is."""
_METAS_AT_ONCE = 100  # the limit of BatchGetItem
_MAX_KEY_BYTES = 2048
"""The maximum size of a partition key. No grant has a longer scope."""


class Page(msgspec.Struct, frozen=True):
    """The requested page (8.2.1)."""

    token: str = ""
    limit: Annotated[int, Meta(ge=0)] | None = None


class SubjectSearch(msgspec.Struct, frozen=True):
    """A search for subjects (8.4.1)."""

    subject: Kind
    action: Action
    resource: authzen.Resource
    context: Properties = {}
    page: Page = Page()


class ResourceSearch(msgspec.Struct, frozen=True):
    """A search for resources (8.5.1)."""

    subject: Subject
    action: Action
    resource: Kind
    context: Properties = {}
    page: Page = Page()


class ActionSearch(msgspec.Struct, frozen=True):
    """A search for actions (8.6.1)."""

    subject: Subject
    resource: authzen.Resource
    context: Properties = {}
    page: Page = Page()


Search = SubjectSearch | ResourceSearch | ActionSearch


class Results(msgspec.Struct, frozen=True, omit_defaults=True):
    """A page of results (8.3).

    `context.all` means that every resource of the type is permitted, which includes resources
    that the table does not know.
    """

    page: dict[str, Any]
    results: list[Any]
    context: Properties = {}


def subjects(request: Request) -> Response:
    search = authzen.decode(request, SubjectSearch)
    resource = Resource(search.resource.type, search.resource.id)

    def found(after: str, limit: int) -> _Found:
        rows = list[str]()
        if limit == 0 or search.subject.type not in authzen.TYPES:
            return _Found(rows)
        holders = _holders(search.action.name, resource, after, limit + 1)
        for number, (uid, permitted) in enumerate(_decided(holders, search), start=1):
            if permitted and len(rows) == limit:
                return _Found(rows, rows[-1])
            if permitted:
                rows.append(uid)
            if number == MAX_CANDIDATES:
                return _Found(rows, uid)
        return _Found(rows)

    return _paged(request, search, found, lambda uid: {"type": search.subject.type, "id": uid})


def resources(request: Request) -> Response:
    search = authzen.decode(request, ResourceSearch)
    kind = search.resource.type
    subject = (
        subject_grants.find_of_type(search.subject.id, kind)
        if authzen.is_known(search.subject)
        else SubjectGrants(None, ())
    )
    named = {
        grant.scope.removeprefix(f"{kind}:")
        for grant in subject.grants
        if grant.scope.startswith(f"{kind}:")
    }

    def permits(resource: authzen.Resource | Kind) -> bool:
        # No resource has the id `*`. A permission on it covers all resources.
        asked = Resource(kind, "*" if isinstance(resource, Kind) else resource.id)
        facts = authzen.facts(search.subject, search.action, resource, search.context)
        return _permits(subject, search.action.name, asked, facts)

    properties = search.resource.properties
    found = sorted(id for id in named - {"*"} if permits(authzen.Resource(kind, id, properties)))
    context = {"all": True} if permits(search.resource) else {}
    return _paged(request, search, _slice(found), lambda id: {"type": kind, "id": id}, context)


def actions(request: Request) -> Response:
    search = authzen.decode(request, ActionSearch)
    resource = Resource(search.resource.type, search.resource.id)
    subject = (
        subject_grants.find(search.subject.id, resource)
        if authzen.is_known(search.subject)
        else SubjectGrants(None, ())
    )
    known = {grant.action for grant in subject.grants if grant.action} | _actions_of_roles(
        subject, resource.type
    )

    def permits(action: str) -> bool:
        facts = authzen.facts(search.subject, Action(action), search.resource, search.context)
        return _permits(subject, action, resource, facts)

    found = sorted(filter(permits, known))
    return _paged(request, search, _slice(found), lambda action: {"name": action})


def _permits(subject: SubjectGrants, action: str, resource: Resource, facts: Properties) -> bool:
    now = time.time()
    return decision.decide(subject, action, resource, permissions.cached, now, facts).permit


def _actions_of_roles(subject: SubjectGrants, kind: str) -> set[str]:
    """Return the actions on this type that any role permits.

    The role `admin` permits all of them, but lists none.
    """
    roles = set(role_names()) | {grant.role for grant in subject.grants if grant.role}
    named = (
        permission.partition(".")
        for definition in map(permissions.cached, permissions.lineage(roles, permissions.cached))
        for permission in (*definition.permissions, *definition.conditional)
    )
    return {action for of, _, action in named if of == kind}


def role_names() -> list[str]:
    """Return the names of all roles, sorted. One Query of the index."""
    return [item["gsi1sk"] for item in user_table.query("ROLES", index="GSI1", only=["gsi1sk"])]


class _Holder(NamedTuple):
    """A candidate: a user with grants in force that give the right, if nothing else prevents it."""

    uid: str
    grants: list[Grant]


def _holders(action: str, resource: Resource, after: str, page: int) -> Iterator[_Holder]:
    """Yield the candidates, sorted and unique, whatever their status, MFA and conditions."""
    permission = decision.permission_of(action, resource.type)
    giving = {
        role
        for role in (ADMIN, *role_names())
        if decision.sources(role, permission, permissions.cached)
    }
    now = time.time()
    following = (f"U#{after}$" if after else "U#", "U$")

    def gives(grant: Grant) -> bool:
        if not (decision.in_force(grant, now) and decision.covers(grant.scope, resource)):
            return False
        if grant.role is None:
            return grant.action == action
        return grant.role in giving and permissions.is_current(grant, permissions.cached)

    def users(pk: str, **index: Any) -> Iterator[tuple[str, Grant]]:
        for item in user_table.query(pk, between=following, page=page, **index):
            grant = grant_items.grant(item)
            if gives(grant):
                yield grant_items.uid_of(item), grant

    scopes = [f"{resource.type}:{id}" for id in {resource.id, "*"}]
    on_resource = [
        users(key)
        for key in map(grant_items.resource_key, scopes)
        if len(key.encode()) <= _MAX_KEY_BYTES
    ]
    everywhere = [users(f"ROLE#{role}", index="GSI1") for role in sorted(giving)]
    by_uid = itemgetter(0)
    merged = heapq.merge(*on_resource, *everywhere, key=by_uid)
    return (_Holder(uid, [grant for _, grant in of_one]) for uid, of_one in groupby(merged, by_uid))


def _decided(holders: Iterator[_Holder], search: SubjectSearch) -> Iterator[tuple[str, bool]]:
    """Yield the uids of the candidates, and whether they are of the type and permitted."""
    resource = Resource(search.resource.type, search.resource.id)
    while batch := list(islice(holders, _METAS_AT_ONCE)):
        metas = user_table.metas([holder.uid for holder in batch])
        attributes = subject_grants.attributes_for(
            (uid, resource.type, found) for uid, found in batch
        )
        for uid, found in batch:
            subject = subject_grants.of_user(metas.get(uid), found, attributes.get(uid, {}))
            asked = Subject(search.subject.type, uid, search.subject.properties)
            facts = authzen.facts(asked, search.action, search.resource, search.context)
            is_wanted = services.kind_of(uid) == search.subject.type
            yield uid, is_wanted and _permits(subject, search.action.name, resource, facts)


class _Found(NamedTuple):
    """The results of a page. The next page begins after `last`; None means that there is none."""

    rows: list[str]
    last: str | None = None


def _slice(found: Sequence[str]) -> Callable[[str, int], _Found]:
    """Return a search in sorted results that are known already."""

    def page(after: str, limit: int) -> _Found:
        rows = list(islice((each for each in found if each > after), limit + 1))
        # A page of 0 results is the last one. Otherwise a client would request pages for ever.
        return _Found(rows[:limit], rows[limit - 1] if 0 < limit < len(rows) else None)

    return page


def _paged(
    request: Request,
    search: Search,
    found: Callable[[str, int], _Found],
    entity: Callable[[str], dict[str, str]],
    context: Properties | None = None,
) -> Response:
    """Return a page of results.

    Its token is valid for the same search, limit and caller (8.2). `found` is called with the last
    result or candidate of the previous page and the limit.
    """
    asked, page = msgspec.structs.replace(search, page=Page()), search.page
    binding = msgspec.json.encode([request.route, asked, request.caller.uid], order="deterministic")
    after, limit = _begin(page, binding)
    rows, last = found(after, limit)
    next_token = "" if last is None else cursor.sign((last, limit), binding)
    results = Results(
        {"next_token": next_token, "count": len(rows)},
        [entity(row) for row in rows],
        context or {},
    )
    return authzen.answer(request, results)


def _begin(page: Page, binding: bytes) -> tuple[str, int]:
    """Return the last result of the previous page, and the limit.

    A request with a token may omit the limit, as in the specification's example.
    """
    if not page.token:
        return "", min(DEFAULT_LIMIT if page.limit is None else page.limit, MAX_LIMIT)
    after, limit = cursor.verify(page.token, binding)
    if page.limit is not None and min(page.limit, MAX_LIMIT) != limit:
        raise cursor.invalid()
    return after, limit
