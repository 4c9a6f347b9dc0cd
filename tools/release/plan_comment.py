"""`make plan-comment PULL=7`: show the plans of a pull request in one comment, updated in place."""

import argparse
import sys
from pathlib import Path

from tools.deploy import command
from tools.deploy.errors import RefusedError
from tools.release import github
from tools.release.github import GitHub

MARK = "<!-- atrium: plans -->"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.release.plan_comment", description=__doc__
    )
    parser.add_argument("pull", type=int, help="number of the pull request")
    parser.add_argument("folder", type=Path, help="folder of the plans for reading, <env>.md")
    options = parser.parse_args()
    return command.run(
        "plan-comment",
        lambda: comment(github.of_this_job(), options.pull, texts(options.folder)),
    )


def texts(folder: Path) -> dict[str, str]:
    """Return the plans by environment. Raise RefusedError if there are none."""
    found = {file.stem: file.read_text() for file in sorted(folder.rglob("*.md"))}
    if not found:
        raise RefusedError(f"{folder} has no plan for reading (<environment>.md).")
    return found


def comment(client: GitHub, pull: int, plans: dict[str, str]) -> None:
    """Write the comment, replacing the earlier one if there is one."""
    body = {"body": "\n".join([MARK, *plans.values()])}
    for earlier in client.pages(f"/issues/{pull}/comments"):
        if earlier["body"].startswith(MARK):
            client.ask("PATCH", f"/issues/comments/{earlier['id']}", body)
            return
    client.ask("POST", f"/issues/{pull}/comments", body)


if __name__ == "__main__":
    sys.exit(main())
