"""`identity_commands` with a local pool: only the invited user, and nobody else, chooses the
password.

The function's own code calls the pool. Mails fail where a test says so.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from atrium.identity.commands import NewUser
from identity_commands import cognito, invitation
from identity_commands.invitation import RefusedError
from local_aws_tests.cognito.user_pool_harness import EMAIL, PASSWORD, UserPoolHarness, refused

ATTACKERS = "Attacker-Horse-666"
NEW = NewUser("01890a5d-ac96-774b-bcce-000000000001", EMAIL, given_name="Ada")


class Pool:
    """The function's client, which counts mails, can make them fail, and can run code before a
    call.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls: list[str] = []
        self.before: dict[str, Callable[[], object]] = {}
        self.delivers = True

    def __getattr__(self, operation: str) -> Any:
        def call(**parameters: Any) -> Any:
            self.calls.append(operation)
            self.before.pop(operation, lambda: None)()
            answer = getattr(self._client, operation)(**parameters)
            if (
                operation == "admin_create_user" and not self.delivers
            ):  # Cognito keeps the user, although the mail failed
                raise ClientError(
                    {"Error": {"Code": "CodeDeliveryFailureException", "Message": "no"}}, operation
                )
            return answer

        return call


@pytest.fixture
def pool(harness: UserPoolHarness, monkeypatch: pytest.MonkeyPatch) -> Pool:
    made = Pool(harness.admin)
    monkeypatch.setattr(cognito, "client", lambda service: made)
    monkeypatch.setattr(cognito, "pool_id", lambda: harness.pool_id)
    return made


def invite(asked_at: datetime | None = None) -> str:
    """Invite a user. Return the `sub` of the account."""
    return invitation.create_user(NEW, asked_at or datetime.now(UTC))["subject"]


def check_only_the_invited_person_signs_in(harness: UserPoolHarness) -> None:
    with refused("NotAuthorizedException"):
        harness.sign_in(password=ATTACKERS)
    user = harness.user()
    assert (user["UserStatus"], user["Enabled"]) == ("FORCE_CHANGE_PASSWORD", True)
    assert (user["Attributes"]["email_verified"], user["Attributes"]["given_name"]) == (
        "true",
        "Ada",
    )
    challenge = harness.sign_in(password=harness.code())
    assert challenge["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    harness.public.respond_to_auth_challenge(
        ClientId=harness.client_id,
        ChallengeName="NEW_PASSWORD_REQUIRED",
        Session=challenge["Session"],
        ChallengeResponses={"USERNAME": EMAIL, "NEW_PASSWORD": PASSWORD},
    )
    assert harness.sign_in()["AuthenticationResult"]


def sign_up_as_attacker(harness: UserPoolHarness) -> None:
    names = [{"Name": "given_name", "Value": "Eve"}, {"Name": "family_name", "Value": "Evil"}]
    harness.sign_up(password=ATTACKERS, UserAttributes=names)


def test_an_unconfirmed_sign_up_is_replaced_by_the_invitation(
    harness: UserPoolHarness, pool: Pool
) -> None:
    sign_up_as_attacker(harness)
    confirmation = harness.code()
    assert invite() == harness.user()["Attributes"]["sub"]
    with refused("NotAuthorizedException"):  # the code mailed earlier confirms nothing any more
        harness.confirm(code=confirmation)
    assert not harness.user()["Attributes"].get("family_name")
    check_only_the_invited_person_signs_in(harness)


def test_an_invitation_mail_does_not_contain_a_strangers_chosen_name(
    harness: UserPoolHarness, pool: Pool
) -> None:
    """Check this, because the CustomMessage trigger puts the account's given name into the mail."""
    sign_up_as_attacker(harness)
    names = list[dict[str, str]]()

    def note_the_second() -> None:
        pool.before["admin_create_user"] = lambda: names.append(harness.user()["Attributes"])

    pool.before["admin_create_user"] = note_the_second
    invite()
    [mailed] = names
    assert (mailed["given_name"], mailed.get("family_name", "")) == ("Ada", "")


@pytest.mark.parametrize(
    "moment", ["admin_create_user", "admin_get_user", "admin_set_user_password"]
)
def test_a_sign_up_confirmed_at_the_same_moment_is_replaced(
    harness: UserPoolHarness, pool: Pool, moment: str
) -> None:
    """Let the owner of the mailbox enter the code of a sign-up that somebody else began."""
    asked_at = datetime.now(UTC) - timedelta(seconds=1)
    sign_up_as_attacker(harness)
    tokens: dict[str, Any] = {}

    def confirm_and_sign_in() -> None:
        harness.confirm(code=confirmation)
        tokens.update(harness.sign_in(password=ATTACKERS)["AuthenticationResult"])

    confirmation = harness.code()
    pool.before[moment] = confirm_and_sign_in
    invite(asked_at)
    with refused("NotAuthorizedException"):
        harness.refresh(tokens["RefreshToken"])
    check_only_the_invited_person_signs_in(harness)


def test_a_user_who_confirmed_before_the_invitation_keeps_the_account(
    harness: UserPoolHarness, pool: Pool
) -> None:
    harness.signed_in()
    with pytest.raises(RefusedError, match="already signed up"):
        invite(datetime.now(UTC) + timedelta(minutes=1))
    assert harness.sign_in()["AuthenticationResult"]


@pytest.mark.parametrize(
    "dies_before",
    ["admin_user_global_sign_out", "admin_create_user", "admin_update_user_attributes"],
)
def test_an_interrupted_invitation_is_repeated(
    harness: UserPoolHarness, pool: Pool, dies_before: str
) -> None:
    sign_up_as_attacker(harness)

    def die() -> None:
        raise ConnectionError

    def die_at_the_second() -> None:
        pool.before["admin_create_user"] = die

    pool.before[dies_before] = die_at_the_second if dies_before == "admin_create_user" else die
    with pytest.raises(ConnectionError):
        invite()
    invite()
    check_only_the_invited_person_signs_in(harness)


def test_one_invitation_sends_one_mail(harness: UserPoolHarness, pool: Pool) -> None:
    assert invite() == invite()
    assert len(harness.mails(EMAIL)) == 1
    check_only_the_invited_person_signs_in(harness)


@pytest.mark.parametrize("signed_up", [False, True])
def test_an_undelivered_invitation_is_mailed_on_repetition(
    harness: UserPoolHarness, pool: Pool, signed_up: bool
) -> None:
    if signed_up:
        sign_up_as_attacker(harness)
    pool.delivers = False
    for _ in range(2):
        with pytest.raises(RefusedError, match=r"^The invitation could not be delivered\.$"):
            invite()
    pool.delivers = True
    before = len(harness.mails(EMAIL))
    invite()
    assert len(harness.mails(EMAIL)) == before + 1
    check_only_the_invited_person_signs_in(harness)


def test_a_second_undelivered_mail_is_a_refusal(harness: UserPoolHarness, pool: Pool) -> None:
    invite()
    pool.delivers = False
    with pytest.raises(RefusedError, match=r"^The invitation could not be delivered\.$"):
        invite(datetime.now(UTC) + timedelta(days=1))
    pool.delivers = True
    invite(datetime.now(UTC) + timedelta(days=1))
    check_only_the_invited_person_signs_in(harness)
