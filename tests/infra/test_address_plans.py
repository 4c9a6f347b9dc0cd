"""Environments may be peered one day: no two share an address. (Within one, modules/network computes and its tests compare.)"""

import re
from ipaddress import ip_network
from itertools import combinations
from pathlib import Path

ENVIRONMENTS = Path(__file__).resolve().parents[2] / "envs"


def test_no_two_environments_overlap() -> None:
    found = [
        re.search(r'^  cidr +=\s+"(.+)"', file.read_text(), re.MULTILINE)
        for file in ENVIRONMENTS.glob("*/locals.tf")
    ]
    ranges = [ip_network(match[1]) for match in found if match]
    assert len(ranges) == len(found) >= 2
    assert not [pair for pair in combinations(ranges, 2) if pair[0].overlaps(pair[1])]
