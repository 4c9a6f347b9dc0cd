"""Random decisions of `atrium.identity.decision`, compared with the reference.

`make proof-access` compares a million.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

from access import authzen
from atrium.identity import decision, grant_items
from atrium.stores import user_table
from tests.unit.access import random_grants, reference
from tests.unit.access.random_grants import NOW, Item, Question

QUESTIONS_OF_A_TABLE = 25


class Disagreement(NamedTuple):
    table: list[Item]
    question: Question
    expected: bool
    reason: decision.Decision


def disagreements(
    seed: int, count: int, build: ModuleType = decision, tally: Counter[bool] | None = None
) -> Iterator[Disagreement]:
    """Yield those of `count` random decisions in which `build` differs from the reference.

    `build` is a module with the functions of `atrium.identity.decision`.
    """
    chance = random.Random(seed)  # noqa: S311  no secret
    for _ in range(count // QUESTIONS_OF_A_TABLE):
        table = random_grants.table(chance)
        subjects = {user: _subject(table, user) for user in (*random_grants.USERS, "eve")}
        roles = {
            role: user_table.defined(item for item in table if item["pk"] == f"R#{role}")
            for role in random_grants.ROLES
        }
        for question in random_grants.questions(chance, QUESTIONS_OF_A_TABLE):
            resource = decision.Resource(question.kind, question.thing)
            made = build.decide(
                subjects[question.user],
                question.action,
                resource,
                roles.__getitem__,
                NOW,
                _facts(question),
            )
            expected = reference.permitted(table, *question, NOW, random_grants.NEED_MFA)
            if tally is not None:
                tally[expected] += 1
            if made.permit != expected:
                yield Disagreement(table, question, expected, made)


def _facts(asked: Question) -> dict[str, Any]:
    stated = asked.stated
    return authzen.facts(
        authzen.Subject("user", asked.user, stated["subject"]),
        authzen.Action(asked.action, stated["action"]),
        authzen.Resource(asked.kind, asked.thing, stated["resource"]),
        stated["context"],
    )


def _subject(table: list[Item], user: str) -> decision.SubjectGrants:
    meta = next((item for item in table if item["pk"] == f"U#{user}"), Item())
    return decision.SubjectGrants(
        meta.get("status"),
        [grant_items.grant(item) for item in table if item["pk"] == f"G#{user}"],
        frozenset(() if meta.get("mfa") else random_grants.NEED_MFA),
        reference.trusted_values(table, user),
    )


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    wanted = parser.parse_args()
    started, tally = time.monotonic(), Counter[bool]()
    first = next(disagreements(wanted.seed, wanted.count, tally=tally), None)
    if first:
        print(
            f"They disagree (seed {wanted.seed}): expected {first.expected}, got {first.reason}, asked {first.question} of"
        )
        print(*first.table, sep="\n")
        return 1
    seconds = time.monotonic() - started
    print(
        f"{tally.total()} decisions, {tally[True]} permits, no disagreement, in {seconds:.0f} s (seed {wanted.seed})"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
