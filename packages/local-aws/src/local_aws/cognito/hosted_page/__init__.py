"""Cognito's sign-in page and OAuth 2.0 endpoints, for pools with a domain and the code flow.

On AWS the domain identifies the pool. Here every pool answers at the AWS endpoint, and the client
id identifies it.
"""

from local_aws.cognito.hosted_page.routes import discovery, routes

__all__ = ["discovery", "routes"]
