"""Log groups that RDS creates again after a database was deleted, to flush remaining logs.

A later creation of such a group fails with ResourceAlreadyExistsException
(https://github.com/hashicorp/terraform-provider-aws/issues/42858, #5348).
"""

import json
import time
from dataclasses import dataclass, field
from typing import Any

from moto.logs.models import logs_backends

from local_aws.aws_call import AwsCall, AwsResponse, Forward
from local_aws.settings import ACCOUNT_ID

FLUSH_SECONDS = 1.0
"""The time after its deletion at which a group comes back. On AWS it is minutes."""

now = time.time


@dataclass
class LeftoverLogs:
    """Log groups of deleted databases.

    Maps (region, name) to the time when RDS creates the group again; None until the group is
    deleted.
    """

    due: dict[tuple[str, str], float | None] = field(default_factory=dict)

    def deleted(self, region: str, database: Any) -> None:
        for export in database.enabled_cloudwatch_logs_exports:
            self.due[region, f"/aws/rds/instance/{database.db_instance_identifier}/{export}"] = None

    async def intercept(self, call: AwsCall, forward: Forward) -> AwsResponse:
        """Answer for the service `logs`."""
        self._flush()
        answer = await forward(call)
        if call.action == "DeleteLogGroup" and answer.status == 200:
            key = (call.region, str(json.loads(call.body).get("logGroupName")))
            if key in self.due:
                self.due[key] = now() + FLUSH_SECONDS
        return answer

    def _flush(self) -> None:
        for (region, name), when in list(self.due.items()):
            if when is not None and when <= now():
                logs_backends[ACCOUNT_ID][region].ensure_log_group(name)
                del self.due[region, name]  # RDS has no logs left to write
