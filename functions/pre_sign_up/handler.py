"""The Lambda handler of the Cognito trigger PreSignUp. An invalid setting fails at start-up."""

from atrium.identity.cognito_trigger import trigger
from pre_sign_up.admission import SignUp, admit, check_settings

check_settings()
handler = trigger(SignUp, admit)
