"""The plan guard: changes that lose data or widen access are refused until acknowledged."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tools.deploy.errors import RefusedError
from tools.deploy.terraform import planned
from tools.deploy.terraform.planned import ResourceChange
from tools.operations import plan_guard


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str, resource: str = "arn:aws:s3:::a/*", **more: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource} | more


DENY = {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}
TLS: dict[str, Any] = {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}


def keys(*values: str, operator: str = "ForAllValues:StringLike") -> dict[str, Any]:
    """Return a policy for items whose partition key matches one of these."""
    condition = {operator: {"dynamodb:LeadingKeys": list(values)}}
    return {"policy": policy(allow("dynamodb:Query", "table", Condition=condition))}


WORLD_RULE = {"cidr_ipv4": "0.0.0.0/0", "from_port": 5432}

UPDATES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("aws_db_instance", {"deletion_protection": True}, {"deletion_protection": False}, "deletion_protection from True to False"),
    ("aws_cognito_user_pool", {"deletion_protection": "ACTIVE"}, {"deletion_protection": "INACTIVE"}, "deletion_protection from ACTIVE"),
    ("aws_dynamodb_table", {"deletion_protection_enabled": True}, {"deletion_protection_enabled": False}, "deletion_protection_enabled"),
    ("aws_dynamodb_table", {"point_in_time_recovery": [{"enabled": True}]}, {"point_in_time_recovery": [{"enabled": False}]}, "point_in_time_recovery.enabled"),
    ("aws_dynamodb_table", {"server_side_encryption": [{"enabled": True}]}, {"server_side_encryption": []}, "server_side_encryption.enabled"),
    ("aws_db_instance", {"storage_encrypted": True}, {"storage_encrypted": False}, "storage_encrypted"),
    ("aws_db_instance", {"backup_retention_period": 30}, {"backup_retention_period": 1}, "backup_retention_period from 30 to 1"),
    ("aws_db_instance", {"publicly_accessible": False}, {"publicly_accessible": True}, "publicly_accessible"),
    ("aws_db_instance", {"skip_final_snapshot": False}, {"skip_final_snapshot": True}, "skip_final_snapshot"),
    ("aws_db_proxy", {"require_tls": True}, {"require_tls": False}, "require_tls"),
    ("aws_kms_key", {"enable_key_rotation": True}, {"enable_key_rotation": False}, "enable_key_rotation"),
    ("aws_sns_topic", {"kms_master_key_id": "k"}, {"kms_master_key_id": None}, "kms_master_key_id"),
    ("aws_cognito_user_pool", {"mfa_configuration": "ON"}, {"mfa_configuration": "OPTIONAL"}, "mfa_configuration from ON"),
    ("aws_iam_role", {"permissions_boundary": "arn"}, {"permissions_boundary": ""}, "permissions_boundary"),
    ("aws_s3_bucket_public_access_block", {"block_public_acls": True}, {"block_public_acls": False}, "block_public_acls"),
    ("aws_vpc_security_group_ingress_rule", {"cidr_ipv4": "10.0.0.0/16"}, WORLD_RULE, "open to 0.0.0.0/0"),
    ("aws_security_group", {"ingress": []}, {"ingress": [{"ipv6_cidr_blocks": ["::/0"]}]}, "open to ::/0"),
    ("aws_iam_role_policy", {"policy": policy(allow("s3:GetObject"))}, {"policy": policy(allow("s3:*"))}, "would allow s3:* on arn:aws:s3:::a/*"),
    ("aws_iam_role_policy", {"policy": policy(allow("s3:GetObject"))}, {"policy": policy(allow("s3:GetObject", "*"))}, "would allow s3:GetObject on *"),
    ("aws_iam_role_policy", {"policy": policy(allow("s3:GetObject", **TLS))}, {"policy": policy(allow("s3:GetObject"))}, "would allow s3:GetObject"),
    ("aws_iam_role_policy", keys("U#*"), keys("U#*", "G#*"), 'dynamodb:Query on table if {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["U#*", "G#*"]}}'),
    ("aws_iam_role_policy", keys("a", "b", operator="StringNotLike"), keys("a", operator="StringNotLike"), "dynamodb:Query on table"),
    ("aws_iam_role_policy", {"policy": policy(allow("s3:*"), DENY)}, {"policy": policy(allow("s3:*"))}, "would no longer deny s3:PutObject on *"),
    ("aws_iam_role_policy", {"policy": policy(allow("s3:*"))}, {"policy": policy({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})}, "would allow all but"),
    ("aws_iam_role", {"assume_role_policy": policy(allow("sts:AssumeRole", "", Principal={"Service": "lambda.amazonaws.com"}))}, {"assume_role_policy": policy(allow("sts:AssumeRole", "", Principal={"AWS": "*"}))}, "would allow sts:AssumeRole"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "before", "after", "expected"), UPDATES)
def test_a_weakening_update_is_reported_and_its_reverse_is_not(
    kind: str, before: dict[str, Any], after: dict[str, Any], expected: str
) -> None:
    weaker = ResourceChange("a.b", kind, "update", before, after)
    [finding] = plan_guard.findings([weaker])
    assert expected in str(finding)
    assert finding.why.endswith(".")
    stronger = ResourceChange("a.b", kind, "update", after, before)
    if kind not in ("aws_iam_role_policy", "aws_iam_role") or "boundary" in expected:
        assert plan_guard.findings([stronger]) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (keys("U#*", "G#*"), keys("G#*")),
        (keys("a", operator="StringNotLike"), keys("a", "b", operator="StringNotLike")),
    ],
)
def test_a_narrower_condition_is_accepted(before: dict[str, Any], after: dict[str, Any]) -> None:
    change = ResourceChange("a", "aws_iam_role_policy", "update", before, after)
    assert plan_guard.findings([change]) == []


@pytest.mark.parametrize(
    "narrower",
    [
        policy(allow("s3:GetObject")),
        policy(allow("s3:GetObject", "arn:aws:s3:::a/b")),
        policy(allow("s3:*", **TLS)),
        policy(allow("s3:*"), DENY),
        policy(),
    ],
)
def test_a_narrower_policy_is_accepted(narrower: str) -> None:
    before = {"policy": policy(allow("s3:*"))}
    change = ResourceChange("a", "aws_iam_role_policy", "update", before, {"policy": narrower})
    assert plan_guard.findings([change]) == []


@pytest.mark.parametrize("kind", sorted(plan_guard.HOLDS_DATA))
@pytest.mark.parametrize("action", ["delete", "replace"])
def test_the_destruction_of_data_is_refused(kind: str, action: str) -> None:
    change = ResourceChange("a", kind, action, {"name": "x"}, {"name": "x"}, forced_by=["name"])
    [finding] = plan_guard.findings([change])
    assert f"would be {action}d (forced by name)" in str(finding)


@pytest.mark.parametrize(
    "change",
    [
        ResourceChange("a", "aws_lambda_function", "replace", {"memory_size": 1}, {"memory_size": 2}),
        ResourceChange("a", "aws_db_instance", "forget", {"deletion_protection": True}),
        ResourceChange("a", "aws_lambda_alias", "delete", {"name": "live"}),
        ResourceChange("a", "aws_cloudwatch_event_rule", "update", {"enabled": True}, {"enabled": False}),
        ResourceChange("a", "aws_db_instance", "update", {"kms_key_id": "k"}, {}, {"kms_key_id": True}),
        ResourceChange("a", "aws_iam_role_policy", "create", {}, {"policy": policy(allow("s3:GetObject"))}),
    ],
)  # fmt: skip
def test_everyday_changes_need_no_acknowledgement(change: ResourceChange) -> None:
    assert plan_guard.findings([change]) == []


@pytest.mark.parametrize(
    "change",
    [
        ResourceChange("a", "aws_iam_role_policy", "create", {}, {"policy": policy(allow("iam:PassRole"))}),
        ResourceChange("a", "aws_iam_role_policy", "create", {}, {"policy": policy(allow("*", "*"))}),
        ResourceChange("a", "aws_iam_role_policy", "update", {"policy": policy()}, {}, {"policy": True}),
        ResourceChange("a", "aws_iam_role_policy_attachment", "create", {}, {"policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        ResourceChange("a", "aws_vpc_security_group_ingress_rule", "create", {}, WORLD_RULE),
    ],
)  # fmt: skip
def test_new_and_unknown_resources_are_checked(change: ResourceChange) -> None:
    assert len(plan_guard.findings([change])) == 1


def test_terraforms_json_is_parsed_into_changes() -> None:
    shown = {"resource_changes": [
        {"address": "a", "type": "aws_db_instance", "change": {"actions": ["delete", "create"], "before": {"x": 1}, "after": {"x": 2}, "replace_paths": [["x"]]}},
        {"address": "b", "type": "aws_db_instance", "change": {"actions": ["no-op"]}},
        {"address": "c", "type": "aws_db_instance", "change": {"actions": ["forget"], "before": {}, "after": None}},
    ]}  # fmt: skip
    found = [(one.address, one.action, one.forced_by) for one in planned.changes(shown)]
    assert found == [("a", "replace", ["x"]), ("c", "forget", [])]


LOSES = ResourceChange("module.c.aws_cognito_user_pool.this", "aws_cognito_user_pool", "delete")


def test_a_refusal_names_the_trailer_that_acknowledges_it() -> None:
    other = ResourceChange("module.d.aws_dynamodb_table.this", "aws_dynamodb_table", "replace")
    found = plan_guard.findings([LOSES, other])
    with pytest.raises(RefusedError) as caught:
        plan_guard.require("prod", found, [other.address, "module.never.planned"])
    said = str(caught.value)
    assert "Every user, password and second factor is lost" in said
    assert f"  Acknowledge-Plan: prod {LOSES.address}" in said
    assert other.address not in said
    assert plan_guard.require("prod", found, [LOSES.address, other.address]) == [
        LOSES.address,
        other.address,
    ]


def test_acknowledgements_are_read_from_the_commits_of_the_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        command = ["git", *identity, *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "Before\n\nAcknowledge-Plan: prod old.one")
    base = git("rev-parse", "HEAD")
    git(
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "Change\n\nAcknowledge-Plan: prod a.b\nAcknowledge-Plan: dev c.d",
    )
    git("commit", "-q", "--allow-empty", "-m", "Later")
    monkeypatch.setattr(plan_guard, "ROOT", tmp_path)
    monkeypatch.setenv("PLAN_BASE", base)
    monkeypatch.delenv("ACKNOWLEDGE", raising=False)
    assert plan_guard.acknowledgements("prod") == ["a.b"]
    monkeypatch.setenv("ACKNOWLEDGE", "by.hand")
    assert plan_guard.acknowledgements("dev") == ["by.hand", "c.d"]
    monkeypatch.setenv("PLAN_BASE", "f" * 40)
    with pytest.raises(RefusedError, match="fetch-depth: 0"):
        plan_guard.acknowledgements("prod")
