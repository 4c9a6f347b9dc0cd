"""Claims about Atrium's network: they hold in the plans of dev and prod, and each can fail."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.infra.reachability import claims
from tools.deploy.terraform.offline_plan import Plan, of_kind

DATABASE, PROXY, BASTION = (f"sg-0000000000000000{each}" for each in "deb")
FUNCTIONS, CLIENTS = (f"sg-0000000000000000{each}" for each in "fc")
TCP = {"ip_protocol": "tcp", "description": None, "prefix_list_id": None}


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_claims_hold(environment: str, request: pytest.FixtureRequest) -> None:
    found = claims(request.getfixturevalue(environment))
    print(*found, sep="\n")
    assert [claim.sentence for claim in found if not claim.holds] == []
    assert all(claim.proof for claim in found)
    assert {claim.sentence for claim in found} == set(BREAK)


def rule(
    direction: str, group: str, port: int, address: str = "", **peer: str
) -> Callable[[Plan], None]:
    """Return a change that adds a rule of a security group."""

    def change(plan: Plan) -> None:
        name = address or f"module.x.aws_vpc_security_group_{direction}_rule.{group}"
        plan[name] = TCP | {"security_group_id": group, "from_port": port, "to_port": port} | peer

    return change


def without(part: str) -> Callable[[Plan], None]:
    """Return a change that drops the resources with this part in their address."""

    def change(plan: Plan) -> None:
        dropped = [address for address in plan if part in address]
        assert dropped
        for address in dropped:
            del plan[address]

    return change


def route(target: str, value: str) -> Callable[[Plan], None]:
    def change(plan: Plan) -> None:
        table = "rtb-0000000000000000a"
        plan["module.x.aws_route.added"] = {"route_table_id": table, "destination_cidr_block": "0.0.0.0/0", target: value}  # fmt: skip

    return change


def both(*changes: Callable[[Plan], None]) -> Callable[[Plan], None]:
    def change(plan: Plan) -> None:
        for each in changes:
            each(plan)

    return change


def set_to(kind: str, attribute: str, value: Any) -> Callable[[Plan], None]:
    def change(plan: Plan) -> None:
        of_kind(plan, kind)[0][attribute] = value

    return change


def acl(**entry: Any) -> Callable[[Plan], None]:
    """Return a change that gives the private subnets a network ACL with a single entry."""

    def change(plan: Plan) -> None:
        subnets = ["subnet-0000000000000000a", "subnet-0000000000000000b"]
        plan["module.x.aws_network_acl.added"] = {"id": "acl-1", "subnet_ids": subnets}
        for egress in (True, False):
            plan[f"module.x.aws_network_acl_rule.added[{egress}]"] = {
                "network_acl_id": "acl-1", "rule_number": 100, "rule_action": "allow", "egress": egress,
                "protocol": "tcp", "cidr_block": "10.0.0.0/8", "from_port": 5432, "to_port": 5432,
            } | entry  # fmt: skip

    return change


def in_a_public_subnet(plan: Plan) -> None:
    """Give the database a public address in subnets with a route to the internet, and open its
    port.
    """
    of_kind(plan, "aws_db_instance")[0]["publicly_accessible"] = True
    of_kind(plan, "aws_db_subnet_group")[0]["subnet_ids"] = ["subnet-00000000000000f0a"]
    rule("ingress", DATABASE, 5432, cidr_ipv4="0.0.0.0/0")(plan)


def close_the_endpoint_policy(plan: Plan) -> None:
    for endpoint in of_kind(plan, "aws_vpc_endpoint"):
        endpoint["policy"] = endpoint["policy"].replace("/UserAttributes", "/Other")


def forget_a_policy(plan: Plan) -> None:
    plan['module.api_lambda.aws_iam_role_policy.user_attributes["coffee"]']["policy"] = None


ANYWHERE = {"cidr_ipv4": "0.0.0.0/0"}
BREAK: Mapping[str, tuple[Callable[[Plan], None], ...]] = {
    "Every function that declares postgres reaches the proxy.": (
        without("postgres_clients_to_proxy"),
        without("proxy_from_client"),
        acl(rule_action="deny"),
        acl(),  # the request passes, but its answer does not
        acl(cidr_block="10.99.0.0/16", from_port=0, to_port=65535),
    ),
    "No other function reaches the proxy.": (
        both(rule("egress", FUNCTIONS, 5432, referenced_security_group_id=PROXY), rule("ingress", PROXY, 5432, cidr_ipv4="10.0.0.0/8")),
        both(
            set_to("aws_db_proxy", "vpc_security_group_ids", [PROXY, FUNCTIONS]),
            rule("egress", FUNCTIONS, 5432, referenced_security_group_id=FUNCTIONS),
            rule("ingress", FUNCTIONS, 5432, referenced_security_group_id=FUNCTIONS),
        ),
    ),
    "No security group of a function, the proxy or the database has a rule to public addresses.": (
        rule("egress", FUNCTIONS, 443, **ANYWHERE),
        rule("egress", PROXY, 443, cidr_ipv4="52.0.0.0/8"),
    ),
    "No subnet of a function, the proxy or the database has a route to public addresses.": (
        route("gateway_id", "igw-1"),
        route("nat_gateway_id", "nat-1"),
        route("transit_gateway_id", "tgw-1"),
    ),
    "No function in the VPC, no proxy and no database reaches the internet.": (
        both(route("nat_gateway_id", "nat-1"), rule("egress", FUNCTIONS, 443, **ANYWHERE)),
        both(route("transit_gateway_id", "tgw-1"), rule("egress", DATABASE, 443, **ANYWHERE)),
    ),
    "The proxy and the bastion reach the database, and nothing else in the VPC does.": (
        both(
            rule("ingress", DATABASE, 5432, referenced_security_group_id=CLIENTS),
            rule("egress", CLIENTS, 5432, cidr_ipv4="10.0.0.0/8"),
        ),
        without("proxy_to_database"),
        without("database_from_bastion"),
    ),
    "Nothing but the bastion is reached from the internet.": (in_a_public_subnet,),
    "The bastion is reached from the allowed ranges alone, by SSH.": (
        rule("ingress", BASTION, 22, cidr_ipv4="203.0.114.0/24"),
        rule("ingress", BASTION, 5432, **ANYWHERE),
        rule("ingress", BASTION, 22, 'module.bastion.aws_vpc_security_group_ingress_rule.ssh["0.0.0.0/0"]', **ANYWHERE),
    ),
    "Every AWS API that a function in the VPC may call has an endpoint, whose policy admits the call.": (
        without("aws_vpc_endpoint.dynamodb"),
        without("functions_to_dynamodb"),
        set_to("aws_vpc_endpoint", "route_table_ids", []),
        close_the_endpoint_policy,
        forget_a_policy,
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("sentence", "change"),
    [(sentence, change) for sentence, changes in BREAK.items() for change in changes],
)
def test_each_claim_can_fail(dev: Plan, sentence: str, change: Callable[[Plan], None]) -> None:
    plan = copy.deepcopy(dev)
    change(plan)
    broken = {claim.sentence: claim for claim in claims(plan) if not claim.holds}
    assert sentence in broken
    assert broken[sentence].proof


def test_the_bastion_is_reached_only_from_an_allowed_range(dev: Plan) -> None:
    plan = copy.deepcopy(dev)
    address = 'module.bastion.aws_vpc_security_group_ingress_rule.ssh["203.0.114.7/32"]'
    rule("ingress", BASTION, 22, address, cidr_ipv4="203.0.114.7/32")(plan)
    found = next(claim for claim in claims(plan) if claim.sentence.startswith("The bastion"))
    assert found.holds
    assert "203.0.114.7/32" in found.proof[0]
