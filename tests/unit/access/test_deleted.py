"""Requests about a deleted user, before, during and after the deletion."""

from functools import partial
from typing import Any

import pytest

from atrium.stores import user_table
from tests.unit.access.conftest import ADA, ADMIN, Service
from tests.unit.access.requests import CHANGES, READS, SampleRequest, prepare
from tests.unit.conftest import TABLE, forget

ABOUT_ADA = [sample for sample in (*CHANGES, *READS) if f"/users/{ADA}/" in sample.path]
REVOKES = [sample for sample in ABOUT_ADA if sample.route == "DELETE /v1/users/{id}/grants/{grant}"]
WRITES = [sample for sample in ABOUT_ADA if sample in CHANGES and sample not in REVOKES]

each = partial(
    pytest.mark.parametrize, "sample", ids=lambda sample: f"{sample.route} {sample.trail or ''}"
)


@pytest.fixture
def people(service: Service) -> Service:
    prepare(service)
    forget()
    return service


def delete(service: Service, uid: str = ADA) -> None:
    """Delete a user as the command of `DELETE /v1/users/{id}` does."""
    service.table.update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"U#{uid}"}, "sk": {"S": "META"}},
        UpdateExpression="SET #status = :deleted ADD access_epoch :one, version :one",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":deleted": {"S": "deleted"}, ":one": {"N": "1"}},
    )


def of_ada(service: Service) -> list[dict[str, Any]]:
    return [
        item
        for prefix in (f"U#{ADA}", f"G#{ADA}", "ON#", "AUDIT#")
        for item in service.items(prefix)
    ]


@each([sample for sample in ABOUT_ADA if sample not in REVOKES])
def test_requests_about_a_deleted_user_are_404(people: Service, sample: SampleRequest) -> None:
    delete(people)
    before = of_ada(people)
    answer = sample.send(people)
    assert (answer.status, of_ada(people)) == (404, before), answer.text


@each(REVOKES)
def test_the_grants_of_a_deleted_user_can_be_revoked(
    people: Service, sample: SampleRequest
) -> None:
    """Check this, because a role that somebody holds cannot be deleted."""
    delete(people)
    assert sample.send(people).status == 204


@each(WRITES)
def test_a_user_deleted_between_read_and_write_gets_nothing(
    people: Service, monkeypatch: pytest.MonkeyPatch, sample: SampleRequest
) -> None:
    transact, before = user_table.transact, list[Any]()

    def be_late(items: Any) -> None:
        if not before:
            delete(people)
            before.append(of_ada(people))
        transact(items)

    monkeypatch.setattr(user_table, "transact", be_late)
    answer = sample.send(people)
    assert (answer.status, of_ada(people)) == (404, before[0]), answer.text


def test_a_disabled_users_rights_can_be_read_and_changed(people: Service) -> None:
    """Check this, because administrators correct rights before they enable the user again."""
    people.new_user(ADA, "disabled")
    for sample in WRITES:
        assert sample.send(people).status < 300, sample.route
    assert people.ask("GET", f"/v1/users/{ADA}/grants", uid=ADMIN).status == 200
