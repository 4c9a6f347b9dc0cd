"""Reachability for functions, on a network built with boto3 like modules/network, api_lambda and
rds_proxy.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from aiohttp import web
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.backends import get_backend

from local_aws.control_plane import endpoint
from local_aws.control_plane.moto_app import Moto
from local_aws.database.registered import RegisteredProxy
from local_aws.iam import sessions
from local_aws.iam.gate import IamGate
from local_aws.lambda_service.deployed import find
from local_aws.network import NetworkGate
from local_aws.network.reachability import Place, caller_of, no_way_to_proxy
from local_aws.settings import ACCOUNT_ID, LOOPBACK, Settings
from local_aws.supervisor.function_egress import egress_of
from local_aws_tests.lambda_service.laptop import TRUST, Loop, zipped

REGION = "eu-central-1"
HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
POSTGRES = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432}
ANYTHING = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


@dataclass
class Network:
    url: str
    vpc: str = ""
    subnet: str = ""
    table: str = ""
    functions: str = ""  # security group of every function
    clients: str = ""  # security group of the functions that declare postgres
    proxy: str = ""

    def client(
        self, service: str, credentials: tuple[str, str, str | None] = ("local", "local", None)
    ) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service, region_name=REGION, endpoint_url=self.url, aws_access_key_id=credentials[0],
            aws_secret_access_key=credentials[1], aws_session_token=credentials[2],
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )  # fmt: skip

    def build(self) -> None:
        ec2 = self.client("ec2")
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnet = ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.1.0/24")["Subnet"][
            "SubnetId"
        ]
        self.table = ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        ec2.associate_route_table(RouteTableId=self.table, SubnetId=self.subnet)
        self.functions, self.clients, self.proxy = (
            self.group(name) for name in ("functions", "clients", "proxy")
        )
        self.endpoint("dynamodb", VpcEndpointType="Gateway", RouteTableIds=[self.table])
        lists = ec2.describe_managed_prefix_lists()["PrefixLists"]
        (dynamodb,) = [
            each["PrefixListId"] for each in lists if each["PrefixListName"].endswith(".dynamodb")
        ]
        self.lead(self.functions, HTTPS | {"PrefixListIds": [{"PrefixListId": dynamodb}]})
        self.lead(self.clients, POSTGRES | {"UserIdGroupPairs": [{"GroupId": self.proxy}]})
        self.admit(self.proxy, POSTGRES | {"UserIdGroupPairs": [{"GroupId": self.clients}]})

    def group(self, name: str) -> str:
        """Create a security group without the rule that allows all egress, as Terraform does."""
        ec2 = self.client("ec2")
        made: str = ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)[
            "GroupId"
        ]
        ec2.revoke_security_group_egress(GroupId=made, IpPermissions=[ANYTHING])
        return made

    def lead(self, group: str, permission: dict[str, Any]) -> None:
        self.client("ec2").authorize_security_group_egress(
            GroupId=group, IpPermissions=[permission]
        )

    def admit(self, group: str, permission: dict[str, Any]) -> None:
        self.client("ec2").authorize_security_group_ingress(
            GroupId=group, IpPermissions=[permission]
        )

    def endpoint(self, service: str, **options: Any) -> str:
        made = self.client("ec2").create_vpc_endpoint(
            VpcId=self.vpc, ServiceName=f"com.amazonaws.{REGION}.{service}", **options
        )
        return str(made["VpcEndpoint"]["VpcEndpointId"])

    def function(self, name: str, *groups: str) -> tuple[str, str, str | None]:
        """Deploy a function, in the VPC if it has groups. Return what signs its calls.

        Its role may do everything.
        """
        everything = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
        }
        iam = self.client("iam")
        # IAM is not reset, because it would load all of AWS's policies again
        named = f"{name}-{self.vpc}"
        role = iam.create_role(RoleName=named, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        iam.put_role_policy(RoleName=named, PolicyName="all", PolicyDocument=json.dumps(everything))
        vpc = (
            {"VpcConfig": {"SubnetIds": [self.subnet], "SecurityGroupIds": list(groups)}}
            if groups
            else {}
        )
        self.client("lambda").create_function(
            FunctionName=name, Runtime="python3.13", Role=role, Handler="main.handler",
            Code={"ZipFile": zipped({"main.py": ""})}, **vpc,
        )  # fmt: skip
        key, secret, session, _ = sessions.credentials_for(role, name)
        return key, secret, session

    def refused(self, call: Callable[[], Any]) -> str | None:
        """Return why the network refuses a call; None if it arrives."""
        try:
            call()
        except ClientError as error:
            return str(error) if error.response["Error"]["Code"] == "NoRouteFromVpc" else None
        return None


@pytest.fixture(scope="module")
def running() -> Iterator[str]:
    loop, moto = Loop(), Moto(Settings(root=Path("/nowhere")))

    async def start() -> tuple[web.AppRunner, int]:
        gate = endpoint.first_refusal(NetworkGate().check, IamGate().check)
        runner = web.AppRunner(endpoint.create_app({}, moto, gate))
        await runner.setup()
        await web.TCPSite(runner, LOOPBACK, 0).start()
        return runner, runner.addresses[0][1]

    runner, port = loop.run(start())
    yield f"http://{LOOPBACK}:{port}"
    loop.run(runner.cleanup())
    moto.close()
    loop.close()


@pytest.fixture
def network(running: str, monkeypatch: pytest.MonkeyPatch) -> Network:
    monkeypatch.setenv("MOTO_ACCOUNT_ID", ACCOUNT_ID)
    for service in ("ec2", "lambda"):
        get_backend(service).reset()
    made = Network(running)
    made.build()
    return made


def test_a_vpc_function_reaches_only_services_with_an_endpoint(network: Network) -> None:
    signed = network.function("users", network.functions)
    assert network.refused(network.client("dynamodb", signed).list_tables) is None
    for service, call in {
        "cognito-idp": lambda: network.client("cognito-idp", signed).list_user_pools(MaxResults=1),
        "ssm": network.client("ssm", signed).describe_parameters,
        "s3": network.client("s3", signed).list_buckets,
        "sts": network.client("sts", signed).get_caller_identity,
    }.items():
        why = network.refused(call)
        assert why
        assert f"users is in {network.vpc}, which has no route to {service}" in why
        assert "vpc: false" in why


def test_functions_outside_the_vpc_and_the_operator_reach_every_service(
    network: Network,
) -> None:
    outside = network.function("reconcile")
    assert network.refused(network.client("ssm", outside).describe_parameters) is None
    assert network.refused(network.client("ssm").describe_parameters) is None
    network.function("users", network.functions)
    key, secret, token, _ = sessions.credentials_for(
        f"arn:aws:iam::{ACCOUNT_ID}:role/users-{network.vpc}", "somebody"
    )
    assert network.refused(network.client("ssm", (key, secret, token)).describe_parameters) is None


def test_an_endpoint_needs_routes_and_security_groups(
    network: Network,
) -> None:
    closed = network.function("closed", network.group("nothing"))
    assert network.refused(network.client("dynamodb", closed).list_tables)
    signed = network.function("users", network.functions)
    ec2 = network.client("ec2")
    association = ec2.describe_route_tables(RouteTableIds=[network.table])["RouteTables"][0][
        "Associations"
    ][0]
    ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
    assert network.refused(network.client("dynamodb", signed).list_tables)


def test_an_interface_endpoint_needs_both_sides_groups_and_private_dns(network: Network) -> None:
    call = network.client("ssm", network.function("users", network.functions)).describe_parameters
    door = network.group("door")
    made = {
        "VpcEndpointType": "Interface",
        "SubnetIds": [network.subnet],
        "SecurityGroupIds": [door],
    }
    network.endpoint("ssm", **made, PrivateDnsEnabled=False)
    network.lead(network.functions, HTTPS | {"UserIdGroupPairs": [{"GroupId": door}]})
    assert network.refused(call)
    network.admit(door, HTTPS | {"IpRanges": [{"CidrIp": "10.0.0.0/16"}]})
    assert network.refused(call)
    network.endpoint("ssm", **made, PrivateDnsEnabled=True)
    assert network.refused(call) is None


def test_a_nat_gateway_leads_to_every_service(network: Network) -> None:
    call = network.client("ssm", network.function("users", network.functions)).describe_parameters
    ec2 = network.client("ec2")
    nat = ec2.create_nat_gateway(SubnetId=network.subnet, ConnectivityType="private")["NatGateway"][
        "NatGatewayId"
    ]
    ec2.create_route(RouteTableId=network.table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    assert network.refused(call)
    network.lead(network.functions, HTTPS | {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]})
    assert network.refused(call) is None


def test_only_functions_with_a_group_that_the_proxy_admits_reach_it(network: Network) -> None:
    proxy = Place(REGION, (network.subnet,), (network.proxy,))
    reasons = {}
    for name, groups in {
        "orders": (network.functions, network.clients),
        "menu": (network.functions,),
        "apart": (),
    }.items():
        signer = sessions.session(network.function(name, *groups)[0])
        caller = caller_of(signer) if signer else None
        assert caller is not None
        reasons[name] = no_way_to_proxy(caller, proxy)
    assert reasons["orders"] is None
    assert "Declare `postgres`" in (reasons["menu"] or "")
    assert "outside of the VPC" in (reasons["apart"] or "")


def test_egress_of_a_functions_own_sockets_follows_its_network(network: Network) -> None:
    proxy = RegisteredProxy(
        "prx-1", REGION, (), "", True, Place(REGION, (network.subnet,), (network.proxy,))
    )
    settings = Settings(Path(), api_port=3000, aws_port=4566)
    egress = egress_of(settings, 6432, f"{LOOPBACK}:2000", lambda: [proxy])
    found = {}
    for name, groups in {
        "orders": (network.functions, network.clients),
        "menu": (network.functions,),
        "apart": (),
    }.items():
        network.function(name, *groups)
        found[name] = egress(find(name))
    assert {name: set(each.open) for name, each in found.items()} == {
        "orders": {4566, 2000, 6432},
        "menu": {4566, 2000},
        "apart": {4566, 2000, 3000},
    }
    assert "Declare `postgres`" in found["menu"].closed[6432]
    assert "outside of the VPC" in found["apart"].closed[6432]
    assert found["apart"].internet is None
    assert f"is in {network.vpc}, which has no route to the internet" in (
        found["orders"].internet or ""
    )
