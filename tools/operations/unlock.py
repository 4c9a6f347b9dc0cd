"""`make unlock ENV=dev`: explain the locks of an environment, and remove them after a question.

Terraform's lock guards its state. The release lock guards apply, migration and shift together. A
run that is killed leaves its locks behind.
"""

import argparse
import sys

from tools.deploy import command, release_store, stored_locks
from tools.deploy.errors import RefusedError
from tools.deploy.release_store import ReleaseStore

ADVICE = """\
Remove a lock only if its run has ended: look at the run, or ask its user.
  state    The apply may have been interrupted. The next `make plan` shows what is left to do.
  release  Aliases may stand between two versions. `make rollback` goes to the last complete release."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.operations.unlock", description=__doc__)
    parser.add_argument("environment", nargs="?", default="", help="local, dev, prod, …")
    parser.add_argument("--yes", action="store_true", help="remove the locks without a question")
    options = parser.parse_args()
    return command.run(
        "unlock", lambda: unlock(release_store.named(options.environment), sure=options.yes)
    )


def unlock(store: ReleaseStore, *, sure: bool) -> None:
    """Show the locks and remove them if the operator agrees. Raise RefusedError if not."""
    locks = store.locks()
    if not locks:
        print(f"{store.environment} is not locked.")
        return
    print(
        "\n".join([f"{store.environment} is locked.", *(f"  {lock.described}" for lock in locks)])
    )
    print(ADVICE)
    if not sure:
        _ask()
    for lock in locks:
        stored_locks.remove(store.s3, store.bucket, lock)
        print(f"removed the lock of {lock.described}.")


def _ask() -> None:
    if not sys.stdin.isatty():
        raise RefusedError("nothing was removed. YES=1 removes the locks without a question.")
    if input("Remove these locks? Type yes to remove: ") != "yes":
        raise RefusedError("nothing was removed.")


if __name__ == "__main__":
    sys.exit(main())
