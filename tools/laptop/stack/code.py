"""The bucket from which Terraform deploys the functions of a laptop's stack."""

from local_aws.settings import Settings
from tools.deploy.terraform.scratch import CODE_BUCKET
from tools.laptop.stack import aws

_REGION = "us-east-1"  # of a bucket without a location


def upload(settings: Settings) -> None:
    """Upload the zips of `build/functions` under the names that the module expects."""
    s3 = aws.client("s3", settings, _REGION)
    s3.create_bucket(Bucket=CODE_BUCKET)  # no error in us-east-1 if it exists
    for file in sorted((settings.root / "build/functions").glob("*.zip")):
        s3.put_object(Bucket=CODE_BUCKET, Key=f"functions/{file.name}", Body=file.read_bytes())
