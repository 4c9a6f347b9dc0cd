"""API Gateway (REST) on the laptop: keeps what Terraform imports and deploys, and serves the deployed body."""

from local_aws.api_gateway.app import create_server
from local_aws.api_gateway.authorizer import CognitoAuthorizer
from local_aws.api_gateway.control import RestApis
from local_aws.api_gateway.deployed_api import DeployedApi

__all__ = ["CognitoAuthorizer", "DeployedApi", "RestApis", "create_server"]
