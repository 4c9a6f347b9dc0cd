"""An API as an OpenAPI body: the names of API Gateway's extensions."""

from typing import Any

Body = dict[str, Any]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
ANY_METHOD = "x-amazon-apigateway-any-method"
INTEGRATION = "x-amazon-apigateway-integration"
API_KEY_SOURCE = "x-amazon-apigateway-api-key-source"
BINARY_MEDIA_TYPES = "x-amazon-apigateway-binary-media-types"
COMPRESSION = "x-amazon-apigateway-minimum-compression-size"
GATEWAY_RESPONSES = "x-amazon-apigateway-gateway-responses"
VALIDATORS = "x-amazon-apigateway-request-validators"
VALIDATOR = "x-amazon-apigateway-request-validator"
