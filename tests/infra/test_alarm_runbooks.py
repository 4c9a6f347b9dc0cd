"""Alarms and their runbooks: each description links to an existing section."""

import re
from pathlib import Path

from tools import ROOT
from tools.deploy.terraform.offline_plan import Plan, of_kind

RUNBOOK = re.compile(r"Runbook: (docs/runbooks/[\w-]+\.md)(?:#([\w-]+))?$")
ALARMS = ROOT / "docs/runbooks/alarms.md"
WITHOUT_NAT = {"nat-ports"}  # prod has no NAT gateway: modules/network names it


def sections(file: Path) -> set[str]:
    return set(re.findall(r"^## (\S+)$", file.read_text(), re.MULTILINE))


def test_every_alarm_names_its_runbook(prod: Plan) -> None:
    used: set[str] = set()
    for alarm in of_kind(prod, "aws_cloudwatch_metric_alarm"):
        found = RUNBOOK.search(alarm["alarm_description"])
        assert found, alarm["alarm_description"]
        file, section = ROOT / found[1], found[2]
        assert file.is_file()
        if section:
            assert section in sections(file), alarm["alarm_description"]
            used.add(section)
    assert "alarms.md#nat-ports" in (ROOT / "modules/network/alarms.tf").read_text()
    assert sections(ALARMS) == used | WITHOUT_NAT


def test_a_description_with_its_runbook_fits(prod: Plan) -> None:
    """Check CloudWatch's limit of 1,024 characters."""
    texts = [alarm["alarm_description"] for alarm in of_kind(prod, "aws_cloudwatch_metric_alarm")]
    assert max(map(len, texts)) <= 1024
