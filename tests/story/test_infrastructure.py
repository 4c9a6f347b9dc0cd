"""The environments as Terraform sees them, against the running stack."""

from local.settings import Settings
from local.terraform.scratch import ScratchRoot


def test_a_second_plan_of_dev_is_empty() -> None:
    changes = ScratchRoot(Settings.from_environment(), "dev").planned_changes()
    assert changes == []


def test_prod_plans_too() -> None:
    """Prod has a state of its own, so everything is to be created: that it plans shows that its files fit the modules."""
    root = ScratchRoot(Settings.from_environment(), "prod")
    root.write()
    root.init()
    changes = root.planned_changes()
    assert {action for action, _ in changes} == {"create"}
    assert "module.rds_proxy.aws_db_instance.this" in [address for _, address in changes]
    assert any(address.startswith("module.api_lambda.aws_wafv2_web_acl.") for _, address in changes)
