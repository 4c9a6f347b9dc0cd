"""Availability zones without RDS Proxy, whose subnets it silently drops.

A configuration with such a subnet then replaces the proxy at every plan
(https://github.com/hashicorp/terraform-provider-aws/issues/17781 and #23446).
"""

import os
from typing import Any

from local_aws.settings import ACCOUNT_ID

os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT_ID  # moto reads this setting when it is imported

from moto.ec2.models import ec2_backends

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
