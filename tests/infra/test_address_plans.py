"""Address ranges of environments, which must not overlap so that they can be peered.

Ranges inside an environment are computed and tested in modules/network.
"""

import re
from ipaddress import ip_network
from itertools import combinations
from pathlib import Path

ENVIRONMENTS = Path(__file__).resolve().parents[2] / "envs"


def test_address_ranges_of_environments_do_not_overlap() -> None:
    found = [
        re.search(r'^  cidr +=\s+"(.+)"', file.read_text(), re.MULTILINE)
        for file in ENVIRONMENTS.glob("*/locals.tf")
    ]
    ranges = [ip_network(match[1]) for match in found if match]
    assert len(ranges) == len(found) >= 2
    assert not [pair for pair in combinations(ranges, 2) if pair[0].overlaps(pair[1])]
