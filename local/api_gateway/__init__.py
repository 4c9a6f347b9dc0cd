"""API Gateway (REST) on the laptop: keeps what Terraform imports and deploys, and serves the deployed body."""

from local.api_gateway.app import create_app
from local.api_gateway.authorizer import CognitoAuthorizer
from local.api_gateway.control import DeployedApi, RestApis

__all__ = ["CognitoAuthorizer", "DeployedApi", "RestApis", "create_app"]
