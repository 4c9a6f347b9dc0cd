"""Health, configuration and the contract, through the handler, and the modules that the service
loads.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from meta import configuration, contract
from meta import document as packaged
from meta.handler import handler
from tests.unit.conftest import ROOT, Logs
from tests.unit.events import Context, answer, api_event
from tools.build import access_rules
from tools.laptop.answer import Answer


def get(path: str, **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return answer(handler(api_event(f"GET {path}", headers=sent), Context()))


CONTRACT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Ätrium", "version": "1"},
    "components": {
        "parameters": {"Limit": {"schema": {"maximum": 100}}},
        "securitySchemes": {
            "cognito": {
                "flows": {
                    "authorizationCode": {
                        "authorizationUrl": "https://sign-in.example.com/oauth2/authorize",
                        "tokenUrl": "https://sign-in.example.com/oauth2/token",
                        "scopes": {"atrium/me": "One's own record"},
                    }
                }
            }
        },
    },
}
DOMAIN = "https://atrium-dev.auth.eu-central-1.amazoncognito.com"
POOL = {
    "user_pool_id": "eu-central-1_AbCdEfGhI",
    "client_id": "1example23456789",
    "hosted_page_url": DOMAIN,
    "token_url": f"{DOMAIN}/oauth2/token",
    "rate_limit": "100",
    "burst_limit": "200",
}
API = "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/dev"


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(CONTRACT))
    monkeypatch.setattr(packaged, "DOCUMENT", file)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    caches = (packaged.document, contract._served, configuration._scopes)
    for each in caches:
        each.cache_clear()
    yield file
    for each in caches:
        each.cache_clear()


def test_health_needs_no_token() -> None:
    got = get("/v1/health")
    assert (got.status, got.json) == (200, {"status": "pass", "stage": "test"})
    assert got.headers["cache-control"] == "no-store"


def of_stage(path: str, variables: dict[str, str] | None, method: str = "GET") -> Answer:
    """Send the request through a stage with these variables."""
    event = api_event(f"{method} {path}") | {"stageVariables": variables}
    return answer(handler(event, Context()))


def test_the_contract_names_the_addresses_of_the_api_and_the_sign_in_page(document: Path) -> None:
    got = of_stage("/v1/openapi.json", POOL)
    served = got.json
    assert served.pop("servers") == [{"url": API}]
    flow = served["components"]["securitySchemes"]["cognito"]["flows"]["authorizationCode"]
    assert (flow["authorizationUrl"], flow["tokenUrl"]) == (
        f"{DOMAIN}/oauth2/authorize",
        f"{DOMAIN}/oauth2/token",
    )
    packaged = CONTRACT["components"]["securitySchemes"]["cognito"]["flows"]["authorizationCode"]
    flow |= {name: packaged[name] for name in ("authorizationUrl", "tokenUrl")}
    assert served == CONTRACT
    assert (got.headers["content-type"], got.headers["cache-control"]) == (
        "application/json",
        "no-cache",
    )


def test_the_contract_of_an_api_without_a_sign_in_page_keeps_the_example(document: Path) -> None:
    assert of_stage("/v1/openapi.json", None).json == CONTRACT | {"servers": [{"url": API}]}


def test_the_contract_can_be_revalidated(document: Path) -> None:
    tag = get("/v1/openapi.json").headers["etag"]
    assert get("/v1/openapi.json", If_None_Match=tag).status == 304
    assert get("/v1/openapi.json", If_None_Match='"old"').status == 200
    document.write_text(json.dumps(CONTRACT | {"tags": []}))
    packaged.document.cache_clear()
    contract._served.cache_clear()
    assert get("/v1/openapi.json", If_None_Match=tag).status == 200


def test_the_configuration_tells_an_application_how_to_sign_in(document: Path) -> None:
    got = of_stage("/v1/configuration", POOL)
    assert got.json == {
        "stage": "test",
        "version": "1",
        "region": "eu-central-1",
        "issuer": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI",
        "user_pool_id": "eu-central-1_AbCdEfGhI",
        "client_id": "1example23456789",
        "authorization_endpoint": f"{DOMAIN}/oauth2/authorize",
        "token_endpoint": f"{DOMAIN}/oauth2/token",
        "scopes": ["atrium/me"],
        "limits": {
            "requests_per_second": 100,
            "burst": 200,
            "body_bytes": 1048576,
            "page_items": 100,
        },
    }
    assert got.headers["cache-control"] == "public, max-age=300"


def test_the_configuration_of_the_laptop_names_the_laptop(
    document: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    got = of_stage("/v1/configuration", POOL).json
    assert got["issuer"] == "http://127.0.0.1:4566/eu-central-1_AbCdEfGhI"
    assert got["authorization_endpoint"] == "http://127.0.0.1:4566/oauth2/authorize"
    assert got["token_endpoint"] == "http://127.0.0.1:4566/oauth2/token"


def test_the_configuration_of_an_api_without_a_pool_has_no_sign_in_addresses(
    document: Path,
) -> None:
    got = of_stage("/v1/configuration", None).json
    unknown = ("issuer", "user_pool_id", "client_id", "authorization_endpoint", "token_endpoint")
    assert [got[name] for name in unknown] == [None] * len(unknown)
    assert got["limits"]["requests_per_second"] is None


def test_head_has_the_headers_of_get_and_no_body(document: Path) -> None:
    asked, headed = (
        of_stage("/v1/openapi.json", POOL, "GET"),
        of_stage("/v1/openapi.json", POOL, "HEAD"),
    )
    assert (headed.status, headed.text) == (200, "")
    assert headed.headers == asked.headers


def test_the_document_lies_beside_the_package() -> None:
    assert packaged.DOCUMENT == ROOT / "functions" / "openapi.json"


def test_a_package_without_the_document_fails_and_says_what_to_do(
    document: Path, logs: Logs
) -> None:
    document.unlink()
    assert get("/v1/openapi.json").status == 500
    assert "make build" in logs.line()["error"]["message"]


def test_the_service_starts_without_database_drivers(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "functions/meta", tmp_path / "meta")
    (tmp_path / "meta" / access_rules.FILE).write_bytes(
        access_rules.rules(ROOT / "functions/meta/openapi.yaml")
    )
    program = "import sys, meta.handler; print(*sys.modules)"
    environment = {"PYTHONPATH": f"{tmp_path}:{ROOT / 'functions'}"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    packages = {module.partition(".")[0] for module in done.stdout.split()}
    assert not packages & {
        "boto3",
        "botocore",
        "pg8000",
        "aws_xray_sdk",
        "urllib3",
        "asyncio",
        "ssl",
    }


def test_an_unknown_query_parameter_is_400() -> None:
    refused = answer(
        handler(api_event("GET /v1/health", query={"x": ["1"], "y": ["2"]}), Context())
    )
    assert (refused.status, refused.json["code"]) == (400, "parameters_invalid")
    assert [error["parameter"] for error in refused.json["errors"]] == ["x", "y"]
