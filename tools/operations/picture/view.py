"""The content of the picture: facts of a plan, and the connections that its network allows."""

import re
from dataclasses import dataclass

from local_aws.network import of_plan
from local_aws.network.model import Network, Place, from_internet, to_internet, to_place
from tools.deploy.terraform.offline_plan import Plan, kind, of_kind, one

POSTGRES, SSH, HTTPS = 5432, 22, 443


@dataclass(frozen=True)
class View:
    """Facts and arrows. An arrow of the network is drawn only if the network allows it."""

    cidr: str
    zones: int
    nat: int
    inside: list[str]  # functions in the VPC
    outside: list[str]
    database: str
    standby: bool
    bastion: str
    ssh_ranges: list[str]
    gateway_endpoints: list[str]
    interface_endpoints: list[str]
    firewall: bool
    alarms: int
    functions_reach_proxy: int
    proxy_reaches_database: bool
    bastion_reaches_database: bool
    functions_reach_table: int
    functions_reach_internet: int
    database_reaches_internet: bool
    reached_from_internet: list[str]  # places other than the bastion


def view(plan: Plan) -> View:
    """Return what the picture of a plan shows."""
    network = of_plan.network(plan)
    functions = _all(network, "aws_lambda_function")
    [proxy], [database], [bastion] = (
        _all(network, name) for name in ("aws_db_proxy", "aws_db_instance", "aws_instance")
    )
    instance = one(plan, "aws_db_instance")
    in_vpc = sorted(_key(place.name) for place in functions)
    names = [_key(name) for name in plan if kind(name) == "aws_lambda_function"]
    endpoints = of_kind(plan, "aws_vpc_endpoint")
    return View(
        cidr=one(plan, "aws_vpc")["cidr_block"],
        zones=len({subnet["availability_zone"] for subnet in of_kind(plan, "aws_subnet")}),
        nat=len(of_kind(plan, "aws_nat_gateway")),
        inside=in_vpc,
        outside=sorted(set(names) - set(in_vpc)),
        database=instance["instance_class"],
        standby=bool(instance.get("multi_az")),
        bastion=one(plan, "aws_instance")["instance_type"],
        ssh_ranges=sorted({str(range_) for range_, _ in from_internet(bastion, SSH)}),
        gateway_endpoints=_services(endpoints, "Gateway"),
        interface_endpoints=_services(endpoints, "Interface"),
        firewall=bool(of_kind(plan, "aws_wafv2_web_acl")),
        alarms=len(of_kind(plan, "aws_cloudwatch_metric_alarm")),
        functions_reach_proxy=_reaching(functions, proxy),
        proxy_reaches_database=to_place(proxy, database, POSTGRES, certain=True).is_open,
        bastion_reaches_database=to_place(bastion, database, POSTGRES, certain=True).is_open,
        functions_reach_table=sum(
            network.to_service(each, "dynamodb").is_open for each in functions
        ),
        functions_reach_internet=sum(
            to_internet(each, HTTPS, certain=False).is_open for each in functions
        ),
        database_reaches_internet=to_internet(database, HTTPS, certain=False).is_open,
        reached_from_internet=sorted(
            _short(place.name)
            for place in network.places.values()
            if place is not bastion
            and any(from_internet(place, port) for port in (SSH, HTTPS, POSTGRES))
        ),
    )


def _all(network: Network, wanted: str) -> list[Place]:
    return [place for name, place in network.places.items() if kind(name) == wanted]


def _reaching(functions: list[Place], proxy: Place) -> int:
    return sum(to_place(each, proxy, POSTGRES, certain=True).is_open for each in functions)


def _services(endpoints: list[dict[str, object]], wanted: str) -> list[str]:
    return sorted(
        str(each["service_name"]).rpartition(".")[2]
        for each in endpoints
        if each["vpc_endpoint_type"] == wanted
    )


def _key(address: str) -> str:
    found = re.search(r'\["([^"]+)"\]', address)
    return found[1] if found else _short(address)


def _short(address: str) -> str:
    return address.rpartition("aws_")[2]
