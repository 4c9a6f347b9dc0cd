"""Lambda on a laptop: runs deployed zips in isolated worker processes with AWS's runtime client."""

from local_aws.lambda_service.deployed import Credentials
from local_aws.lambda_service.errors import InvokeError
from local_aws.lambda_service.invocation import Invocation, Invoked
from local_aws.lambda_service.service import LambdaService

__all__ = ["Credentials", "Invocation", "InvokeError", "Invoked", "LambdaService"]
