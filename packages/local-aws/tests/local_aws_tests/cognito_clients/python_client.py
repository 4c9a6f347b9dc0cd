"""pycognito, which verifies every token with the pool's published keys and issuer."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError
from pycognito import Cognito
from pycognito.exceptions import ForceChangePasswordException, SoftwareTokenMFAChallengeException

from local_aws_tests.cognito_clients.apps import RefusedError, Tokens


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise RefusedError(
            error.response["Error"]["Code"], error.response["Error"]["Message"]
        ) from error


class Pycognito:
    def __init__(self, endpoint: str, pool_id: str, client_id: str) -> None:
        self.cognito = Cognito(pool_id, client_id, boto3_client_kwargs={"endpoint_url": endpoint})
        self._password = ""

    def sign_up(self, email: str, password: str) -> None:
        with _refusals():
            self.cognito.register(email, password)

    def confirm(self, email: str, code: str) -> None:
        with _refusals():
            self.cognito.confirm_sign_up(code, username=email)

    def resend(self, email: str) -> None:
        with _refusals():
            self.cognito.resend_confirmation_code(email)

    def sign_in(self, email: str, password: str) -> str:
        self.cognito.username, self._password = email, password
        try:
            with _refusals():
                self.cognito.authenticate(password)
        except ForceChangePasswordException:
            return "NEW_PASSWORD_REQUIRED"
        except SoftwareTokenMFAChallengeException:
            return "SOFTWARE_TOKEN_MFA"
        return "SIGNED_IN"

    def answer_new_password(self, password: str) -> None:
        with _refusals():
            self.cognito.new_password_challenge(self._password, password)

    def answer_code(self, code: str) -> None:
        with _refusals():
            self.cognito.respond_to_software_token_mfa_challenge(code)

    def refresh(self) -> None:
        with _refusals():
            self.cognito.renew_access_token()

    def tokens(self) -> Tokens:
        return Tokens(self.cognito.access_token, self.cognito.id_token, self.cognito.refresh_token)

    def attributes(self) -> dict[str, str]:
        with _refusals():
            found = self.cognito.get_user()
        plain: dict[str, str] = {**found._data, "sub": found.sub}
        return plain | {"email_verified": str(found.email_verified).lower()}

    def update(self, **attributes: str) -> None:
        with _refusals():
            self.cognito.update_profile(attributes)

    def send_verification(self) -> None:
        with _refusals():
            self.cognito.send_verification()

    def verify_email(self, code: str) -> None:
        with _refusals():
            self.cognito.validate_verification(code)

    def associate(self) -> str:
        with _refusals():
            return str(self.cognito.associate_software_token())

    def verify_app(self, code: str) -> None:
        with _refusals():
            assert self.cognito.verify_software_token(code, "phone")

    def prefer_app(self, enabled: bool) -> None:
        with _refusals():
            self.cognito.set_user_mfa_preference(
                False, enabled, "SOFTWARE_TOKEN" if enabled else None
            )

    def change_password(self, old: str, new: str) -> None:
        with _refusals():
            self.cognito.change_password(old, new)

    def forgot(self, email: str) -> None:
        self.cognito.username = email
        with _refusals():
            self.cognito.initiate_forgot_password()

    def confirm_forgot(self, email: str, code: str, password: str) -> None:
        self.cognito.username = email
        with _refusals():
            self.cognito.confirm_forgot_password(code, password)

    def sign_out_everywhere(self) -> None:
        with _refusals():
            self.cognito.logout()

    def delete_account(self) -> None:
        with _refusals():
            self.cognito.delete_user()
