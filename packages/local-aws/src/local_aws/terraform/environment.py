"""Variables that point Terraform's provider, the SDKs and the AWS CLI at a local AWS."""

from local_aws.settings import Settings


def aws_environment(settings: Settings) -> dict[str, str]:
    """Return the variables that point the AWS provider, SDK and CLI at this AWS, with dummy keys."""
    return {
        "AWS_ENDPOINT_URL": settings.aws_endpoint_url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }
