"""The locks of an environment in its state bucket: Terraform's own, and the lock of a release.

A release takes its lock for the whole of apply, migration and shift. Terraform's lock covers the
apply alone. Both are objects that S3 creates only if they do not exist.
"""

import getpass
import json
import os
import platform
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from tools.deploy import interruption
from tools.deploy.errors import RefusedError

STATE, RELEASE = "state", "release"
POLL_SECONDS = 5.0
LONGEST_WAIT = 300.0


@dataclass(frozen=True)
class Lock:
    """A lock that is held. `content` is what its holder wrote about itself."""

    kind: str
    key: str
    etag: str
    content: dict[str, Any]

    @property
    def described(self) -> str:
        what = {STATE: "Terraform's state", RELEASE: "a release"}[self.kind]
        said = self.content
        operation = said.get("Operation", "an unknown operation")
        run = f", {said['Run']}" if said.get("Run") else ""
        return (
            f"{what}: {operation} by {said.get('Who', 'somebody')} "
            f"since {said.get('Created', 'an unknown time')}{run} (id {said.get('ID', 'unknown')})"
        )


def keys(environment: str) -> dict[str, str]:
    """Return the key of each kind of lock."""
    return {
        STATE: f"{environment}/terraform.tfstate.tflock",
        RELEASE: f"{environment}/release.lock",
    }


def found(s3: Any, bucket: str, environment: str) -> list[Lock]:
    """Return the locks that are held."""
    held = (_read(s3, bucket, kind, key) for kind, key in keys(environment).items())
    return [lock for lock in held if lock]


def remove(s3: Any, bucket: str, lock: Lock) -> None:
    """Remove this lock. Raise RefusedError if it has another holder now.

    A lock that is already gone is no error, so a run whose lock was removed keeps its own outcome.
    """
    try:
        s3.delete_object(Bucket=bucket, Key=lock.key, IfMatch=lock.etag)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in ("NoSuchKey", "404"):
            print("the lock was gone already: somebody removed it with make unlock.")
            return
        if code != "PreconditionFailed":
            raise
        raise RefusedError("the lock has changed hands meanwhile, so it was not removed.") from None


@contextmanager
def release_lock(
    s3: Any,
    bucket: str,
    environment: str,
    operation: str,
    *,
    wait: float = LONGEST_WAIT,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Hold the lock of a release.

    Raise RefusedError if another release still holds it after `wait`.
    """
    key, mine = keys(environment)[RELEASE], about_us(operation)
    deadline, reported = time.monotonic() + wait, False
    while not (etag := take(s3, bucket, key, mine)):
        holder = _read(s3, bucket, RELEASE, key)
        if time.monotonic() >= deadline:
            raise RefusedError(_busy(environment, holder))
        if holder and not reported:
            print(f"waiting for {holder.described}.")
            reported = True
        sleep(POLL_SECONDS)
    try:
        yield
    finally:
        with interruption.deferred("The release lock is being released"):
            remove(s3, bucket, Lock(RELEASE, key, etag, mine))


def take(s3: Any, bucket: str, key: str, content: dict[str, Any]) -> str | None:
    """Create the lock and return its ETag; return None if another release holds it."""
    try:
        body = json.dumps(content).encode()
        answer = s3.put_object(Bucket=bucket, Key=key, Body=body, IfNoneMatch="*")
    except ClientError as error:
        # A conflict: another request creates the same key at this moment.
        if error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict"):
            return None
        raise
    return str(answer["ETag"])


def _read(s3: Any, bucket: str, kind: str, key: str) -> Lock | None:
    try:
        answer = s3.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchBucket"):
            return None
        raise
    try:
        content = json.loads(answer["Body"].read())
    except ValueError:
        content = {}
    return Lock(kind, key, answer["ETag"], content)


def about_us(operation: str) -> dict[str, Any]:
    """Return a description of this process, in the form that Terraform writes into its locks."""
    return {
        "ID": str(uuid.uuid4()),
        "Operation": operation,
        "Who": os.environ.get("GITHUB_ACTOR") or f"{getpass.getuser()}@{platform.node()}",
        "Created": datetime.now(UTC).isoformat(timespec="seconds"),
        "Run": run_url(),
    }


def run_url() -> str:
    """Return the address of the workflow's run; empty outside GitHub."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, run = (os.environ.get(name, "") for name in names)
    return f"{server}/{repository}/actions/runs/{run}" if run else ""


def _busy(environment: str, holder: Lock | None) -> str:
    who = holder.described if holder else "another release"
    return (
        f"{environment} is locked by {who}. Nothing was changed. Wait for it and run this again. "
        f"If that run has ended: make unlock ENV={environment}"
    )
