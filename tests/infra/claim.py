"""A claim about an environment, decided by its plan."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.deploy.terraform.offline_plan import Plan, planned

SHOWN = 3  # lines of a claim's proof that are printed


@dataclass(frozen=True)
class Claim:
    """A sentence about an environment, whether it holds, and what proves or refutes it."""

    sentence: str
    holds: bool
    proof: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"    {each}" for each in self.proof[:SHOWN]]
        more = [f"    and {len(self.proof) - SHOWN} more"] if len(self.proof) > SHOWN else []
        return "\n".join([f"{'✓' if self.holds else '✗'} {self.sentence}", *lines, *more])


def show(environment: str, claims: Callable[[Plan], list[Claim]]) -> int:
    """Print the claims of an environment. Return 1 if one does not hold."""
    with tempfile.TemporaryDirectory() as folder:
        found = claims(planned(environment, Path(folder)))
    print("\n".join(map(str, found)))
    return 0 if all(claim.holds for claim in found) else 1
