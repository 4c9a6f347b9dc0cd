"""Route `GET /v1/grants`: grants on a resource, of a role, or those that end soon."""

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Annotated, Any

from msgspec import Meta

from access.names import Resource, RoleName
from atrium.http.problem import ParameterError, invalid_parameters
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity import grant_items
from atrium.identity.grant_items import DAY_SECONDS, Item
from atrium.paging import pages
from atrium.stores import user_table

DEFAULT_DAYS = 30
MAX_DAYS = 92
"""The maximum number of days, because each day is a separate read."""

Key = Mapping[str, str]


class GrantFilter(pages.Parameters):
    resource: Resource | None = None
    role: RoleName | None = None
    expiring_before: Annotated[datetime, Meta(tz=True)] | None = None


def list_(request: Request) -> Response:
    """List grants. Without a resource and a role, list those that end within 30 days."""
    asked = request.parameters(GrantFilter)
    page = pages.requested(request, asked)
    before = asked.expiring_before.timestamp() if asked.expiring_before else None
    items = (
        item
        for item in _items(asked, before, page.after, page.limit + 1)
        if asked.role in (None, item.get("role"))
        and (before is None or item.get("expires_at", before) < before)
    )
    found = list(islice(filter(grant_items.in_force, items), page.limit + 1))
    keys = {grant_items.id_of(item): _key(asked, item) for item in found}
    shown = [grant_items.record(item).shown() for item in found]
    return pages.answer(request, page, shown, key=lambda grant: keys[grant["id"]])


def _items(
    asked: GrantFilter, before: float | None, after: tuple[Any, ...] | None, page: int
) -> Iterator[dict[str, Any]]:
    if asked.resource:
        key = None if after is None else dict(zip(("pk", "sk"), after, strict=True))
        return user_table.query(grant_items.resource_key(asked.resource), after=key, page=page)
    if asked.role:
        key = (
            None
            if after is None
            else dict(zip(("pk", "sk", "gsi1pk", "gsi1sk"), after, strict=True))
        )
        return user_table.query(f"ROLE#{asked.role}", index="GSI1", after=key, page=page)
    return _ending(_horizon(before), after, page)


def _horizon(before: float | None) -> float:
    """Return the latest end in epoch seconds. Raise 400."""
    now = time.time()
    if before is None:
        return now + DEFAULT_DAYS * DAY_SECONDS
    if before > now + MAX_DAYS * DAY_SECONDS:
        detail = f"Must be at most {MAX_DAYS} days from now without `resource` or `role`"
        raise invalid_parameters([ParameterError("expiring_before", detail)])
    return before


def _ending(before: float, after: tuple[Any, ...] | None, page: int) -> Iterator[dict[str, Any]]:
    key = None if after is None else dict(zip(("pk", "sk", "gsi2pk", "gsi2sk"), after, strict=True))
    now = time.time()
    if before <= now:
        return  # DynamoDB refuses bounds in the wrong order
    days = [grant_items.day_key(now + day * DAY_SECONDS) for day in range(MAX_DAYS + 2)]
    last = grant_items.day_key(before)
    bounds = (grant_items.ending_key(int(now)), grant_items.ending_key(int(before)))
    for day in days:
        if day > last:
            return
        if key is None or day >= key["gsi2pk"]:
            of_day = key if key and day == key["gsi2pk"] else None
            yield from user_table.query(day, index="GSI2", between=bounds, after=of_day, page=page)


def _key(asked: GrantFilter, item: Item) -> tuple[str, ...]:
    """Return the item's key in the requested list."""
    names = () if asked.resource else ("gsi1pk", "gsi1sk") if asked.role else ("gsi2pk", "gsi2sk")
    return tuple(item[name] for name in ("pk", "sk", *names))
