"""A plan stored until its apply: encrypted in the state bucket, under the run's id.

A plan file has values in plain text, so it is never an artifact of a workflow. The run that applies
it gets its SHA-256 from the run that created it.
"""

import hashlib
import re
from pathlib import Path

from botocore.exceptions import ClientError

from tools.deploy.errors import RefusedError
from tools.deploy.release_store import ReleaseStore


def keep(store: ReleaseStore, run: str, file: Path) -> str:
    """Store a plan and return its SHA-256. Raise RefusedError if the id cannot be a key."""
    content = file.read_bytes()
    store.s3.put_object(
        Bucket=store.bucket, Key=_key(store, run), Body=content, ServerSideEncryption="AES256"
    )
    return hashlib.sha256(content).hexdigest()


def fetch(store: ReleaseStore, run: str, sha256: str, folder: Path) -> Path:
    """Download a stored plan to a private folder.

    Raise RefusedError if it is not the reviewed one.
    """
    try:
        answer = store.s3.get_object(Bucket=store.bucket, Key=_key(store, run))
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        raise RefusedError(
            f"there is no plan {run} of {store.environment}. Kept plans are deleted after a week. "
            "Start the workflow again, which creates a new plan for review."
        ) from None
    content = answer["Body"].read()
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise RefusedError(
            f"the plan {run} of {store.environment} has SHA-256 {found}, not {sha256}. "
            "It is not the reviewed plan, so it was not applied."
        )
    file = folder / "plan"
    file.touch(mode=0o600)
    file.write_bytes(content)
    return file


def _key(store: ReleaseStore, run: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]+", run):
        raise RefusedError(f"{run!r} is not the id of a run. Use letters, digits and dashes.")
    return f"{store.environment}/plans/{run}"
