"""Current authority: revoked rights change nothing.

`make proof-security` runs 1,000 trials of each kind.
"""

import ast
import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.security.attacks import ATTACKS, Attack
from tests.security.trials import (
    KINDS,
    Kind,
    Trials,
    cached_reads,
    cached_verdicts,
    endless_roles,
    handlers,
    services,
)
from tests.unit.conftest import ROOT

COUNT = int(os.environ.get("TRIALS_PER_KIND", "8"))
"""Trials of each kind of revocation.

Each kind begins with another attack, so that together they cover all attacks.
"""

RULES = {route: rule for of in services().values() for route, rule in of.items()}
NEEDED = {route for route, rule in RULES.items() if rule.current_authority}


def operations() -> dict[str, Any]:
    """Return route → its definition in the contracts."""
    contracts = [
        yaml.safe_load(file.read_text()).get("paths")
        for file in ROOT.glob("functions/*/openapi.yaml")
    ]
    items = [item for paths in contracts for item in (paths or {}).items()]
    return {
        f"{method.upper()} {path}": said for path, item in items for method, said in item.items()
    }


def test_every_operation_that_changes_by_a_right_needs_current_authority() -> None:
    """Check the contracts themselves, in case the builder forgets an operation."""
    wanted = {
        route
        for route, said in operations().items()
        if not route.startswith("GET ")
        and any(
            isinstance(one, dict) and one.keys() & {"permission", "role", "decision"}
            for one in said["x-atrium-allow"]
        )
        and said.get("x-atrium-rules") != "authzen"
    }
    assert wanted <= NEEDED
    assert len(wanted) >= 14


def test_no_service_that_writes_to_the_table_calls_aws_itself() -> None:
    """Check this, because such a write would lack the caller's condition, which
    atrium.stores.user_table adds.
    """
    kernel = {file.name for file in speaking_to_aws("atrium")}
    # These sign, decode records, or speed up the import of the SDK; none writes.
    others = {"rds_token.py", "stream.py", "lean_botocore.py"}
    assert kernel - others == {"aws.py", "dynamodb.py", "user_table.py"}
    for name in filter(speaking_to_aws, services()):
        declared = yaml.safe_load((ROOT / "functions" / name / "function.yaml").read_text())
        rights = declared["data"]["user_attributes"]
        written = {place for kind, places in rights.items() if kind != "read" for place in places}
        assert written <= {"sessions"}, f"{name}: the kernel writes no more than these"


def speaking_to_aws(package: str) -> list[Path]:
    """Return the files of a package of `functions/` that import the AWS SDK."""
    return [
        file
        for file in (ROOT / "functions" / package).rglob("*.py")
        if "tests" not in file.parts[len(ROOT.parts) :]
        and imported(file) & {"atrium.stores.aws", "atrium.stores.dynamodb", "botocore", "boto3"}
    ]


def imported(file: Path) -> set[str]:
    """Return the modules that a file imports, also inside functions; of other packages only the
    first name.
    """
    found = set[str]()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names | {node.module, node.module.partition(".")[0]}
    return found


def test_there_is_an_attack_on_every_operation_that_needs_it() -> None:
    """Check this, so that a new operation fails until tests/security/attacks.py has a request for
    it.
    """
    assert {attack.route for attack in ATTACKS} == NEEDED


def is_fair(kind: Kind, attack: Attack) -> bool:
    """Return False for attacks that stay allowed, and for those that no permission allows.

    Without the permission, callers may still change what is their own.
    """
    if kind == "demoted" and attack.needs_admin:
        return False
    own = any(alternative.kind == "self" for alternative in RULES[attack.route].allow)
    return not (kind == "demoted" and attack.target == "self" and own)


def test_every_attack_is_a_valid_request_of_a_current_caller(trials: Trials) -> None:
    for number, attack in enumerate(ATTACKS):
        answer = trials.control(attack, number)
        assert answer.status < 300, f"{attack}: {answer.text}"


@pytest.mark.trials
@pytest.mark.parametrize("kind", KINDS)
def test_a_caller_without_current_authority_changes_nothing(
    trials: Trials, kind: Kind, capsys: pytest.CaptureFixture[str]
) -> None:
    fair = [attack for attack in ATTACKS if is_fair(kind, attack)]
    first = KINDS.index(kind) * COUNT
    for attack in itertools.islice(itertools.cycle(fair), first, first + COUNT):
        trials.run(kind, attack)
    assert trials.successes == []
    assert trials.statuses[kind].keys() <= {401, 403, 404}
    if "TRIALS_PER_KIND" in os.environ:
        with capsys.disabled():
            print(f"\n{kind}: {COUNT} trials, 0 successes, answers {trials.statuses[kind]}")


@pytest.mark.trials
def test_a_build_that_trusts_cached_rights_is_detected(
    trials: Trials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attack every operation, after each change of rights that the caches hide."""
    cached_verdicts(monkeypatch)
    kinds: tuple[Kind, ...] = ("disabled", "revoked", "deleted", "demoted")
    found = _attack(trials, kinds, ATTACKS)
    # Operations that compare the caller's grants refuse a caller who has none left. A disabled
    # caller still has grants. The operation that disables them is pending, which blocks another
    # change of their own account.
    rest: tuple[Kind, ...] = ("disabled", "revoked")
    for kind in rest:
        routes = {attack.route for _, attack in found}
        left = [attack for attack in ATTACKS if attack.route not in routes]
        found += _attack(trials, (kind,), left)
    assert {attack.route for _, attack in found} == NEEDED
    assert {kind for kind, _ in found} == set(kinds)


@pytest.mark.trials
def test_a_build_that_admits_from_the_cache_is_detected(
    trials: Trials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check this, because a condition in the table protects neither Postgres nor a role that has
    lost a permission.
    """
    cached_reads(monkeypatch)
    by_route = {attack.route: attack for attack in ATTACKS}
    assert _attack(trials, ("disabled",), [by_route["PUT /v1/orders/{id}/status"]])
    assert _attack(trials, ("demoted",), [by_route["PUT /v1/namespaces/{namespace}"]])


@pytest.mark.trials
def test_a_build_that_ignores_the_end_of_roles_is_detected(
    trials: Trials, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless_roles(monkeypatch)
    assert _attack(
        trials, ("expired",), [attack for attack in ATTACKS if attack.target == "self"][:1]
    )


def _attack(
    trials: Trials, kinds: tuple[Kind, ...], attacks: Sequence[Attack]
) -> list[tuple[Kind, Attack]]:
    """Run each attack once, with all kinds of revocation in turn, on handlers of the current
    kernel. Return the successes.
    """
    trials.handlers, trials.successes, turns = handlers(), [], itertools.cycle(kinds)
    for attack in attacks:
        kind = next(turns)
        if is_fair(kind, attack):
            trials.run(kind, attack)
    return trials.successes
