"""Lambda on the laptop: the deployed zips, run by AWS's own runtime client in isolated worker processes."""

from local.lambda_service.deployed import Credentials
from local.lambda_service.errors import InvokeError
from local.lambda_service.invocation import Invocation, Invoked
from local.lambda_service.service import LambdaService

__all__ = ["Credentials", "Invocation", "InvokeError", "Invoked", "LambdaService"]
