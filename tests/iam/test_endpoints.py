"""VPC endpoints after all other tests: each call of a function in the VPC has an endpoint that
admits it.
"""

import json

import pytest

from local_aws.iam.record import Call
from local_aws.network import of_plan
from local_aws.network.of_plan import Resources
from local_aws.settings import Settings
from tests.infra.reachability import OF_LAMBDA, claims, to_api
from tools.deploy.terraform.scratch import ENVIRONMENT, ScratchRoot


@pytest.fixture(scope="module")
def applied(settings: Settings) -> Resources:
    root = ScratchRoot(settings, ENVIRONMENT)
    shown = root.run("show", "-json", "-no-color", str(root.record.state))
    return of_plan.resources(json.loads(shown.stdout))


def test_the_claims_hold_for_the_applied_network(applied: Resources) -> None:
    found = claims({address: dict(each) for address, each in applied.items()})
    assert [str(claim) for claim in found if not claim.holds] == []


def test_every_recorded_call_has_an_endpoint(applied: Resources, calls: list[Call]) -> None:
    network = of_plan.network(applied)
    functions = {
        applied[name]["role"]: place
        for name, place in network.places.items()
        if ".aws_lambda_function." in name
    }
    made = {
        (call.role, call.action, call.resource)
        for call in calls
        if call.allowed and call.role in functions and not OF_LAMBDA.fullmatch(call.action)
    }
    ways = [to_api(network, functions[role], action, resource) for role, action, resource in made]
    assert ways
    assert [str(way) for way in ways if not way.is_open] == []
