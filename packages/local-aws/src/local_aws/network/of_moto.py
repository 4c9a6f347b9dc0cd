"""The network that moto holds, as the model reads it."""

from functools import lru_cache
from ipaddress import ip_network
from typing import Any

from moto.ec2.models import ec2_backends

from local_aws.network.model import Endpoint, Group, Network, Place, Route, Rule, Subnet
from local_aws.settings import ACCOUNT_ID

_range = lru_cache(maxsize=1024)(ip_network)  # parsing costs more than all else here


def place(name: str, region: str, subnet_ids: tuple[str, ...], group_ids: tuple[str, ...]) -> Place:
    """Return a place in the applied network; ids that do not exist are left out."""
    known = ec2_backends[ACCOUNT_ID][region].subnets  # by availability zone
    found = [zone[id_] for id_ in subnet_ids for zone in list(known.values()) if id_ in zone]
    groups = ec2_backends[ACCOUNT_ID][region].groups.get(found[0].vpc_id, {}) if found else {}
    return Place(
        name,
        tuple(_subnet(region, each) for each in found),
        tuple(_group(groups[id_]) for id_ in group_ids if id_ in groups),
    )


def endpoints_of(region: str, vpc: str, service: str) -> Network:
    """Return a network of the endpoints of a service in a VPC."""
    name = f"com.amazonaws.{region}.{service}"
    known = list(ec2_backends[ACCOUNT_ID][region].vpc_end_points.values())
    found = [each for each in known if (each.vpc_id, each.service_name) == (vpc, name)]
    return Network({}, tuple(_endpoint(region, service, each) for each in found))


def _subnet(region: str, subnet: Any) -> Subnet:
    table = _table(region, subnet)
    routes = [
        Route(f"a route of {table.id}", _range(each.destination_cidr_block), _target(each))
        for each in (table.routes if table else ())
        if each.destination_cidr_block and _target(each)
    ]
    table_id = table.id if table else ""
    vpc, range_ = str(subnet.vpc_id), _range(subnet.cidr_block)
    return Subnet(subnet.id, subnet.id, vpc, range_, table_id, tuple(routes))


def _target(route: Any) -> str:
    """Return the NAT that a route leads to. A function cannot use an internet gateway directly."""
    return str(route.nat_gateway.id) if route.nat_gateway else ""


def _table(region: str, subnet: Any) -> Any:
    """Return the route table of a subnet: its own, else the VPC's main one."""
    tables = [
        each
        for each in list(ec2_backends[ACCOUNT_ID][region].route_tables.values())
        if each.vpc_id == subnet.vpc_id
    ]
    own = [
        each
        for each in tables
        if any(item.get("SubnetId") == subnet.id for item in each.associations)
    ]
    return next(iter(own or [each for each in tables if each.main_association_id]), None)


def _group(group: Any) -> Group:
    ingress, egress = (
        tuple(_rule(group, each) for each in rules)
        for rules in (group.ingress_rules, group.egress_rules)
    )
    return Group(group.id, group.name, ingress, egress)


def _rule(group: Any, rule: Any) -> Rule:
    range_ = rule.ip_range.get("CidrIp")
    return Rule(
        f"a rule of {group.id}",
        str(rule.ip_protocol),
        int(rule.from_port or 0),
        int(rule.to_port or 65535),
        _range(range_) if range_ else None,
        rule.source_group.get("GroupId"),
        rule.prefix_list_id or None,
    )


def _endpoint(region: str, service: str, endpoint: Any) -> Endpoint:
    if endpoint.vpc_endpoint_type != "Gateway":
        groups = tuple(endpoint.security_group_ids)
        there = place(endpoint.id, region, tuple(endpoint.subnet_ids or ()), groups)
        dns = bool(endpoint.private_dns_enabled)
        return Endpoint(endpoint.id, service, endpoint.vpc_id, place=there, private_dns=dns)
    lists = list(ec2_backends[ACCOUNT_ID][region].managed_prefix_lists.values())
    named = [each.id for each in lists if each.prefix_list_name == endpoint.service_name]
    return Endpoint(
        endpoint.id,
        service,
        endpoint.vpc_id,
        tables=frozenset(endpoint.route_table_ids or ()),
        prefix_list=named[0] if named else "none",
    )
