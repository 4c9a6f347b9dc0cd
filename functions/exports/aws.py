"""The AWS clients of the export, created on first use."""

from typing import Any

from atrium.stores import aws


def client(service: str) -> Any:
    return aws.client(service, read_timeout=15)
