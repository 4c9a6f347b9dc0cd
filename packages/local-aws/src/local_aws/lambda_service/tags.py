"""Tags that Lambda rejects: too many, none, or on a version or an alias.

https://docs.aws.amazon.com/lambda/latest/api/API_TagResource.html
"""

import json
import re
from urllib.parse import unquote

from moto.awslambda.models import lambda_backends

from local_aws.aws_call import AwsCall
from local_aws.lambda_service.errors import function_not_found, invalid
from local_aws.lambda_service.function_checks import check_tags
from local_aws.settings import ACCOUNT_ID

_PATH = re.compile(r"^/2017-03-31/tags/(?P<arn>.+?)/?$")
_FUNCTION = re.compile(
    r"arn:aws[a-z-]*:lambda:(?P<region>[a-z0-9-]+):\d{12}:function:(?P<name>[A-Za-z0-9_-]+)"
    r"(?P<qualifier>:[$A-Za-z0-9_-]+)?"
)


def check(call: AwsCall) -> None:
    """Raise `InvokeError` if Lambda would reject a call about a function's tags."""
    path = _PATH.match(call.path)
    arn = _FUNCTION.fullmatch(unquote(path["arn"])) if path else None
    if arn is None:
        return
    if arn["qualifier"]:
        raise invalid(
            "Tags on function aliases and versions are not supported. "
            "Please specify a function ARN."
        )
    functions = lambda_backends[ACCOUNT_ID][arn["region"]]._lambdas._functions
    if arn["name"] not in functions:
        raise function_not_found(arn[0])
    if call.method == "POST":
        tags = json.loads(call.body or b"{}").get("Tags") or {}
        if not tags:
            raise invalid("An error occurred and the request cannot be processed.")
        check_tags(tags, functions[arn["name"]]["latest"].tags)
