from atrium.identity.cognito_trigger import trigger
from post_confirmation.enrolment import Confirmation, enrol

handler = trigger(Confirmation, enrol)
"""The Lambda handler of the Cognito trigger PostConfirmation."""
