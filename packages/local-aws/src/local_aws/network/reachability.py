"""Reachability from a function to AWS services and DB proxies, in the network that is applied now.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html,
https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html
"""

from dataclasses import dataclass

from local_aws.iam.sessions import Session
from local_aws.lambda_service.deployed import DeployedFunction, find
from local_aws.lambda_service.errors import InvokeError
from local_aws.network import model, of_moto

_HTTPS, _POSTGRES = 443, 5432


@dataclass(frozen=True)
class Place:
    """A location in a VPC: the ids of subnets and security groups."""

    region: str
    subnet_ids: tuple[str, ...]
    group_ids: tuple[str, ...]

    def located(self, name: str) -> model.Place:
        return of_moto.place(name, self.region, self.subnet_ids, self.group_ids)


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
    if caller.place is None:
        return None
    start = caller.place.located(caller.function)
    vpc = _vpc(start)
    endpoints = of_moto.endpoints_of(caller.place.region, vpc, service)
    if endpoints.to_service(start, service).is_open:
        return None
    return (
        f"{caller.function} is in {vpc}, which has no route to {service}: its subnets and "
        "security groups can use neither an endpoint for the service nor a NAT. On AWS the call would "
        "time out. Set `vpc: false` in the function.yaml, or add the service to "
        "`interface_endpoints` of modules/network."
    )


def no_way_to_internet(caller: Caller) -> str | None:
    """Explain why the function cannot reach the internet; return None if it can."""
    if caller.place is None:
        return None
    start = caller.place.located(caller.function)
    if model.to_internet(start, _HTTPS, certain=True).is_open:
        return None
    return (
        f"{caller.function} is in {_vpc(start)}, which has no route to the internet: its subnets "
        "and security groups cannot use a NAT. On AWS the connection would time out. "
        "Set `vpc: false` in the function.yaml, or set `nat` of modules/network."
    )


def no_way_to_proxy(caller: Caller, proxy: Place) -> str | None:
    """Explain why the function cannot connect to a DB proxy; return None if it can."""
    if caller.place is None:
        return (
            f"{caller.function} is outside of the VPC (`vpc: false`) and cannot reach the DB "
            "proxy. Remove `vpc: false` from its function.yaml and declare `postgres`."
        )
    start, end = caller.place.located(caller.function), proxy.located("the DB proxy")
    if model.to_place(start, end, _POSTGRES, certain=True).is_open:
        return None
    return (
        f"The security groups of {caller.function} do not allow connections to the DB proxy. "
        "Declare `postgres` in its function.yaml: this adds the security group that does."
    )


def _vpc(place: model.Place) -> str:
    return place.subnets[0].vpc if place.subnets else ""
