"""The log of IAM decisions: one line per distinct decision in the state folder's `iam-calls.jsonl`.

Each line is self-contained: it holds the policies in force and the condition keys that they
mention. So another simulator can repeat the decision, and a report can list permissions
that no call needed.

Calls that no condition distinguishes share one line, the first. An example is reads of two users
under a policy on `U#*`.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from local_aws.iam.context import Context
from local_aws.iam.patterns import glob
from local_aws.iam.policy import parse
from local_aws.settings import Settings

log = logging.getLogger("local_aws.iam.record")

# These keys differ in every call, so they are ignored when calls are compared.
_EVER_NEW = {"aws:currenttime", "aws:epochtime", "aws:userid"}


@dataclass(frozen=True)
class Policies:
    """The policy documents that apply to a role's call, unchanged."""

    identity: tuple[tuple[str, str], ...] = ()  # (name, document)
    boundary: tuple[tuple[str, str], ...] | None = None  # None if the role has no boundary
    session: str = ""
    # (document, whether the call needs its consent); None if the resource has no policy
    attached: tuple[str, bool] | None = None

    @property
    def texts(self) -> Iterator[str]:
        yield from (document for _, document in (*self.identity, *(self.boundary or ())))
        yield self.session


@dataclass(frozen=True)
class Call:
    role: str  # ARN of the role
    action: str
    resource: str
    allowed: bool
    statement: str  # "<policy>/<sid>" that decided
    policies: Policies
    context: Mapping[str, Any] = field(
        default_factory=dict
    )  # only the keys that the policies mention; None: the value is unknown outside AWS


class Record:
    """A log of decisions.

    Nothing is written until `to` names the file, as in tests that decide without a stack.
    """

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
        except OSError as error:  # a full disk must not deny what the policies allow
            log.error("Could not record an IAM decision in %s: %s", self._path, error)


record = Record()


def path(settings: Settings) -> Path:
    return settings.state / "iam-calls.jsonl"


def read(path: Path) -> list[Call]:
    """Return the recorded calls; an empty list if there is no file."""
    if not path.exists():
        return []
    return [_call(json.loads(line)) for line in path.read_text().splitlines() if line.endswith("}")]


def _call(content: dict[str, Any]) -> Call:
    policies = content.pop("policies")
    boundary = policies["boundary"]
    identity = tuple((name, document) for name, document in policies["identity"])
    kept = None if boundary is None else tuple((name, document) for name, document in boundary)
    document = policies.get("attached")
    attached = (document[0], document[1]) if document else None
    return Call(**content, policies=Policies(identity, kept, policies["session"], attached))


def mentioned(policies: Policies, context: Context) -> dict[str, Any]:
    """Return the part of `context` on which `policies` can depend."""
    text = _lowered(policies)
    return {key: context[key] for key in context if _stem(key) in text}


@lru_cache(maxsize=256)
def _lowered(policies: Policies) -> str:
    texts = [*policies.texts, *(policies.attached[:1] if policies.attached else ())]
    return "\n".join(texts).lower()


def _stem(key: str) -> str:
    return key.lower().removesuffix("*")


def _identity(call: Call) -> tuple[Any, ...]:
    """Return a key that is equal for calls that count as the same decision."""
    context = tuple(
        (key, _as_policies_see_it(call.policies, key.lower(), value))
        for key, value in call.context.items()
        if key.lower() not in _EVER_NEW
    )
    return (
        call.role,
        call.action,
        call.resource,
        call.allowed,
        call.statement,
        call.policies,
        context,
    )


def _as_policies_see_it(policies: Policies, key: str, value: Any) -> Any:
    """Return the patterns that each value matches, or the values themselves.

    The patterns suffice where only string operators test the key.
    """
    values = (value,) if isinstance(value, str) else value
    tests = _string_tests(policies).get(key)
    if value is None or tests is None:
        return value if value is None or isinstance(value, str) else tuple(value)
    return frozenset(
        tuple(
            wanted
            for equals, wanted in tests
            if each == wanted or (not equals and glob(wanted).fullmatch(each))
        )
        for each in values
    )


@lru_cache(maxsize=256)
def _string_tests(policies: Policies) -> Mapping[str, tuple[tuple[bool, str], ...] | None]:
    """Return the (exact match, text) tests of each condition key.

    The tests are None for a key that another kind of operator tests too.
    """
    found: dict[str, tuple[tuple[bool, str], ...] | None] = {}
    documents = [parse(text) for text in policies.texts if text]
    if policies.attached:
        documents.append(parse(policies.attached[0], attached=True))
    for condition in (
        each
        for document in documents
        for statement in document.statements
        for each in statement.conditions
    ):
        key, operator = condition.key.lower(), condition.operator.rpartition(":")[2]
        if operator == "Null":
            continue
        known = found.get(key, ())
        plain = operator in ("StringEquals", "StringLike") and not any(
            "${" in value for value in condition.values
        )
        tests = tuple((operator == "StringEquals", value) for value in condition.values)
        found[key] = known + tests if plain and known is not None else None
    return found
