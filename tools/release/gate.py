"""`make gate ENV=prod`: a check in GitHub that deploys of an environment wait for an approval.

Without required reviewers, GitHub starts the job at once. Private repositories can require them
only on some plans. Without them, list the environment in the repository variable
UNGATED_ENVIRONMENTS to confirm that its deploys start without an approval.
"""

import argparse
import os
import sys
from typing import Any

from tools.deploy import command
from tools.deploy.errors import RefusedError
from tools.release import github
from tools.release.github import GitHub

NEEDS_NONE = "dev"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.release.gate", description=__doc__)
    parser.add_argument("environment", help="such as prod")
    environment = parser.parse_args().environment
    ungated = os.environ.get("UNGATED_ENVIRONMENTS", "").replace(",", " ").split()
    return command.run("gate", lambda: require(github.of_this_job(), environment, ungated))


def require(client: GitHub, environment: str, ungated: list[str]) -> None:
    """Raise RefusedError unless the environment is gated, needs no gate, or is listed as ungated."""
    if environment == NEEDS_NONE or environment in ungated:
        print(f"gate: {environment} needs no approval.")
        return
    found: dict[str, Any] = client.ask("GET", f"/environments/{environment}")
    kinds = {rule.get("type") for rule in found.get("protection_rules", [])}
    missing = []
    if "required_reviewers" not in kinds:
        missing.append("no required reviewers")
    if not found.get("deployment_branch_policy"):
        missing.append("no rule that limits it to the branch main")
    if missing:
        raise RefusedError(
            f"GitHub's environment {environment} has {' and '.join(missing)}, so anybody's push would be deployed. "
            f"Nothing was changed. Add the rule (Settings, Environments, {environment}), or list {environment} in the "
            "repository variable UNGATED_ENVIRONMENTS if that is intended."
        )
    print(f"gate: {environment} waits for an approval.")


if __name__ == "__main__":
    sys.exit(main())
