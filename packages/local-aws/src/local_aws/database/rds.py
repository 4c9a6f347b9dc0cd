"""RDS's control plane as Terraform sees it: moto's, with the stand-in's address and corrections.

moto 5.2.5 gives every instance the same resource id and loses Performance Insights. It does not
report the source of a parameter, and names `admin` in every managed secret. Other modules of this
package emulate what AWS changes, delays or rejects.
"""

import json
import re
import secrets
import string
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from moto.rds.models import rds_backends
from moto.secretsmanager.models import secretsmanager_backends

from local_aws.aws_call import AwsCall, AwsResponse, Forward, Interceptor
from local_aws.database import parameter_source, proxy_zones, service_linked_role, settling
from local_aws.database.contents import Contents
from local_aws.database.leftover_logs import LeftoverLogs
from local_aws.settings import ACCOUNT_ID, LOOPBACK

_PROXY = {"CreateDBProxy", "DescribeDBProxies", "ModifyDBProxy"}
_TARGETS = {"DescribeDBProxyTargets", "RegisterDBProxyTargets"}


def interceptor(port: int, leftover_logs: LeftoverLogs, contents: Contents) -> Interceptor:
    """Return the interceptor of the service `rds`.

    `port` is that of the RDS Proxy stand-in. `aws_db_proxy.endpoint` contains it, and it is
    `aws_db_proxy_target.port`.
    """

    async def intercept(call: AwsCall, forward: Forward) -> AwsResponse:
        wanted = dict(parse_qsl(call.body.decode("latin-1")))
        refusal = service_linked_role.refusal(call) or contents.refusal(call.action or "", wanted)
        if refusal is not None:
            return refusal
        before = rds_backends[ACCOUNT_ID][call.region].databases.get(
            wanted.get("DBInstanceIdentifier", "")
        )
        answer = await forward(call)
        if answer.status != 200:
            return answer
        if call.action == "DeleteDBInstance":
            leftover_logs.deleted(call.region, before)
        await contents.follow(call.action or "", wanted)
        body = _completed(call.region, wanted, answer.body)
        return AwsResponse(
            answer.status, _with_address(wanted.get("Action", ""), body, port), answer.headers
        )

    return intercept


def _with_address(action: str, body: bytes, port: int) -> bytes:
    if action in _PROXY:
        return re.sub(
            rb"<Endpoint>[^<]*</Endpoint>", f"<Endpoint>{LOOPBACK}</Endpoint>".encode(), body
        )
    if action in _TARGETS:
        return re.sub(rb"<Port>\d+</Port>", f"<Port>{port}</Port>".encode(), body)
    return body


def _completed(region: str, wanted: Mapping[str, str], body: bytes) -> bytes:
    """Add what moto omits to its objects, and to the parts of its answer that Terraform reads."""
    backend = rds_backends[ACCOUNT_ID][region]
    database = backend.databases.get(wanted.get("DBInstanceIdentifier", ""))
    match wanted.get("Action"):
        case "CreateDBInstance" if database:
            database.dbi_resource_id = _resource_id()
            _set_performance_insights(database, wanted)
            _set_master_secret(database, region)
            identifier = f"<DbiResourceId>{database.dbi_resource_id}</DbiResourceId>"
            return re.sub(rb"<DbiResourceId>[^<]*</DbiResourceId>", identifier.encode(), body)
        case "ModifyDBInstance" if database:
            _set_performance_insights(database, wanted)
        case "ModifyDBParameterGroup":
            parameter_source.mark(backend.db_parameter_groups[wanted["DBParameterGroupName"]])
        case "CreateDBProxy":
            proxy_zones.drop_unsupported(backend.db_proxies[wanted["DBProxyName"]])
        case "RegisterDBProxyTargets":
            groups = backend.db_proxies[wanted["DBProxyName"]].proxy_target_groups
            settling.registered(groups[wanted.get("TargetGroupName", "default")].targets[-1])
    return body


def _resource_id() -> str:
    return "db-" + "".join(
        secrets.choice(string.ascii_uppercase + string.digits) for _ in range(26)
    )


def _set_performance_insights(database: Any, wanted: Mapping[str, str]) -> None:
    enabled = wanted.get("EnablePerformanceInsights")
    if enabled is None:
        return
    database.performance_insights_enabled = enabled == "true"
    days = wanted.get("PerformanceInsightsRetentionPeriod", "7")
    database.performance_insights_retention_period = int(days) if enabled == "true" else None
    database.performance_insights_kms_key_id = (
        wanted.get("PerformanceInsightsKMSKeyId") if enabled == "true" else None
    )


def _set_master_secret(database: Any, region: str) -> None:
    """Set the correct user name in the master's secret.

    The password has no use here, because the master logs in by IAM only.
    """
    if not hasattr(database, "master_user_secret"):
        return
    held: Any = secretsmanager_backends[ACCOUNT_ID][region].secrets[
        database.master_user_secret.secret_arn
    ]
    value = {"username": database.master_username, "password": secrets.token_urlsafe(24)}
    held.versions[held.default_version_id]["secret_string"] = json.dumps(value)
