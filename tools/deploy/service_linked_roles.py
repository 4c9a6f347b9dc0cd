"""Service-linked roles. An empty account has none, and RDS may refuse its first database."""

from typing import Any

from botocore.exceptions import ClientError

# The services' names in IAM's CreateServiceLinkedRole, and the features that need the role.
SERVICES = {
    "rds.amazonaws.com": "databases and their proxies",
    "ops.apigateway.amazonaws.com": "the API's own domain",
    "email.cognito-idp.amazonaws.com": "mails by SES",
}


def missing(iam: Any) -> list[str]:
    """Return the services whose role the account does not have."""
    return [service for service in SERVICES if not _has_role(iam, service)]


def make_missing(iam: Any) -> list[str]:
    """Create the missing roles; return the services whose role was created."""
    return [service for service in missing(iam) if _make(iam, service)]


def _has_role(iam: Any, service: str) -> bool:
    pages = iam.get_paginator("list_roles").paginate(PathPrefix=f"/aws-service-role/{service}/")
    return any(page["Roles"] for page in pages)


def _make(iam: Any, service: str) -> bool:
    """Return False if the role was created concurrently."""
    try:
        iam.create_service_linked_role(AWSServiceName=service)
    except ClientError as error:
        if error.response["Error"]["Code"] == "InvalidInput" and "has been taken" in str(error):
            return False
        raise
    return True
