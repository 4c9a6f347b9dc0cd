"""Claims about Atrium's network, each with the path in a plan that proves it.

`make reachability ENV=dev` prints the claims; `Claim.ways` are the paths that decide each.
"""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

from local_aws.iam.decision import decide
from local_aws.iam.policy import parse
from local_aws.network import of_plan
from local_aws.network.model import Network, Place, Way, from_internet, to_internet, to_place
from tests.infra.claim import Claim, show
from tools.deploy.terraform.offline_plan import Plan

POSTGRES, SSH, HTTPS = 5432, 22, 443
PORTS = (SSH, HTTPS, POSTGRES)
# Calls that Lambda itself makes with a function's role, from outside the VPC: logs, traces, network
# interfaces, dead letters and streams. Postgres is not an AWS API.
OF_LAMBDA = re.compile(
    r"(logs|xray|ec2|sqs|rds-db):.*|dynamodb:(DescribeStream|GetRecords|GetShardIterator|ListStreams)"
)


def claims(plan: Plan) -> list[Claim]:
    """Return Atrium's claims, decided for this plan."""
    network = of_plan.network(plan)
    return [
        *_proxy(plan, network),
        *_internet(network),
        _database(network),
        *_from_outside(plan, network),
        _apis(plan, network),
    ]


def _proxy(plan: Plan, network: Network) -> Iterator[Claim]:
    proxy, clients = _only(network, "aws_db_proxy"), _clients(plan)
    inside: list[Place] = []
    outside: list[Place] = []
    for function in _all(network, "aws_lambda_function"):
        (inside if function.name in clients else outside).append(function)
    yield _reached("Every function that declares postgres reaches the proxy.", [
        to_place(function, proxy, POSTGRES, certain=True) for function in inside
    ])  # fmt: skip
    yield _unreached("No other function reaches the proxy.", [
        to_place(function, proxy, POSTGRES, certain=False) for function in outside
    ], empty="every function of the VPC declares postgres")  # fmt: skip


def _clients(plan: Plan) -> set[str]:
    """Return the functions that may sign in to Postgres: those with the policy `postgres`."""
    named = {
        re.search(r'\["([^"]+)"\]', address)
        for address in plan
        if "aws_iam_role_policy.postgres[" in address
    }
    names = {found[1] for found in named if found}
    return {
        address
        for address in plan
        if ".aws_lambda_function." in address and any(f'["{name}"]' in address for name in names)
    }


def _internet(network: Network) -> Iterator[Claim]:
    """Yield a claim for each of two barriers.

    Either one blocks the traffic, so without this test a plan could lose one unnoticed.
    """
    kinds = ("aws_lambda_function", "aws_db_proxy", "aws_db_instance")
    private = [place for kind in kinds for place in _all(network, kind)]
    rules = [
        f"{rule.name} of {place.name}"
        for place in private
        for group in place.groups
        for rule in group.egress
        if rule.range is not None and not rule.range.is_private
    ]
    yield Claim(
        "No security group of a function, the proxy or the database has a rule to public addresses.",
        not rules,
        tuple(rules) or (f"{len(private)} places: each rule names a group or a prefix list",),
    )
    subnets = {subnet for place in private for subnet in place.subnets}
    routes = [
        f"{route.name} leads {subnet.name} to {route.target}"
        for subnet in subnets
        for route in subnet.routes
        if not route.destination.is_private
    ]
    yield Claim(
        "No subnet of a function, the proxy or the database has a route to public addresses.",
        not routes,
        tuple(routes)
        or tuple(sorted(f"{each.name}: no route but the VPC's own" for each in subnets)),
    )
    yield _unreached("No function in the VPC, no proxy and no database reaches the internet.", [
        to_internet(place, port, certain=False) for place in private for port in PORTS
    ])  # fmt: skip


def _database(network: Network) -> Claim:
    database = _only(network, "aws_db_instance")
    ways = {
        place.name: to_place(place, database, port, certain=False)
        for place in network.places.values()
        if place is not database
        for port in PORTS
    }
    open_ = [name for name, way in ways.items() if way.is_open]
    expected = {
        place.name for kind in ("aws_db_proxy", "aws_instance") for place in _all(network, kind)
    }
    return Claim(
        "The proxy and the bastion reach the database, and nothing else in the VPC does.",
        set(open_) == expected,
        tuple(str(ways[name]) for name in open_),
    )


def _from_outside(plan: Plan, network: Network) -> Iterator[Claim]:
    bastion = _only(network, "aws_instance")
    allowed = {
        str(rule.get("cidr_ipv4") or rule.get("cidr_ipv6"))
        for address, rule in plan.items()
        if "module.bastion.aws_vpc_security_group_ingress_rule.ssh" in address
    }
    others = [place for place in network.places.values() if place is not bastion]
    ways = [way for place in others for port in PORTS for _, way in from_internet(place, port)]
    yield Claim(
        "Nothing but the bastion is reached from the internet.",
        not ways,
        tuple(map(str, ways)) or (f"{len(others)} places: no public address, or no rule for one",),
    )
    found = [(port, *each) for port in PORTS for each in from_internet(bastion, port)]
    wrong = [
        way
        for port, range_, way in found
        if port != SSH or str(range_) not in allowed or range_.prefixlen == 0
    ]
    told = tuple(str(way) for *_, way in found) or (
        "no range is allowed: Session Manager is the only way in",
    )
    yield Claim("The bastion is reached from the allowed ranges alone, by SSH.", not wrong, told)


def _apis(plan: Plan, network: Network) -> Claim:
    """Decide, from each function's policies, which APIs and resources it may call."""
    proof: dict[str, str] = {}
    refused: list[str] = []
    for function in _all(network, "aws_lambda_function"):
        for action, resource in _calls(plan, function.name):
            way = to_api(network, function, action, resource)
            if way.is_open:
                proof.setdefault(action.partition(":")[0], str(way))
            else:
                refused.append(str(way))
    return Claim(
        "Every AWS API that a function in the VPC may call has an endpoint, whose policy admits the call.",
        bool(proof) and not refused,
        tuple(refused) or tuple(proof.values()),
    )


def to_api(network: Network, function: Place, action: str, resource: str) -> Way:
    """Return the path of a call to an AWS API: an endpoint and its policy."""
    service = action.partition(":")[0]
    way = network.to_service(function, service)
    if not way.is_open:
        return way
    policies = [each.policy for each in network.endpoints if each.service == service]
    if any(
        decide([parse(_without_principals(each))], action, resource, {}).allowed
        for each in policies
    ):
        return Way(True, (*way.steps, f"its policy admits {action} on {resource}"))
    return Way(False, (*way.steps, f"its policy does not admit {action} on {resource}"))


def _calls(plan: Plan, function: str) -> Iterator[tuple[str, str]]:
    """Yield the actions that a function's role allows, each with its resources.

    A policy that is known only after an apply counts as a call that no endpoint admits, unless
    Lambda itself makes the calls.
    """
    key = re.search(r'\["([^"]+)"\]', function)
    for address, policy in plan.items():
        if ".aws_iam_role_policy." not in address or key is None or f'["{key[1]}"]' not in address:
            continue
        if policy.get("policy") is None:
            if not re.search(r"\.(logs|dead_letters)\[", address):
                yield f"unknown:{address}", "*"
            continue
        for statement in json.loads(policy["policy"])["Statement"]:
            for action in _listed(statement["Action"]):
                if statement["Effect"] == "Allow" and not OF_LAMBDA.fullmatch(action):
                    yield from ((action, resource) for resource in _listed(statement["Resource"]))


def _without_principals(policy: str) -> str:
    """Return a policy without principals, which the evaluation does not support; `*` means all."""
    document = json.loads(policy)
    statements = [
        {k: v for k, v in each.items() if k != "Principal"} for each in document["Statement"]
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _reached(sentence: str, ways: list[Way]) -> Claim:
    closed = [str(way) for way in ways if not way.is_open]
    proof = closed or [f"{ways[0]} ({len(ways)} functions alike)"] if ways else ["there is none"]
    return Claim(sentence, bool(ways) and not closed, tuple(proof))


def _unreached(sentence: str, ways: list[Way], empty: str = "there is none") -> Claim:
    opened = [str(way) for way in ways if way.is_open]
    proof = opened or sorted({str(way) for way in ways}) or [empty]
    return Claim(sentence, not opened, tuple(proof))


def _all(network: Network, kind: str) -> list[Place]:
    return [place for name, place in network.places.items() if f".{kind}." in f".{name}"]


def _only(network: Network, kind: str) -> Place:
    [place] = _all(network, kind)
    return place


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


if __name__ == "__main__":
    sys.exit(show(sys.argv[1], claims))
