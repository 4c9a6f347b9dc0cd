"""Releases that are killed with SIGKILL, at each point that callers could notice.

The lock remains. The next release is refused and names `make unlock`, which explains the lock.
After that, the next release completes the killed one, or a rollback undoes it.
"""

import io
import itertools
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local_aws_tests.support.waiting import settle
from tests.pipelines import released
from tests.pipelines.released import FUNCTIONS
from tests.pipelines.s3_endpoint import Endpoint, serve
from tools.deploy import LIVE, live_alias, proxy_target, tested_sql
from tools.deploy.errors import RefusedError
from tools.operations.rollback import rollback
from tools.operations.unlock import unlock

ROOT = Path(__file__).resolve().parents[2]
OLD, NEW = dict.fromkeys(FUNCTIONS, "1"), dict.fromkeys(FUNCTIONS, "2")
MIGRATED = OLD | {"db_credentials": "2", "migrate": "2"}  # no caller uses these two


class Account(Endpoint):
    """An account with a stub of Lambda's invocations, for which moto would need Docker."""

    def __init__(self) -> None:
        super().__init__()
        self.migrations = 0

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if not environ["PATH_INFO"].endswith("/invocations"):
            return super()._answer(environ, start_response)
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        if json.loads(body) == {"action": "apply"}:
            self.wait("POST", "/migrations")
            self.migrations += 1
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"applied": [tested_sql.of_checkout().migration]}).encode()]


@dataclass(frozen=True)
class Cut:
    """A point of a kill, and the versions that serve afterwards."""

    point: str
    left: dict[str, str]
    percent: int = 0
    weights: float = 0

    def __str__(self) -> str:
        return self.point


CUTS = [
    Cut("migration", MIGRATED),
    Cut("shift", MIGRATED | {"meta": "2"}),
    Cut("canary", MIGRATED, percent=10, weights=0.1),
]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setattr(proxy_target, "wait_until_available", lambda *_: None)
    with serve(Account()) as served:
        for name, value in served.environment.items():
            monkeypatch.setenv(name, value)
        _publish(served)
        yield served


def _publish(served: Account) -> None:
    """Create the functions, live at version 1, and publish version 2, as an apply does."""
    names = released.NAMES.values()
    role = served.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")
    functions, cloudwatch = served.client("lambda"), served.client("cloudwatch")
    for name in names:
        functions.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="a.b",
            Role=role["Role"]["Arn"],
            Code={"ZipFile": _zipped("1")},
        )
        functions.publish_version(FunctionName=name)
        functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
        functions.update_function_code(FunctionName=name, ZipFile=_zipped("2"))
        functions.publish_version(FunctionName=name)
        cloudwatch.put_metric_alarm(
            AlarmName=f"{name}-errors",
            ComparisonOperator="GreaterThanThreshold",
            EvaluationPeriods=1,
            MetricName="Errors",
            Namespace="AWS/Lambda",
            Period=60,
            Statistic="Sum",
            Threshold=1,
        )


def _zipped(text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.py", text)
    return content.getvalue()


def serving(served: Account) -> tuple[dict[str, str], set[float]]:
    """Return the version of each function that callers get, and the weights of canaries."""
    found, weights = {}, set()
    for name in FUNCTIONS:
        alias = served.client("lambda").get_alias(FunctionName=released.NAMES[name], Name=LIVE)
        found[name] = alias["FunctionVersion"]
        routing = alias.get("RoutingConfig") or live_alias.UNWEIGHTED
        weights |= set(routing["AdditionalVersionWeights"].values())
    return found, weights


def kill_at(served: Account, cut: Cut) -> None:
    """Start a release, wait until it is at the point, and kill it. Its last request is dropped."""
    points: dict[str, Callable[[str, str], bool]] = {
        "migration": lambda method, path: path == "/migrations",
        "shift": lambda method, path: method == "PUT" and "-users/aliases" in path,
    }
    if cut.point in points:
        served.hold(points[cut.point])
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.pipelines.released", str(cut.percent)],
        cwd=ROOT,
        env=os.environ | served.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if cut.point in points:
        assert served.reached.wait(120)
    else:
        assert settle(lambda: _all_weighted(served), 120)
    process.kill()
    process.communicate()
    served.release(lost=cut.point == "shift")


def _all_weighted(served: Account) -> bool:
    functions = released.NAMES
    known = [functions[name] for name in ("meta", "users")]
    return all(
        " and " in found for found in live_alias.live(served.client("lambda"), known).values()
    )


WHOLE = list(itertools.product(CUTS, ("release", "rollback")))  # for make proof-pipelines
SOME = [(CUTS[1], "release")]


@pytest.mark.parametrize(("cut", "heals"), WHOLE if os.environ.get("WHOLE_MATRIX") else SOME)
def test_a_killed_release_can_be_completed_or_rolled_back(
    account: Account, cut: Cut, heals: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kill_at(account, cut)
    assert serving(account) == (cut.left, {cut.weights} - {0})
    with pytest.raises(RefusedError, match=r"a release: deploy by .*make unlock ENV=dev"):
        released.run()
    assert serving(account)[0] == cut.left
    assert released.store().schema() == tested_sql.of_checkout()  # recorded before the migration
    if cut.point == "migration":  # Lambda runs an invocation to its end, also without its caller
        assert settle(lambda: account.migrations == 1, 60)
    unlock(released.store(), sure=True)
    said = capsys.readouterr().out
    assert "dev is locked." in said
    assert "`make rollback` goes to the last complete release." in said
    if heals == "release":
        released.run()
        assert serving(account) == (NEW, set())
        last = released.store().releases()[-1]
        assert last.functions == {released.NAMES[name]: "2" for name in FUNCTIONS}
        assert last.sql == tested_sql.of_checkout().sent
    else:
        rollback(released.target().client("lambda"), released.store())
        assert serving(account) == (OLD, set())
    assert released.store().locks() == []
