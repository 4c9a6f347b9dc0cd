"""Costs of a cold start: within 3 % of the committed baseline, and below the limits."""

import json
import re
from pathlib import Path

import pytest

from bench.startup import __main__ as startup
from bench.startup import artefacts, baseline, routes, worker
from bench.startup.routes import BARE, Route
from bench.startup.worker import Start, StartError


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> artefacts.Artefacts:
    return artefacts.build(tmp_path_factory.mktemp("startup"))


def test_each_route_costs_as_much_as_its_baseline(
    built: artefacts.Artefacts, tmp_path: Path
) -> None:
    with routes.serving(tmp_path) as measured:
        assert list(baseline.complaints(measured, startup.counts(built, measured))) == []


def test_the_shipped_sdk_supports_every_action_that_a_role_can_allow(
    built: artefacts.Artefacts,
) -> None:
    rights = (artefacts.ROOT / "modules/api_lambda/table_access.tf").read_text()
    actions = set(re.findall('"dynamodb:([A-Za-z]+Items?|Query)"', rights))
    allowed = actions - {"ConditionCheckItem"}  # not an operation: it is part of a transaction
    folder = built.layer / "python/botocore/data/dynamodb/2012-08-10"
    model = json.loads((folder / "service-2.json").read_bytes())
    assert allowed | {"TransactGetItems", "TransactWriteItems", "DescribeEndpoints"} == set(
        model["operations"]
    )
    assert {"GetItem", "PutItem", "Query"} <= allowed


def test_a_failing_start_reports_the_reason(built: artefacts.Artefacts) -> None:
    with pytest.raises(StartError, match=r"one_query answered .*500.*\n.*DB_HOST is not set"):
        worker.seconds(built, Start("one_query", routes.event("GET /v1/query"), {}))


def test_a_missing_valgrind_is_reported_with_its_package(
    built: artefacts.Artefacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(StartError, match="apt-get install valgrind"):
        worker.instructions(built, Start("bare", {}, {}, 204))


def test_a_change_of_four_percent_and_an_exceeded_limit_are_reported() -> None:
    before = baseline.read().instructions
    measured = [_route(name, 100.0) for name in before]
    assert list(baseline.complaints(measured, before)) == []
    for factor in (0.96, 1.04):
        [complaint] = baseline.complaints(measured, before | {"sql": round(before["sql"] * factor)})
        assert complaint.startswith("sql takes")
        assert "--write" in complaint
    [complaint] = baseline.complaints([_route("sql", 1.5)], before)
    assert "1.5 is the limit" in complaint


def _route(name: str, limit: float) -> Route:
    return Route(name, "", 1.0 if name == BARE else limit, Start(name, {}, {}))
