"""Terraform plans of the environments, compared with the running stack."""

from tests.story.checkout import ROOT, Checkout
from tools.deploy.environment import LOCAL, environment


def test_a_plan_detects_a_manual_change() -> None:
    """Check that test_verify.py, which expects an empty plan, can fail."""
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
