"""The environments as Terraform sees them, against the running stack."""

from pathlib import Path

from tests.story.checkout import ROOT, Checkout
from tools.deploy import stack_settings
from tools.deploy.environment import LOCAL, environment
from tools.deploy.terraform.scratch import ScratchRoot


def test_a_second_plan_of_dev_is_empty_and_a_workflows_summary_says_so(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    status, said = Checkout(ROOT).run("plan", "local", GITHUB_STEP_SUMMARY=str(summary))
    assert status == 0, said
    assert "local: nothing to change." in said
    assert summary.read_text().rstrip() == "### local: nothing to change."


def test_a_second_plan_sees_a_change_that_was_made_by_hand() -> None:
    """The test above can fail: AWS answers something else than Terraform was told."""
    target = environment(LOCAL)
    logs, group = target.client("logs"), f"/aws/lambda/{target.output('functions')['meta']}"
    [found] = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    logs.put_retention_policy(logGroupName=group, retentionInDays=1)
    try:
        _, said = Checkout(ROOT).run("plan", "local")
    finally:
        logs.put_retention_policy(logGroupName=group, retentionInDays=found["retentionInDays"])
    assert 'module.api_lambda.aws_cloudwatch_log_group.function["meta"]' in said
    assert "nothing to change" not in said


def test_prod_plans_too() -> None:
    """Prod has a state of its own, so everything is to be created: that it plans shows that its files fit the modules."""
    root = ScratchRoot(stack_settings.from_environment(), "prod")
    root.write()
    root.init()
    changes = root.planned_changes()
    assert {action for action, _ in changes} == {"create"}
    assert "module.rds_proxy.aws_db_instance.this" in [address for _, address in changes]
    assert any(address.startswith("module.api_lambda.aws_wafv2_web_acl.") for _, address in changes)
