"""The network of a Terraform plan or state, as `terraform show -json` prints it.

Ids must be known. A state has all ids. A plan before the first apply has only ids that
the caller provided.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from local_aws.network.model import (
    AclEntry,
    Endpoint,
    Group,
    Network,
    Place,
    Route,
    Rule,
    Subnet,
)

Resources = Mapping[str, Mapping[str, Any]]  # address → attributes

TARGETS = (
    *("gateway_id", "nat_gateway_id", "transit_gateway_id", "vpc_peering_connection_id"),
    *("egress_only_gateway_id", "network_interface_id", "vpc_endpoint_id"),
)


class UnknownIdError(Exception):
    """An id that only an apply makes known. The message names the resource and the attribute."""


def resources(shown: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the resources of `terraform show -json` of a plan or a state."""
    if "resource_changes" in shown:
        changes = {each["address"]: each["change"]["after"] for each in shown["resource_changes"]}
        return {address: after for address, after in changes.items() if after is not None}
    return dict(_of_module(shown.get("values", {}).get("root_module", {})))


def network(found: Resources) -> Network:
    """Return the network.

    Raises:
        UnknownIdError: a group, subnet or table is not known yet.
    """
    return _Reader(found).network()


def _of_module(module: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from ((each["address"], each["values"]) for each in module.get("resources", []))
    for inner in module.get("child_modules", []):
        yield from _of_module(inner)


class _Reader:
    def __init__(self, found: Resources) -> None:
        self._found = found
        self._groups = {
            _known(address, group, "id"): self._group(address, group)
            for address, group in self._of_kind("aws_security_group")
        }
        self._subnets = {
            _known(address, subnet, "id"): self._subnet(address, subnet)
            for address, subnet in self._of_kind("aws_subnet")
        }

    def network(self) -> Network:
        places = {place.name: place for place in self._places()}
        return Network(places, tuple(self._endpoints()))

    def _of_kind(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        pattern = re.compile(rf"(?:^|\.){kind}\.")
        yield from (
            (address, each) for address, each in self._found.items() if pattern.search(address)
        )

    def _group(self, address: str, group: Mapping[str, Any]) -> Group:
        ingress, egress = (
            (
                *self._rules(direction, group["id"]),
                *self._older_rules(direction, group["id"]),
                *_inline_rules(address, direction, group),
            )
            for direction in ("ingress", "egress")
        )
        return Group(group["id"], address, ingress, egress)

    def _rules(self, direction: str, group: str) -> Iterator[Rule]:
        for address, rule in self._of_kind(f"aws_vpc_security_group_{direction}_rule"):
            if _known(address, rule, "security_group_id") == group:
                range_ = rule.get("cidr_ipv4") or rule.get("cidr_ipv6")
                peers = (
                    range_,
                    rule.get("referenced_security_group_id"),
                    rule.get("prefix_list_id"),
                )
                yield _rule(address, rule["ip_protocol"], rule, *peers)

    def _older_rules(self, direction: str, group: str) -> Iterator[Rule]:
        """Yield the rules of `aws_security_group_rule`, which may name many peers."""
        for address, rule in self._of_kind("aws_security_group_rule"):
            is_ours = _known(address, rule, "security_group_id") == group
            if is_ours and rule["type"] == direction:
                named = [rule.get("source_security_group_id")]
                yield from _rules_of_lists(address, rule, [each for each in named if each], group)

    def _subnet(self, address: str, subnet: Mapping[str, Any]) -> Subnet:
        table = self._table(address, subnet)
        return Subnet(
            subnet["id"],
            address,
            _known(address, subnet, "vpc_id"),
            ip_network(subnet["cidr_block"]),
            table,
            tuple(self._routes(table)),
            self._acl(subnet["id"]),
        )

    def _table(self, address: str, subnet: Mapping[str, Any]) -> str:
        """Return the route table of a subnet: its own, else the VPC's main one."""
        own = self._associated("aws_route_table_association", "subnet_id", subnet["id"])
        vpc = _known(address, subnet, "vpc_id")
        main = self._associated("aws_main_route_table_association", "vpc_id", vpc)
        default = [each for _, each in self._of_kind("aws_vpc") if each.get("id") == vpc]
        return own or main or str(default[0].get("main_route_table_id") if default else "")

    def _associated(self, kind: str, attribute: str, value: str) -> str:
        found = [(a, each) for a, each in self._of_kind(kind) if each.get(attribute) == value]
        return _known(*found[0], "route_table_id") if found else ""

    def _routes(self, table: str) -> Iterator[Route]:
        for address, route in self._of_kind("aws_route"):
            if _known(address, route, "route_table_id") == table:
                yield from _route(
                    address, route, "destination_cidr_block", "destination_ipv6_cidr_block"
                )
        for kind in ("aws_route_table", "aws_default_route_table"):
            for address, held in self._of_kind(kind):
                for route in held.get("route") or [] if held.get("id") == table else []:
                    yield from _route(address, route, "cidr_block", "ipv6_cidr_block")

    def _acl(self, subnet: str) -> tuple[AclEntry, ...] | None:
        acl = next(
            (
                each
                for _, each in self._of_kind("aws_network_acl")
                if subnet in (each.get("subnet_ids") or [])
            ),
            None,
        )
        if acl is None:
            return None
        rules = [
            each
            for _, each in self._of_kind("aws_network_acl_rule")
            if each.get("network_acl_id") == acl["id"]
        ]
        return tuple(
            AclEntry(
                int(each["rule_number"]),
                each["rule_action"] == "allow",
                bool(each.get("egress")),
                str(each["protocol"]),
                int(each.get("from_port") or 0),
                int(each.get("to_port") or 65535),
                ip_network(each["cidr_block"]),
            )
            for each in rules
        )

    def _places(self) -> Iterator[Place]:
        for address, function in self._of_kind("aws_lambda_function"):
            for block in function.get("vpc_config") or []:
                yield self._place(address, block.get("subnet_ids"), block.get("security_group_ids"))
        for address, instance in self._of_kind("aws_instance"):
            is_public = bool(instance.get("associate_public_ip_address")) or self._has_address(
                address
            )
            groups = instance.get("vpc_security_group_ids")
            yield self._place(address, [instance.get("subnet_id")], groups, is_public)
        for address, proxy in self._of_kind("aws_db_proxy"):
            yield self._place(
                address, proxy.get("vpc_subnet_ids"), proxy.get("vpc_security_group_ids")
            )
        for address, database in self._of_kind("aws_db_instance"):
            subnets = self._of_subnet_group(database.get("db_subnet_group_name"))
            is_public = bool(database.get("publicly_accessible"))
            yield self._place(address, subnets, database.get("vpc_security_group_ids"), is_public)

    def _has_address(self, instance: str) -> bool:
        """Return True if an Elastic IP names the instance or is in its module."""
        module = instance.partition(".aws_instance.")[0]
        return any(address.startswith(f"{module}.") for address, _ in self._of_kind("aws_eip"))

    def _of_subnet_group(self, name: object) -> list[str] | None:
        groups = [
            each for _, each in self._of_kind("aws_db_subnet_group") if each.get("name") == name
        ]
        return groups[0].get("subnet_ids") if groups else None

    def _place(
        self,
        address: str,
        subnets: list[Any] | None,
        groups: list[Any] | None,
        is_public: bool = False,
    ) -> Place:
        if not subnets or not groups or None in (*subnets, *groups):
            raise UnknownIdError(
                f"{address}: its subnets or security groups are known after an apply only."
            )
        return Place(
            address,
            tuple(self._subnets[each] for each in subnets),
            tuple(self._groups[each] for each in groups if each in self._groups),
            is_public,
        )

    def _endpoints(self) -> Iterator[Endpoint]:
        for address, endpoint in self._of_kind("aws_vpc_endpoint"):
            is_gateway = endpoint.get("vpc_endpoint_type", "Gateway") == "Gateway"
            place = (
                None
                if is_gateway
                else self._place(
                    address, endpoint.get("subnet_ids"), endpoint.get("security_group_ids")
                )
            )
            yield Endpoint(
                address,
                str(endpoint["service_name"]).rpartition(".")[2],
                _known(address, endpoint, "vpc_id"),
                endpoint.get("policy") or "",
                frozenset(endpoint.get("route_table_ids") or ()),
                endpoint.get("prefix_list_id") if is_gateway else None,
                place,
                bool(endpoint.get("private_dns_enabled")),
            )


def _rule(
    name: str,
    protocol: object,
    ports: Mapping[str, Any],
    range_: str | None,
    group: str | None,
    prefix_list: str | None,
) -> Rule:
    first, last = int(ports.get("from_port") or 0), int(ports.get("to_port") or 65535)
    return Rule(
        name, str(protocol), first, last, ip_network(range_) if range_ else None, group, prefix_list
    )


def _inline_rules(address: str, direction: str, group: Mapping[str, Any]) -> Iterator[Rule]:
    """Yield the inline rules of a group."""
    for rule in group.get(direction) or []:
        yield from _rules_of_lists(address, rule, rule.get("security_groups") or [], group["id"])


def _rules_of_lists(
    address: str, rule: Mapping[str, Any], groups: Sequence[str], own: str
) -> Iterator[Rule]:
    """Yield a rule for each peer that the block lists."""
    ranges = [*(rule.get("cidr_blocks") or []), *(rule.get("ipv6_cidr_blocks") or [])]
    peers: list[tuple[str | None, str | None, str | None]] = [(each, None, None) for each in ranges]
    peers += [(None, each, None) for each in (*groups, *([own] if rule.get("self") else []))]
    peers += [(None, None, each) for each in rule.get("prefix_list_ids") or []]
    yield from (_rule(address, rule["protocol"], rule, *peer) for peer in peers)


def _route(address: str, route: Mapping[str, Any], *ranges: str) -> Iterator[Route]:
    target = next((route[name] for name in TARGETS if route.get(name)), "unknown")
    for name in ranges:
        if route.get(name):
            yield Route(address, ip_network(route[name]), str(target))


def _known(address: str, attributes: Mapping[str, Any], name: str) -> str:
    value = attributes.get(name)
    if value is None:
        raise UnknownIdError(f"{address}: {name} is known after an apply only.")
    return str(value)
