"""A VPC as data, and the paths of traffic in it.

Security groups, network ACLs, routes and endpoints decide each path (`Way`), in two modes.
`certain` requires that every address of the other side is admitted: it proves "A reaches B".
`possible` requires only one such address: its absence proves "A never reaches B".

https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html,
https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html,
https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

HTTPS = 443
EPHEMERAL = (1024, 65535)
"""The ports of clients. A network ACL must admit the answer to them."""
EVERYWHERE = IPv4Network("0.0.0.0/0")
INTERNET_GATEWAY = "igw-"

Range = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Rule:
    """A rule of a security group: the ports of a protocol, to or from one kind of peer."""

    name: str
    protocol: str
    first: int
    last: int
    range: Range | None = None
    group: str | None = None
    prefix_list: str | None = None

    def is_for(self, port: int) -> bool:
        return self.protocol in ("-1", "all") or (
            self.protocol in ("tcp", "6") and self.first <= port <= self.last
        )

    def admits(self, place: "Place", certain: bool) -> bool:
        """Return True if the place is in the rule's security group or address range.

        If `certain`, the whole of each subnet must be in the range; otherwise a part is enough.
        """
        if self.group is not None and self.group in {group.id for group in place.groups}:
            return True
        return self.range is not None and all(
            _within(subnet.range, self.range, certain) for subnet in place.subnets
        )


@dataclass(frozen=True)
class Group:
    """A security group."""

    id: str
    name: str
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Route:
    """A route of a table. The route of the VPC itself is not listed."""

    name: str
    destination: Range
    target: str  # igw-…, nat-…, tgw-…, pcx-…


@dataclass(frozen=True)
class AclEntry:
    """An entry of a network ACL; the lowest number that matches decides."""

    number: int
    allows: bool
    egress: bool
    protocol: str
    first: int
    last: int
    range: Range


@dataclass(frozen=True)
class Subnet:
    """A subnet with its route table. Without an ACL of its own, everything passes."""

    id: str
    name: str
    vpc: str
    range: Range
    table: str = ""
    routes: tuple[Route, ...] = ()
    acl: tuple[AclEntry, ...] | None = None

    def passes(self, egress: bool, port: int, peer: Range) -> bool:
        if self.acl is None:
            return True
        for entry in sorted(self.acl, key=lambda entry: entry.number):
            is_for = entry.protocol in ("-1", "all") or (
                entry.protocol in ("tcp", "6") and entry.first <= port <= entry.last
            )
            if entry.egress is egress and is_for and _within(peer, entry.range, True):
                return entry.allows
        return False


@dataclass(frozen=True)
class Place:
    """A network interface or several: of a function, a database, a proxy, an instance, an endpoint."""

    name: str
    subnets: tuple[Subnet, ...]
    groups: tuple[Group, ...]
    is_public: bool = False  # True if it has a public address

    def each(self) -> "Iterator[Place]":
        """Yield this place for each of its subnets."""
        for subnet in self.subnets:
            yield Place(self.name, (subnet,), self.groups, self.is_public)


@dataclass(frozen=True)
class Endpoint:
    """An endpoint of a service.

    A gateway has tables and a prefix list, an interface has a place.
    """

    name: str
    service: str
    vpc: str
    policy: str = ""
    tables: frozenset[str] = frozenset()
    prefix_list: str | None = None
    place: Place | None = None  # of an interface endpoint
    private_dns: bool = False


@dataclass(frozen=True)
class Way:
    """A result: whether traffic arrives, and the steps or the obstacle that prove it."""

    is_open: bool
    steps: tuple[str, ...]

    def __str__(self) -> str:
        return " → ".join(self.steps)


@dataclass(frozen=True)
class Network:
    """The places of a network by name, and its endpoints."""

    places: Mapping[str, Place] = field(default_factory=dict)
    endpoints: tuple[Endpoint, ...] = ()

    def to_service(self, start: Place, service: str) -> Way:
        """Return the way of a place to an AWS service: by an endpoint, or by the internet."""
        closed: list[Way] = []
        for endpoint in self.endpoints:
            if endpoint.service == service:
                by = _by_gateway if endpoint.place is None else _by_interface
                if (way := by(start, endpoint)).is_open:
                    return way
                closed.append(way)
        way = to_internet(start, HTTPS, certain=True)
        if way.is_open or not closed:
            none = f"{start.name} has no endpoint for {service}"
            return way if way.is_open else Way(False, (none, *way.steps))
        return closed[0]


def to_place(start: Place, end: Place, port: int, *, certain: bool) -> Way:
    """Return the path between two places.

    If `certain`, every pair of subnets must be connected; otherwise one pair is enough.
    """
    ways = [_between(one, other, port, certain) for one in start.each() for other in end.each()]
    return _of_all(ways, certain) or Way(False, (f"{start.name} or {end.name} is in no VPC",))


def to_internet(start: Place, port: int, *, certain: bool) -> Way:
    """Return the path from a place to addresses outside of every private range."""
    ways = [_out(one, port, certain) for one in start.each()]
    return _of_all(ways, certain) or Way(False, (f"{start.name} is in no VPC",))


def from_internet(end: Place, port: int) -> list[tuple[Range, Way]]:
    """Return the public address ranges that reach a place, each with its path."""
    found = []
    for place in end.each():
        gateways = (each for each in place.subnets[0].routes if not each.destination.is_private)
        route = next((each for each in gateways if each.target.startswith(INTERNET_GATEWAY)), None)
        if route is None or not place.is_public:
            continue
        for group in place.groups:
            for rule in group.ingress:
                if rule.is_for(port) and rule.range is not None and not rule.range.is_private:
                    steps = (
                        f"{rule.range}",
                        route.name,
                        f"{rule.name} admits port {port}",
                        end.name,
                    )
                    found.append((rule.range, Way(True, steps)))
    return found


def _between(start: Place, end: Place, port: int, certain: bool) -> Way:
    here, there = start.subnets[0], end.subnets[0]
    if here.vpc != there.vpc:
        return Way(False, (f"{start.name} and {end.name} are in different VPCs",))
    leaves = _first(start.groups, "egress", port, end, certain)
    if leaves is None:
        return Way(
            False, (f"no rule of {_names(start)} lets {start.name} out to {end.name}:{port}",)
        )
    enters = _first(end.groups, "ingress", port, start, certain)
    if enters is None:
        return Way(False, (f"no rule of {_names(end)} admits {start.name} at port {port}",))
    if not _acls_pass(here, there, port):
        return Way(False, (f"the network ACL of {here.name} or {there.name} stops port {port}",))
    return Way(
        True, (start.name, f"out by {leaves.name}", f"in by {enters.name}", f"{end.name}:{port}")
    )


def _acls_pass(here: Subnet, there: Subnet, port: int) -> bool:
    """Return True if the ACLs of both sides admit the request and its answer."""
    if here.id == there.id:
        return True
    back = all(
        there.passes(True, each, here.range) and here.passes(False, each, there.range)
        for each in EPHEMERAL
    )
    return here.passes(True, port, there.range) and there.passes(False, port, here.range) and back


def _out(start: Place, port: int, certain: bool) -> Way:
    subnet = start.subnets[0]
    rules = (rule for group in start.groups for rule in group.egress if rule.is_for(port))
    rule = next((each for each in rules if each.range and _is_public(each.range, certain)), None)
    if rule is None:
        return Way(
            False, (f"no rule of {_names(start)} lets {start.name} out to public addresses",)
        )
    route = _way_out(start, certain)
    if route is None:
        return Way(False, (f"the routes of {subnet.name} lead {start.name} to no public address",))
    if not subnet.passes(True, port, EVERYWHERE):
        return Way(False, (f"the network ACL of {subnet.name} stops port {port}",))
    return Way(
        True, (start.name, f"out by {rule.name}", f"{route.name} to {route.target}", "internet")
    )


def _way_out(start: Place, certain: bool) -> Route | None:
    """Return a route to public addresses. An internet gateway serves public addresses alone."""
    return next(
        (
            route
            for route in start.subnets[0].routes
            if _is_public(route.destination, certain)
            and (start.is_public or not route.target.startswith(INTERNET_GATEWAY))
        ),
        None,
    )


def _is_public(range_: Range, certain: bool) -> bool:
    """Return True for a range with public addresses; if `certain`, only for the range of all."""
    return range_ == EVERYWHERE if certain else not range_.is_private


def _by_gateway(start: Place, endpoint: Endpoint) -> Way:
    """Return the way by a gateway endpoint. The table of every subnet must have its route."""
    missing = [each.name for each in start.subnets if each.table not in endpoint.tables]
    if missing or not start.subnets:
        return Way(False, (f"the tables of {', '.join(missing)} do not lead to {endpoint.name}",))
    rule = next(
        (
            rule
            for group in start.groups
            for rule in group.egress
            if rule.is_for(HTTPS)
            and (rule.prefix_list == endpoint.prefix_list or rule.range == EVERYWHERE)
        ),
        None,
    )
    if rule is None:
        return Way(False, (f"no rule of {_names(start)} lets {start.name} out to {endpoint.name}",))
    return Way(True, (start.name, f"out by {rule.name}", endpoint.name, endpoint.service))


def _by_interface(start: Place, endpoint: Endpoint) -> Way:
    assert endpoint.place is not None
    if not endpoint.private_dns:
        return Way(False, (f"{endpoint.name} has no private DNS, and SDKs use the service's name",))
    way = to_place(start, endpoint.place, HTTPS, certain=True)
    return Way(way.is_open, (*way.steps, endpoint.service)) if way.is_open else way


def _first(
    groups: tuple[Group, ...], direction: str, port: int, peer: Place, certain: bool
) -> Rule | None:
    rules = (rule for group in groups for rule in getattr(group, direction))
    return next((rule for rule in rules if rule.is_for(port) and rule.admits(peer, certain)), None)


def _of_all(ways: list[Way], certain: bool) -> Way | None:
    """Return the decisive way: a closed one if all must be open, otherwise an open one."""
    return next((way for way in ways if way.is_open is not certain), ways[0] if ways else None)


def _within(range_: Range, wider: Range, certain: bool) -> bool:
    if range_.version != wider.version:
        return False
    return range_.subnet_of(wider) if certain else range_.overlaps(wider)  # type: ignore[arg-type]


def _names(place: Place) -> str:
    return ", ".join(group.name for group in place.groups) or "no security group"
