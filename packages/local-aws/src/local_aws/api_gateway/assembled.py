"""The OpenAPI body of an API that was created by separate calls.

It is assembled from resources, methods, integrations, authorizers, models and validators.
"""

import json
from typing import Any
from urllib.parse import urlsplit

from local_aws.api_gateway.body import (
    ANY_METHOD,
    API_KEY_SOURCE,
    BINARY_MEDIA_TYPES,
    INTEGRATION,
    VALIDATOR,
    VALIDATORS,
    Body,
)

_PLACES = {"path": "path", "querystring": "query", "header": "header"}


def assembled(api: Any) -> Body:
    """Return moto's `RestAPI` in the form of an imported body."""
    schemes = {each.id: _scheme(each) for each in api.authorizers.values()}
    return {
        "openapi": "3.0.1",
        "info": {"title": api.name, "version": "1"},
        "paths": {
            resource.get_path(): {
                ANY_METHOD if verb == "ANY" else verb.lower(): _operation(method)
                for verb, method in resource.resource_methods.items()
            }
            for resource in api.resources.values()
            if resource.resource_methods
        },
        "components": {
            "schemas": {name: _schema(model) for name, model in api.models.items()},
            "securitySchemes": schemes
            | {"api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"}},
        },
        API_KEY_SOURCE: api.api_key_source,
        BINARY_MEDIA_TYPES: list(api.binaryMediaTypes),
        VALIDATORS: {
            each.id: {
                "validateRequestBody": bool(each.validate_request_body),
                "validateRequestParameters": bool(each.validate_request_parameters),
            }
            for each in api.request_validators.values()
        },
    }


def _operation(method: Any) -> dict[str, Any]:
    security: list[dict[str, list[str]]] = []
    if method.authorization_type == "AWS_IAM":
        security.append({"AWS_IAM": []})
    elif method.authorizer_id:
        security.append({method.authorizer_id: list(method.authorization_scopes or [])})
    if method.api_key_required:
        security.append({"api_key": []})
    models = method.request_models or {}
    return {
        **({"operationId": method.operation_name} if method.operation_name else {}),
        **({VALIDATOR: method.request_validator_id} if method.request_validator_id else {}),
        "parameters": [
            {"name": name, "in": place, "required": bool(required)}
            for place, name, required in _parameters(method.request_parameters or {})
        ],
        "requestBody": {
            "content": {
                kind: {"schema": {"$ref": f"#/components/schemas/{name}"}}
                for kind, name in models.items()
            }
        },
        "security": security,
        INTEGRATION: _integration(method.method_integration),
    }


def _parameters(asked: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """Convert `{"method.request.header.X": true}` to place, name and whether it is required."""
    split = [
        (key.removeprefix("method.request.").partition("."), required)
        for key, required in asked.items()
    ]
    return [
        (_PLACES[place], name, required) for (place, _, name), required in split if place in _PLACES
    ]


def _integration(integration: Any) -> dict[str, Any]:
    if integration is None:
        return {}
    answers = [each.to_json() for each in (integration.integration_responses or {}).values()]
    made = {
        "type": str(integration.integration_type).lower(),
        "uri": integration.uri,
        "httpMethod": integration.http_method,
        "passthroughBehavior": str(integration.passthrough_behaviour or "WHEN_NO_MATCH").lower(),
        "requestTemplates": integration.request_templates,
        "timeoutInMillis": int(integration.timeout_in_millis)
        if integration.timeout_in_millis
        else None,
        "connectionType": integration.connection_type,
        "credentials": integration.credentials,
        "responses": {answer.get("selectionPattern") or "default": answer for answer in answers},
    }
    return {name: value for name, value in made.items() if value is not None}


def _scheme(authorizer: Any) -> dict[str, Any]:
    return {
        "type": "apiKey",
        "name": str(authorizer.identity_source or "method.request.header.Authorization").rpartition(
            "."
        )[2],
        "in": "header",
        "x-amazon-apigateway-authorizer": {
            "type": str(authorizer.type).lower(),
            "providerARNs": list(authorizer.provider_arns or []),
        },
    }


def _schema(model: Any) -> Any:
    """Return the model's schema, whose references to other models are URLs on AWS."""
    return _relative(json.loads(model.schema or "{}"))


def _relative(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_relative(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: f"#/components/schemas/{urlsplit(value).path.rpartition('/')[2]}"
        if name == "$ref" and "/models/" in str(value)
        else _relative(value)
        for name, value in schema.items()
    }
