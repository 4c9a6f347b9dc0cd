"""Comparison of the service `access` with a reference model, on random tables of grants.

Each evaluation must give the reference's decision. Each search must find exactly what the
evaluations permit.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from access import evaluation, search
from atrium.identity import grant_items, legacy_grants, namespaces, permissions
from tests.unit.access import random_grants, reference
from tests.unit.access.conftest import ADMIN, Service
from tests.unit.access.random_grants import ACTIONS, NOW, THINGS, USERS, Item, Question

QUESTIONS_OF_A_TABLE = 100
EVERYBODY = (*USERS, "eve")


class FixedTime:
    @staticmethod
    def time() -> float:
        return NOW


def disagreements(
    service: Service,
    seed: int,
    count: int,
    tally: Counter[bool] | None = None,
    legacy: float = 0,
    need_mfa: Sequence[str] = (),
) -> Iterator[str]:
    """Yield each of `count` random decisions, and each search, that differs from the reference.

    `legacy` is the share of grants that are stored in the earlier layout.
    """
    chance, before = random.Random(seed), list[Item]()  # noqa: S311  no secret
    moved = random.Random(seed)  # noqa: S311
    for _ in range(count // QUESTIONS_OF_A_TABLE):
        table = list(_indexed(random_grants.table(chance)))
        stored = [
            earlier(item) if "id" in item and moved.random() < legacy else item for item in table
        ]
        _replace(service, before, stored)
        before = stored
        namespaces.cache.clear()
        permissions.cache.clear()  # as if 30 seconds had passed
        questions = list(random_grants.questions(chance, QUESTIONS_OF_A_TABLE))
        expected = [reference.permitted(table, *question, NOW, need_mfa) for question in questions]
        if tally is not None:
            tally.update(expected)
        made = _ask(
            service, "evaluations", evaluations=[_body(question) for question in questions]
        )["evaluations"]
        for question, wanted, decided in zip(questions, expected, made, strict=True):
            if decided["decision"] != wanted:
                yield f"{question}: expected {wanted}, got {decided}, in {table}"
        for question in questions[:: QUESTIONS_OF_A_TABLE // 2]:
            yield from (
                f"{question}: {what}, in {table}"
                for what in _searched(service, table, question, need_mfa)
            )


def _searched(
    service: Service, table: list[Item], asked: Question, need_mfa: Sequence[str]
) -> Iterator[str]:
    user, action, kind, thing, stated = asked
    body = _body(asked)

    def permitted(
        user: str = user, action: str = action, thing: str = thing, stated: Any = stated
    ) -> bool:
        return reference.permitted(table, user, action, kind, thing, stated, NOW, need_mfa)

    subjects = {each["id"] for each in _ask(service, "search/subject", **body)["results"]} - {ADMIN}
    if subjects != {each for each in EVERYBODY if permitted(user=each)}:
        yield f"subjects {subjects}"
    found = _ask(service, "search/resource", **body)
    resources, every = (
        {each["id"] for each in found["results"]},
        found.get("context", {}).get("all", False),
    )
    if every != permitted(thing="*"):
        yield f"all resources: {every}"
    for each in THINGS:
        if each != "*" and (each in resources, permitted(thing=each)) not in {
            (True, True),
            (False, every),
        }:
            yield f"resources {resources}, all {every}"
    actions = {each["name"] for each in _ask(service, "search/action", **body)["results"]}
    # An administrator may also do actions that no role names.
    without = stated | {"action": {}}  # a search for actions names none
    unnamed = permitted(action="what_no_role_names", stated=without)
    if any(
        (each in actions, permitted(action=each, stated=without))
        not in {(True, True), (False, unnamed)}
        for each in ACTIONS
    ):
        yield f"actions {actions}"


def _indexed(table: list[Item]) -> Iterator[Item]:
    """Yield each item once, without permissions of roles that do not exist."""
    once = {(item["pk"], item["sk"]): item for item in table}.values()
    roles = {item["pk"] for item in once if item["pk"].startswith("R#") and item["sk"] == "META"}
    return (item for item in once if item["pk"] in roles or not item["pk"].startswith("R#"))


def _body(question: Question) -> dict[str, Any]:
    return {
        "subject": _named(question, "subject", type="user", id=question.user),
        "action": _named(question, "action", name=question.action),
        "resource": _named(question, "resource", type=question.kind, id=question.thing),
        "context": question.stated["context"],
    }


def _named(question: Question, part: str, **members: str) -> dict[str, Any]:
    return {**members, "properties": question.stated[part]}


def _ask(service: Service, endpoint: str, **body: Any) -> dict[str, Any]:
    answer = service.ask("POST", f"/access/v1/{endpoint}", body, epoch=1)
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def earlier(item: Item) -> Item:
    """Return the item, either grant or resource copy, as the earlier layout stored it."""
    rest = {name: value for name, value in item.items() if name != "id"}
    record = grant_items.record({"granted_by": "test", "granted_at": "then", **item})
    own, *others = legacy_grants.keys(record)
    pk, sk = others[0] if item["pk"].startswith("ON#") else own
    return rest | {"pk": pk, "sk": sk}


def _replace(service: Service, before: list[Item], after: list[Item]) -> None:
    kept = {(item["pk"], item["sk"]) for item in after}
    gone = [item for item in before if (item["pk"], item["sk"]) not in kept]
    requests = [
        {"DeleteRequest": {"Key": service.typed({"pk": item["pk"], "sk": item["sk"]})}}
        for item in gone
    ]
    requests += [{"PutRequest": {"Item": service.typed(item)}} for item in after]
    service.write(requests)


CLOCKS = (evaluation, search)
