"""Reachability from a function to AWS services and DB proxies.

It follows the subnets, routes, security groups and VPC endpoints that moto holds.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html,
https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html
"""

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from moto.ec2.models import ec2_backends

from local_aws.iam.sessions import Session
from local_aws.lambda_service.deployed import DeployedFunction, find
from local_aws.lambda_service.errors import InvokeError
from local_aws.settings import ACCOUNT_ID

_HTTPS, _POSTGRES = 443, 5432
_EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class Place:
    """A location in a VPC: subnets and security groups."""

    region: str
    subnet_ids: tuple[str, ...]
    group_ids: tuple[str, ...]

    @property
    def subnets(self) -> list[Any]:
        known = ec2_backends[ACCOUNT_ID][self.region].subnets  # by availability zone
        return [
            zone[id_] for id_ in self.subnet_ids for zone in list(known.values()) if id_ in zone
        ]

    @property
    def vpc_id(self) -> str:
        return next((str(subnet.vpc_id) for subnet in self.subnets), "")


@dataclass(frozen=True)
class Caller:
    """A calling function; `place` is None for a function outside of every VPC."""

    function: str
    place: Place | None


def caller_of(session: Session) -> Caller | None:
    """Return the calling function; None if the caller is not a function.

    Lambda names a session after its function and assumes the function's role.
    """
    try:
        found = find(session.name)
    except InvokeError:
        return None
    return caller(found) if found.role == session.role_arn else None


def caller(function: DeployedFunction) -> Caller:
    config = function.resource._vpc_config or {}
    subnets, groups = (
        tuple(config.get("SubnetIds") or ()),
        tuple(config.get("SecurityGroupIds") or ()),
    )
    return Caller(function.name, Place(function.region, subnets, groups) if subnets else None)


def no_way_to_service(caller: Caller, service: str) -> str | None:
    """Explain why the function's calls of `service` would not arrive; return None if they would.

    `service` is the signing name.
    """
    place = caller.place
    if (
        place is None
        or _by_gateway(place, service)
        or _by_interface(place, service)
        or _by_nat(place)
    ):
        return None
    return (
        f"{caller.function} is in {place.vpc_id}, which has no route to {service}: its subnets and "
        "security groups can use neither an endpoint for the service nor a NAT. On AWS the call would "
        "time out. Set `vpc: false` in the function.yaml, or add the service to "
        "`interface_endpoints` of modules/network."
    )


def no_way_to_internet(caller: Caller) -> str | None:
    """Explain why the function cannot reach the internet; return None if it can."""
    place = caller.place
    if place is None or _by_nat(place):
        return None
    return (
        f"{caller.function} is in {place.vpc_id}, which has no route to the internet: its subnets "
        "and security groups cannot use a NAT. On AWS the connection would time out. "
        "Set `vpc: false` in the function.yaml, or set `nat` of modules/network."
    )


def no_way_to_proxy(caller: Caller, proxy: Place) -> str | None:
    """Explain why the function cannot connect to a DB proxy; return None if it can."""
    place = caller.place
    if place is None:
        return (
            f"{caller.function} is outside of the VPC (`vpc: false`) and cannot reach the DB "
            "proxy. Remove `vpc: false` from its function.yaml and declare `postgres`."
        )
    if place.vpc_id == proxy.vpc_id and _admitted(place, proxy, _POSTGRES):
        return None
    return (
        f"The security groups of {caller.function} do not allow connections to the DB proxy. "
        "Declare `postgres` in its function.yaml: this adds the security group that does."
    )


def _by_gateway(place: Place, service: str) -> bool:
    tables = {table.id for table in _route_tables(place)}
    for endpoint in _endpoints(place, service, "Gateway"):
        lists = {
            listed.id
            for listed in _prefix_lists(place.region)
            if listed.prefix_list_name == endpoint.service_name
        }
        if tables <= set(endpoint.route_table_ids or ()) and _may_leave(place, _HTTPS, lists=lists):
            return True
    return False


def _by_interface(place: Place, service: str) -> bool:
    """Return True if an interface endpoint leads to the service.

    The endpoint needs private DNS, because SDKs use the service's own name.
    """
    return any(
        endpoint.private_dns_enabled
        and _admitted(
            place,
            Place(
                place.region, tuple(endpoint.subnet_ids or ()), tuple(endpoint.security_group_ids)
            ),
            _HTTPS,
        )
        for endpoint in _endpoints(place, service, "Interface")
    )


def _by_nat(place: Place) -> bool:
    tables = _route_tables(place)
    return bool(tables) and _may_leave(place, _HTTPS) and all(_has_nat(table) for table in tables)


def _has_nat(table: Any) -> bool:
    return any(
        route.destination_cidr_block == _EVERYWHERE and route.nat_gateway for route in table.routes
    )


def _endpoints(place: Place, service: str, kind: str) -> list[Any]:
    known = list(ec2_backends[ACCOUNT_ID][place.region].vpc_end_points.values())
    name = f"com.amazonaws.{place.region}.{service}"
    return [
        each
        for each in known
        if (each.vpc_id, each.service_name, each.vpc_endpoint_type) == (place.vpc_id, name, kind)
    ]


def _prefix_lists(region: str) -> list[Any]:
    return list(ec2_backends[ACCOUNT_ID][region].managed_prefix_lists.values())


def _route_tables(place: Place) -> list[Any]:
    """Return the route table of each subnet: its own, else the VPC's main one."""
    known = [
        each
        for each in list(ec2_backends[ACCOUNT_ID][place.region].route_tables.values())
        if each.vpc_id == place.vpc_id
    ]
    main = [table for table in known if table.main_association_id]
    own = {item.get("SubnetId"): table for table in known for item in table.associations}
    return [
        own[subnet.id] if subnet.id in own else main[0]
        for subnet in place.subnets
        if subnet.id in own or main
    ]


def _admitted(start: Place, end: Place, port: int) -> bool:
    """Return True if one side's groups allow the egress and the other side's groups the ingress."""
    return _may_leave(start, port, to=end) and any(
        _matches(rule, port, start, ()) for group in _groups(end) for rule in group.ingress_rules
    )


def _may_leave(
    place: Place, port: int, *, to: Place | None = None, lists: Collection[str] = ()
) -> bool:
    """Return True if a rule allows egress to a place in the VPC, a prefix list or any address."""
    return any(
        _matches(rule, port, to, lists) for group in _groups(place) for rule in group.egress_rules
    )


def _groups(place: Place) -> list[Any]:
    known = ec2_backends[ACCOUNT_ID][place.region].groups.get(place.vpc_id, {})
    return [known[id_] for id_ in place.group_ids if id_ in known]


def _matches(rule: Any, port: int, other: Place | None, lists: Collection[str]) -> bool:
    if rule.ip_protocol != "-1" and not (
        rule.ip_protocol in ("tcp", "6") and rule.from_port <= port <= rule.to_port
    ):
        return False
    if rule.prefix_list_id and rule.prefix_list_id in lists:
        return True
    if other and rule.source_group.get("GroupId") in other.group_ids:
        return True
    return "CidrIp" in rule.ip_range and _covers(rule.ip_range["CidrIp"], other)


def _covers(addresses: str, other: Place | None) -> bool:
    """Return True if the range covers every address of the other place.

    Without another place, the range must cover all addresses.
    """
    wanted = [subnet.cidr_block for subnet in other.subnets] if other else [_EVERYWHERE]
    return bool(wanted) and all(
        IPv4Network(each).subnet_of(IPv4Network(addresses)) for each in wanted
    )
