"""Lambda on the laptop: the deployed zips, run by AWS's own runtime client in isolated worker processes."""

from local_aws.lambda_service.deployed import Credentials
from local_aws.lambda_service.errors import InvokeError
from local_aws.lambda_service.invocation import Invocation, Invoked
from local_aws.lambda_service.service import LambdaService

__all__ = ["Credentials", "Invocation", "InvokeError", "Invoked", "LambdaService"]
