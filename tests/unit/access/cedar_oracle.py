"""A second opinion on random decisions: Cedar, by the package `cedarpy`.

`make proof-cedar` translates tables of grants into policies, and compares a hundred thousand
decisions of Cedar with those of `atrium.identity.decision`. Left out are MFA and roles that build
on each other in a circle, which Cedar has no words for.

Cedar knows two truth values, and skips a policy with an error. So the translation says when a
condition is true and when it is false, each without errors. Values are tagged with their type,
because Cedar cannot ask for it. Numbers are multiplied by ten, because Cedar has only integers.
"""

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import cedarpy
import msgspec

from atrium.identity import decision
from atrium.stores import user_table
from tests.unit.access import decision_comparison, random_grants, reference
from tests.unit.access.random_grants import NOW, Item, Question

Context = dict[str, Any]
Reading = dict[str, tuple[str, str]]
"""Expressions for an operand by type: whether it has a value of the type, and the value."""


def policies(table: Sequence[Item]) -> str:
    return "\n".join(
        f'permit(principal == User::"{user}", action{action}, resource) when {{ '
        f'principal.status == "active" && {_covers(grant)} && {_given(grant)} && {more} }};'
        for user in random_grants.USERS
        for grant in table
        if grant["pk"] == f"G#{user}"
        for action, more in _rights(grant, table)
    )


def _rights(grant: Item, table: Sequence[Item]) -> Iterator[tuple[str, str]]:
    """Yield each action that the grant gives, with the expression for when it does."""
    if "action" in grant:
        yield f' == Action::"{grant["action"]}"', "true"
    elif grant["role"] == "admin":
        yield "", "true"
    else:
        for item in table:
            if "permission" in item:
                kind, _, action = item["permission"].partition(".")
                holder = item["pk"].removeprefix("R#")
                yield (
                    f' == Action::"{action}"',
                    f'Role::"{grant["role"]}" in Role::"{holder}" && '
                    f'context.resource.type_text == "{kind}" && {_given(item)}',
                )


def _covers(grant: Item) -> str:
    kind, _, thing = grant["scope"].partition(":")
    parts = [f"context.time_number < {grant['expires_at'] * 10}"] if "expires_at" in grant else []
    if grant["scope"] != "*":
        parts.append(f'context.resource.type_text == "{kind}"')
        parts += [] if thing == "*" else [f'context.resource.id_text == "{thing}"']
    return " && ".join(parts) or "true"


def _given(item: Item) -> str:
    return f"({true(json.loads(item['condition']))})" if "condition" in item else "true"


def true(condition: Item) -> str:
    """Return the expression that the condition is true."""
    [(sign, parts)] = condition.items()
    if sign in ("and", "or"):
        return _joined("&&" if sign == "and" else "||", map(true, parts))
    return false(parts[0]) if sign == "!" else _compared(sign, *parts)


def false(condition: Item) -> str:
    """Return the expression that the condition is false."""
    [(sign, parts)] = condition.items()
    if sign in ("and", "or"):
        return _joined("||" if sign == "and" else "&&", map(false, parts))
    return true(parts[0]) if sign == "!" else _compared(f"not {sign}", *parts)


OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def _compared(sign: str, one: Any, other: Any) -> str:
    is_negated, sign = sign.startswith("not "), sign.removeprefix("not ")
    if sign == "in":
        return _contained(is_negated, one, other)
    left, right = _read(one), _read(other)
    types = ["text", "number", "truth"] if sign in ("==", "!=") else ["number"]
    if sign in ("before", "after"):
        types, sign = ["time"], "<" if sign == "before" else ">"
        right = {"time": ("true", f"datetime({json.dumps(other)})")}
    sign = OPPOSITE[sign] if is_negated else sign
    return _joined(
        "||",
        (
            f"({left[each][0]} && {right[each][0]} && {left[each][1]} {sign} {right[each][1]})"
            for each in types
            if each in left and each in right
        ),
    )


def _contained(is_negated: bool, one: Any, other: Any) -> str:
    has, value = _read(one)["text"]
    if isinstance(other, list):
        found = f"{json.dumps(other)}.contains({value})"
        return f"({has} && {'!' if is_negated else ''}{found})"
    path = _path(other)
    found = f"context.{path}_list.contains({value})"
    if is_negated:
        found = f"context.{path}_texts && !{found}"
    return f"({has} && context has {path}_list && {found})"


def _read(operand: Any) -> Reading:
    match operand:
        case {"var": "now"}:
            return {"time": ("true", "context.now")}
        case {"var": _}:
            path, types = _path(operand), ("text", "number", "truth")
            return {
                each: (f"context has {path}_{each}", f"context.{path}_{each}") for each in types
            }
        case bool():
            return {"truth": ("true", json.dumps(operand))}
        case int() | float():
            return {"number": ("true", str(int(operand * 10)))}
        case _:
            return {"text": ("true", json.dumps(operand))}


def _path(operand: Item) -> str:
    return str(operand["var"])


def _joined(sign: str, parts: Iterator[str]) -> str:
    found = list(parts)
    return f"({f' {sign} '.join(found)})" if found else "false"


def _tagged(values: Item) -> Context:
    """Return the values with their types in their names."""
    found = Context()
    for name, value in values.items():
        match value:
            case dict():
                found[name] = _tagged(value)
            case bool():
                found[f"{name}_truth"] = value
            case int() | float():
                found[f"{name}_number"] = int(value * 10)
            case str():
                found[f"{name}_text"] = value
            case list():
                found[f"{name}_list"] = value
                found[f"{name}_texts"] = all(isinstance(each, str) for each in value)
    return found


def request(table: list[Item], asked: Question) -> dict[str, Any]:
    stated = asked.stated
    stored = {"attributes": reference.trusted_values(table, asked.user)}
    context = _tagged(
        {
            "subject": {**stated["subject"], "type": "user", "id": asked.user, **stored},
            "action": {**stated["action"], "name": asked.action},
            "resource": {**stated["resource"], "type": asked.kind, "id": asked.thing},
            "context": stated["context"],
            "time": NOW,
        }
    )
    now = {"__extn": {"fn": "datetime", "arg": "1970-01-01T00:16:40Z"}}
    return {
        "principal": f'User::"{asked.user}"',
        "action": f'Action::"{asked.action}"',
        "resource": 'Resource::"any"',
        "context": {**context, "now": now},
    }


def entities(table: Sequence[Item]) -> list[dict[str, Any]]:
    def entity(kind: str, id: str, parents: Sequence[str] = (), **attributes: str) -> Item:
        above = [{"type": kind, "id": each} for each in parents]
        return {"uid": {"type": kind, "id": id}, "attrs": attributes, "parents": above}

    by_role = {
        item["pk"].removeprefix("R#"): item["parents"] for item in table if "parents" in item
    }
    roles = [entity("Role", role, parents) for role, parents in by_role.items()]
    users = [
        entity("User", item["pk"].removeprefix("U#"), status=item["status"])
        for item in table
        if "status" in item
    ]
    unknown = {*random_grants.USERS, "eve"} - {user["uid"]["id"] for user in users}
    return [*roles, *users, *(entity("User", each, status="unknown") for each in sorted(unknown))]


def is_circular(table: list[Item]) -> bool:
    above = {item["pk"][2:]: item["parents"] for item in table if "parents" in item}

    def reaches(role: str, wanted: str, seen: set[str]) -> bool:
        return any(
            each == wanted or (each not in seen and reaches(each, wanted, seen | {each}))
            for each in above.get(role, ())
        )

    return any(reaches(role, role, set()) for role in above)


def disagreements(seed: int, count: int, tally: Counter[bool]) -> Iterator[str]:
    chance = random.Random(seed)  # noqa: S311  no secret
    while tally.total() < count:
        table = random_grants.table(chance)
        if is_circular(table):
            continue
        subjects = {
            user: msgspec.structs.replace(
                decision_comparison._subject(table, user), withheld=frozenset()
            )
            for user in (*random_grants.USERS, "eve")
        }
        roles = {
            role: user_table.defined(item for item in table if item["pk"] == f"R#{role}")
            for role in random_grants.ROLES
        }
        questions = list(random_grants.questions(chance, decision_comparison.QUESTIONS_OF_A_TABLE))
        answers = cedarpy.is_authorized_batch(
            [request(table, each) for each in questions], policies(table), entities(table)
        )
        for asked, answer in zip(questions, answers, strict=True):
            made = decision.decide(
                subjects[asked.user],
                asked.action,
                decision.Resource(asked.kind, asked.thing),
                roles.__getitem__,
                NOW,
                decision_comparison._facts(asked),
            )
            tally[made.permit] += 1
            if errors := answer.diagnostics.errors:
                yield f"Cedar reports {errors} for {asked} of {policies(table)}"
            if answer.allowed != made.permit:
                yield f"Cedar says {answer.allowed}, we say {made}, asked {asked} of {table}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    wanted, tally = parser.parse_args(), Counter[bool]()
    first = next(disagreements(wanted.seed, wanted.count, tally), None)
    if first:
        print(f"They disagree (seed {wanted.seed}): {first}")
        return 1
    print(
        f"{tally.total()} decisions, {tally[True]} permits, Cedar agrees with each "
        f"(seed {wanted.seed})"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
