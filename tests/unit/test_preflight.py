"""The preflight's table: each row is broken for its own reason, alone, and names the remedy."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from tools.deploy.errors import RefusedError
from tools.operations import account_checks, preflight
from tools.operations.account_checks import CHECKS, Row
from tools.operations.preflight_subject import Subject, _files

ACCOUNT = "000000000000"
Key = tuple[str, str]
ZONES = [
    {"ZoneName": "us-east-1a", "ZoneId": "use1-az1", "State": "available"},
    {"ZoneName": "us-east-1b", "ZoneId": "use1-az2", "State": "available"},
    {"ZoneName": "us-east-1e", "ZoneId": "use1-az3", "State": "available"},
]
GOOD: dict[Key, Any] = {
    ("sts", "get_caller_identity"): {
        "Account": ACCOUNT,
        "Arn": "arn:aws:iam::000000000000:user/ada",
    },
    ("ec2", "describe_availability_zones"): {"AvailabilityZones": ZONES},
    ("ec2", "describe_vpcs"): {"Vpcs": [{}]},
    ("ec2", "describe_addresses"): {"Addresses": [{}]},
    ("rds", "describe_db_engine_versions"): {"DBEngineVersions": [{}]},
    ("rds", "describe_orderable_db_instance_options"): {"OrderableDBInstanceOptions": [{}]},
    ("rds", "describe_db_instances"): {"DBInstances": []},
    ("lambda", "get_account_settings"): {"AccountLimit": {"ConcurrentExecutions": 1000}},
    ("service-quotas", "get_service_quota"): {"Quota": {"Value": 5.0}},
    ("iam", "list_roles"): {"Roles": [{}]},
    ("iam", "list_open_id_connect_providers"): {
        "OpenIDConnectProviderList": [
            {"Arn": "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com"}
        ]
    },
    ("apigateway", "get_account"): {
        "cloudwatchRoleArn": "arn:aws:iam::000000000000:role/atrium-api-gateway-logs"
    },
    ("sesv2", "get_account"): {"ProductionAccessEnabled": True, "SendingEnabled": True},
    ("cognito-idp", "describe_user_pool_domain"): {"DomainDescription": {}},
    ("cognito-idp", "list_user_pools"): {
        "UserPools": [{"Id": "us-east-1_ours", "Name": "atrium-prod"}]
    },
    ("s3", "head_bucket"): {},
    ("logs", "describe_log_groups"): {"logGroups": []},
}


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "as AWS says it"}}, "Asked")


@dataclass
class Client:
    """A stub of boto3's client: an answer or an error for each operation."""

    service: str
    answers: Mapping[Key, Any]

    def __getattr__(self, operation: str) -> Any:
        def call(**_: Any) -> Any:
            answer = self.answers[self.service, operation]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    def get_paginator(self, operation: str) -> Any:
        service, answers = self.service, self.answers

        class Pages:
            def paginate(self, **asked: Any) -> list[Any]:
                return [getattr(Client(service, answers), operation)(**asked)]

        return Pages()


def subject(**answers: Any) -> Subject:
    """Prepare checks in which everything is right except these answers, named `service__operation`."""
    changed = {
        (name.split("__")[0].replace("_", "-"), name.split("__")[1]): answer
        for name, answer in answers.items()
    }
    return Subject(
        client=lambda service: Client(service, GOOD | changed),
        account_id=ACCOUNT,
        region="us-east-1",
        name="atrium-prod",
        locals_file="envs/prod/locals.tf",
        zones=("us-east-1a", "us-east-1b"),
        instance_class="db.m7g.large",
        engine_version="17",
        nat_gateways=3,
        state_bucket="example-states",
        has_email_sender=True,
        hosted_page_prefix="atrium",
    )


def failed(of: Subject) -> list[Row]:
    return [row for row in account_checks.rows(of) if row.ok is False]


def test_a_prepared_account_passes_every_row() -> None:
    rows = list(account_checks.rows(subject()))
    assert [row.name for row in rows] == list(CHECKS)
    assert {row.ok for row in rows} == {True}


BROKEN = {
    "credentials": [(subject(sts__get_caller_identity={"Account": "999999999999", "Arn": "a"}), "AWS_ACCOUNT_ID is 0")],
    "zones": [
        (replace(subject(), zones=("us-east-1a", "us-east-1e")), "us-east-1a, us-east-1b"),
        (replace(subject(), zones=("us-east-1a", "us-east-1f")), "envs/prod/locals.tf"),
    ],
    "engine version": [(subject(rds__describe_db_engine_versions={"DBEngineVersions": []}), "describe-db-engine-versions")],
    "instance class": [
        (subject(rds__describe_orderable_db_instance_options={"OrderableDBInstanceOptions": []}), "envs/prod/locals.tf")
    ],
    "Lambda concurrency": [
        (subject(lambda__get_account_settings={"AccountLimit": {"ConcurrentExecutions": 10}}), "L-B99A9384"),
        (replace(subject(), reserved_concurrency=950), "1050"),
    ],
    "VPCs": [(subject(ec2__describe_vpcs={"Vpcs": [{}] * 5}), "L-F678F1CE")],
    "Elastic IPs": [
        (subject(ec2__describe_addresses={"Addresses": [{}] * 3}), "L-0263D0A3"),
        (
            subject(service_quotas__get_service_quota=refusal("NoSuchResourceException"), ec2__describe_addresses={"Addresses": [{}] * 3}),
            "L-0263D0A3",
        ),
    ],
    "service-linked roles": [(subject(iam__list_roles={"Roles": []}), "make bootstrap")],
    "API Gateway's log role": [(subject(apigateway__get_account={}), "make bootstrap")],
    "GitHub's OIDC provider": [
        (subject(iam__list_open_id_connect_providers={"OpenIDConnectProviderList": []}), "make bootstrap")
    ],
    "mails": [(subject(sesv2__get_account={"ProductionAccessEnabled": False, "SendingEnabled": True}), "production access")],
    "hosted page": [
        (
            subject(cognito_idp__describe_user_pool_domain={"DomainDescription": {"UserPoolId": "us-east-1_theirs"}}),
            "HOSTED_PAGE_PREFIX",
        )
    ],
    "state bucket": [
        (subject(s3__head_bucket=refusal("404")), "make bootstrap"),
        (subject(s3__head_bucket=refusal("403")), "make bootstrap"),
    ],
    "log groups": [
        (
            subject(logs__describe_log_groups={"logGroups": [{"logGroupName": "/aws/rds/instance/atrium-prod-database/upgrade"}]}),
            "aws logs delete-log-group --log-group-name /aws/rds/instance/atrium-prod-database/upgrade",
        )
    ],
}  # fmt: skip


def test_there_is_a_broken_case_for_every_row() -> None:
    assert BROKEN.keys() == CHECKS.keys()


@pytest.mark.parametrize(
    ("name", "broken", "advice"),
    [
        pytest.param(name, *case, id=f"{name} {number}")
        for name, cases in BROKEN.items()
        for number, case in enumerate(cases, 1)
    ],
)
def test_a_broken_row_fails_alone_and_names_the_remedy(
    name: str, broken: Subject, advice: str
) -> None:
    [row] = failed(broken)
    assert row.name == name
    assert advice in row.advice


def test_the_hosted_page_may_belong_to_our_own_pool() -> None:
    ours = {"DomainDescription": {"UserPoolId": "us-east-1_ours"}}
    assert failed(subject(cognito_idp__describe_user_pool_domain=ours)) == []


def test_a_denied_call_fails_its_row() -> None:
    [row] = failed(subject(apigateway__get_account=refusal("AccessDenied")))
    assert (row.name, "AccessDenied" in row.found) == ("API Gateway's log role", True)


@pytest.mark.parametrize("error", [NoCredentialsError(), refusal("ExpiredToken")], ids=str)
def test_without_valid_credentials_only_that_row_is_reported(error: Exception) -> None:
    [row] = account_checks.rows(subject(sts__get_caller_identity=error))
    assert (row.name, row.ok) == ("credentials", False)
    assert "AWS_PROFILE" in row.advice


def test_the_table_shows_remedies_and_the_command_fails(
    capsys: pytest.CaptureFixture[str],
) -> None:
    preflight.require(subject())
    assert "✗" not in capsys.readouterr().out
    with pytest.raises(
        RefusedError,
        match=r"atrium-prod cannot be deployed yet: service-linked roles\. Nothing was changed",
    ):
        preflight.require(subject(iam__list_roles={"Roles": []}))
    said = capsys.readouterr().out
    assert "✗ service-linked roles" in said
    assert "→ Run make bootstrap, which creates them." in said


@pytest.mark.parametrize(
    ("environment", "zones", "gateways"), [("dev", "ab", 0), ("prod", "abc", None)]
)
def test_the_files_of_our_environments_are_read(
    environment: str, zones: str, gateways: int | None
) -> None:
    read = _files(environment, "eu-central-1")
    assert read["zones"] == tuple(f"eu-central-1{letter}" for letter in zones)
    assert read["engine_version"] == "17"
    assert read["instance_class"].startswith("db.")
    assert gateways is None or read["nat_gateways"] == gateways
