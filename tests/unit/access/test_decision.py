"""Agreement of the decisions with the reference model, and detection of broken builds."""

import inspect
import os
from collections import Counter
from itertools import islice
from types import ModuleType, SimpleNamespace
from typing import Any

import msgspec
import pytest

from access import authzen, evaluation, search
from atrium.identity import (
    decision,
    grant_items,
    grants,
    legacy_grants,
    mfa,
    namespaces,
    subject_grants,
)
from atrium.identity.decision import Decision, Resource, SubjectGrants
from atrium.identity.grant_items import Grant
from atrium.stores import user_table
from atrium.stores.user_table import RoleDefinition
from tests.unit.access import handler_comparison
from tests.unit.access.conftest import Service
from tests.unit.access.decision_comparison import disagreements

DECISIONS = int(os.environ.get("DECISIONS", "1000"))

DOCUMENT = Resource("document", "7")
ROLES = {
    "reader": RoleDefinition(frozenset({"document.read"}), frozenset()),
    "editor": RoleDefinition(frozenset({"document.write"}), frozenset({"reader"})),
}
NOTHING = RoleDefinition(frozenset(), frozenset())


def decide(
    *grants: Grant,
    action: str = "read",
    resource: Resource = DOCUMENT,
    status: str | None = "active",
) -> Decision:
    return decision.decide(
        SubjectGrants(status, grants), action, resource, lambda role: ROLES.get(role, NOTHING), 1000
    )


def test_ten_thousand_random_decisions_agree_with_the_reference() -> None:
    tally = Counter[bool]()
    assert next(disagreements(8, 10_000, tally=tally), None) is None
    assert min(tally[True], tally[False]) > 700, "nearly all alike: they would agree by accident"


BREAKS = {
    "an expired grant counts": ("grant.expires_at > now", "True"),
    "a grant counts at the moment it ends": ("grant.expires_at > now", "grant.expires_at >= now"),
    "a disabled user is decided about": ('subject.status != "active"', "subject.status is None"),
    "the type of a resource does not matter": ("kind == resource.type and ", ""),
    "one beginning of a type is as good as another": ("kind == resource.type", "kind.startswith(resource.type)"),
    "a colon in what is handler_comparison for reads as the scope's": ("return scope == EVERYWHERE", 'return scope == f"{resource.type}:{resource.id}" or scope == EVERYWHERE'),
    "every scope is everywhere": ("in_force(grant, now) and covers(grant.scope, resource)", "in_force(grant, now)"),
    "a right to one action is a right to all": ("if grant.action == action:", "if grant.action:"),
    "parents are forgotten": ("for parent in definition.parents}", "for parent in ()}"),
    "the role admin is a role like others": ("if role == ADMIN:", "if False:"),
    "any role above admin is admin": ("waiting = sorted(parents - seen)", "waiting = sorted(parents - seen)\n        if ADMIN in waiting:\n            return [Source(ADMIN)]"),
    "a role that needs MFA counts": ("mfa.in_effect(subject.grants, subject.withheld)", "subject.grants"),
    "a role gives what a parent needs MFA for": ("mfa.defining(define, subject.withheld)", "define"),
    "a condition does not matter": ("if not is_met(grant.condition)", "if False"),
    "the condition of a permission does not matter": ("and not is_met(source.condition)", "and False"),
    "a permission under a condition is none": ("if condition := definition.conditional.get(permission)", "if condition := ''"),
    "the nearest condition decides": ("found.append(Source(each, condition))", "return [Source(each, condition)]"),
    "one true condition is enough": ("unmet.append(grant.id)\n        elif source", "unmet.append(grant.id)\n        if source"),
    "an unknown condition permits": (" is True\n", " is not False\n"),
    "a request replaces stored attributes": ('{**facts.get("subject", {}), "attributes": subject.attributes}', '{"attributes": subject.attributes, **facts.get("subject", {})}'),
    "the first conditional grant decides": ("unmet.append(grant.id)", "break"),
    "one role answers for all": ("found[grant.role] = sources", "found.update(dict.fromkeys(('reader', 'writer', 'editor', 'owner'), [])); found[grant.role] = sources"),
}  # fmt: skip


@pytest.mark.parametrize(("right", "wrong"), BREAKS.values(), ids=BREAKS)
def test_a_broken_build_is_detected(right: str, wrong: str) -> None:
    source = inspect.getsource(decision)
    assert right in source
    broken = ModuleType("broken")
    exec(source.replace(right, wrong), vars(broken))  # noqa: S102  our own source
    assert next(disagreements(8, 10_000, broken), None) is not None


@pytest.fixture
def fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in handler_comparison.CLOCKS:
        monkeypatch.setattr(module, "time", handler_comparison.FixedTime)


def test_the_service_agrees_with_the_reference(
    service: Service, fixed_time: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Call the handler with a table, searches included.

    `make proof-access` compares a hundred thousand decisions.
    """
    tally = Counter[bool]()
    assert next(handler_comparison.disagreements(service, 8, DECISIONS, tally), None) is None
    if "DECISIONS" in os.environ:
        with capsys.disabled():
            print(
                f"\n{tally.total()} decisions through the handler, {tally[True]} permits, no disagreement"
            )


@pytest.fixture
def need_mfa(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("MFA_ROLES", "editor owner")
    return ["editor", "owner"]


def test_the_service_agrees_with_the_reference_on_roles_that_need_mfa(
    service: Service, fixed_time: None, need_mfa: list[str]
) -> None:
    assert (
        next(handler_comparison.disagreements(service, 8, DECISIONS, need_mfa=need_mfa), None)
        is None
    )


@pytest.mark.parametrize("module", [subject_grants])
def test_a_service_that_ignores_mfa_is_detected(
    service: Service,
    fixed_time: None,
    need_mfa: list[str],
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
) -> None:
    forgetful = SimpleNamespace(**vars(mfa) | {"withheld": lambda *, has_mfa: frozenset[str]()})
    monkeypatch.setattr(module, "mfa", forgetful)
    assert (
        next(handler_comparison.disagreements(service, 8, 10_000, need_mfa=need_mfa), None)
        is not None
    )


_covering = grants.covering


def _without_types(handler_comparison: Any) -> Any:
    return {
        one: [each for each in found if not each.scope.endswith(":*")]
        for one, found in _covering(handler_comparison).items()
    }


def _first(uid: str) -> list[Grant]:
    return [grant_items.grant(item) for item in islice(user_table.query(f"G#{uid}"), 1)]


def test_grants_in_both_layouts_give_the_same_decisions(service: Service, fixed_time: None) -> None:
    service.set_layout("moving")
    assert next(handler_comparison.disagreements(service, 8, DECISIONS, legacy=0.5), None) is None


def _deciding_without(name: str) -> tuple[str, ...]:
    return tuple(each for each in grant_items.DECIDING if each != name)


BROKEN_READS = {
    "ends are not read": (grants, "DECIDING", _deciding_without("expires_at")),
    "conditions are not read": (grants, "DECIDING", _deciding_without("condition")),
    "what holds everywhere is not read": (grants, "EVERYWHERE", "no:such"),
    "a batch reads the first page of many grants": (
        grants,
        "of_few",
        lambda uid, limit: _first(uid),
    ),
    "grants of the earlier layout are not read": (legacy_grants, "query", lambda *_: iter(())),
    "grants of a whole type are not read": (
        grants,
        "covering",
        lambda handler_comparison: _without_types(handler_comparison),
    ),
    "who is found need not be active": (
        search,
        "_decided",
        lambda found, search: ((each.uid, True) for each in found),
    ),
    "a search knows of no role": (search, "role_names", list),
}


RARELY_DECISIVE = {
    "attributes are not read": (subject_grants, "attributes_for", lambda found: {}),
    "attributes of any namespace count": (namespaces, "in_token", user_table.by_namespace),
    "the context of one of many is dropped": (
        evaluation,
        "_evaluation",
        lambda part: evaluation.Evaluation(part.subject, part.action, part.resource),
    ),
    "properties replace ids": (
        authzen,
        "_members",
        lambda part: msgspec.structs.asdict(part) | part.properties,
    ),
}
"""Broken builds that only `make proof-access` detects, after thousands of decisions.

Each also has a test in test_conditional_grants.py.
"""

if "DECISIONS" in os.environ:
    BROKEN_READS |= RARELY_DECISIVE


@pytest.mark.parametrize(("module", "name", "wrong"), BROKEN_READS.values(), ids=BROKEN_READS)
def test_a_service_that_reads_the_wrong_items_is_detected(
    service: Service,
    fixed_time: None,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    name: str,
    wrong: Any,
) -> None:
    monkeypatch.setattr(module, name, wrong)
    service.set_layout("moving")
    assert next(handler_comparison.disagreements(service, 8, 10_000, legacy=0.1), None) is not None


def test_a_permit_names_its_grant_and_role() -> None:
    grant = Grant("g", "document:*", role="editor")
    assert decide(grant) == Decision(True, grant, "reader")
    assert decide(grant, action="write") == Decision(True, grant, "editor")
    right = Grant("r", "document:7", action="read")
    assert decide(right) == Decision(True, right)


def test_a_refusal_says_what_is_missing() -> None:
    assert decide().refusal == "no grant in force gives document.read on document:7"
    assert decide(status=None).refusal == "the user does not exist"
    assert (
        decide(Grant("g", "*", role="admin"), status="disabled").refusal == "the user is disabled"
    )


def test_a_role_without_a_definition_permits_nothing() -> None:
    def down(role: str) -> RoleDefinition:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        decision.decide(
            SubjectGrants("active", [Grant("g", "*", role="reader")]), "read", DOCUMENT, down, 1000
        )
