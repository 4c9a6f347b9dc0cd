"""A release of four functions in the account behind an endpoint.

It is also a program, for tests that kill it:

  python -m tests.pipelines.released [CANARY]
"""

import sys

from tests.pipelines.s3_endpoint import BUCKET, REGION
from tools.deploy import command, proxy_target, release, stored_locks
from tools.deploy.canary import Canary
from tools.deploy.environment import Environment
from tools.deploy.release_store import ReleaseStore

FUNCTIONS = ("db_credentials", "meta", "migrate", "users")
WATCHED = 600  # seconds, longer than any test waits
NAMES = {name: f"atrium-dev-{name}" for name in FUNCTIONS}
OUTPUTS = {
    "region": REGION,
    "stage": "dev",
    "proxy_endpoint": "",
    "contract_hashes": {},
    "functions": NAMES,
}


def target() -> Environment:
    return Environment("dev", OUTPUTS)


def store() -> ReleaseStore:
    return ReleaseStore(target().client("s3"), BUCKET, "dev")


def run(percent: int = 0, wait: float = 0) -> None:
    """Migrate, shift and record, as `make deploy` does after its apply."""
    there, records = target(), store()
    with stored_locks.release_lock(records.s3, BUCKET, "dev", "deploy", wait=wait):
        release.release(there, records, Canary(percent, WATCHED) if percent else None)
        release.record(there, records)


if __name__ == "__main__":
    proxy_target.wait_until_available = lambda *_: None  # this account has no proxy
    sys.exit(command.run("release", lambda: run(int(sys.argv[1]))))
