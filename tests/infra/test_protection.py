"""Atrium's claims about encryption and secrets hold in both plans, and each of them can fail."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.infra.protection import claims
from tools.deploy.terraform.offline_plan import Plan, of_kind

Change = Callable[[Plan], None]


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_claims_hold(environment: str, request: pytest.FixtureRequest) -> None:
    found = claims(request.getfixturevalue(environment))
    assert [str(claim) for claim in found if not claim.holds] == []
    assert {claim.sentence for claim in found} == set(BREAK)


def set_to(kind: str, **values: Any) -> Change:
    """Return a change that sets attributes of each resource of a kind."""

    def change(plan: Plan) -> None:
        found = of_kind(plan, kind)
        assert found
        for known in found:
            known.update(values)

    return change


def environment(name: str, value: str) -> Change:
    """Return a change that gives one function another environment variable."""

    def change(plan: Plan) -> None:
        of_kind(plan, "aws_lambda_function")[0]["environment"][0]["variables"][name] = value

    return change


def added(address: str, **known: Any) -> Change:
    return lambda plan: plan.update({address: known})


SECRETS = "Neither the plan nor the state holds a password, a key or a token."
BREAK: Mapping[str, tuple[Change, ...]] = {
    "Everything that keeps data is encrypted.": (
        set_to("aws_db_instance", storage_encrypted=False),
        set_to("aws_sqs_queue", kms_master_key_id=None, sqs_managed_sse_enabled=False),
        set_to("aws_sns_topic", kms_master_key_id=None),
        set_to("aws_instance", root_block_device=[{"encrypted": False}]),
        set_to("aws_instance", ebs_block_device=[{"encrypted": False}]),
        set_to("aws_ssm_parameter", value="correct horse battery staple"),
    ),
    "For each kind of resource it is known whether it keeps data.": (
        added("module.x.aws_elasticache_cluster.this"),
    ),
    "The proxy refuses a connection without TLS.": (set_to("aws_db_proxy", require_tls=False),),
    "The database refuses a connection without TLS.": (
        set_to("aws_db_parameter_group", parameter=[{"name": "rds.force_ssl", "value": "0"}]),
        set_to("aws_db_instance", parameter_group_name="default.postgres17"),
    ),
    "No address without TLS is called.": (
        environment("PARTNER", "http://partner.example"),
        set_to("aws_sns_topic_subscription", protocol="http"),
    ),
    SECRETS: (
        added("module.x.aws_secretsmanager_secret_version.user"),
        environment("DATABASE_PASSWORD", "correct horse"),
        environment("SIGNING", "-----BEGIN RSA PRIVATE KEY-----"),
        environment("DATABASE", "postgres://app:horse@database/atrium"),
        set_to("aws_db_instance", password="correct horse"),
        set_to("aws_cognito_user_pool_client", generate_secret=True),
    ),
    "RDS makes and keeps the master's password.": (
        set_to("aws_db_instance", manage_master_user_password=None),
    ),
}
CASES = [(sentence, change) for sentence, changes in BREAK.items() for change in changes]


@pytest.mark.parametrize(("sentence", "change"), CASES)
def test_each_claim_fails_when_it_is_broken(prod: Plan, sentence: str, change: Change) -> None:
    plan = copy.deepcopy(prod)
    change(plan)
    assert sentence in {claim.sentence for claim in claims(plan) if not claim.holds}


def test_a_path_or_a_number_beside_a_secrets_name_is_no_secret(prod: Plan) -> None:
    plan = copy.deepcopy(prod)
    environment("SIGNING_SECRET", "/atrium/prod/signing")(plan)
    assert next(claim for claim in claims(plan) if claim.sentence == SECRETS).holds
