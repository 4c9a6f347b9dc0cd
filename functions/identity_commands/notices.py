"""Mails that tell people of a change of their account: `templates/<language>/<command>.html`.

The address and the language are those of the account at the time of sending, so the command holds
neither. Only a former address is in the command until the mail is sent. A mail is sent at least
once: an attempt that ends before its outcome is repeated.
"""

from pathlib import Path
from string import Template

from botocore.exceptions import ClientError

from atrium.identity.commands import IdentitiesOfUser
from atrium.runtime import config
from identity_commands import cognito
from identity_commands.invitation import RefusedError

FOLDER = Path(__file__).parent / "templates"
PERMANENT = (
    "AccountSuspendedException",
    "BadRequestException",
    "MailFromDomainNotVerifiedException",
    "MessageRejected",
    "NotFoundException",
    "SendingPausedException",
)
"""Errors of SES that a retry does not resolve. Retries would block the stream."""


def send(command: str, of_user: IdentitiesOfUser) -> None:
    """Send the command's mail to each account with a verified address. Raise RefusedError, ClientError.

    After a change of address, the former address gets the mail, too, even if the account no longer
    exists: an attacker may have changed the address and deleted the account. No mail is sent without
    the setting MAIL_FROM.
    """
    sender = config.optional("MAIL_FROM")
    for subject in cognito.ours(of_user.identities) if sender else []:
        account = _attributes(subject)
        texts = _texts(command, account.get("locale", ""))
        verified = account["email"] if account.get("email_verified") == "true" else ""
        _send_all(sender, [of_user.former_email, verified], texts)


def _send_all(sender: str, addresses: list[str], texts: tuple[str, str]) -> None:
    """Send the mail to each address, also if SES has refused an earlier one."""
    refused = None
    for address in filter(None, addresses):
        try:
            _send(sender, address, *texts)
        except RefusedError as error:
            refused = error
    if refused:
        raise refused


def _send(sender: str, address: str, subject: str, body: str) -> None:
    content = {"Subject": _utf8(subject), "Body": {"Html": _utf8(body)}}
    try:
        cognito.client("sesv2").send_email(
            FromEmailAddress=sender,
            Destination={"ToAddresses": [address]},
            Content={"Simple": content},
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in PERMANENT:
            raise
        raise RefusedError(f"SES did not accept the mail: {code}.") from error


def _attributes(subject: str) -> dict[str, str]:
    """Return the account's attributes, none if it is gone."""
    try:
        found = cognito.call("admin_get_user", Username=subject)["UserAttributes"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "UserNotFoundException":
            raise
        return {}
    return {each["Name"]: each["Value"] for each in found}


def _texts(command: str, locale: str) -> tuple[str, str]:
    language = locale.replace("_", "-").partition("-")[0].lower()
    # People choose their locale, so it must not become a path: a long one is an OSError.
    if language not in {folder.name for folder in FOLDER.iterdir()}:
        language = config.optional("MAIL_LANGUAGE", "en")
    file = FOLDER / language / f"{command}.html"
    subject, _, body = file.read_text().partition("\n\n")
    product = config.optional("MAIL_PRODUCT", "Atrium")
    return Template(subject.removeprefix("Subject: ")).substitute(product=product), body


def _utf8(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}
