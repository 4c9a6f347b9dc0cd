"""A realistic policy of thirty rules. Each job is a role, each rule a permission with a condition.

Each rule permits its case, and denies the case once any one fact is changed.
"""

import json
from typing import Any, NamedTuple

import pytest

from tests.unit.access.conftest import ADA, BOB, Service

ME = {"var": "subject.id"}
MY_DEPARTMENT = {"var": "subject.attributes.work.department"}
PAST, FUTURE = "2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"
STORED = {"department": "sales", "limit": 300, "clearances": ["secret"]}


def it(name: str) -> dict[str, str]:
    return {"var": f"resource.{name}"}


def given(name: str) -> dict[str, str]:
    return {"var": f"context.{name}"}


def every(*conditions: Any) -> dict[str, Any]:
    return {"and": list(conditions)}


def either(*conditions: Any) -> dict[str, Any]:
    return {"or": list(conditions)}


def same(one: Any, other: Any) -> dict[str, Any]:
    return {"==": [one, other]}


def differs(one: Any, other: Any) -> dict[str, Any]:
    return {"!=": [one, other]}


def at_most(one: Any, other: Any) -> dict[str, Any]:
    return {"<=": [one, other]}


def one_of(one: Any, others: Any) -> dict[str, Any]:
    return {"in": [one, others]}


def past(time: Any) -> dict[str, Any]:
    return {"before": [time, {"var": "now"}]}


def to_come(time: Any) -> dict[str, Any]:
    return {"after": [time, {"var": "now"}]}


OWN, NOT_OWN = same(it("owner"), ME), differs(it("owner"), ME)
KEPT, DRAFT, NEW = (
    same(it("deleted"), False),
    same(it("status"), "draft"),
    same(it("status"), "new"),
)
IN_MY_DEPARTMENT = same(it("department"), MY_DEPARTMENT)


class Rule(NamedTuple):
    """A rule: `right` on everything of a kind under `condition`.

    `case` is permitted. With any one change of `but` it is denied. Names of values begin with
    `context.`, or belong to the resource.
    """

    job: str
    sentence: str
    right: str
    condition: dict[str, Any]
    case: dict[str, Any]
    but: list[dict[str, Any]]


MINE, HIS = {"owner": ADA}, {"owner": BOB}
POLICY = [
    Rule("member", "reads documents that are published or their own, but none that is deleted",
         "document.read", every(KEPT, either(same(it("status"), "published"), OWN)),
         {"deleted": False, "status": "draft", **MINE}, [HIS, {"deleted": True}]),
    Rule("member", "edits drafts of their own",
         "document.edit", every(KEPT, DRAFT, OWN),
         {"deleted": False, "status": "draft", **MINE}, [HIS, {"status": "published"}, {"deleted": True}]),
    Rule("member", "deletes drafts of their own that nobody holds back",
         "document.delete", every(DRAFT, OWN, same(it("held"), False)),
         {"status": "draft", "held": False, **MINE}, [HIS, {"held": True}, {"status": "published"}]),
    Rule("member", "comments on published documents while comments are open",
         "document.comment", every(same(it("status"), "published"), same(it("comments_open"), True)),
         {"status": "published", "comments_open": True}, [{"comments_open": False}, {"status": "draft"}]),
    Rule("member", "shares documents of their own within the department",
         "document.share", every(OWN, same(given("with_department"), MY_DEPARTMENT)),
         {"context.with_department": "sales", **MINE}, [HIS, {"context.with_department": "law"}]),
    Rule("member", "orders for at most 100",
         "order.create", at_most(it("amount"), 100), {"amount": 100}, [{"amount": 100.01}, {"amount": "99"}]),
    Rule("member", "cancels an order of their own before it is sent",
         "order.cancel", every(OWN, one_of(it("status"), ["new", "paid"])),
         {"status": "paid", **MINE}, [HIS, {"status": "sent"}]),
    Rule("member", "reads orders of their own", "order.read", OWN, MINE, [HIS]),
    Rule("member", "reads payslips of their own", "payslip.read", OWN, MINE, [HIS]),
    Rule("member", "books a room for at most twelve while it is open",
         "room.book", every(at_most(it("seats"), 12), {"<=": [it("opens"), given("hour")]}, {"<": [given("hour"), it("closes")]}),
         {"seats": 12, "opens": 8, "closes": 18, "context.hour": 8}, [{"seats": 13}, {"context.hour": 18}, {"context.hour": 7}]),
    Rule("clerk", "approves others' orders for at most 500",
         "order.approve", every(NOT_OWN, at_most(it("amount"), 500)),
         {"amount": 500, **HIS}, [MINE, {"amount": 501}]),
    Rule("clerk", "rejects others' new orders",
         "order.reject", every(NOT_OWN, NEW), {"status": "new", **HIS}, [MINE, {"status": "paid"}]),
    Rule("clerk", "edits new orders of the department",
         "order.edit", every(NEW, IN_MY_DEPARTMENT),
         {"status": "new", "department": "sales"}, [{"status": "paid"}, {"department": "law"}]),
    Rule("clerk", "refunds less than 200 until the last day for it",
         "order.refund", every({"<": [it("amount"), 200]}, to_come(it("refundable_until"))),
         {"amount": 199, "refundable_until": FUTURE}, [{"amount": 200}, {"refundable_until": PAST}]),
    Rule("clerk", "reads invoices of the department",
         "invoice.read", IN_MY_DEPARTMENT, {"department": "sales"}, [{"department": "law"}]),
    Rule("clerk", "pays at most 1,000 that somebody else has approved",
         "invoice.pay", every(differs(it("approved_by"), ME), at_most(it("amount"), 1000)),
         {"approved_by": BOB, "amount": 1000}, [{"approved_by": ADA}, {"amount": 1001}]),
    Rule("manager", "approves others' orders of the department for at most 10,000",
         "order.approve", every(NOT_OWN, IN_MY_DEPARTMENT, at_most(it("amount"), 10_000)),
         {"department": "sales", "amount": 10_000, **HIS}, [MINE, {"department": "law"}, {"amount": 10_001}]),
    Rule("manager", "approves absences of whom they lead",
         "absence.approve", same(it("manager"), ME), {"manager": ADA}, [{"manager": BOB}]),
    Rule("manager", "reads absences of the department",
         "absence.read", IN_MY_DEPARTMENT, {"department": "sales"}, [{"department": "law"}]),
    Rule("manager", "approves others' expenses up to the limit that is stored for them",
         "expense.approve", every(NOT_OWN, at_most(it("amount"), {"var": "subject.attributes.work.limit"})),
         {"amount": 300, **HIS}, [MINE, {"amount": 301}]),
    Rule("manager", "reads salaries of whom they lead, in the office only",
         "salary.read", every(same(it("manager"), ME), same(given("network"), "office")),
         {"manager": ADA, "context.network": "office"}, [{"manager": BOB}, {"context.network": "home"}]),
    Rule("manager", "closes a project of their own without open tasks",
         "project.close", every(OWN, same(it("open_tasks"), 0)), {"open_tasks": 0, **MINE}, [HIS, {"open_tasks": 1}]),
    Rule("record manager", "restores what is deleted and not destroyed",
         "document.restore", every(same(it("deleted"), True), same(it("destroyed"), False)),
         {"deleted": True, "destroyed": False}, [{"deleted": False}, {"destroyed": True}]),
    Rule("record manager", "holds back what is not destroyed",
         "document.hold", {"!": [same(it("destroyed"), True)]}, {"destroyed": False}, [{"destroyed": True}]),
    Rule("record manager", "releases what somebody else holds back",
         "document.release", every(same(it("held"), True), differs(it("held_by"), ME)),
         {"held": True, "held_by": BOB}, [{"held": False}, {"held_by": ADA}]),
    Rule("record manager", "destroys what is deleted, past its retention, and not held back",
         "document.destroy", every(same(it("deleted"), True), past(it("retain_until")), same(it("held"), False)),
         {"deleted": True, "retain_until": PAST, "held": False}, [{"deleted": False}, {"retain_until": FUTURE}, {"held": True}]),
    Rule("record manager", "reads every document for which they are cleared",
         "document.read", either(same(it("class"), "open"), one_of(it("class"), {"var": "subject.attributes.work.clearances"})),
         {"class": "secret"}, [{"class": "top secret"}]),
    Rule("auditor", "reads invoices of years that are closed",
         "invoice.read", {"<": [it("year"), given("year")]}, {"year": 2025, "context.year": 2026}, [{"year": 2026}]),
    Rule("auditor", "exports a ledger within the audit, with a second factor",
         "ledger.export", every(same(given("mfa"), True), past(it("audit_from")), to_come(it("audit_until"))),
         {"context.mfa": True, "audit_from": PAST, "audit_until": FUTURE}, [{"context.mfa": False}, {"audit_from": FUTURE}, {"audit_until": PAST}]),
    Rule("auditor", "reads ledgers that are public or internal",
         "ledger.read", one_of(it("class"), ["public", "internal"]), {"class": "internal"}, [{"class": "secret"}]),
]  # fmt: skip


def asked(right: str, values: dict[str, Any]) -> dict[str, Any]:
    kind, action = right.split(".")
    context = {
        name.removeprefix("context."): value
        for name, value in values.items()
        if name.startswith("context.")
    }
    properties = {name: value for name, value in values.items() if "." not in name}
    return {
        "action": {"name": action},
        "resource": {"type": kind, "id": "7", "properties": properties},
        "context": context,
    }


def decided(service: Service, questions: list[dict[str, Any]]) -> list[bool]:
    body = {"subject": {"type": "user", "id": ADA}, "evaluations": questions}
    answer = service.ask("POST", "/access/v1/evaluations", body)
    return [each["decision"] for each in answer.json["evaluations"]]


@pytest.fixture
def office(service: Service) -> Service:
    service.new_user(ADA)
    flags = {"visible_to": "self", "writable_by": "nobody", "personal": False, "in_token": True}
    named = {"description": "Work", "schema": "{}", "version": 1}
    service.put(pk="NAMESPACES", sk="work", **named, **flags)
    for name, value in STORED.items():
        stored = {"value": json.dumps(value), "encoding": "json", "version": 1}
        service.put(pk=f"U#{ADA}", sk=f"ATTR#work#{name}", **stored)
    return service


@pytest.mark.parametrize("job", sorted({rule.job for rule in POLICY}))
def test_each_rule_permits_its_case_and_denies_every_variation(office: Service, job: str) -> None:
    assert len(POLICY) == 30
    rules = [rule for rule in POLICY if rule.job == job]
    held = [{"permission": rule.right, "condition": rule.condition} for rule in rules]
    body = {"description": job, "permissions": [], "conditional_permissions": held}
    name = job.replace(" ", "-")
    made = office.ask("PUT", f"/v1/roles/{name}", body, If_None_Match="*")
    assert made.status == 201, made.text
    assert office.post(f"/v1/users/{ADA}/grants", {"role": name}).status == 201
    rights = {rule.right for rule in rules}
    others = [rule for rule in POLICY if rule.right not in rights]
    for rule in rules:
        changed = [{**rule.case, **change} for change in rule.but]
        denied = [asked(rule.right, values) for values in ({}, *changed)]
        verdicts = decided(office, [asked(rule.right, rule.case), *denied])
        assert verdicts == [True] + [False] * len(denied), f"a {rule.job} {rule.sentence}"
    assert not any(decided(office, [asked(rule.right, rule.case) for rule in others]))
