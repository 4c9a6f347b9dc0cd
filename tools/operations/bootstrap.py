"""`make bootstrap`: once per account, by an administrator: the bucket of the states, and the roles that workflows take.

The bucket cannot hold the state of the apply that makes it. So it is made empty first, Terraform adopts it and sets it up, and
whatever interrupts this, running it again goes on.
"""

import argparse
import sys
from typing import Any

import boto3
from botocore.exceptions import ClientError

from tools.deploy import command, service_linked_roles
from tools.deploy.errors import RefusedError
from tools.deploy.terraform import root as terraform
from tools.deploy.terraform.root import Root

NAME = "bootstrap"
BUCKET = "aws_s3_bucket.state"
DEFAULT_REGION = "us-east-1"  # the one that S3 does not want to be told


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.operations.bootstrap", description=__doc__
    )
    parser.add_argument("--yes", action="store_true", help="apply without a question")
    options = parser.parse_args()
    return command.run(NAME, lambda: bootstrap(sure=options.yes))


def bootstrap(*, sure: bool) -> None:
    root = terraform.root(NAME)
    if "GITHUB_REPOSITORY" not in root.configuration.found:
        raise RefusedError(
            "GITHUB_REPOSITORY is missing: owner/name, whose workflows take the roles. Put it in .env."
        )
    _require_account(root.configuration.account_id)
    for service in service_linked_roles.make_missing(boto3.client("iam")):
        print(f"made the service-linked role of {service}.")
    make_bucket(
        root.configuration.state_bucket, root.configuration.region, root.configuration.account_id
    )
    root.init()
    if not root.holds(BUCKET):
        root.adopt(BUCKET, root.configuration.state_bucket)
    with root.plan(lock=True) as plan:
        command.agreed(NAME, sure=sure or not plan.changes)
        root.apply(plan)
    print(f"\n{told(root)}")


def _require_account(wanted: str) -> None:
    """Before the bucket is made: Terraform's own check would come too late."""
    if (found := boto3.client("sts").get_caller_identity()["Account"]) != wanted:
        raise RefusedError(
            f"these credentials are of account {found}, and AWS_ACCOUNT_ID is {wanted}. Nothing was made."
        )


def make_bucket(name: str, region: str, account_id: str) -> None:
    """Where it is missing. Raises RefusedError when the name is somebody else's, who may well let us read and write it."""
    s3 = boto3.client("s3", region_name=region)
    try:
        s3.head_bucket(Bucket=name, ExpectedBucketOwner=account_id)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "403":
            raise RefusedError(
                f"STATE_BUCKET {name} is somebody else's. Choose another name."
            ) from error
        if code != "404":
            raise
        place: dict[str, Any] = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=name, **({} if region == DEFAULT_REGION else place))


def told(root: Root) -> str:
    outputs = root.outputs()
    roles = [outputs["plan_role_arn"], *outputs["deploy_role_arns"].values()]
    return "\n".join(
        [
            f"The states lie in {outputs['state_bucket']}. Workflows of {root.configuration.found['GITHUB_REPOSITORY']} may take",
            *(f"  {role}" for role in roles),
            "once the repository's variables say what .env does (docs/runbooks/first-deploy.md).",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
