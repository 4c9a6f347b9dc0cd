"""The environments as Terraform sees them, against the running stack."""

from tests.story.checkout import ROOT, Checkout
from tools.deploy.environment import LOCAL, environment


def test_a_second_plan_sees_a_change_that_was_made_by_hand() -> None:
    """test_verify.py shows that a second plan is empty; this one, that the test can fail."""
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
