"""Facts about an AWS account that moto lacks: quotas, orderable options and the mail sandbox."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.lambda_service.concurrency import CONCURRENT_EXECUTIONS
from local_aws.request_model.operation_name import operation_name

# Defaults of an account: https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html
QUOTAS = {("vpc", "L-F678F1CE"): 5.0, ("ec2", "L-0263D0A3"): 5.0}
POSTGRES_MAJORS = range(13, 19)
INSTANCE_CLASS = re.compile(r"db\.[a-z0-9]+\.(micro|small|medium|large|\d*xlarge)")
ENGINES = {"postgres": POSTGRES_MAJORS}


async def answer(call: AwsCall) -> AwsResponse | None:
    """Answer a call about the account; return None for every other call."""
    known = ANSWERS.get((call.service, operation_name(call)))
    return known(call) if known else None


def _lambda_settings(_: AwsCall) -> AwsResponse:
    limit = {
        "TotalCodeSize": 80_530_636_800,
        "CodeSizeUnzipped": 262_144_000,
        "CodeSizeZipped": 52_428_800,
        "ConcurrentExecutions": CONCURRENT_EXECUTIONS,
        "UnreservedConcurrentExecutions": CONCURRENT_EXECUTIONS,
    }
    return _json({"AccountLimit": limit, "AccountUsage": {"TotalCodeSize": 0, "FunctionCount": 0}})


def _quota(call: AwsCall) -> AwsResponse:
    asked = json.loads(call.body)
    service, code = asked.get("ServiceCode"), asked.get("QuotaCode")
    value = QUOTAS.get((service, code))
    if value is None:
        error = {
            "__type": "NoSuchResourceException",
            "message": f"{service} {code}: this quota is not emulated.",
        }
        return AwsResponse(
            400, json.dumps(error).encode(), {"content-type": "application/x-amz-json-1.1"}
        )
    return _json({"Quota": {"ServiceCode": service, "QuotaCode": code, "Value": value}})


def _mail_account(_: AwsCall) -> AwsResponse:
    return _json({"ProductionAccessEnabled": True, "SendingEnabled": True})


def _orderable(call: AwsCall) -> AwsResponse:
    asked = dict(parse_qsl(call.body.decode("latin-1")))
    fits = _is_known_version(asked) and INSTANCE_CLASS.fullmatch(
        asked.get("DBInstanceClass", "db.t4g.micro")
    )
    parts = ("Engine", "EngineVersion", "DBInstanceClass")
    option = "".join(f"<{part}>{escape(asked.get(part, ''))}</{part}>" for part in parts)
    options = f"<OrderableDBInstanceOption>{option}<MultiAZCapable>true</MultiAZCapable></OrderableDBInstanceOption>"
    return _rds(
        call, f"<OrderableDBInstanceOptions>{options if fits else ''}</OrderableDBInstanceOptions>"
    )


def _engine_versions(call: AwsCall) -> AwsResponse:
    asked = dict(parse_qsl(call.body.decode("latin-1")))
    engine, version = asked.get("Engine", ""), asked.get("EngineVersion", "")
    found = f"<DBEngineVersion><Engine>{escape(engine)}</Engine><EngineVersion>{escape(version)}</EngineVersion></DBEngineVersion>"
    return _rds(
        call, f"<DBEngineVersions>{found if _is_known_version(asked) else ''}</DBEngineVersions>"
    )


def _is_known_version(asked: Mapping[str, str]) -> bool:
    major = asked.get("EngineVersion", "").partition(".")[0]
    return major.isdigit() and int(major) in ENGINES.get(asked.get("Engine", ""), ())


def _rds(call: AwsCall, result: str) -> AwsResponse:
    name = call.action
    body = f"<{name}Response><{name}Result>{result}</{name}Result></{name}Response>"
    return AwsResponse(200, body.encode(), {"content-type": "text/xml"})


def _json(content: dict[str, Any]) -> AwsResponse:
    return AwsResponse(200, json.dumps(content).encode(), {"content-type": "application/json"})


ANSWERS: dict[tuple[str, str], Callable[[AwsCall], AwsResponse]] = {
    ("lambda", "GetAccountSettings"): _lambda_settings,
    ("rds", "DescribeDBEngineVersions"): _engine_versions,
    ("rds", "DescribeOrderableDBInstanceOptions"): _orderable,
    ("servicequotas", "GetServiceQuota"): _quota,
    ("ses", "GetAccount"): _mail_account,
}
