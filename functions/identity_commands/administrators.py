"""The number of administrators who can sign in, as a metric with an alarm."""

from botocore.exceptions import ClientError

from atrium.identity.commands import Administrators
from atrium.runtime import log
from identity_commands import cognito


def count(administrators: Administrators) -> None:
    """Log the number of administrators with an enabled account. Raise transient errors."""
    able = sum(any(map(_is_enabled, cognito.ours(each))) for each in administrators.identities)
    metric = log.metric("AdministratorsAbleToSignIn", able)
    if able:
        log.write("INFO", "administrators counted", **metric)
    else:
        log.write("ERROR", "no administrator can sign in", **metric)


def _is_enabled(subject: str) -> bool:
    try:
        return bool(cognito.call("admin_get_user", Username=subject)["Enabled"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "UserNotFoundException":
            raise
        return False
