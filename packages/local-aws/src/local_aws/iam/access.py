"""An IAM action on a resource, and what every service's calls have in common."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from local_aws.aws_call import AwsCall
from local_aws.iam.context import Context
from local_aws.settings import ACCOUNT_ID


@dataclass(frozen=True)
class Access:
    """An action on a resource, with the values of its condition keys."""

    action: str  # "service:Name"
    resource: str = "*"
    context: Context = field(default_factory=dict)


def parameters(call: AwsCall) -> dict[str, Any]:
    """Return the JSON body or the form of a query-protocol call; empty if the body is neither."""
    if call.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(call.body.decode("utf-8", "replace")))
    try:
        content = json.loads(call.body or b"{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def text(content: Mapping[str, Any], name: str) -> str:
    """Return a member that is text; empty if it is missing or another type."""
    value = content.get(name)
    return value if isinstance(value, str) else ""


def arn(call: AwsCall, resource: str, service: str | None = None) -> str:
    """Return an ARN in the region of a call."""
    return f"arn:aws:{service or call.service}:{call.region}:{ACCOUNT_ID}:{resource}"
