"""The AWS clients of this function."""

import functools
import os
from typing import Any

import botocore.config
import botocore.session


@functools.cache
def client(service: str) -> Any:
    settings = botocore.config.Config(
        connect_timeout=3, read_timeout=25, retries={"mode": "standard"}
    )
    region = os.environ.get("AWS_REGION")  # botocore itself reads AWS_DEFAULT_REGION only
    return botocore.session.get_session().create_client(
        service, region_name=region, config=settings
    )
