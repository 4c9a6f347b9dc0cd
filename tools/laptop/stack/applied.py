"""Whether Terraform would find nothing to do: neither the checkout nor a resource changed since its last apply.

Terraform itself would look at a hundred and more resources to say so, which is half the time of a `make up`. The supervisor sees every
call that could change one, so it knows: it keeps what was applied until the first such call. In doubt it forgets, and Terraform looks.
"""

import re
from collections.abc import Mapping

from local_aws.aws_call import AwsCall

# Calls that change what resources hold, which Terraform does not describe: items, users, secrets' values, messages, results of functions.
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
    """Of a call that does not only read."""
    if call.action is None:
        return not (call.service == "lambda" and _INVOKE.search(call.path))
    content = _CONTENT.get(call.service)
    return content is None or not re.match(content, call.action)


class Applied:
    """`inputs` identifies what the last apply went by (`ScratchRoot.inputs`); empty when Terraform has to look again."""

    def __init__(self, inputs: str = "") -> None:
        self.inputs = inputs

    def note(self, call: AwsCall) -> None:
        if self.inputs and changes_a_resource(call):
            self.inputs = ""
