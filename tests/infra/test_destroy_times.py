"""Timeouts of deletions, which must exceed AWS's expected time, and the durations of a destroy."""

from pathlib import Path

import pytest

from tests.infra.test_pitfalls import resources
from tools.deploy.terraform.offline_plan import Plan
from tools.operations.destroy_times import PARTS, Times

ROOT = Path(__file__).resolve().parents[2]
# The provider's default timeout of a deletion in minutes: "Timeouts" of each resource's page,
# https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs
DEFAULT_MINUTES = {
    "aws_subnet": 20,
    "aws_security_group": 15,
    "aws_db_instance": 60,
    "aws_db_proxy": 60,
    "aws_dynamodb_table": 10,
}


@pytest.mark.parametrize(
    ("kind", "module"),
    [("aws_subnet", "network"), ("aws_security_group", "api_lambda"), ("aws_db_instance", "rds_proxy"), ("aws_db_proxy", "rds_proxy"), ("aws_dynamodb_table", "dynamodb")],
)  # fmt: skip
def test_terraforms_timeouts_exceed_awss_expected_times(kind: str, module: str) -> None:
    part = next(part for part in PARTS if part.holds(f"module.x.{kind}.this"))
    bodies = [body for file, body in resources(kind) if file.parent.name == module]
    # public subnets contain no function
    bodies = [body for body in bodies if "-public-" not in str(body)]
    assert bodies
    for body in bodies:
        [timeouts] = body.get("timeouts", [{}])
        stated = timeouts.get("delete", f"{DEFAULT_MINUTES[kind]}m").strip('"')
        assert int(stated.removesuffix("m")) >= part.most_minutes


def test_every_resource_belongs_to_a_part(prod: Plan) -> None:
    for address in prod:
        assert any(part.holds(address) for part in PARTS), address


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("aws_vpc.this: Destruction complete after 0s", 0),
        ("module.a.aws_subnet.b[\"c\"]: Destruction complete after 1m2s\n", 62),
        ("module.a.aws_db_instance.b: Destruction complete after 1h2m3s [id=x]", 3723),
        ("module.a.aws_db_instance.b: Still destroying... [id=x, 10s elapsed]", None),
        ("Destroy complete! Resources: 205 destroyed.", None),
    ],
)  # fmt: skip
def test_durations_are_read_from_terraforms_output(line: str, seconds: int | None) -> None:
    times = Times()
    times.note(line)
    assert list(times.seconds.values()) == ([] if seconds is None else [seconds])


def test_the_duration_of_a_part_is_that_of_its_slowest_resource() -> None:
    times = Times({"module.a.aws_subnet.b": 60, "aws_security_group.c": 125, "aws_eip.d": 3})
    network, rest = times.report().splitlines()[1:]
    assert "2 min 05 s  aws_security_group.c of 2" in network
    assert "0 min 03 s  aws_eip.d of 1" in rest
    assert "no resource" in Times().report()
