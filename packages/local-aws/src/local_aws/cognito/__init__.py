"""Cognito user pools: sign-up and sign-in rules, triggers, tokens and the inbox.

moto keeps the pools, clients, users and groups. This package holds all rules of authentication.
"""

from local_aws.cognito.endpoint import Cognito
from local_aws.cognito.state import State

__all__ = ["Cognito", "State"]
