"""The parts of the applied stack, and the calls between them that its configuration allows."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from moto.awslambda.models import lambda_backends
from moto.dynamodb.models import dynamodb_backends
from moto.events.models import events_backends
from moto.rds.models import rds_backends

from local_aws.api_gateway import RestApis
from local_aws.cognito import pools
from local_aws.console.traffic import API, DATABASE, Pair
from local_aws.event_sources import mappings
from local_aws.iam.policy import Statement, parse
from local_aws.iam.sessions import role_policies
from local_aws.settings import ACCOUNT_ID

COGNITO, EVENTS = "cognito-idp", "events"
_INTEGRATED = re.compile(r":function:([\w-]+)(?::[\w$-]+)?/invocations")
_NAMED = re.compile(r":function:([\w-]+)")
_TABLE = re.compile(r":table/([\w.-]+)")


class Part(msgspec.Struct, frozen=True):
    """A part of the stack. `column`: 0 calls functions, 1 is a function, 2 is called by functions."""

    id: str
    kind: str
    name: str
    column: int


class Map(msgspec.Struct, frozen=True):
    parts: list[Part]
    edges: list[Pair]


def drawn(apis: RestApis) -> Map:
    """Return the parts, and the edges between them that follow from the configuration."""
    functions = _functions()
    parts = [
        *_gateway(apis),
        *(Part(COGNITO, "user pool", each.name, 0) for each in list(pools.all_pools())[:1]),
        *([Part(EVENTS, "EventBridge", "rules", 0)] if any(_rules()) else []),
        *(Part(f"function:{name}", "function", name, 1) for name in sorted(functions)),
        *(Part(f"table:{name}", "table", name, 2) for name in _tables()),
        *_databases(),
    ]
    edges = {
        *((API, f"function:{name}") for name in _integrated(apis)),
        *((COGNITO, f"function:{name}") for name in _triggers()),
        *((EVENTS, f"function:{name}") for name in _targets()),
        *_mapped(),
        *(edge for name, role in functions.items() for edge in _permitted(name, role)),
    }
    known = {part.id for part in parts}
    services = sorted({to for _, to in edges if to.startswith("service:")})
    parts += [Part(each, "service", each.partition(":")[2], 2) for each in services]
    return Map(
        parts, sorted(each for each in edges if each[0] in known and _is_known(each[1], known))
    )


def _is_known(part: str, known: set[str]) -> bool:
    return part in known or part.startswith("service:")


def _gateway(apis: RestApis) -> list[Part]:
    deployed = apis.deployed()
    return [Part(API, "REST API", f"stage {deployed.stage}", 0)] if deployed else []


def _functions() -> dict[str, str]:
    """Return the role of each function."""
    return {
        function.function_name: function.role
        for backend in list(lambda_backends[ACCOUNT_ID].values())
        for function in backend.list_functions()
    }


def _tables() -> Iterator[str]:
    for backend in list(dynamodb_backends[ACCOUNT_ID].values()):
        yield from list(backend.tables)


def _databases() -> list[Part]:
    names = [
        name
        for backend in list(rds_backends[ACCOUNT_ID].values())
        for name in list(backend.db_proxies)
    ]
    return [Part(DATABASE, "RDS Proxy, Postgres", names[0], 2)] if names else []


def _rules() -> Iterator[Any]:
    for backend in list(events_backends[ACCOUNT_ID].values()):
        for bus in list(backend.event_buses.values()):
            yield from list(bus.rules.values())


def _integrated(apis: RestApis) -> set[str]:
    deployed = apis.deployed()
    return (
        set(_INTEGRATED.findall(msgspec.json.encode(deployed.body).decode())) if deployed else set()
    )


def _triggers() -> set[str]:
    configured = [each.extended_config.get("LambdaConfig") or {} for each in pools.all_pools()]
    return set(_NAMED.findall(msgspec.json.encode(configured, enc_hook=str).decode()))


def _targets() -> set[str]:
    return {
        name
        for rule in _rules()
        for target in list(rule.targets)
        for name in _NAMED.findall(target["Arn"])
    }


def _mapped() -> Iterator[Pair]:
    """Yield (table or queue, function) of the event source mappings."""
    for _, config in mappings.everywhere():
        function = f"function:{_NAMED.findall(config['FunctionArn'])[0]}"
        for table in _TABLE.findall(config["EventSourceArn"]):
            yield f"table:{table}", function


def _permitted(function: str, role: str) -> Iterator[Pair]:
    """Yield (function, part) for each part that a statement of its role's policies allows."""
    for document in role_policies(role):
        for statement in parse(document).statements:
            if statement.allows and statement.action:
                for target in _allowed(statement):
                    yield f"function:{function}", target


def _allowed(statement: Statement) -> Iterator[str]:
    services = {action.partition(":")[0].lower() for action in statement.action or ()}
    resources = " ".join(statement.resource or ())
    if "dynamodb" in services and not _reads_stream(statement.action or ()):
        yield from (f"table:{name}" for name in _TABLE.findall(resources))
    if "lambda" in services:
        yield from (f"function:{name}" for name in _NAMED.findall(resources))
    if "rds-db" in services:
        yield DATABASE
    yield from (f"service:{each}" for each in services & {"cognito-idp", "ses", "sqs", "sns", "s3"})


def _reads_stream(actions: Iterable[str]) -> bool:
    return all(action.rpartition(":")[2] in _STREAM for action in actions)


_STREAM = {"GetRecords", "GetShardIterator", "DescribeStream", "ListStreams", "ListShards"}
