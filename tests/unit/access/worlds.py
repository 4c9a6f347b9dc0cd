"""Random tables, small enough that grants meet questions: two users, three kinds of thing, roles that build on each other."""

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

USERS = ("ada", "bob")
KINDS = ("document", "order", "documents")  # one is the beginning of another
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


def table(chance: random.Random) -> list[Item]:
    return [item for make in (_roles, _users) for item in make(chance)]


ASKED_KINDS = (*KINDS, "document:1")  # none has such a name, but anybody may ask for one


def questions(chance: random.Random, count: int) -> Iterator[Question]:
    pick: Callable[[Any], str] = chance.choice
    for _ in range(count):
        yield Question(pick((*USERS * 4, "eve")), pick(ACTIONS), pick(ASKED_KINDS), pick(THINGS))


def _roles(chance: random.Random) -> Iterator[Item]:
    for role in ROLES:
        if chance.random() < 0.2:
            continue  # granted or built on, and yet not there
        if chance.random() < 0.9:
            # Circles among them: the API refuses those, a decision must survive them.
            parents = chance.sample(ROLES, chance.choice((0, 0, 1, 1, 2)))
            index = {"gsi1pk": "ROLES", "gsi1sk": role}
            yield {"pk": f"R#{role}", "sk": "META", "version": 1, "parents": parents, **index}
        for _ in range(chance.choice((0, 1, 2, 4))):
            permission = f"{chance.choice(KINDS)}.{chance.choice(ACTIONS)}"
            yield {"pk": f"R#{role}", "sk": f"PERM#{permission}", "permission": permission}


def _users(chance: random.Random) -> Iterator[Item]:
    for user in USERS:
        meta = {"pk": f"U#{user}", "sk": "META", "access_epoch": 1, "version": 1}
        is_known = chance.random() < 0.95
        if is_known:
            meta["status"] = chance.choice(("active", "active", "active", "active", "disabled"))
        made = [_grant(chance, user, number) for number in range(chance.choice((0, 2, 4, 8)))]
        if is_known:
            yield meta | {"mfa": len(made) != 2}
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
        return {**key, "sk": f"{scope}#ACTION#{action}", "scope": scope, "action": action, **end}
    scope = chance.choice(
        ("*",) * 6 + tuple(f"{kind}:{thing}" for kind in KINDS for thing in THINGS)
    )
    # `admin` is rare, or it would permit nearly everything.
    role = chance.choice(ROLES[:-1]) if chance.random() < 0.95 else "admin"
    of_role = f"U#{user}" if scope == "*" else f"ON#{scope.replace(':', '#', 1)}#U#{user}"
    index = {"gsi1pk": f"ROLE#{role}", "gsi1sk": of_role}
    return {**key, "sk": f"{scope}#ROLE#{role}", "role": role, "scope": scope, **end, **index}
