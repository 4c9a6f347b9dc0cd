"""The order of commits: a push never replaces a newer deployed commit with an older one.

Without this check, a re-run of last week's deploy would silently deploy last week's code and
resources, since GitHub checks out the commit of the original event.
"""

import subprocess

from tools import ROOT
from tools.deploy import release_records
from tools.deploy.errors import RefusedError
from tools.deploy.release_store import ReleaseStore


def require_not_older(store: ReleaseStore) -> None:
    """Raise RefusedError if the deployed commit is a descendant of the commit that is checked out."""
    ours, deployed = release_records.commit(), store.applied_commit()
    if deployed and ours != deployed and is_ancestor(ours, deployed):
        raise RefusedError(
            f"{store.environment} runs commit {deployed[:12]}, which is newer than {ours[:12]}. Nothing was planned. "
            f"To go back: make rollback ENV={store.environment}, revert the commits on main, "
            "or deploy a tag with the workflow *release*."
        )


def is_ancestor(commit: str, of: str) -> bool:
    """Return True if `of` descends from `commit`; False also if this clone lacks one of them."""
    asked = ["git", "merge-base", "--is-ancestor", commit, of]
    return subprocess.run(asked, cwd=ROOT, capture_output=True).returncode == 0
