"""API Gateway (REST) on a laptop: stores what Terraform imports and deploys, and serves it."""

from local_aws.api_gateway.app import create_server
from local_aws.api_gateway.authorizer import CognitoAuthorizer
from local_aws.api_gateway.control import RestApis
from local_aws.api_gateway.deployed_api import DeployedApi

__all__ = ["CognitoAuthorizer", "DeployedApi", "RestApis", "create_server"]
