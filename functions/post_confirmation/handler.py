from atrium.identity.cognito_trigger import trigger
from post_confirmation.enrolment import Confirmation, enrol

handler = trigger(Confirmation, enrol)
"""Lambda handler of the Cognito trigger PostConfirmation."""
