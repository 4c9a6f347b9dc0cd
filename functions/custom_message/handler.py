"""The Lambda handler of the Cognito trigger CustomMessage. A faulty template fails at start-up."""

from atrium.identity.cognito_trigger import trigger
from custom_message import templates
from custom_message.message import MessageRequest, write

templates.check()
handler = trigger(MessageRequest, write)
