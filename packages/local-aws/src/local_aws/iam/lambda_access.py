"""The IAM actions and resources of a Lambda call.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
"""

import re
from urllib.parse import parse_qsl, unquote

from local_aws.aws_call import AwsCall
from local_aws.iam.access import Access, arn, parameters
from local_aws.request_model.operation_name import operation_name
from local_aws.settings import ACCOUNT_ID

_INVOKED = re.compile(
    r"/(?:2015-03-31|2014-11-13|2021-11-15)/functions/([^/]+)"
    r"/(?:invocations|invoke-async|response-streaming-invocations)/?"
)
_FUNCTION = re.compile(r"/\d{4}-\d\d-\d\d/functions/([^/]+)(?:/.*)?")
# These create something that has no ARN yet, or list many: their resource is "*".
_WITHOUT_A_RESOURCE = {
    "CreateEventSourceMapping",
    "GetAccountSettings",
    "ListEventSourceMappings",
    "ListFunctions",
    "ListLayers",
    "ListLayerVersions",
}


def accesses(call: AwsCall) -> list[Access]:
    """Map a call; `Invoke` is on the function as the caller names it, including its alias."""
    if (invoked := _INVOKED.fullmatch(call.path)) and call.method == "POST":
        return [Access("lambda:InvokeFunction", _function_arn(call, invoked[1]))]
    name = operation_name(call)
    if name in _WITHOUT_A_RESOURCE:
        return [Access(f"lambda:{name}")]
    if found := _FUNCTION.fullmatch(call.path):
        return [Access(f"lambda:{name}", _function_arn(call, found[1]))]
    made = parameters(call).get("FunctionName") if name == "CreateFunction" else None
    return [Access(f"lambda:{name}", _function_arn(call, str(made)) if made else "*")]


def _function_arn(call: AwsCall, reference: str) -> str:
    name = unquote(reference)
    if not name.startswith("arn:"):
        name = arn(call, "function:" + name.removeprefix(f"{ACCOUNT_ID}:function:"))
    qualifier = dict(parse_qsl(call.query)).get("Qualifier")
    return f"{name}:{qualifier}" if qualifier and name.count(":") <= 6 else name
