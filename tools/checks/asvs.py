"""`make asvs`: the state of OWASP ASVS 5.0, levels 1 and 2 (docs/asvs.yaml)."""

from collections import Counter
from typing import Literal

import msgspec

from tools import ROOT

FILE = ROOT / "docs/asvs.yaml"


class Requirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    level: Literal[1, 2]
    status: Literal["met", "not applicable", "accepted"]
    reason: str
    tests: list[str] = []


class Standard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    standard: str
    requirements: dict[str, Requirement]


def read() -> Standard:
    return msgspec.yaml.decode(FILE.read_bytes(), type=Standard)


def summary(standard: Standard) -> list[str]:
    """Return the counts, and one line for each accepted gap."""
    found = standard.requirements
    counts = Counter(each.status for each in found.values())
    applicable = counts["met"] + counts["accepted"]
    accepted = [
        f"  {id}  {each.reason.strip()}" for id, each in found.items() if each.status == "accepted"
    ]
    return [
        f"{standard.standard}, levels 1 and 2: {len(found)} requirements, "
        f"{counts['not applicable']} not applicable.",
        f"{counts['met']} of {applicable} applicable ones are met "
        f"({100 * counts['met'] / applicable:.0f} %), each with a test. Accepted:",
        *accepted,
    ]


if __name__ == "__main__":
    print("\n".join(summary(read())))
