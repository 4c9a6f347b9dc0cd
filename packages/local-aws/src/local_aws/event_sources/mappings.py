"""Event source mappings: the Lambda API creates, reads, changes and deletes them.

https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html

moto has mappings too, but it ignores aliases and invokes functions inside the write. The mappings
here are stored on moto's backend, so that its snapshot contains them. Their positions in the
streams are stored with the streams' records, in the item store.
"""

import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from moto.awslambda.models import lambda_backends
from moto.sqs.models import sqs_backends

from local_aws.dynamodb import schema
from local_aws.event_sources.patterns import PatternError, parse
from local_aws.iam.sessions import role_may
from local_aws.lambda_service.deployed import DeployedFunction, find
from local_aws.lambda_service.destinations import ACTIONS
from local_aws.lambda_service.errors import InvokeError
from local_aws.moto_state import additions
from local_aws.settings import ACCOUNT_ID

Config = dict[str, Any]  # the mapping in the form of the API

_COMMON: Config = {"MaximumBatchingWindowInSeconds": 0, "FunctionResponseTypes": []}
_DEFAULTS: dict[str, Config] = {
    "dynamodb": _COMMON | {
        "BatchSize": 100, "ParallelizationFactor": 1, "MaximumRecordAgeInSeconds": -1, "MaximumRetryAttempts": -1,
        "BisectBatchOnFunctionError": False, "TumblingWindowInSeconds": 0, "DestinationConfig": {"OnFailure": {}},
    },
    "sqs": _COMMON | {"BatchSize": 10},
}  # fmt: skip
_CHANGEABLE = {name for defaults in _DEFAULTS.values() for name in defaults} | {
    "FilterCriteria",
    "ScalingConfig",
}
_RANGES = {
    "BatchSize": (1, 10_000),
    "MaximumBatchingWindowInSeconds": (0, 300),
    "MaximumRetryAttempts": (-1, 10_000),
    "MaximumRecordAgeInSeconds": (-1, 604_800),
    "ParallelizationFactor": (1, 10),
    "TumblingWindowInSeconds": (0, 0),  # windows are not emulated
}
# this action has no resource: service-authorization/latest/reference/list_amazondynamodb.html
_LIST_STREAMS = "ListStreams"
_READS = {
    "dynamodb": ("GetRecords", "GetShardIterator", "DescribeStream", _LIST_STREAMS),
    "sqs": ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"),
}


def create(region: str, asked: Mapping[str, Any]) -> Config:
    """Create a mapping; raise `InvokeError` with AWS's error if it is invalid."""
    function, source = (
        find(_required(asked, "FunctionName"), region=region),
        _required(asked, "EventSourceArn"),
    )
    kind = _kind(source)
    _check_is_new(region, source, function.invoked_arn)
    uuid = str(uuid4())
    config = {
        "UUID": uuid,
        "EventSourceArn": source,
        "EventSourceMappingArn": f"arn:aws:lambda:{region}:{ACCOUNT_ID}:event-source-mapping:{uuid}",
        "FunctionArn": function.invoked_arn,
        "State": "Enabled" if asked.get("Enabled", True) else "Disabled",
        "StateTransitionReason": "USER_INITIATED" if kind == "sqs" else "User action",
        "LastModified": time.time(),
        "Tags": dict(asked.get("Tags") or {}),
        **_DEFAULTS[kind],
        **_settings(asked),
    }
    if kind == "dynamodb":
        config |= {
            "LastProcessingResult": "No records processed",
            "StartingPosition": _start(asked),
        }
        if schema.of_stream(source) is None:
            raise _invalid(f"Stream not found: {source}")
    _check(config, kind, function)
    _all(region)[uuid] = config
    return config


def update(region: str, uuid: str, asked: Mapping[str, Any]) -> Config:
    before = get(region, uuid)
    name = asked.get("FunctionName")
    function = find(name or before["FunctionArn"], region=region)
    config = (
        before
        | _settings(asked)
        | {"FunctionArn": function.invoked_arn, "LastModified": time.time()}
    )
    if (enabled := asked.get("Enabled")) is not None:
        config["State"] = "Enabled" if enabled else "Disabled"
    _check(config, _kind(config["EventSourceArn"]), function)
    _all(region)[uuid] = config
    return config


def delete(region: str, uuid: str) -> Config:
    config = get(region, uuid)
    del _all(region)[uuid]
    return config | {"State": "Deleting"}


def get(region: str, uuid: str) -> Config:
    found = _all(region).get(uuid)
    if found is None:
        raise InvokeError(
            404, "ResourceNotFoundException", "The resource you requested does not exist."
        )
    return found


def listed(region: str, source: str | None = None, function: str | None = None) -> list[Config]:
    arn = find(function, region=region).invoked_arn if function else None
    return [
        config for config in list(_all(region).values())
        if source in (None, config["EventSourceArn"]) and arn in (None, config["FunctionArn"])
    ]  # fmt: skip


def everywhere() -> list[tuple[str, Config]]:
    """Return (region, mapping) of all mappings."""
    return [
        (region, config)
        for region in list(lambda_backends[ACCOUNT_ID])
        for config in listed(region)
    ]


def patterns(config: Config) -> list[Mapping[str, Any]]:
    return [
        parse(each["Pattern"]) for each in (config.get("FilterCriteria") or {}).get("Filters") or []
    ]


def on_failure(config: Config) -> str | None:
    """Return the ARN of the queue or topic that receives records of failed batches."""
    return ((config.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")


def _all(region: str) -> dict[str, Config]:
    return additions.of_lambda(region).event_source_mappings


def _settings(asked: Mapping[str, Any]) -> Config:
    return {
        name: value for name, value in asked.items() if name in _CHANGEABLE and value is not None
    }


def _required(asked: Mapping[str, Any], name: str) -> str:
    if not (value := asked.get(name)):
        raise _invalid(f"{name} is missing.")
    return str(value)


def _kind(source: str) -> str:
    service = (source.split(":") + [""] * 3)[2]
    if service not in _DEFAULTS:
        message = (
            f"lambda: an event source mapping of {source} is not emulated. "
            "Use a DynamoDB stream or an SQS queue."
        )
        raise InvokeError(501, "NotEmulated", message)
    return service


def _start(asked: Mapping[str, Any]) -> str:
    start = asked.get("StartingPosition")
    if start not in ("TRIM_HORIZON", "LATEST"):
        raise _invalid(
            f"StartingPosition of a DynamoDB stream must be TRIM_HORIZON or LATEST, not {start}."
        )
    return str(start)


def _check_is_new(region: str, source: str, function_arn: str) -> None:
    for other in listed(region, source):
        if other["FunctionArn"] == function_arn:
            message = (
                f'An event source mapping with event source arn (" {source} ") and function (" {function_arn} ") already '
                f"exists. Please update or delete the existing mapping with UUID {other['UUID']}"
            )
            raise InvokeError(409, "ResourceConflictException", message)


def _check(config: Config, kind: str, function: DeployedFunction) -> None:
    for name, (least, most) in _RANGES.items():
        if name in config and not least <= config[name] <= most:
            raise _invalid(f"{name} is {config[name]}; it must be between {least} and {most}.")
    if config.get("MaximumRecordAgeInSeconds", -1) in range(60):
        raise _invalid("MaximumRecordAgeInSeconds must be -1 or at least 60.")
    _check_filters(config)
    _check_role(kind, config, function)
    if kind == "sqs":
        _check_queue(config, function)


def _check_filters(config: Config) -> None:
    try:
        if len(patterns(config)) > 5:
            raise _invalid("FilterCriteria has more than 5 filters.")
    except PatternError as error:
        raise _invalid(f"Invalid filter pattern definition: {error}.") from None


def _check_role(kind: str, config: Config, function: DeployedFunction) -> None:
    """Check that the function's role may read the source, as Lambda does at creation."""
    source = config["EventSourceArn"]
    needed = [(f"{kind}:{name}", "*" if name == _LIST_STREAMS else source) for name in _READS[kind]]
    if destination := on_failure(config):
        needed.append((_sending(destination), destination))
    for action, resource in needed:
        name = action.partition(":")[2]
        if not role_may(function.role, action, resource).allowed:
            raise _invalid(
                f"The provided execution role does not have permissions to call {name} on {resource}"
            )


def _sending(destination: str) -> str:
    service = (destination.split(":") + [""] * 3)[2]
    if service not in ("sqs", "sns"):
        message = (
            f"lambda: the destination {destination} is not emulated. "
            "Use an SQS queue or an SNS topic."
        )
        raise InvokeError(501, "NotEmulated", message)
    return ACTIONS[service]


def _check_queue(config: Config, function: DeployedFunction) -> None:
    source = config["EventSourceArn"]
    *_, region, _, name = source.split(":")
    queue: Any = sqs_backends[ACCOUNT_ID][region].queues.get(name)
    if queue is None:
        raise _invalid(
            f"Error occurred while ReceiveMessage. SQS Error Code: QueueDoesNotExist. {source}"
        )
    visible = int(queue.visibility_timeout or 0)
    if visible < function.timeout:
        raise _invalid(
            f"Queue visibility timeout: {visible} seconds is less than Function timeout: {function.timeout:.0f} seconds"
        )
    if config["BatchSize"] > 10 and not config["MaximumBatchingWindowInSeconds"]:
        raise _invalid(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        )


def _invalid(message: str) -> InvokeError:
    return InvokeError(400, "InvalidParameterValueException", message)
