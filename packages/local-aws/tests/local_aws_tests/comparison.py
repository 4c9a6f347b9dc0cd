"""AWS's rules, tried on emulators.

The rules are requests that AWS refuses: values that its models reject (request_model/refused.yaml),
and errors of Cognito that need no set-up (cognito/errors_of_aws.yaml). The output is a table in
Markdown. An emulator keeps a rule if its error has AWS's code and names the member, or has AWS's
message.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local_aws.request_model.refusal import CODES, DEFAULT_CODE

_FOLDER = Path(__file__).parent
_KEPT, _OTHERWISE, _ACCEPTED = "AWS's error", "another error", "accepted"


@dataclass(frozen=True)
class Rule:
    """A request that AWS refuses."""

    service: str
    operation: str
    parameters: dict[str, Any]
    code: str
    words: str  # part of the error's message


def rules() -> Iterator[Rule]:
    for service, operation, parameters, named in _cases("request_model/refused.yaml"):
        signing = boto3.client(service, region_name="eu-central-1").meta.service_model.signing_name
        code = CODES.get(signing, DEFAULT_CODE)
        yield Rule(service, operation, parameters, code, f"at '{named}")
    for operation, parameters, code, message in _cases("cognito/errors_of_aws.yaml"):
        if "$" not in f"{parameters}{message}":
            yield Rule("cognito-idp", operation, parameters, code, message or "")


def _cases(file: str) -> list[list[Any]]:
    found: list[list[Any]] = yaml.safe_load((_FOLDER / file).read_text("utf-8"))
    return found


def outcome(rule: Rule, endpoint: str) -> str:
    try:
        _client(rule.service, endpoint)._make_api_call(rule.operation, rule.parameters)
    except ClientError as refused:
        error = refused.response["Error"]
        is_kept = error.get("Code") == rule.code and rule.words in error.get("Message", "")
        return _KEPT if is_kept else _OTHERWISE
    except BotoCoreError:
        return _OTHERWISE
    return _ACCEPTED


@cache
def _client(service: str, endpoint: str) -> Any:
    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=endpoint,
        region_name="eu-central-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(
            retries={"total_max_attempts": 1},
            parameter_validation=False,
            s3={"addressing_style": "path"},
        ),
    )


def table(endpoints: dict[str, str]) -> str:
    asked = list(rules())
    found = {
        name: Counter((rule.service, outcome(rule, endpoint)) for rule in asked)
        for name, endpoint in endpoints.items()
    }
    columns = [(name, each) for name in endpoints for each in (_KEPT, _OTHERWISE, _ACCEPTED)]
    lines = [
        "| service | rules | " + " | ".join(f"{name}: {each}" for name, each in columns) + " |",
        "|---" * (2 + len(columns)) + "|",
    ]
    services = Counter(rule.service for rule in asked)
    for service, count in sorted(services.items()):
        cells = [str(found[name][service, each]) for name, each in columns]
        lines.append(f"| {service} | {count} | {' | '.join(cells)} |")
    sums = [sum(found[name][service, each] for service in services) for name, each in columns]
    lines.append(f"| all | {len(asked)} | {' | '.join(map(str, sums))} |")
    return "\n".join(lines)
