"""The zones that RDS Proxy does not serve: it drops their subnets without a word.

A configuration that names such a subnet then has a proxy to replace at every plan
(https://github.com/hashicorp/terraform-provider-aws/issues/17781 and #23446).
"""

import os
from typing import Any

from local_aws.settings import ACCOUNT_ID

os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT_ID  # read by moto when it is imported

from moto.ec2.models import ec2_backends

UNSUPPORTED = frozenset(["use1-az3", "usw1-az2"])


def drop_unsupported(proxy: Any) -> None:
    """Forget the subnets of moto's proxy that lie in such a zone."""
    subnets = ec2_backends[ACCOUNT_ID][proxy.region].describe_subnets(
        subnet_ids=list(proxy.vpc_subnet_ids)
    )
    zones = {subnet.id: subnet.availability_zone_id for subnet in subnets}
    proxy.vpc_subnet_ids = [
        subnet for subnet in proxy.vpc_subnet_ids if zones[subnet] not in UNSUPPORTED
    ]
