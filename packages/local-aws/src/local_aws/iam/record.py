"""What was asked of IAM: each different decision a line of the state folder's `iam-calls.jsonl`.

A line stands for itself: it holds the policies that were in force and the condition keys that they mention. So another simulator can
decide it again, and `make iam-report` can say which permission no call has needed.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from local_aws.iam.context import Context
from local_aws.settings import Settings

log = logging.getLogger("local_aws.iam.record")

# Different at every call, so that they tell no two apart.
_EVER_NEW = {"aws:currenttime", "aws:epochtime", "aws:userid"}


@dataclass(frozen=True)
class Policies:
    """The documents that decide about a role, as they were put."""

    identity: tuple[tuple[str, str], ...] = ()  # (name, document)
    boundary: tuple[tuple[str, str], ...] | None = None  # None without one
    session: str = ""

    @property
    def texts(self) -> Iterator[str]:
        yield from (document for _, document in (*self.identity, *(self.boundary or ())))
        yield self.session


@dataclass(frozen=True)
class Call:
    role: str  # its ARN
    action: str
    resource: str
    allowed: bool
    statement: str  # "<policy>/<sid>" that decided
    policies: Policies
    context: Mapping[str, Any] = field(
        default_factory=dict
    )  # of the keys that the policies mention; None: only AWS knows its value


class Record:
    """`to` says where it goes; until then nothing is kept, as in tests that decide without a stack."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._seen: set[tuple[Any, ...]] = set()

    def to(self, path: Path | None) -> None:
        self._path = path
        self._seen = {_identity(call) for call in read(path)} if path else set()

    def note(self, call: Call) -> None:
        if self._path is None:
            return
        identity = _identity(call)
        if identity in self._seen:
            return
        self._seen.add(identity)
        try:
            with self._path.open("a") as file:
                file.write(json.dumps(asdict(call)) + "\n")
        except OSError as error:  # a full disk must not refuse what the policies allow
            log.error("a decision is not recorded in %s: %s", self._path, error)


record = Record()


def path(settings: Settings) -> Path:
    return settings.state / "iam-calls.jsonl"


def read(path: Path) -> list[Call]:
    """What was recorded; nothing if nothing was."""
    if not path.exists():
        return []
    return [_call(json.loads(line)) for line in path.read_text().splitlines() if line.endswith("}")]


def _call(content: dict[str, Any]) -> Call:
    policies = content.pop("policies")
    boundary = policies["boundary"]
    identity = tuple((name, document) for name, document in policies["identity"])
    kept = None if boundary is None else tuple((name, document) for name, document in boundary)
    return Call(**content, policies=Policies(identity, kept, policies["session"]))


def mentioned(policies: Policies, context: Context) -> dict[str, Any]:
    """The part of `context` on which `policies` can depend."""
    text = _lowered(policies)
    return {key: context[key] for key in context if _stem(key) in text}


@lru_cache(maxsize=256)
def _lowered(policies: Policies) -> str:
    return "\n".join(policies.texts).lower()


def _stem(key: str) -> str:
    return key.lower().removesuffix("*")


def _identity(call: Call) -> tuple[Any, ...]:
    context = tuple(
        (key, value if value is None or isinstance(value, str) else tuple(value))
        for key, value in call.context.items()
        if key.lower() not in _EVER_NEW
    )
    return (call.role, call.action, call.resource, call.allowed, call.statement, call.policies, context)
