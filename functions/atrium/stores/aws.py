"""Clients of AWS services. The client of DynamoDB, which has to start fast, is in dynamodb.py."""

import functools
import os
from typing import Any

import botocore.config
import botocore.session

from atrium.stores import ca_bundle


@functools.cache
def client(service: str, *, read_timeout: int) -> Any:
    """Return the process's client of a service, such as `ssm`. `read_timeout` is in seconds.

    It honours `AWS_REGION` and `AWS_ENDPOINT_URL`, and trusts Amazon's certificates alone.
    """
    return botocore.session.get_session().create_client(
        service,
        region_name=os.environ.get("AWS_REGION"),  # botocore itself reads AWS_DEFAULT_REGION only
        config=botocore.config.Config(
            connect_timeout=3, read_timeout=read_timeout, retries={"mode": "standard"}
        ),
        verify=ca_bundle.bundle("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
    )
