"""Health and the contract, through the handler, and what the service loads to answer them."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from meta import contract
from meta.handler import handler
from tests.unit.conftest import ROOT, Logs
from tests.unit.events import Context, answer, api_event
from tools.build import access_rules
from tools.laptop.answer import Answer


def get(path: str, **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return answer(handler(api_event(f"GET {path}", headers=sent), Context()))


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    packaged = tmp_path / "openapi.json"
    monkeypatch.setattr(contract, "DOCUMENT", packaged)
    contract._content.cache_clear()
    yield packaged
    contract._content.cache_clear()


def test_health_passes_without_a_token() -> None:
    got = get("/v1/health")
    assert (got.status, got.json) == (200, {"status": "pass", "stage": "test"})
    assert got.headers["cache-control"] == "no-store"


def test_the_contract_is_the_packaged_document_byte_for_byte(document: Path) -> None:
    document.write_text('{"openapi": "3.0.3", "info": {"title": "Ätrium"}}')
    got = get("/v1/openapi.json")
    assert (got.status, got.text) == (200, document.read_text())
    assert (got.headers["content-type"], got.headers["cache-control"]) == (
        "application/json",
        "no-cache",
    )
    assert get("/v1/openapi.json", If_None_Match=got.headers["etag"]).status == 304
    assert get("/v1/openapi.json", If_None_Match='"old"').status == 200


def test_the_document_lies_beside_the_package() -> None:
    assert contract.DOCUMENT == ROOT / "functions" / "openapi.json"


def test_a_package_without_the_document_fails_and_says_what_to_do(
    document: Path, logs: Logs
) -> None:
    assert get("/v1/openapi.json").status == 500
    assert "make build" in logs.line()["error"]["message"]


def test_the_service_starts_without_any_store_s_driver(tmp_path: Path) -> None:
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


def test_a_query_that_the_contract_does_not_have_is_400() -> None:
    refused = answer(
        handler(api_event("GET /v1/health", query={"x": ["1"], "y": ["2"]}), Context())
    )
    assert (refused.status, refused.json["code"]) == (400, "parameters_invalid")
    assert [error["parameter"] for error in refused.json["errors"]] == ["x", "y"]
