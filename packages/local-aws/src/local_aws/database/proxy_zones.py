"""Availability zones without RDS Proxy, whose subnets it silently drops.

A configuration with such a subnet then replaces the proxy at every plan
(https://github.com/hashicorp/terraform-provider-aws/issues/17781 and #23446).
"""

from typing import Any

from moto.ec2.models import ec2_backends

from local_aws.settings import ACCOUNT_ID

UNSUPPORTED = frozenset(["use1-az3", "usw1-az2"])


def drop_unsupported(proxy: Any) -> None:
    """Remove the subnets of moto's proxy that are in such a zone."""
    subnets = ec2_backends[ACCOUNT_ID][proxy.region].describe_subnets(
        subnet_ids=list(proxy.vpc_subnet_ids)
    )
    zones = {subnet.id: subnet.availability_zone_id for subnet in subnets}
    proxy.vpc_subnet_ids = [
        subnet for subnet in proxy.vpc_subnet_ids if zones[subnet] not in UNSUPPORTED
    ]
