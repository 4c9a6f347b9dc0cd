"""A deployed stage of an API."""

from dataclasses import dataclass
from typing import Any

from local_aws.api_gateway.body import COMPRESSION, Body


@dataclass(frozen=True)
class DeployedApi:
    """A stage, and the body of its current deployment."""

    api_id: str
    region: str
    stage: str
    deployment_id: str
    body: Body
    variables: dict[str, str]
    access_log: dict[str, str]  # destinationArn, format; empty without access logging
    method_settings: dict[str, Any]  # `*/*` or `~1v1~1things/GET` -> throttlingRateLimit, …

    @property
    def minimum_compression_size(self) -> int | None:
        """The size in bytes from which responses are compressed; None for never."""
        size: int | None = self.body.get(COMPRESSION)
        return size
