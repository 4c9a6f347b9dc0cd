"""Rules that AWS documents but its models omit.

They cover limits of RDS and SQS, names, address ranges and schedules.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from local_aws.request_model import schedule_expression
from local_aws.request_model.constraints import Check, Count, Violation

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RETENTION_DAYS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)
MOST_ENVIRONMENT_BYTES = (
    4096  # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
)


@dataclass(frozen=True)
class Rule:
    """A rule for one member.

    Names are such as `Attributes.DelaySeconds` or `IpPermissions[].IpRanges[].CidrIp`.
    """

    service: str
    operations: str  # a regular expression
    member: str
    check: Check


def violations(
    service: str, operation: str, sent: dict[str, Any], count: Count
) -> Iterator[Violation]:
    """Yield the violations of these rules."""
    for rule in _rules(service, operation):
        for path, value in _values(sent, rule.member.split("."), ""):
            count.values += 1
            if (broken := rule.check(value)) is not None:
                yield Violation(path, broken, value)


@cache
def _rules(service: str, operation: str) -> tuple[Rule, ...]:
    return tuple(
        rule
        for rule in RULES
        if rule.service == service and re.fullmatch(rule.operations, operation) is not None
    )


def _values(sent: Any, parts: list[str], path: str) -> Iterator[tuple[str, Any]]:
    """Yield each value under this name, with its path in AWS's notation."""
    if not parts:
        yield path, sent
        return
    name, is_list = parts[0].removesuffix("[]"), parts[0].endswith("[]")
    if not isinstance(sent, dict) or sent.get(name) is None:
        return
    named = name[:1].lower() + name[1:]
    below = f"{path}.{named}" if path else named
    items = sent[name] if is_list else [sent[name]]
    for position, item in enumerate(items if isinstance(items, list) else [], 1):
        yield from _values(item, parts[1:], f"{below}.{position}.member" if is_list else below)


def _pattern(pattern: str, wanted: str) -> Check:
    compiled = re.compile(pattern)
    return lambda value: (
        None if isinstance(value, str) and compiled.fullmatch(value) else f"Member must be {wanted}"
    )


def _between(least: float, most: float) -> Check:
    def check(value: Any) -> str | None:
        try:
            fits = least <= float(value) <= most
        except (TypeError, ValueError):
            fits = False
        return None if fits else f"Member must be a number between {least:g} and {most:g}"

    return check


def _one_of(*known: Any) -> Check:
    return lambda value: (
        None if value in known else f"Member must be one of {', '.join(map(str, known))}"
    )


def _network(versions: tuple[int, ...], least: int = 0, most: int = 128) -> Check:
    """Check an address range.

    EC2 accepts a range with host bits and converts it to its canonical form.
    """

    def check(value: Any) -> str | None:
        try:
            network = ipaddress.ip_network(value, strict=False)
        except ValueError:
            return "Member must be an address range, such as 10.0.0.0/16"
        if "/" not in value or network.version not in versions:
            return f"Member must be an IPv{' or IPv'.join(map(str, versions))} range with a prefix length, such as 10.0.0.0/16"
        if not least <= network.prefixlen <= most:
            return f"Member must have a prefix length from /{least} to /{most}"
        return None

    return check


def _schedule(value: Any) -> str | None:
    if value == "":
        return None
    try:
        schedule_expression.next_due(value, datetime.now(UTC))
    except schedule_expression.ScheduleError:
        return "Member must be cron(…) with six fields, or rate(…)"
    return None


def _json_object(value: Any) -> str | None:
    try:
        is_object = isinstance(json.loads(value), dict)
    except (TypeError, ValueError):
        is_object = False
    return None if is_object or value == "" else "Member must be a JSON object"


def _environment(variables: Any) -> str | None:
    size = sum(len(f"{name}{value}".encode()) for name, value in variables.items())
    return (
        None
        if size <= MOST_ENVIRONMENT_BYTES
        else f"Member must hold at most {MOST_ENVIRONMENT_BYTES} bytes"
    )


def _insights_days(value: Any) -> str | None:
    """Check the retention: 7 days, months of 31 days, or two years.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
    """
    fits = value in (7, 731) or (isinstance(value, int) and value % 31 == 0 and 31 <= value <= 713)
    return None if fits else "Member must be 7, 731, or a month's 31 days 1 to 23 times"


def _period(value: Any) -> str | None:
    fits = value in (10, 20, 30) or (isinstance(value, int) and value >= 60 and value % 60 == 0)
    return None if fits else "Member must be 10, 20, 30 or a multiple of 60"


def _all(*checks: Check) -> Check:
    return lambda value: next(
        (broken for check in checks if (broken := check(value)) is not None), None
    )


def _of(service: str, operations: str, **members: Check) -> Callable[[], Iterator[Rule]]:
    """Return rules of members whose names need no dots."""
    return lambda: (Rule(service, operations, member, check) for member, check in members.items())


_IDENTIFIER = _all(
    _pattern(
        r"[A-Za-z][A-Za-z0-9-]{0,62}", "1 to 63 letters, digits or hyphens, starting with a letter"
    ),
    _pattern(
        r"(?!.*--).*(?<!-)", "without two consecutive hyphens and without a hyphen at its end"
    ),
)
_DATABASE_NAME = _pattern(
    r"[A-Za-z_][A-Za-z0-9_]{0,62}",
    "1 to 63 letters, digits or underscores, not starting with a digit",
)
_ARN = _pattern(
    r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(\d{12}|aws)?:.+",
    "an ARN: arn:aws:<service>:<region>:<account>:<resource>",
)
_GROUP_TEXT = _pattern(
    r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}",
    "at most 255 of a-z A-Z 0-9 blank ._-:/()#,@[]+=&;{}!$*",
)

# RDS: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/ (each operation's "Constraints").
_RDS = (
    _of("rds", "(Create|Modify)DBInstance",
        DBInstanceIdentifier=_IDENTIFIER,
        DBInstanceClass=_pattern(r"db\.[a-z0-9-]+\.[a-z0-9-]+(\.[a-z0-9.-]+)?", "an instance class, such as db.t4g.micro"),
        AllocatedStorage=_between(5, 65536),
        MaxAllocatedStorage=_between(6, 65536),
        BackupRetentionPeriod=_between(0, 35),
        Port=_between(1150, 65535),
        PerformanceInsightsRetentionPeriod=_insights_days,
        StorageType=_one_of("standard", "gp2", "gp3", "io1", "io2"),
        MonitoringInterval=_one_of(0, 1, 5, 10, 15, 30, 60),
        DBName=_DATABASE_NAME,
        MasterUsername=_pattern(r"[A-Za-z][A-Za-z0-9_]{0,62}", "1 to 63 letters, digits or underscores, starting with a letter"),
        PreferredBackupWindow=_pattern(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d", "hh24:mi-hh24:mi"),
    ),
    _of("rds", "CreateDBInstance", Engine=_pattern(r"[a-z][a-z0-9-]+", "an engine, such as postgres")),
    _of("rds", "(Create|Modify)DBProxy", DBProxyName=_IDENTIFIER, IdleClientTimeout=_between(1, 28800), RoleArn=_ARN),
    _of("rds", "CreateDBParameterGroup",
        DBParameterGroupName=_pattern(r"[A-Za-z](?!.*--)[A-Za-z0-9.-]{0,254}(?<!-)", "1 to 255 letters, digits or hyphens"),
        DBParameterGroupFamily=_pattern(r"[a-z]+[a-z0-9.-]*\d[a-z0-9.-]*", "a family, such as postgres17"),
    ),
    _of("rds", "(Create|Modify)DBSubnetGroup",
        DBSubnetGroupName=_pattern(r"(?!(?i:default)$)[A-Za-z0-9._ -]{1,255}", "1 to 255 letters, digits, periods, underscores, spaces or hyphens"),
    ),
)  # fmt: skip

# SQS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
_SQS_ATTRIBUTES = {
    "DelaySeconds": _between(0, 900),
    "KmsDataKeyReusePeriodSeconds": _between(60, 86400),
    "MaximumMessageSize": _between(1024, 1048576),
    "MessageRetentionPeriod": _between(60, 1209600),
    "ReceiveMessageWaitTimeSeconds": _between(0, 20),
    "RedrivePolicy": _json_object,
    "VisibilityTimeout": _between(0, 43200),
}
_SQS = (
    _of("sqs", "CreateQueue", QueueName=_pattern(r"[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo", "1 to 80 letters, digits, hyphens or underscores")),
    _of("sqs", "(CreateQueue|SetQueueAttributes)", **{f"Attributes.{name}": check for name, check in _SQS_ATTRIBUTES.items()}),
    _of("sqs", "ReceiveMessage", MaxNumberOfMessages=_between(1, 10), WaitTimeSeconds=_between(0, 20), VisibilityTimeout=_between(0, 43200)),
    _of("sqs", "SendMessage", DelaySeconds=_between(0, 900)),
)  # fmt: skip

# EC2: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/
_EC2 = (
    _of("ec2", "CreateVpc|CreateSubnet", CidrBlock=_network((4,), 16, 28)),
    _of("ec2", "CreateRoute", DestinationCidrBlock=_network((4,), 0, 32), DestinationIpv6CidrBlock=_network((6,))),
    _of("ec2", "CreateSecurityGroup",
        GroupName=_all(_GROUP_TEXT, _pattern(r"(?!sg-).*", "not starting with sg-")),
        GroupDescription=_GROUP_TEXT,
    ),
    _of("ec2", "(Authorize|Revoke)SecurityGroup(Ingress|Egress)", **{
        "IpPermissions[].FromPort": _between(-1, 65535),
        "IpPermissions[].ToPort": _between(-1, 65535),
        "IpPermissions[].IpRanges[].CidrIp": _network((4,), 0, 32),
        "IpPermissions[].Ipv6Ranges[].CidrIpv6": _network((6,)),
        "IpPermissions[].IpProtocol": _pattern(r"-1|tcp|udp|icmp|icmpv6|\d{1,3}", "tcp, udp, icmp, icmpv6, a protocol's number or -1"),
    }),
)  # fmt: skip

_OTHERS = (
    # The model accepts an ARN wherever it accepts a table name, but a new table has no ARN yet.
    _of("dynamodb", "CreateTable", TableName=_pattern(r"[a-zA-Z0-9_.-]{3,255}", "3 to 255 letters, digits or _.-")),
    _of("events", "PutRule", ScheduleExpression=_schedule),
    _of("logs", "PutRetentionPolicy", retentionInDays=_one_of(*RETENTION_DAYS)),
    _of("lambda", "CreateFunction|UpdateFunctionConfiguration", Timeout=_between(1, 900), **{"Environment.Variables": _environment}),
    # https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
    _of("sns", "CreateTopic", Name=_pattern(r"[A-Za-z0-9_-]{1,256}|[A-Za-z0-9_-]{1,251}\.fifo", "1 to 256 letters, digits, hyphens or underscores")),
    # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html and API_DeleteSecret.html
    _of("secretsmanager", "CreateSecret", Name=_pattern(r"[A-Za-z0-9/_+=.@!-]{1,512}", "1 to 512 letters, digits or /_+=.@-")),
    _of("secretsmanager", "DeleteSecret", RecoveryWindowInDays=_between(7, 30)),
    _of("monitoring", "PutMetricAlarm", Period=_period),
    # https://docs.aws.amazon.com/apigateway/latest/api/API_CreateStage.html, API_ThrottleSettings.html
    _of("apigateway", "CreateStage", stageName=_pattern(r"[A-Za-z0-9_]{1,128}|\$default", "1 to 128 letters, digits or underscores")),
    _of("apigateway", "CreateRestApi", minimumCompressionSize=_between(0, 10485760)),
    _of("apigateway", "CreateUsagePlan", **{"throttle.burstLimit": _between(0, 2**31), "throttle.rateLimit": _between(0, 2**31)}),
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    _of("s3", "CreateBucket", Bucket=_pattern(r"(?!xn--|sthree-)(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?<!-s3alias)", "3 to 63 lower-case letters, digits, periods or inner hyphens")),
    # https://docs.aws.amazon.com/waf/latest/APIReference/API_RateBasedStatement.html: 10 since 2024
    _of("wafv2", "(Create|Update)WebACL", **{"Rules[].Statement.RateBasedStatement.Limit": _between(10, 2_000_000_000)}),
)  # fmt: skip

RULES = tuple(rule for table in (*_RDS, *_SQS, *_EC2, *_OTHERS) for rule in table())
