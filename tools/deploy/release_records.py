"""The releases of an environment: sets of versions of all functions that were live together.

A release is recorded after its smoke test, so a rollback has a complete and working set.
"""

import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from tools import ROOT
from tools.deploy.errors import RefusedError
from tools.deploy.stored_locks import run_url

KEPT = 50  # the number of records; Lambda versions are pruned earlier


class Release(msgspec.Struct, frozen=True, omit_defaults=True):
    """One release. `functions` maps names to the versions that became live."""

    number: int
    at: str
    functions: dict[str, str]
    commit: str = ""
    artefacts: str = ""  # the digest of build/
    contract: str = ""  # the digest of the applied contract
    migration: str = ""  # the newest applied migration
    sql: dict[str, str] = {}  # digests of what its services send to Postgres
    plan: str = ""  # SHA-256 of the applied plan
    acknowledged: list[str] = []
    restores: int | None = None  # number of the release that this rollback restored
    run: str = ""

    @property
    def described(self) -> str:
        of = f" of commit {self.commit[:12]}" if self.commit else ""
        back = f", which restored release {self.restores}" if self.restores else ""
        return f"release {self.number}{of} ({self.at}{back})"


def read(content: bytes) -> list[Release]:
    return msgspec.json.decode(content, type=list[Release])


def written(releases: Sequence[Release]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(releases[-KEPT:]), indent=1)


def made(releases: Sequence[Release], functions: Mapping[str, str], **known: object) -> Release:
    """Return the record of the next release, which has these functions."""
    number = releases[-1].number + 1 if releases else 1
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return msgspec.convert(
        {"number": number, "at": at, "functions": dict(functions), "run": run_url()} | known,
        Release,
    )


def restored(releases: Sequence[Release], live: Mapping[str, str], to: int | None) -> Release:
    """Return the release that a rollback goes to: `to`, or the one before the live release.

    If the live versions differ from the last record, a release stopped half-way. Then the
    rollback goes to the last record. Raise RefusedError if there is nothing to go back to.
    """
    if to is not None:
        return _numbered(releases, to)
    if not releases:
        raise RefusedError("there is no record of a release yet. The next deploy writes one.")
    last = releases[-1]
    if any(live.get(function) != version for function, version in last.functions.items()):
        return last
    current = last.restores or last.number
    earlier = [
        release
        for release in releases
        if release.number < current and not release.restores and release.functions != last.functions
    ]
    if not earlier:
        raise RefusedError(f"there is no release before {last.described}.")
    return earlier[-1]


def _numbered(releases: Sequence[Release], number: int) -> Release:
    for release in releases:
        if release.number == number:
            return release
    known = ", ".join(str(release.number) for release in releases) or "none"
    raise RefusedError(f"TO={number} is not a recorded release. The recorded ones are: {known}.")


def commit() -> str:
    """Return the commit of this checkout; empty outside git.

    GITHUB_SHA is the commit of the event; a tag that is deployed by hand has another one.
    """
    asked = ["git", "rev-parse", "HEAD"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""
