"""API Gateway (REST) on the laptop: keeps what Terraform imports and deploys, and serves the deployed body."""

from local_aws.api_gateway.app import create_server
from local_aws.api_gateway.authorizer import CognitoAuthorizer
from local_aws.api_gateway.control import DeployedApi, RestApis

__all__ = ["CognitoAuthorizer", "DeployedApi", "RestApis", "create_server"]
