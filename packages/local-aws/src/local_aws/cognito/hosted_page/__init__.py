"""Cognito's sign-in page and its OAuth 2.0 endpoints, for pools with a domain and clients with the code flow.

On AWS the domain names the pool; here every pool answers at the AWS endpoint, and the client id names it.
"""

from local_aws.cognito.hosted_page.routes import discovery, routes

__all__ = ["discovery", "routes"]
