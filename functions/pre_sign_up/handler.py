from atrium.cognito_trigger import trigger
from pre_sign_up.admission import SignUp, admit

handler = trigger(SignUp, admit)
"""Lambda handler of the Cognito trigger PreSignUp."""
