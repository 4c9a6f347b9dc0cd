"""Releases whose SQL is tested on the newest schema. Older code must not run on it untested.

`functions/<service>/tests/sent_sql.json` has the SQL of this checkout's service last, and before it
the SQL of releases that may still run. Tests replay all of it on the newest schema. `make
record-sql ONLY=1` deletes the older SQL; a migration may then drop what it used.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec

from tools import ROOT
from tools.deploy.errors import RefusedError

LEDGER = "tests/sent_sql.json"


class TestedSchema(msgspec.Struct, frozen=True):
    """The newest migration of a checkout, and digests of the SQL that its tests replay on it."""

    __test__ = False  # so that pytest does not collect it as a class of tests

    migration: str
    sql: dict[str, list[str]]

    @property
    def sent(self) -> dict[str, str]:
        """Return the digest of the SQL that each service of the checkout sends."""
        return {service: digests[-1] for service, digests in self.sql.items()}

    def with_service(self, sent: dict[str, str], service: str) -> dict[str, str]:
        """Return `sent`, if it is known, with this checkout's digest for one service."""
        own = {service: self.sent[service]} if service in self.sql else {}
        return sent | own if sent else {}

    def untested(self, sent: dict[str, str]) -> list[str]:
        """Return the services whose SQL is not replayed, including deleted services."""
        return [name for name, digest in sent.items() if digest not in self.sql.get(name, [])]


def of_checkout(root: Path = ROOT) -> TestedSchema:
    migrations = [file.stem for file in (root / "migrations").glob("[0-9]*.sql")]
    newest = max((name for name in migrations if not name.endswith(".rollback")), default="")
    ledgers = sorted((root / "functions").glob(f"*/{LEDGER}"))
    return TestedSchema(newest, {file.parts[-3]: _digests(file) for file in ledgers})


def _digests(file: Path) -> list[str]:
    conversations: list[Any] = json.loads(file.read_text())
    return [_digest(conversation) for conversation in conversations]


def _digest(conversation: list[Any]) -> str:
    texts = [[sent["sql"] for sent in trip["statements"]] for trip in conversation]
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:16]


def require_checkout(schema: TestedSchema | None) -> None:
    """Raise RefusedError if this checkout is older than the schema and not tested on it."""
    ours = of_checkout()
    if schema and ours.migration < schema.migration:
        require(schema, ours.sent, "the code of this checkout", "Deploy a newer commit.")


def require(schema: TestedSchema, sent: dict[str, str], code: str, advice: str) -> None:
    """Raise RefusedError, before any change, if this code's SQL is not tested on the schema."""
    if not sent:
        why = "its record does not say which SQL it sends"
    elif untested := schema.untested(sent):
        why = f"the SQL that it sends is no longer tested on that schema: {', '.join(untested)}"
    else:
        return
    raise RefusedError(
        f"{code} cannot run on the current database schema. Migrations up to {schema.migration} were applied after it, "
        f"and {why} (functions/*/{LEDGER}). Nothing was changed. {advice}"
    )
