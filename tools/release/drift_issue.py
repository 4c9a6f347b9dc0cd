"""`make drift-issue`: an issue in GitHub that lists environments with drift.

It is opened, updated in place, and closed when nothing differs any more.
"""

import argparse
import sys
from pathlib import Path

from tools.deploy import command
from tools.release import github, plan_comment
from tools.release.github import GitHub

LABEL = "drift"
UNCHANGED = ": nothing to change."
ADVICE = """\
The nightly plan of the deployed commit is not empty. Either somebody changed a resource by hand, or AWS returns a value
in another form. Take the change into Terraform, or deploy again to undo it. This issue is updated every night, and
closed when the plans are empty."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.release.drift_issue", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="folder of the plans for reading, <env>.md")
    folder = parser.parse_args().folder
    return command.run(
        "drift-issue", lambda: report(github.of_this_job(), plan_comment.texts(folder))
    )


def report(client: GitHub, plans: dict[str, str]) -> None:
    """Open, update or close the issue."""
    drifted = {
        name: text for name, text in plans.items() if UNCHANGED not in text.partition("\n")[0]
    }
    found = [
        issue
        for issue in client.pages(f"/issues?labels={LABEL}&state=open")
        if "pull_request" not in issue
    ]
    if not drifted:
        for issue in found:
            client.ask("PATCH", f"/issues/{issue['number']}", {"state": "closed"})
        print("drift: none.")
        return
    content = {
        "title": f"Drift in {', '.join(drifted)}",
        "body": "\n".join([ADVICE, "", *drifted.values()]),
    }
    if found:
        client.ask("PATCH", f"/issues/{found[0]['number']}", content)
    else:
        client.ask("POST", "/issues", content | {"labels": [LABEL]})
    print(f"drift: {', '.join(drifted)}.")


if __name__ == "__main__":
    sys.exit(main())
