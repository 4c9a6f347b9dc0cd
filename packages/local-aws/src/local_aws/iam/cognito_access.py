"""The IAM actions and resources of a call of Cognito's user pools.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncognitouserpools.html
"""

from local_aws.aws_call import AwsCall
from local_aws.iam.access import Access, arn, parameters, text

# These calls take a client id or an access token and consult no IAM policy (`authtype: none` in
# botocore's model):
# https://docs.aws.amazon.com/cognito/latest/developerguide/security_iam_service-with-iam.html
_PUBLIC = frozenset(
    [
        "AssociateSoftwareToken",
        "ChangePassword",
        "CompleteWebAuthnRegistration",
        "ConfirmDevice",
        "ConfirmForgotPassword",
        "ConfirmSignUp",
        "DeleteUser",
        "DeleteUserAttributes",
        "DeleteWebAuthnCredential",
        "ForgetDevice",
        "ForgotPassword",
        "GetDevice",
        "GetTokensFromRefreshToken",
        "GetUser",
        "GetUserAttributeVerificationCode",
        "GetUserAuthFactors",
        "GlobalSignOut",
        "InitiateAuth",
        "ListDevices",
        "ListWebAuthnCredentials",
        "ResendConfirmationCode",
        "RespondToAuthChallenge",
        "RevokeToken",
        "SetUserMFAPreference",
        "SetUserSettings",
        "SignUp",
        "StartWebAuthnRegistration",
        "UpdateAuthEventFeedback",
        "UpdateDeviceStatus",
        "UpdateUserAttributes",
        "VerifySoftwareToken",
        "VerifyUserAttribute",
    ]
)


def accesses(call: AwsCall) -> list[Access]:
    """Return what must be allowed for a call; nothing for a public operation."""
    if call.action in _PUBLIC:
        return []
    pool = text(parameters(call), "UserPoolId")
    return [Access(f"cognito-idp:{call.action}", arn(call, f"userpool/{pool}") if pool else "*")]
