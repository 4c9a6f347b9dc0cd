from atrium.identity.cognito_trigger import trigger
from pre_token_generation.claims import claims
from pre_token_generation.event import TokenGeneration

handler = trigger(TokenGeneration, claims)
"""The Lambda handler of the Cognito trigger PreTokenGeneration, event version V3_0."""
