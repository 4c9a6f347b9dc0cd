"""The plan guard and real plans: a first deploy and its repetition need no acknowledgement."""

import json
import re

import pytest

from tools.deploy.terraform.offline_plan import Plan
from tools.deploy.terraform.planned import ResourceChange
from tools.operations import plan_guard


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_a_first_deploy_needs_no_acknowledgement(
    environment: str, request: pytest.FixtureRequest
) -> None:
    plan: Plan = request.getfixturevalue(environment)
    created = [change(address, "create", known) for address, known in plan.items()]
    assert [str(finding) for finding in plan_guard.findings(created)] == []


def test_removing_prods_protection_needs_an_acknowledgement(prod: Plan) -> None:
    lifted = json.loads(
        json.dumps(prod)
        .replace('"deletion_protection": true', '"deletion_protection": false')
        .replace('"deletion_protection": "ACTIVE"', '"deletion_protection": "INACTIVE"')
        .replace('"deletion_protection_enabled": true', '"deletion_protection_enabled": false')
    )
    changes = [
        ResourceChange(address, kind(address), "update", known, lifted[address])
        for address, known in prod.items()
    ]
    found = {kind(finding.address) for finding in plan_guard.findings(changes)}
    assert found == {"aws_cognito_user_pool", "aws_db_instance", "aws_dynamodb_table"}


def kind(address: str) -> str:
    return re.sub(r"\[.*", "", address).split(".")[-2]


def change(address: str, action: str, known: dict[str, object]) -> ResourceChange:
    return ResourceChange(address, kind(address), action, {}, known)
