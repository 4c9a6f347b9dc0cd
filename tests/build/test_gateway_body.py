"""The gateway's body, as Terraform renders it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local_aws.terraform.binary import terraform
from tools.build import gateway_body
from tools.build.contract import Contract, Operation

ROOT = Path(__file__).resolve().parents[2]
TYPES = "https://docs.example.org/errors.html#"
POOL = "arn:aws:cognito-idp:eu-central-1:000000000000:userpool/eu-central-1_example"
NOTES = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/notes/invocations"


def render(template: Path, folder: Path) -> dict[str, Any]:
    variables = (
        f'{{ user_pool_arn = "{POOL}", invoke_arns = {{ notes = "{NOTES}" }}, '
        f'problem_types = "{TYPES}" }}'
    )
    expression = f'jsonencode(jsondecode(templatefile("{template}", {variables})))'
    command = [terraform(ROOT / ".local" / "bin"), "console"]
    ran = subprocess.run(
        command, input=expression, cwd=folder, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    rendered: dict[str, Any] = json.loads(json.loads(ran.stdout))
    return rendered


@pytest.fixture(scope="session")
def body(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return render(built[0] / "build/gateway.json", tmp_path_factory.mktemp("terraform"))


def test_text_is_not_taken_for_a_template(tmp_path: Path) -> None:
    info = {"title": "Costs ${price}, %{if cheap}less%{endif}", "version": "$${1}"}
    (tmp_path / "gateway.json").write_bytes(gateway_body.template(Contract({"info": info}, ())))
    assert render(tmp_path / "gateway.json", tmp_path)["info"] == info


def test_an_operation_invokes_its_function(body: dict[str, Any]) -> None:
    read = body["paths"]["/v1/notes/{id}"]["get"]
    integration = read["x-amazon-apigateway-integration"]
    assert (integration["type"], integration["httpMethod"], integration["uri"]) == (
        "aws_proxy",
        "POST",
        NOTES,
    )
    assert read["parameters"] == [
        {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    ]


def test_the_authorizer_passes_every_scope_of_the_api(body: dict[str, Any]) -> None:
    """Check that the gateway requires any scope of the API; the kernel checks the operation's own.

    API Gateway would answer a missing scope with 401 instead of 403.
    """
    note = body["paths"]["/v1/notes/{id}"]
    assert note["get"]["security"] == note["put"]["security"]
    assert note["get"]["security"] == [{"cognito": ["atrium/me", "atrium/users.write"]}]
    assert body["paths"]["/v1/health"]["get"]["security"] == []
    assert body["components"] == {
        "securitySchemes": {
            "cognito": {
                "type": "apiKey",
                "name": "Authorization",
                "in": "header",
                "x-amazon-apigateway-authtype": "cognito_user_pools",
                "x-amazon-apigateway-authorizer": {
                    "type": "cognito_user_pools",
                    "providerARNs": [POOL],
                },
            }
        }
    }


def test_an_api_key_is_required_in_addition_to_the_token(tmp_path: Path) -> None:
    operations = (
        Operation("GET", "/v1/notes", "notes", ("atrium/me",), api_key=True),
        Operation("PUT", "/v1/notes", "notes", (), api_key=True),
        Operation("POST", "/v1/notes", "notes", ("atrium/me",)),
    )
    contract = Contract({"info": {"title": "Notes", "version": "1"}}, operations)
    (tmp_path / "gateway.json").write_bytes(gateway_body.template(contract))
    body = render(tmp_path / "gateway.json", tmp_path)
    assert body["components"]["securitySchemes"]["api_key"] == {
        "type": "apiKey",
        "name": "x-api-key",
        "in": "header",
    }
    assert {
        method: body["paths"]["/v1/notes"][method]["security"]
        for method in ("get", "put", "post", "options")
    } == {
        "get": [{"cognito": ["atrium/me"]}, {"api_key": []}],
        "put": [{"api_key": []}],
        "post": [{"cognito": ["atrium/me"]}],
        "options": [],
    }


def test_an_import_keeps_responses_compressed(body: dict[str, Any]) -> None:
    assert body["x-amazon-apigateway-minimum-compression-size"] == 1024


def test_the_body_has_no_schemas(body: dict[str, Any]) -> None:
    for item in body["paths"].values():
        for operation in item.values():
            assert "requestBody" not in operation
            assert all("content" not in response for response in operation["responses"].values())


def test_head_is_integrated_like_get(body: dict[str, Any]) -> None:
    for path in body["paths"].values():
        assert path.get("head") == path.get("get")


@pytest.mark.parametrize("path", ["/v1/notes/{id}", "/v1/health", "/", "/{proxy+}"])
def test_every_path_answers_preflights(body: dict[str, Any], path: str) -> None:
    """Check unknown methods and paths, too: only after a preflight can a page read their 405 or
    404.
    """
    preflight = body["paths"][path]["options"]
    answer = preflight["x-amazon-apigateway-integration"]["responses"]["default"]
    headers = {
        name.rpartition(".")[2]: value for name, value in answer["responseParameters"].items()
    }
    assert (preflight["security"], answer["statusCode"]) == ([], "204")
    assert headers["Access-Control-Allow-Origin"] == "'*'"
    assert headers["Access-Control-Allow-Methods"] == "'DELETE, GET, HEAD, PATCH, POST, PUT'"
    assert "Authorization" in headers["Access-Control-Allow-Headers"]


def test_an_unknown_path_only_has_a_preflight(body: dict[str, Any]) -> None:
    assert body["paths"]["/{proxy+}"].keys() == body["paths"]["/"].keys() == {"options"}


def test_every_path_refuses_other_methods_with_a_problem(body: dict[str, Any]) -> None:
    mock = body["paths"]["/v1/notes/{id}"]["x-amazon-apigateway-any-method"][
        "x-amazon-apigateway-integration"
    ]
    answer = mock["responses"]["default"]
    assert (mock["type"], mock["passthroughBehavior"], answer["statusCode"]) == (
        "mock",
        "never",
        "405",
    )
    assert set(map(json.dumps, map(json.loads, mock["requestTemplates"].values()))) == {
        '{"statusCode": 405}'
    }
    assert (
        answer["responseParameters"]["method.response.header.Allow"] == "'GET, HEAD, OPTIONS, PUT'"
    )
    assert (
        answer["responseParameters"]["method.response.header.Content-Type"]
        == "'application/problem+json'"
    )
    assert json.loads(answer["responseTemplates"]["application/json"]) == {
        "type": f"{TYPES}method_not_allowed",
        "title": "Method Not Allowed",
        "status": 405,
        "detail": "This path takes GET, HEAD, OPTIONS, PUT.",
        "code": "method_not_allowed",
        "request_id": "$context.requestId",
    }


def test_a_mock_declares_the_headers_that_it_maps(body: dict[str, Any]) -> None:
    for item in body["paths"].values():
        for method in item.keys() & {"options", "x-amazon-apigateway-any-method"}:
            [(status, declared)] = item[method]["responses"].items()
            answer = item[method]["x-amazon-apigateway-integration"]["responses"]["default"]
            assert answer["statusCode"] == status
            mapped = {
                name.removeprefix("method.response.header.")
                for name in answer["responseParameters"]
            }
            assert declared["headers"].keys() == mapped


# All response types that API Gateway documents. A missing one would have AWS's own body {"message":
# …}.
@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("ACCESS_DENIED", "403", "forbidden"),
        ("API_CONFIGURATION_ERROR", "500", "internal_error"),
        ("AUTHORIZER_CONFIGURATION_ERROR", "500", "internal_error"),
        ("AUTHORIZER_FAILURE", "500", "internal_error"),
        ("BAD_REQUEST_BODY", "400", "bad_request"),
        ("BAD_REQUEST_PARAMETERS", "400", "bad_request"),
        ("DEFAULT_4XX", None, "request_refused"),
        ("DEFAULT_5XX", None, "internal_error"),
        ("EXPIRED_TOKEN", "401", "token_expired"),
        ("INTEGRATION_FAILURE", "502", "bad_gateway"),
        ("INTEGRATION_TIMEOUT", "504", "gateway_timeout"),
        ("INVALID_API_KEY", "403", "api_key_invalid"),
        ("INVALID_SIGNATURE", "403", "signature_invalid"),
        ("MISSING_AUTHENTICATION_TOKEN", "404", "route_unknown"),
        ("QUOTA_EXCEEDED", "429", "quota_exceeded"),
        ("REQUEST_TOO_LARGE", "413", "body_too_large"),
        ("RESOURCE_NOT_FOUND", "404", "route_unknown"),
        ("THROTTLED", "429", "too_many_requests"),
        ("UNAUTHORIZED", "401", "unauthorized"),
        ("UNSUPPORTED_MEDIA_TYPE", "415", "media_type_unsupported"),
        ("WAF_FILTERED", "403", "request_blocked"),
    ],
)
def test_the_gateways_own_responses_are_problems(
    body: dict[str, Any], kind: str, status: str | None, code: str
) -> None:
    answers = body["x-amazon-apigateway-gateway-responses"]
    assert len(answers) == 21
    answer = answers[kind]
    problem = json.loads(answer["responseTemplates"]["application/json"])
    assert answer.get("statusCode") == status
    assert problem["code"] == code
    assert problem.get("status") == (int(status) if status else None)
    assert problem["request_id"] == "$context.requestId"
    assert problem["title"]
    assert (
        answer["responseParameters"]["gatewayresponse.header.Content-Type"]
        == "'application/problem+json'"
    )
    assert (
        answer["responseParameters"]["gatewayresponse.header.Access-Control-Allow-Origin"] == "'*'"
    )


@pytest.mark.parametrize("kind", ["UNAUTHORIZED", "EXPIRED_TOKEN"])
def test_a_401_names_the_required_token(body: dict[str, Any], kind: str) -> None:
    headers = body["x-amazon-apigateway-gateway-responses"][kind]["responseParameters"]
    challenge = '\'Bearer realm="atrium", error="invalid_token"\''
    assert headers["gatewayresponse.header.WWW-Authenticate"] == challenge


def test_a_throttled_caller_gets_retry_after(body: dict[str, Any]) -> None:
    throttled = body["x-amazon-apigateway-gateway-responses"]["THROTTLED"]["responseParameters"]
    assert throttled["gatewayresponse.header.Retry-After"] == "'1'"
