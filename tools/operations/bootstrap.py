"""`make bootstrap`: create the state bucket and the roles of workflows, once per account.

The bucket cannot hold the state of the apply that creates it. So it is created empty first, and
Terraform imports it. An interrupted run is continued by running the command again.
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
DEFAULT_REGION = "us-east-1"  # S3 rejects it as a LocationConstraint


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
            "GITHUB_REPOSITORY is missing. Set it in .env to the owner/name whose workflows assume the roles."
        )
    _require_account(root.configuration.account_id)
    for service in service_linked_roles.make_missing(boto3.client("iam")):
        print(f"created the service-linked role of {service}.")
    make_bucket(
        root.configuration.state_bucket, root.configuration.region, root.configuration.account_id
    )
    root.init()
    if not root.holds(BUCKET):
        root.adopt(BUCKET, root.configuration.state_bucket)
    with root.plan(lock=True) as plan:
        command.confirm(NAME, confirmed=sure or not plan.changes)
        root.apply(plan)
    print(f"\n{next_steps(root)}")


def _require_account(wanted: str) -> None:
    """Check the account before the bucket is created, since Terraform's own check comes later."""
    if (found := boto3.client("sts").get_caller_identity()["Account"]) != wanted:
        raise RefusedError(
            f"these credentials belong to account {found}, but AWS_ACCOUNT_ID is {wanted}. Nothing was created. "
            "Sign in to the right account, or correct AWS_ACCOUNT_ID."
        )


def make_bucket(name: str, region: str, account_id: str) -> None:
    """Create the bucket if it is missing. Raise RefusedError if another account owns the name."""
    s3 = boto3.client("s3", region_name=region)
    try:
        s3.head_bucket(Bucket=name, ExpectedBucketOwner=account_id)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "403":
            raise RefusedError(
                f"the STATE_BUCKET {name} belongs to another account. Choose another name."
            ) from error
        if code != "404":
            raise
        place: dict[str, Any] = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=name, **({} if region == DEFAULT_REGION else place))


def next_steps(root: Root) -> str:
    outputs = root.outputs()
    roles = [
        outputs["plan_role_arn"],
        outputs["propose_role_arn"],
        *outputs["deploy_role_arns"].values(),
    ]
    return "\n".join(
        [
            f"The state bucket is {outputs['state_bucket']}. Workflows of {root.configuration.found['GITHUB_REPOSITORY']} may assume",
            *(f"  {role}" for role in roles),
            "once the repository's variables have the values of .env (docs/runbooks/first-deploy.md).",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
