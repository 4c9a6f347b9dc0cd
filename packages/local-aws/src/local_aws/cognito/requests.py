"""The requests of Cognito's JSON protocol; fields that are not used here are ignored."""

from collections.abc import Iterable

from msgspec import Struct, field


class Attribute(Struct, rename="pascal"):
    name: str
    value: str = ""


def named(attributes: Iterable[Attribute] | None) -> dict[str, str]:
    return {attribute.name: attribute.value for attribute in attributes or ()}


class SignUp(Struct, rename="pascal"):
    client_id: str
    username: str
    password: str
    secret_hash: str | None = None
    user_attributes: list[Attribute] = []
    validation_data: list[Attribute] | None = None
    client_metadata: dict[str, str] | None = None


class ConfirmSignUp(Struct, rename="pascal"):
    client_id: str
    username: str
    confirmation_code: str
    secret_hash: str | None = None
    client_metadata: dict[str, str] | None = None


class ClientUser(Struct, rename="pascal"):
    """The request of ResendConfirmationCode and ForgotPassword."""

    client_id: str
    username: str
    secret_hash: str | None = None
    client_metadata: dict[str, str] | None = None


class ConfirmForgotPassword(Struct, rename="pascal"):
    client_id: str
    username: str
    confirmation_code: str
    password: str
    secret_hash: str | None = None
    client_metadata: dict[str, str] | None = None


class AdminUser(Struct, rename="pascal"):
    """The request of AdminConfirmSignUp, AdminDisableUser, AdminUserGlobalSignOut and others."""

    user_pool_id: str
    username: str
    client_metadata: dict[str, str] | None = None


class AdminCreateUser(Struct, rename="pascal"):
    user_pool_id: str
    username: str
    user_attributes: list[Attribute] = []
    validation_data: list[Attribute] | None = None
    temporary_password: str | None = None
    message_action: str | None = None
    desired_delivery_mediums: list[str] = []
    client_metadata: dict[str, str] | None = None


class AdminSetUserPassword(Struct, rename="pascal"):
    user_pool_id: str
    username: str
    password: str
    permanent: bool = False


class AdminUpdateUserAttributes(Struct, rename="pascal"):
    user_pool_id: str
    username: str
    user_attributes: list[Attribute]
    client_metadata: dict[str, str] | None = None


class InitiateAuth(Struct, rename="pascal"):
    client_id: str
    auth_flow: str
    auth_parameters: dict[str, str] = {}
    user_pool_id: str | None = None  # AdminInitiateAuth


class GetTokensFromRefreshToken(Struct, rename="pascal"):
    refresh_token: str
    client_id: str
    client_secret: str | None = None
    device_key: str | None = None
    client_metadata: dict[str, str] | None = None


class RespondToAuthChallenge(Struct, rename="pascal"):
    client_id: str
    challenge_name: str
    session: str = ""
    challenge_responses: dict[str, str] = {}
    client_metadata: dict[str, str] | None = None
    user_pool_id: str | None = None  # AdminRespondToAuthChallenge


class AccessToken(Struct, rename="pascal"):
    """The request of GetUser, DeleteUser and GlobalSignOut."""

    access_token: str


class AssociateSoftwareToken(Struct, rename="pascal"):
    """A request with an access token or the session of an MFA_SETUP challenge."""

    access_token: str | None = None
    session: str | None = None


class VerifySoftwareToken(Struct, rename="pascal"):
    user_code: str
    access_token: str | None = None
    session: str | None = None


class MfaSettings(Struct, rename="pascal"):
    enabled: bool = False
    preferred_mfa: bool = False


class SetUserMfaPreference(Struct, kw_only=True):
    access_token: str = field(name="AccessToken")
    software_token: MfaSettings | None = field(name="SoftwareTokenMfaSettings", default=None)
    sms: MfaSettings | None = field(name="SMSMfaSettings", default=None)
    email: MfaSettings | None = field(name="EmailMfaSettings", default=None)


class AdminSetUserMfaPreference(Struct, kw_only=True):
    user_pool_id: str = field(name="UserPoolId")
    username: str = field(name="Username")
    software_token: MfaSettings | None = field(name="SoftwareTokenMfaSettings", default=None)
    sms: MfaSettings | None = field(name="SMSMfaSettings", default=None)
    email: MfaSettings | None = field(name="EmailMfaSettings", default=None)


class UpdateUserAttributes(Struct, rename="pascal"):
    access_token: str
    user_attributes: list[Attribute]
    client_metadata: dict[str, str] | None = None


class DeleteUserAttributes(Struct, rename="pascal"):
    access_token: str
    user_attribute_names: list[str]


class AdminDeleteUserAttributes(Struct, rename="pascal"):
    user_pool_id: str
    username: str
    user_attribute_names: list[str]


class AttributeVerificationCode(Struct, rename="pascal"):
    access_token: str
    attribute_name: str
    client_metadata: dict[str, str] | None = None


class VerifyUserAttribute(Struct, rename="pascal"):
    access_token: str
    attribute_name: str
    code: str


class ChangePassword(Struct, rename="pascal"):
    access_token: str
    previous_password: str
    proposed_password: str


class RevokeToken(Struct, rename="pascal"):
    token: str
    client_id: str
    client_secret: str | None = None
