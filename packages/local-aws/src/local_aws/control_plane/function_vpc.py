"""The VPC of a function, which follows from its subnets.

Importing this module patches moto, which reports `vpc-123abc` for every function. The Terraform
provider looks that VPC up when it destroys a function, and fails.

https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfigResponse.html
"""

from typing import Any

from moto.awslambda.models import LambdaFunction
from moto.ec2.models import ec2_backends


def _vpc_config(function: Any) -> dict[str, Any] | None:
    config = function._vpc_config
    if not config:
        return None
    backend = ec2_backends[function.account_id][function.region]
    found = (
        backend.describe_subnets(subnet_ids=config["SubnetIds"]) if config.get("SubnetIds") else []
    )
    return {**config, "VpcId": found[0].vpc_id} if found else dict(config)


LambdaFunction.vpc_config = property(_vpc_config)  # type: ignore[method-assign, assignment]
