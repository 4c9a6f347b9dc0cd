"""Random tables of grants and questions about them, small enough that many questions match a grant.

They have two users, three kinds of resource, and roles with parents.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

USERS = ("ada", "bob")
KINDS = ("document", "order", "documents")  # one is a prefix of another
THINGS = ("1", "2", "*", "1:2", "1#2")
ACTIONS = ("read", "write", "admin")
ROLES = ("reader", "writer", "editor", "owner", "admin")
NEED_MFA = ("editor", "admin")
NOW = 1_000

Item = dict[str, Any]


class Question(NamedTuple):
    user: str
    action: str
    kind: str
    thing: str
    stated: dict[str, dict[str, Any]]
    """The properties of subject, action, resource and context in the request."""


def table(chance: random.Random) -> list[Item]:
    return [item for make in (_roles, _namespaces, _users) for item in make(chance)]


ASKED_KINDS = (*KINDS, "document:1")  # no resource has this kind, but a caller may name it


def questions(chance: random.Random, count: int) -> Iterator[Question]:
    pick: Callable[[Any], str] = chance.choice
    for _ in range(count):
        named = pick((*USERS * 4, "eve")), pick(ACTIONS), pick(ASKED_KINDS), pick(THINGS)
        yield Question(*named, _stated(chance))


def _stated(chance: random.Random) -> dict[str, dict[str, Any]]:
    """Return properties as callers state them: missing, of a wrong type, or contradicting stored
    ones.
    """
    values: dict[str, dict[str, Sequence[Any]]] = {
        "subject": {"id": USERS, "attributes": [{"work": {"department": "law"}}, 7]},
        "action": {"way": ["web", "api", 7], "name": ACTIONS},
        "resource": {"owner": [*USERS, *USERS, 7], "tags": [["draft"], ["final", 1], "draft"]},
        "context": {"amount": [99, 100, 99.5, "99"], "urgent": [True, False, 1]},
    }
    return {
        part: {name: chance.choice(of) for name, of in named.items() if chance.random() < 0.7}
        for part, named in values.items()
    }


def condition(chance: random.Random, depth: int = 3) -> dict[str, Any]:
    """Return a random condition. None uses the action's name or the resource's id.

    Searches accept only conditions on names that they know.
    """
    sign = chance.choice(("and", "or", "!", *["compare"] * 4))
    if depth > 1 and sign != "compare":
        parts = 1 if sign == "!" else chance.choice((1, 2, 3))
        return {sign: [condition(chance, depth - 1) for _ in range(parts)]}
    minute = f"1970-01-01T00:16:{chance.choice((39, 40, 41))}Z"
    comparisons: list[dict[str, Any]] = [
        {"==": [{"var": "resource.owner"}, {"var": "subject.id"}]},
        {chance.choice(("<", "<=", ">", ">=")): [{"var": "context.amount"}, 99.5]},
        {"in": [{"var": "subject.attributes.work.department"}, ["law", "sales"]]},
        {"==": [{"var": "subject.attributes.hobby.game"}, "chess"]},
        {chance.choice(("before", "after")): [{"var": "now"}, minute]},
        {"==": [{"var": "context.urgent"}, True]},
        {"!=": [{"var": "action.way"}, "api"]},
        {"in": ["draft", {"var": "resource.tags"}]},
        {"==": [{"var": "resource.type"}, "document"]},
    ]
    return chance.choice(comparisons)


def _namespaces(_: random.Random) -> Iterator[Item]:
    flags = {"visible_to": "self", "writable_by": "nobody", "personal": False, "version": 1}
    for name in ("work", "hobby"):
        described = {"description": name, "schema": "{}", "in_token": name == "work"}
        yield {"pk": "NAMESPACES", "sk": name, **described, **flags}


def _roles(chance: random.Random) -> Iterator[Item]:
    for role in ROLES:
        if chance.random() < 0.2:
            continue  # roles that are granted or named as parents but do not exist
        if chance.random() < 0.9:
            # Cycles are possible: the API refuses them, but a decision must terminate on one.
            parents = chance.sample(ROLES, chance.choice((0, 0, 1, 1, 2)))
            index = {"gsi1pk": "ROLES", "gsi1sk": role}
            yield {"pk": f"R#{role}", "sk": "META", "version": 1, "parents": parents, **index}
        for _ in range(chance.choice((0, 1, 2, 4))):
            permission = f"{chance.choice(KINDS)}.{chance.choice(ACTIONS)}"
            yield {"pk": f"R#{role}", "sk": f"PERM#{permission}", "permission": permission}
        conditional = {
            f"{chance.choice(KINDS)}.{chance.choice(ACTIONS)}": condition(chance)
            for _ in range(chance.choice((0, 0, 1, 2)))
        }
        for permission, each in conditional.items():
            text = json.dumps(each, separators=(",", ":"))
            key = {"pk": f"R#{role}", "sk": f"COND#{permission}"}
            yield key | {"permission": permission, "condition": text}


def _users(chance: random.Random) -> Iterator[Item]:
    for user in USERS:
        meta = {"pk": f"U#{user}", "sk": "META", "access_epoch": 1, "version": 1}
        is_known = chance.random() < 0.95
        if is_known:
            meta["status"] = chance.choice(("active", "active", "active", "active", "disabled"))
        made = [_grant(chance, user, number) for number in range(chance.choice((0, 2, 4, 8)))]
        if is_known:
            yield meta | {"mfa": len(made) != 2}
            for name, values in (("work#department", ("law", "it", 7)), ("hobby#game", ("chess",))):
                if chance.random() < 0.7:
                    value = {"value": json.dumps(chance.choice(values)), "encoding": "json"}
                    yield {"pk": f"U#{user}", "sk": f"ATTR#{name}", "version": 1, **value}
        for grant in {grant["sk"]: grant for grant in made}.values():
            yield grant
            if grant["scope"] != "*":
                name = "#".join(grant["sk"].rsplit("#", 2)[1:])
                keys = {"pk": f"ON#{grant['scope'].replace(':', '#', 1)}", "sk": f"U#{user}#{name}"}
                yield {
                    name: value for name, value in grant.items() if not name.startswith("gsi")
                } | keys


def _grant(chance: random.Random, user: str, number: int) -> Item:
    end = chance.choice(({}, {}, {}, {"expires_at": NOW + chance.choice((-1, 0, 1))}))
    key = {"pk": f"G#{user}", "id": str(number)}
    if chance.random() < 0.3:
        kind, thing, action = chance.choice(KINDS), chance.choice(THINGS), chance.choice(ACTIONS)
        scope = f"{kind}:{thing}"
        own = {"sk": f"{scope}#ACTION#{action}", "scope": scope, "action": action}
        return {**key, **own, **end, **_conditional(chance)}
    scope = chance.choice(
        ("*",) * 6 + tuple(f"{kind}:{thing}" for kind in KINDS for thing in THINGS)
    )
    # `admin` is rare, or it would permit nearly everything.
    role = chance.choice(ROLES[:-1]) if chance.random() < 0.95 else "admin"
    of_role = f"U#{user}" if scope == "*" else f"ON#{scope.replace(':', '#', 1)}#U#{user}"
    index = {"gsi1pk": f"ROLE#{role}", "gsi1sk": of_role}
    own = {"sk": f"{scope}#ROLE#{role}", "role": role, "scope": scope}
    return {**key, **own, **end, **index, **({} if scope == "*" else _conditional(chance))}


def _conditional(chance: random.Random) -> Item:
    return (
        {"condition": json.dumps(condition(chance), separators=(",", ":"))}
        if chance.random() < 0.5
        else {}
    )
