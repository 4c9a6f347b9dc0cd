"""Remedies for failures of Terraform whose own message names none."""

import re

SIGN_IN = (
    "There are no AWS credentials, or they have expired. Set AWS_PROFILE in .env to a profile of "
    "~/.aws/config and sign in (aws sso login, or new access keys). "
    "`aws sts get-caller-identity` then succeeds."
)
BOOTSTRAP = (
    "The bucket of Terraform's state does not exist in this account and region. "
    "Run make bootstrap once, and check AWS_REGION and the profile."
)
DENIED = (
    "These credentials lack a permission. In a workflow, make bootstrap creates the role; run it "
    "again after an upgrade. On your machine, check which account AWS_PROFILE is of."
)
_REMEDIES = (
    (r"No valid credential sources|failed to refresh cached credentials|no EC2 IMDS role", SIGN_IN),
    (r"ExpiredToken|InvalidClientTokenId|UnrecognizedClient|SSO session has expired", SIGN_IN),
    (r"NoSuchBucket|S3 bucket .*does not exist", BOOTSTRAP),
    (r"AccessDenied|UnauthorizedOperation|not authorized to perform", DENIED),
)


def remedy(message: str) -> str:
    """Return the remedy for a message of Terraform; empty if the message itself is sufficient."""
    for pattern, found in _REMEDIES:
        if re.search(pattern, message):
            return found
    return ""
