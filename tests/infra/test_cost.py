"""`make cost`: the estimated bill of each environment's plan."""

import copy
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tools.deploy.errors import RefusedError
from tools.deploy.terraform.offline_plan import Plan, kind, of_kind
from tools.operations.cost.__main__ import differences, markdown, text
from tools.operations.cost.plan_cost import PRICED, idle, million_requests
from tools.operations.cost.price_table import table
from tools.operations.cost.priced_commit import Cost, of_commit

DATABASE = {"aws_db_instance", "aws_db_proxy"}


def month(plan: Plan) -> dict[str, float]:
    return {line.kind: line.amount.usd for line in idle(plan)}


def edited(plan: Plan, wanted: str, **changes: Any) -> Plan:
    changed = copy.deepcopy(plan)
    for known in of_kind(changed, wanted):
        known.update(changes)
    return changed


def test_the_database_and_the_proxy_of_an_idle_dev_cost_at_most_45_usd(dev: Plan) -> None:
    assert 0 < sum(usd for name, usd in month(dev).items() if name in DATABASE) <= 45


def test_every_resource_type_of_both_plans_is_priced_or_free(dev: Plan, prod: Plan) -> None:
    kinds = {kind(address) for address in (*dev, *prod)}
    assert kinds <= PRICED.keys() | table().free
    assert not PRICED.keys() & table().free
    for plan in (dev, prod):
        assert month(plan).keys() <= table().savings.keys()


def test_a_resource_type_without_a_price_is_refused_by_name(dev: Plan) -> None:
    with pytest.raises(
        RefusedError, match=r"price of aws_mq_broker is unknown \(module\.x\.aws_mq_broker\.y\)"
    ):
        idle(dev | {"module.x.aws_mq_broker.y": {}})


def test_an_instance_class_without_a_price_is_refused_by_name(dev: Plan) -> None:
    with pytest.raises(RefusedError, match=r"lacks a price of 'db\.r8g\.huge'"):
        idle(edited(dev, "aws_db_instance", instance_class="db.r8g.huge"))


def test_a_standby_doubles_the_database(dev: Plan) -> None:
    doubled = month(edited(dev, "aws_db_instance", multi_az=True))["aws_db_instance"]
    assert doubled == pytest.approx(2 * month(dev)["aws_db_instance"])


def test_nat_and_an_interface_endpoint_in_two_zones_are_on_the_bill(dev: Plan) -> None:
    endpoint = {"vpc_endpoint_type": "Interface", "subnet_ids": ["a", "b"]}
    more = dev | {"m.aws_nat_gateway.this": {}, "m.aws_vpc_endpoint.sqs": endpoint}
    added = {name: usd - month(dev).get(name, 0) for name, usd in month(more).items()}
    expected = {"aws_nat_gateway": 32.85, "aws_vpc_endpoint": 14.6}
    assert {name: usd for name, usd in added.items() if usd} == pytest.approx(expected)


def test_an_alarm_costs_by_its_metrics(prod: Plan) -> None:
    [address] = [name for name in prod if name.endswith("aws_cloudwatch_dashboard.this")]
    queries = [{"metric": [{}]}, {"metric": [{}]}, {"metric": [], "expression": "a / b"}]
    alarm = {f"{address}.aws_cloudwatch_metric_alarm.ratio": {"metric_query": queries}}
    before, after = month(prod), month(prod | alarm)
    name = "aws_cloudwatch_metric_alarm"
    assert after[name] - before[name] == pytest.approx(0.2)


def test_prod_pays_for_its_firewall_by_request(dev: Plan, prod: Plan) -> None:
    ours = {line.name: line.amount.usd for line in million_requests(prod)}
    theirs = {line.name: line.amount.usd for line in million_requests(dev)}
    assert ours.keys() - theirs.keys() == {"WAF, requests"}


def test_the_bill_marks_prices_that_were_not_verified(dev: Plan) -> None:
    lines = text("dev", idle(dev), list(million_requests(dev)))
    [proxy] = [line for line in lines if "aws_db_proxy" in line]
    [secrets] = [line for line in lines if "aws_secretsmanager_secret" in line]
    assert proxy.split()[1] == "?"
    assert secrets.split()[1] == "4"
    assert {price.source for price in table().prices.values()} <= table().sources.keys()


def test_the_difference_names_what_changed() -> None:
    earlier = Cost("prod", {"1 aws_eip": 3.65, "1 aws_kms_key": 1}, {"Lambda, requests": 0.2})
    now = Cost("prod", {"1 aws_eip": 3.65, "2 aws_kms_key": 2}, {"Lambda, requests": 0.2})
    assert differences(earlier, now) == [
        "prod: 5.65 USD a month idle (+1.00 by this change), 0.20 per million requests (+0.00)",
        "       -1.00  1 aws_kms_key",
        "       +2.00  2 aws_kms_key",
    ]


def test_a_comment_shows_the_sum_and_folds_the_lines() -> None:
    shown, folded = markdown(["dev: 50.00 USD", "   1.00  a key"]).split("<details>")
    assert shown.strip() == "**Cost.** dev: 50.00 USD"
    assert "1.00  a key" in folded


MAKEFILE = """cost:
\t@printf '{"environment": "$(ENV)", "idle": {"$(FORMAT)": 3.5}, "million_requests": {}}'
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository whose one commit prices dev, with a change that is not committed."""
    (tmp_path / "envs/dev").mkdir(parents=True)
    (tmp_path / "envs/dev/main.tf").touch()
    (tmp_path / "Makefile").write_text(MAKEFILE)
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    for line in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "Price dev"]):
        subprocess.run(["git", *line], cwd=tmp_path, check=True)
    (tmp_path / "Makefile").write_text("cost:\n\t@exit 3\n")
    return tmp_path


def test_a_commit_is_priced_by_its_own_code(repository: Path) -> None:
    assert of_commit("dev", "HEAD", repository) == Cost("dev", {"json": 3.5}, {})
    assert of_commit("new", "HEAD", repository) == Cost("new", {}, {})
    listed = subprocess.check_output(["git", "worktree", "list"], cwd=repository, text=True)
    assert len(listed.splitlines()) == 1


def test_a_base_that_git_does_not_have_is_refused(repository: Path) -> None:
    with pytest.raises(RefusedError, match=r"BASE names:\n.*nothing"):
        of_commit("dev", "nothing", repository)
