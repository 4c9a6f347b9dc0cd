"""Operations per user and hour, which protect codes and passwords against guessing.

https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html#limits-hard
"""

from local_aws.cognito.errors import CognitoError
from local_aws.cognito.pools import User
from local_aws.cognito.service import Service

HOUR = 3600
PER_HOUR = {
    "ChangePassword": 5,
    "ConfirmForgotPassword": 60,
    "ConfirmSignUp": 15,
    "ForgotPassword": 5,  # AWS allows 5 to 20, by the risk of the request
    "GetUserAttributeVerificationCode": 5,
    "ResendConfirmationCode": 5,
    "VerifyUserAttribute": 15,
}


def count(service: Service, user: User, operation: str) -> None:
    """Count one call; raise LimitExceededException above the quota."""
    now = service.clock()
    calls = {
        key: recent
        for key, times in service.state.calls.items()
        if (recent := tuple(time for time in times if time + HOUR > now))
    }
    made = calls.get((user.id, operation), ())
    if len(made) >= PER_HOUR[operation]:
        raise CognitoError(
            "LimitExceededException", "Attempt limit exceeded, please try after some time."
        )
    service.state.calls = calls | {(user.id, operation): (*made, now)}
