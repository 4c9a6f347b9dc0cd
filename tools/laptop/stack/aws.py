"""The operator's boto3 session in the local account, and invocations of deployed functions."""

import json
from typing import Any

from local_aws.settings import Settings
from local_aws.supervisor.ready import StackError
from tools.deploy import LIVE


def client(service: str, settings: Settings, region: str) -> Any:
    import boto3  # Imported here: boto3 takes half a second, and `make status` does not need it.
    from botocore.config import Config

    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=settings.aws_endpoint_url,
        region_name=region,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - a key that no account has
        config=Config(retries={"total_max_attempts": 1}, read_timeout=120),
    )


def invoke(lambda_client: Any, function: str, event: dict[str, Any]) -> Any:
    """Invoke a function and return its answer. Raise `StackError` with the message of its error."""
    answer = lambda_client.invoke(FunctionName=function, Qualifier=LIVE, Payload=json.dumps(event))
    payload = json.loads(answer["Payload"].read() or b"null")
    if "FunctionError" in answer:
        message = f"{payload.get('errorType', 'Error')}: {payload.get('errorMessage', payload)}"
        raise StackError(
            f"{function} {json.dumps(event)} failed: {message}\n  `make logs SERVICE={function}` shows the traceback."
        )
    return payload
