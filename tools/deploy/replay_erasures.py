"""`make replay-erasures ENV=dev`: repeat the erasures that a restored backup has undone.

The database and the table both list the erased users. After a restore of one of them, the deployed
function `replay_erasures` reads the other and queues the erasures. The relay sends them within a
minute. If both were restored to the same moment, name the users: the logs have a line `user erased`
with each uid. The command is idempotent.
"""

import argparse
import json
import sys
from typing import Any

from tools.deploy import command, environment


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.deploy.replay_erasures", description=__doc__
    )
    parser.add_argument("--env", default="", help="local, dev, prod, …")
    parser.add_argument("--uids", default="", help="further users to erase, separated by spaces")
    parser.add_argument("--dry-run", action="store_true", help="name the users and change nothing")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    options = parser.parse_args()
    return command.run("replay-erasures", lambda: _replay(options))


def _replay(options: argparse.Namespace) -> None:
    chosen = environment.environment(options.env)
    event = {"uids": options.uids.split(), "dry_run": options.dry_run}
    answer: dict[str, Any] = chosen.invoke("replay_erasures", event)
    print(json.dumps(answer) if options.format == "json" else _text(answer, options))


def _text(answer: dict[str, Any], options: argparse.Namespace) -> str:
    uids = answer["uids"]
    if not uids:
        return "Every erased user is erased in the database and in the table. Nothing was changed."
    what = "would be erased again" if options.dry_run else "will be erased again in about 2 minutes"
    lines = [*uids, f"{len(uids)} users {what}."]
    if busy := answer.get("busy"):
        lines.append(
            f"Not queued for {len(busy)} of them, because another operation is pending: "
            f"{', '.join(busy)}. Run the command again in a minute."
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
