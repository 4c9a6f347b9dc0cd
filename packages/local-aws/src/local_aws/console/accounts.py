"""The accounts of the user pools."""

from typing import Any

from aiohttp import web

from local_aws.cognito import pools
from local_aws.console import answers
from local_aws.console.answers import own_page

MOST = 200


class Accounts:
    """The panel of the accounts."""

    def routes(self, path: str) -> list[web.RouteDef]:
        return [web.get(f"{path}/accounts", own_page(_list))]


async def _list(request: web.Request) -> web.Response:
    """Answer the accounts whose name, address or status contains `text`, the newest first."""
    text = request.query.get("text", "").lower()
    found = [
        (pool.name, user)
        for pool in pools.all_pools()
        for user in list(pool.users.values())
        if text in f"{user.username} {user.attribute_lookup.get('email')} {user.status}".lower()
    ]
    found.sort(key=lambda each: each[1].create_date, reverse=True)
    shown = [_account(name, user) for name, user in found[:MOST]]
    return answers.json({"accounts": shown, "count": len(found)})


def _account(pool: str, user: pools.User) -> dict[str, Any]:
    described = pools.describe(user, "Attributes")
    return {
        "pool": pool,
        "username": user.username,
        "email": user.attribute_lookup.get("email", ""),
        "verified": user.attribute_lookup.get("email_verified") == "true",
        "status": described["UserStatus"],
        "enabled": user.enabled,
        "created_at": described["UserCreateDate"],
        "changed_at": described["UserLastModifiedDate"],
        "groups": sorted(group.group_name for group in user.groups),
        "attributes": {name: str(value) for name, value in user.attribute_lookup.items()},
    }
