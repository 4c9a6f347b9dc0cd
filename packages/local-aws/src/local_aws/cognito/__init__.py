"""Cognito user pools: sign-up and sign-in rules, triggers, tokens and the inbox.

moto keeps the pools, clients, users and groups; everything that decides who gets in is here.
"""

from local_aws.cognito.endpoint import Cognito
from local_aws.cognito.state import State

__all__ = ["Cognito", "State"]
