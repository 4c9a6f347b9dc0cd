"""The inputs of the last apply, kept while no resource has changed since.

Terraform needs half the time of an `up` to find that there is no drift. The supervisor sees
every call that could change a resource, and forgets the inputs at the first one. If in doubt it
forgets them too, and Terraform plans again.
"""

import re
from collections.abc import Mapping

from local_aws.aws_call import AwsCall

# Calls that change only content, which Terraform does not manage: items, users, secrets' values,
# messages and results of functions.
_CONTENT: Mapping[str, str] = {
    "cognito-idp": "Admin|SignUp|ConfirmSignUp|ResendConfirmationCode|InitiateAuth|RespondToAuthChallenge|(Confirm)?ForgotPassword"
    "|ChangePassword|GlobalSignOut|RevokeToken|GetTokensFromRefreshToken|(Associate|Verify)SoftwareToken|SetUserMFAPreference"
    "|(Update|Delete|Verify)UserAttribute|DeleteUser$",
    "dynamodb": "(Put|Update|Delete)Item|BatchWriteItem|TransactWriteItems",
    "events": "PutEvents",
    "kms": "Encrypt|Decrypt|GenerateDataKey|Sign|Verify",
    "logs": "CreateLogStream|PutLogEvents",
    "monitoring": "PutMetricData",
    "secretsmanager": "PutSecretValue|UpdateSecretVersionStage",
    "sns": "Publish",
    "sqs": "SendMessage|ReceiveMessage|DeleteMessage|ChangeMessageVisibility",
    "sts": "",
}
_INVOKE = re.compile(r"/functions/[^/]+/invocations$")


def changes_a_resource(call: AwsCall) -> bool:
    """Return True if a call that writes may change a resource."""
    if call.action is None:
        return not (call.service == "lambda" and _INVOKE.search(call.path))
    content = _CONTENT.get(call.service)
    return content is None or not re.match(content, call.action)


class Applied:
    """The digest of the last apply's inputs; empty if Terraform must plan again."""

    def __init__(self, inputs: str = "") -> None:
        self.inputs = inputs

    def note(self, call: AwsCall) -> None:
        if self.inputs and changes_a_resource(call):
            self.inputs = ""
