"""UpdateRestApi: the patch operations of a REST API.

Importing this module patches moto, which accepts every path and reads "false" as true.

https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html (UpdateRestApi)
"""

import json
from dataclasses import replace
from typing import Any

from moto.apigateway.exceptions import BadRequestException
from moto.apigateway.models import RestAPI, apigateway_backends

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.settings import ACCOUNT_ID

MAX_COMPRESSION_SIZE = 10_485_760
_TEXTS = {
    "/apiKeySource": "api_key_source",
    "/description": "description",
    "/name": "name",
    "/policy": "policy",
}
_BINARY = "/binaryMediaTypes/"
_TYPES = "/endpointConfiguration/types/"


def completed(call: AwsCall, response: AwsResponse) -> AwsResponse:
    """Keep the binary media types of CreateRestApi, which moto drops."""
    if (call.method, call.path.rstrip("/"), call.query) != ("POST", "/restapis", ""):
        return response
    types = json.loads(call.body or b"{}").get("binaryMediaTypes")
    if response.status >= 300 or not types:
        return response
    content = json.loads(response.body) | {"binaryMediaTypes": types}
    apigateway_backends[ACCOUNT_ID][call.region].apis[content["id"]].binaryMediaTypes = types
    return replace(response, body=json.dumps(content).encode())


def _apply(api: Any, operations: list[dict[str, Any]]) -> None:
    for each in operations:
        _change(api, str(each.get("op")), str(each.get("path")), each.get("value"))


def _change(api: Any, operation: str, path: str, value: Any) -> None:
    if path.startswith(_BINARY):
        _change_binary_types(api, operation, _unescaped(path.removeprefix(_BINARY)), value)
        return
    known = path in (*_TEXTS, "/minimumCompressionSize", "/disableExecuteApiEndpoint")
    if not known and not path.startswith("/endpointConfiguration/"):
        raise BadRequestException(f"Invalid patch path {path}")
    if operation == "remove" and path == "/description":
        api.description = ""
        return
    if operation != "replace":
        raise BadRequestException("Invalid patch operation specified. Must be one of: [replace]")
    if path in _TEXTS:
        setattr(api, _TEXTS[path], value)
    elif path == "/minimumCompressionSize":
        api.minimum_compression_size = _compression_size(value)
    elif path == "/disableExecuteApiEndpoint":
        api.disableExecuteApiEndpoint = str(value).lower() == "true"
    elif path.startswith(_TYPES):
        api.endpoint_configuration["types"] = [value]
    else:
        api.endpoint_configuration[path.rpartition("/")[2]] = value


def _change_binary_types(api: Any, operation: str, named: str, value: Any) -> None:
    kept = [each for each in api.binaryMediaTypes or [] if each != named]
    if operation == "replace":
        kept = [*kept, str(value)]
    elif operation == "add":
        kept = [*kept, named]
    elif operation != "remove" or len(kept) == len(api.binaryMediaTypes or []):
        raise BadRequestException(f"Invalid patch path {_BINARY}{named}")
    api.binaryMediaTypes = kept


def _compression_size(value: Any) -> int | None:
    """Return the size; an empty value turns compression off."""
    if value in (None, ""):
        return None
    if not str(value).isdigit() or int(value) > MAX_COMPRESSION_SIZE:
        raise BadRequestException(
            f"Invalid minimum compression size, must be between 0 and {MAX_COMPRESSION_SIZE}"
        )
    return int(value)


def _unescaped(text: str) -> str:
    """Undo the escapes of a JSON pointer."""
    return text.replace("~1", "/").replace("~0", "~")


RestAPI.apply_patch_operations = _apply  # type: ignore[method-assign, assignment]
