"""Request validators: required parameters, and bodies that must match a model.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qs

from jsonschema import Draft4Validator
from jsonschema.exceptions import SchemaError

from local_aws.api_gateway.body import VALIDATOR, VALIDATORS, Body
from local_aws.api_gateway.errors import NotEmulatedError, bad_request_body, bad_request_parameters


class Request(Protocol):
    query: str
    body: bytes

    def header(self, name: str) -> str | None: ...


@dataclass(frozen=True)
class Validation:
    """The checks of one method's validator.

    `models` is keyed by media type. As on AWS, a body of another type is not checked.
    """

    parameters: tuple[tuple[str, str], ...] = ()  # place, name
    models: Mapping[str, Draft4Validator] = field(default_factory=dict)
    body_required: bool = False

    def check(self, request: Request, path_parameters: Mapping[str, str]) -> None:
        """Raise a `GatewayError` of type BAD_REQUEST_PARAMETERS or BAD_REQUEST_BODY."""
        query = parse_qs(request.query, keep_blank_values=True)
        given: dict[str, Callable[[str], str | None]] = {
            "path": lambda name: path_parameters.get(name),
            "query": lambda name: "".join(query.get(name, [])),
            "header": request.header,
        }
        missing = [name for place, name in self.parameters if not given[place](name)]
        if missing:
            raise bad_request_parameters(missing)
        self._check_body(request)

    def _check_body(self, request: Request) -> None:
        media_type = (
            (request.header("Content-Type") or "application/json").split(";")[0].strip().lower()
        )
        model = self.models.get(media_type)
        if model is None:
            if self.body_required and not request.body:
                raise bad_request_body("the body is required")
            return
        try:
            content = json.loads(request.body)
        except ValueError:
            raise bad_request_body("the body is not JSON") from None
        if faults := [
            f"{error.json_path}: {error.message}" for error in model.iter_errors(content)
        ]:
            raise bad_request_body("; ".join(faults))


def validation_of(
    body: Body, path_item: Mapping[str, Any], operation: Mapping[str, Any]
) -> Validation | None:
    """Return the validation of a method; None without a validator.

    Raise `NotEmulatedError` for an unsupported validator.
    """
    name = operation.get(VALIDATOR, body.get(VALIDATOR))
    if name is None:
        return None
    validator = body.get(VALIDATORS, {}).get(name)
    if validator is None:
        raise NotEmulatedError(f"request validator {name!r}, which the API does not define")
    required: list[tuple[str, str]] = []
    if validator.get("validateRequestParameters"):
        parameters = [*path_item.get("parameters", []), *operation.get("parameters", [])]
        resolved = [_resolved(body, each) for each in parameters]
        required = [
            (each["in"], each["name"])
            for each in resolved
            if each.get("required") and each["in"] in _PLACES
        ]
    if not validator.get("validateRequestBody"):
        return Validation(tuple(dict.fromkeys(required)))
    content = _resolved(body, operation.get("requestBody") or {})
    models = {
        media_type.lower(): _model(body, each["schema"])
        for media_type, each in (content.get("content") or {}).items()
        if "schema" in each
    }
    return Validation(tuple(dict.fromkeys(required)), models, bool(content.get("required")))


_PLACES = ("path", "query", "header")


def _resolved(body: Body, found: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in found:
        return found
    value: Any = body
    for part in str(found["$ref"]).removeprefix("#/").split("/"):
        value = value[part]
    resolved: Mapping[str, Any] = value
    return resolved


def _model(body: Body, schema: Mapping[str, Any]) -> Draft4Validator:
    """Return the model as a JSON Schema of draft 4.

    Its references point into the body, so the body is included.
    """
    try:
        Draft4Validator.check_schema(schema)
    except SchemaError as error:
        raise NotEmulatedError(
            f"a model that is not a JSON Schema of draft 4: {error.message}"
        ) from None
    return Draft4Validator({"allOf": [schema], "components": body.get("components", {})})
