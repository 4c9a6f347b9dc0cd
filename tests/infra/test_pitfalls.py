"""docs/terraform-pitfalls.md: rules about the configuration that no plan can show."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import hcl2

ROOT = Path(__file__).resolve().parents[2]
ALL = sorted([*ROOT.glob("modules/*/*.tf"), *ROOT.glob("envs/*/*.tf")])
OPTIONAL = re.compile(r"\$\{.+ \? 1 : 0\}")


@cache
def parsed(file: Path) -> dict[str, Any]:
    with file.open() as opened:
        return hcl2.load(opened)


def resources(wanted: str, files: list[Path] = ALL) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Return (file, arguments) of every resource of a type."""
    for file in files:
        for block in parsed(file).get("resource", []):
            for quoted, named in block.items():
                if json.loads(quoted) == wanted:
                    yield from ((file, body) for body in named.values())


def one(kind: str, module: str) -> dict[str, Any]:
    [body] = [body for file, body in resources(kind) if file.parent.name == module]
    return body


def types() -> set[str]:
    return {
        json.loads(kind)
        for file in ALL
        for block in parsed(file).get("resource", [])
        for kind in block
    }


def test_instances_are_keyed_by_name_and_not_by_position() -> None:
    """Check that `count` only makes a resource optional; instances of a list need `for_each`."""
    named = [
        body
        for file in ALL
        for block in parsed(file).get("resource", [])
        for body in block.values()
    ]
    called = [block for file in ALL for block in parsed(file).get("module", [])]
    counts = {
        name: body["count"]
        for block in [*named, *called]
        for name, body in block.items()
        if "count" in body
    }
    assert named
    assert {name for name, count in counts.items() if not OPTIONAL.fullmatch(count)} == set()


def test_security_group_rules_are_separate_resources() -> None:
    groups = list(resources("aws_security_group"))
    assert groups
    assert not [file for file, body in groups if "ingress" in body or "egress" in body]
    assert "aws_security_group_rule" not in types()


def test_a_replaced_security_group_of_a_lambda_is_created_before_the_old_one_is_deleted() -> None:
    groups = [
        body
        for _, body in resources("aws_security_group", sorted(ROOT.glob("modules/api_lambda/*.tf")))
    ]
    assert groups
    assert all(
        "name_prefix" in body and body["lifecycle"][0]["create_before_destroy"] is True
        for body in groups
    )


def test_a_lambda_releases_its_security_groups_when_it_is_destroyed() -> None:
    assert "true" in str(
        one("aws_lambda_function", "api_lambda")["replace_security_groups_on_destroy"]
    )


def test_the_permission_to_delete_interfaces_outlives_the_security_groups() -> None:
    groups = [
        body
        for _, body in resources("aws_security_group", sorted(ROOT.glob("modules/api_lambda/*.tf")))
    ]
    assert [body["depends_on"] for body in groups] == [["${aws_iam_role_policy.vpc}"]] * 2


def test_a_function_depends_on_its_log_group() -> None:
    assert "aws_cloudwatch_log_group.function" in str(
        one("aws_lambda_function", "api_lambda")["depends_on"]
    )


def test_a_replaced_proxy_gets_its_target_again() -> None:
    target = one("aws_db_proxy_target", "rds_proxy")
    assert target["lifecycle"][0]["replace_triggered_by"] == ["${aws_db_proxy.this.id}"]


def test_the_pools_attributes_are_complete_and_run_no_query_at_first() -> None:
    [pool] = one("aws_db_proxy_default_target_group", "rds_proxy")["connection_pool_config"]
    stated = {name for name in pool if not name.startswith("__")}
    assert stated == {
        "connection_borrow_timeout", "max_connections_percent", "max_idle_connections_percent", "session_pinning_filters",
    }  # fmt: skip


def test_the_stage_survives_a_new_deployment() -> None:
    deployment = one("aws_api_gateway_deployment", "api_lambda")
    assert "stage_name" not in deployment
    assert "sha1" in str(deployment["triggers"])
    assert deployment["lifecycle"][0]["create_before_destroy"] is True
    assert (
        one("aws_api_gateway_stage", "api_lambda")["deployment_id"]
        == "${aws_api_gateway_deployment.this.id}"
    )


def test_throttling_of_an_operation_depends_on_the_stage() -> None:
    settings = [body for _, body in resources("aws_api_gateway_method_settings")]
    [operation] = [body for body in settings if "for_each" in body]
    assert operation["depends_on"] == ["${aws_api_gateway_method_settings.all}"]


def test_a_new_image_does_not_replace_the_bastion() -> None:
    assert one("aws_instance", "bastion")["lifecycle"][0]["ignore_changes"] == ["ami"]


def test_terraform_does_not_revert_a_release() -> None:
    ignored = one("aws_lambda_alias", "api_lambda")["lifecycle"][0]["ignore_changes"]
    assert ignored == ["function_version", "routing_config"]


def test_no_secret_is_in_the_state_and_terraform_builds_nothing() -> None:
    assert not types() & {
        "aws_secretsmanager_secret_version", "random_password", "tls_private_key", "null_resource", "terraform_data", "archive_file",
    }  # fmt: skip
    assert not [
        name for name in one("aws_db_instance", "rds_proxy") if name in ("password", "password_wo")
    ]


def test_a_region_is_referenced_by_its_id() -> None:
    other = re.compile(r"data\.aws_region\.\w+\.(name|region)\b")
    assert not [str(file) for file in ALL if other.search(file.read_text())]


def test_the_tests_named_on_the_page_exist() -> None:
    """Compare the page's names, which may omit the beginning (of our own tests) or the end (…)."""
    page = (ROOT / "docs/terraform-pitfalls.md").read_text()
    rows = [
        line.split(" | ")[-1]
        for line in page.splitlines()
        if line.startswith("| ") and not line.startswith("| pit")
    ]
    named = [name for shown in rows for name in re.findall(r"`([a-z_]+)…?`", shown)]
    runs = [file.read_text() for file in ROOT.glob("*/*/tests/*.tftest.hcl")]
    known = "\n".join(
        [*re.findall(r'^run "\w+"', "\n".join(runs), re.MULTILINE), Path(__file__).read_text()]
    )
    assert len(named) > 20
    assert [name for name in named if name not in known] == []
