"""Paths in a network that is read from a plan or a state."""

from typing import Any

import pytest

from local_aws.network import of_plan
from local_aws.network.model import Network, from_internet, to_internet, to_place
from local_aws.network.of_plan import UnknownIdError

Found = dict[str, dict[str, Any]]
RULE = {"ip_protocol": "tcp", "from_port": 443, "to_port": 443}


def two_subnets() -> Found:
    """Return a function in two subnets with route tables of their own, whose security group allows
    HTTPS to everywhere.
    """
    found: Found = {
        "aws_security_group.own": {"id": "sg-own"},
        "aws_vpc_security_group_egress_rule.out": RULE | {"security_group_id": "sg-own", "cidr_ipv4": "0.0.0.0/0"},
        "aws_lambda_function.f": {"vpc_config": [{"subnet_ids": ["subnet-a", "subnet-b"], "security_group_ids": ["sg-own"]}]},
    }  # fmt: skip
    for zone, range_ in (("a", "10.0.1.0/24"), ("b", "10.0.2.0/24")):
        found[f"aws_subnet.{zone}"] = {
            "id": f"subnet-{zone}",
            "vpc_id": "vpc-1",
            "cidr_block": range_,
        }
        found[f"aws_route_table_association.{zone}"] = {
            "subnet_id": f"subnet-{zone}",
            "route_table_id": f"rtb-{zone}",
        }
    return found


def route(table: str, **target: str) -> dict[str, str]:
    return {"route_table_id": table, "destination_cidr_block": "0.0.0.0/0"} | target


def test_a_certain_path_is_open_from_every_subnet() -> None:
    found = two_subnets()
    found["aws_route.a"] = route("rtb-a", nat_gateway_id="nat-1")
    function = of_plan.network(found).places["aws_lambda_function.f"]
    assert to_internet(function, 443, certain=False).is_open
    closed = to_internet(function, 443, certain=True)
    assert not closed.is_open
    assert "aws_subnet.b" in str(closed)
    found["aws_route.b"] = route("rtb-b", nat_gateway_id="nat-1")
    function = of_plan.network(found).places["aws_lambda_function.f"]
    way = to_internet(function, 443, certain=True)
    assert way.is_open
    assert way.steps[1:3] == (
        "out by aws_vpc_security_group_egress_rule.out",
        "aws_route.a to nat-1",
    )


def test_an_internet_gateway_serves_only_public_addresses() -> None:
    found = two_subnets()
    found |= {f"aws_route.{zone}": route(f"rtb-{zone}", gateway_id="igw-1") for zone in "ab"}
    found["aws_instance.i"] = {"subnet_id": "subnet-a", "vpc_security_group_ids": ["sg-own"], "associate_public_ip_address": True}  # fmt: skip
    found["aws_vpc_security_group_ingress_rule.in"] = RULE | {"security_group_id": "sg-own", "cidr_ipv4": "203.0.114.0/24"}  # fmt: skip
    places = of_plan.network(found).places
    assert not to_internet(places["aws_lambda_function.f"], 443, certain=False).is_open
    assert to_internet(places["aws_instance.i"], 443, certain=True).is_open
    [(range_, _)] = from_internet(places["aws_instance.i"], 443)
    assert str(range_) == "203.0.114.0/24"
    assert from_internet(places["aws_lambda_function.f"], 443) == []
    assert from_internet(places["aws_instance.i"], 22) == []


def with_interface(**changes: Any) -> Network:
    found = two_subnets() | {
        "aws_security_group.endpoint": {"id": "sg-endpoint"},
        "aws_vpc_security_group_ingress_rule.https": RULE | {"security_group_id": "sg-endpoint", "cidr_ipv4": "10.0.0.0/16"},
        "aws_vpc_endpoint.kms": {
            "vpc_id": "vpc-1", "service_name": "com.amazonaws.eu-central-1.kms", "vpc_endpoint_type": "Interface",
            "subnet_ids": ["subnet-a"], "security_group_ids": ["sg-endpoint"], "private_dns_enabled": True,
        } | changes,
    }  # fmt: skip
    return of_plan.network(found)


def test_an_interface_endpoint_needs_private_dns_and_a_rule() -> None:
    def way(network: Network) -> bool:
        return network.to_service(network.places["aws_lambda_function.f"], "kms").is_open

    assert way(with_interface())
    assert not way(with_interface(private_dns_enabled=False))
    assert not way(with_interface(security_group_ids=["sg-own"]))
    assert not way(with_interface(service_name="com.amazonaws.eu-central-1.sqs"))


def test_a_range_that_covers_a_part_is_possible_but_not_certain() -> None:
    found = two_subnets()
    found["aws_security_group.db"] = {"id": "sg-db"}
    found["aws_db_subnet_group.g"] = {"name": "g", "subnet_ids": ["subnet-b"]}
    found["aws_db_instance.d"] = {"db_subnet_group_name": "g", "vpc_security_group_ids": ["sg-db"]}
    found["aws_vpc_security_group_ingress_rule.half"] = RULE | {"security_group_id": "sg-db", "cidr_ipv4": "10.0.1.0/25"}  # fmt: skip
    places = of_plan.network(found).places
    function, database = places["aws_lambda_function.f"], places["aws_db_instance.d"]
    assert to_place(function, database, 443, certain=False).is_open
    assert not to_place(function, database, 443, certain=True).is_open
    assert not to_place(function, database, 22, certain=False).is_open


def test_an_id_that_is_known_only_after_an_apply_is_an_error() -> None:
    found = two_subnets()
    found["aws_lambda_function.f"]["vpc_config"][0]["subnet_ids"] = None
    with pytest.raises(UnknownIdError, match=r"aws_lambda_function\.f"):
        of_plan.network(found)
    del found["aws_security_group.own"]["id"]
    with pytest.raises(UnknownIdError, match="id is known after an apply only"):
        of_plan.network(found)


def test_plans_and_states_are_read() -> None:
    resource = {"address": "module.a.aws_vpc.b", "values": {"id": "vpc-1"}}
    state = {"values": {"root_module": {"child_modules": [{"resources": [resource]}]}}}
    changes = [
        {"address": "module.a.aws_vpc.b", "change": {"after": {"id": "vpc-1"}}},
        {"address": "module.a.aws_vpc.destroyed", "change": {"after": None}},
    ]
    expected = {"module.a.aws_vpc.b": {"id": "vpc-1"}}
    assert of_plan.resources(state) == expected
    assert of_plan.resources({"resource_changes": changes}) == expected


def test_inline_rules_and_routes_are_read() -> None:
    found = two_subnets()
    del found["aws_vpc_security_group_egress_rule.out"]
    function = of_plan.network(found).places["aws_lambda_function.f"]
    assert not to_internet(function, 443, certain=False).is_open
    block = {
        "protocol": "tcp",
        "from_port": 443,
        "to_port": 443,
        "cidr_blocks": ["0.0.0.0/0"],
        "self": True,
    }
    tables = {f"aws_route_table.{zone}": {"id": f"rtb-{zone}", "route": [{"cidr_block": "0.0.0.0/0", "nat_gateway_id": "nat-1"}]} for zone in "ab"}  # fmt: skip
    inline = found | tables | {"aws_security_group.own": {"id": "sg-own", "egress": [block]}}
    older = found | tables | {"aws_security_group_rule.out": block | {"type": "egress", "security_group_id": "sg-own"}}  # fmt: skip
    for each in (inline, older):
        function = of_plan.network(each).places["aws_lambda_function.f"]
        assert to_internet(function, 443, certain=True).is_open
        assert to_place(function, function, 443, certain=True).is_open is False  # no rule admits it


def test_a_subnet_without_its_own_route_table_uses_the_main_one() -> None:
    found = two_subnets()
    del found["aws_route_table_association.b"]
    found["aws_main_route_table_association.m"] = {"vpc_id": "vpc-1", "route_table_id": "rtb-a"}
    found["aws_route.a"] = route("rtb-a", nat_gateway_id="nat-1")
    function = of_plan.network(found).places["aws_lambda_function.f"]
    assert to_internet(function, 443, certain=True).is_open
