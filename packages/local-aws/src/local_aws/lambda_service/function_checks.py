"""Settings of a function that Lambda rejects, with its own wording.

https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html#API_CreateFunction_Errors
"""

import base64
import json
import zipfile
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from moto.awslambda.models import lambda_backends

from local_aws.lambda_service.errors import InvokeError, invalid
from local_aws.settings import ACCOUNT_ID

type Asked = Mapping[str, Any]

MAX_LAYERS = 5
MAX_TAGS = 50
ENVIRONMENT_BYTES = 4096
ZIPPED_BYTES, UNZIPPED_BYTES = 52_428_800, 262_144_000
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html#runtimes-deprecated
_DEPRECATED = frozenset(
    [
        *("dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1", "dotnet5.0"),
        *("go1.x", "java8", "nodejs", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10"),
        *("nodejs10.x", "nodejs12.x", "nodejs14.x", "provided", "python2.7", "python3.6"),
        *("python3.7", "ruby2.5", "ruby2.7"),
    ]
)


def check_settings(asked: Asked, region: str) -> None:
    """Raise `InvokeError` if CreateFunction or UpdateFunctionConfiguration would."""
    if asked.get("Runtime") in _DEPRECATED:
        raise invalid(
            f"The runtime parameter of {asked['Runtime']} is no longer supported for creating or "
            "updating AWS Lambda functions. We recommend you use a supported runtime while "
            "creating or updating functions."
        )
    _check_environment((asked.get("Environment") or {}).get("Variables") or {})
    _check_layers(asked.get("Layers") or [], region)


def check_code(code: Asked) -> None:
    """Raise `InvokeError` if the zip is no zip, or too large."""
    if not code.get("ZipFile"):
        return
    content = base64.b64decode(code["ZipFile"])
    if len(content) > ZIPPED_BYTES:
        message = f"Zipped size must be smaller than {ZIPPED_BYTES} bytes"
        raise InvokeError(413, "RequestEntityTooLargeException", message)
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            unzipped = sum(each.file_size for each in archive.infolist())
    except zipfile.BadZipFile:
        raise invalid(
            "Could not unzip uploaded file. Please check your file, then try to upload again."
        ) from None
    if unzipped > UNZIPPED_BYTES:
        raise invalid(f"Unzipped size must be smaller than {UNZIPPED_BYTES} bytes")


def check_tags(tags: Asked, held: Asked) -> None:
    if len({*tags, *held}) > MAX_TAGS:
        raise invalid("Number of tags exceeds resource tag limit.")


def _check_environment(variables: Asked) -> None:
    measured = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) > ENVIRONMENT_BYTES:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment "
            f"variables you have provided exceeded the 4KB limit. String measured: {measured}"
        )


def _check_layers(layers: list[str], region: str) -> None:
    if len(layers) > MAX_LAYERS:
        raise invalid(f"Cannot reference more than {MAX_LAYERS} layers.")
    known: dict[str, str] = {}
    for arn in layers:
        if arn.split(":")[3] != region:
            raise invalid(
                "Layers are not in the same region as the function. "
                f"Layers are expected to be in region {region}."
            )
        if lambda_backends[ACCOUNT_ID][region].layers_versions_by_arn(arn) is None:
            raise invalid(f"Layer version {arn} does not exist.")
        if (same := known.get(arn.rpartition(":")[0])) is not None:
            raise invalid(
                "Two different versions of the same layer are not allowed to be referenced in the "
                f"same function. {same} and {arn} are versions of the same layer."
            )
        known[arn.rpartition(":")[0]] = arn
