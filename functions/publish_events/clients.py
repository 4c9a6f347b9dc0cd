"""The AWS clients of this function."""

from typing import Any

from atrium.stores import aws


def client(service: str) -> Any:
    return aws.client(service, read_timeout=25)
