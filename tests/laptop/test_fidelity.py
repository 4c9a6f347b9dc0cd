"""docs/fidelity.md is true to its word: each behaviour has AWS's source, code and tests that there are, and no clause is without a row."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
LOCAL_AWS = ROOT / "packages/local-aws/tests/local_aws_tests"
LEDGER = ROOT / "docs" / "fidelity.md"
WITHOUT_SOURCE = "none"  # what is the laptop's own promise

# What the laptop's AWS is asked to be, and words of the row that says so.
CLAUSES = {
    "a changed body is live only after a deployment": "*deployed* deployment",
    "the proxy event": "proxy event",
    "header case, multi-values, last value wins": "headers in the client's case",
    "string claims, stage variables": "claims as strings, stage variables",
    "base64 and binary media types": "binary media types",
    "encoded path parameters, greedy proxies, both URL forms": "path parameters percent-encoded",
    "502 for what is malformed, 6 MB response": "Malformed Lambda proxy response",
    "10 MB request, 29 s": "a body over 10 MB",
    "header remapping": "x-amzn-Remapped-",
    "gateway responses": "gateway responses: by type",
    "throttling": "throttling of a stage",
    "usage plans": "usage plans: a token bucket",
    "API keys": "API keys: 403",
    "CORS preflight": "CORS preflight",
    "JSON access logs": "JSON access logs",
    "trace id": "`X-Amzn-Trace-Id`",
    "Lambda's environment": "the function's environment and its role's credentials and nothing else",
    "timeout, crash, init and handler errors": "timeout, crash and `sys.exit`",
    "reserved concurrency, versions, weighted alias": "(weighted) aliases; reserved concurrency",
    "async retries, age limit, DLQ, destinations": "asynchronous invocations",
    "stream mappings": "**Event source mappings** of DynamoDB streams",
    "SQS mappings": "of SQS queues",
    "filters": "filters: every rule",
    "lambda_permission for every caller": "`aws_lambda_permission` is asked",
    "a memory ceiling": "over its memory: killed",
    "START/END/REPORT": "START, END and REPORT",
    "X-Ray": "**X-Ray** a daemon",
    "IAM decides every call": "**IAM** every call",
    "leading keys, boundary, deny": "`dynamodb:LeadingKeys`",
    "an independent simulator": "independent simulator",
    "iam-report": "`make iam-report`",
    "RDS Proxy's pinning": "would pin a session",
    "no database without declaring it": "reaches the DB proxy only",
    "a VPC function without an endpoint": "reaches an AWS service only by an endpoint",
    "raw sockets": "own sockets",
    "501": "**Loud**",
    "loopback": "only loopback is bound",
    "the soak": "do not grow",
    "Cognito": "**Cognito** sign-up",
    "schedules": "**EventBridge** scheduled rules",
}


@dataclass(frozen=True)
class Row:
    behaviour: str
    source: str
    here: str
    test: str


def rows() -> list[Row]:
    table = LEDGER.read_text().partition("## Emulated")[2].partition("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")][1:]
    return [Row(*(cell.strip() for cell in line.strip("|").split(" | "))) for line in lines]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@cache
def names_of(place: Path) -> frozenset[str]:
    files = (
        [place]
        if place.is_file()
        else [file for file in place.rglob("test_*.py") if "node_modules" not in file.parts]
    )
    return frozenset(
        name
        for file in files
        for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
    )


def place_of(token: str) -> Path:
    """As the ledger shortens it: below the repository, the tests of local_aws or tests."""
    found = [folder / token for folder in (ROOT, LOCAL_AWS, TESTS) if (folder / token).exists()]
    assert found, f"docs/fidelity.md names {token}, which there is not"
    return found[0]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.behaviour[:60])
def test_a_row_has_its_source_its_code_and_its_tests(row: Row) -> None:
    assert "https://" in row.source or row.source.startswith((WITHOUT_SOURCE, "the same"))
    for token in code(row.here):
        assert (ROOT / token).exists() or any(
            file for part in ("packages", "tools") for file in (ROOT / part).rglob(Path(token).name)
        ), f"no {token} in packages/ or tools/"
    tokens = code(row.test)
    assert tokens
    for token in tokens:
        if not token.startswith("test_") or token.endswith(".py"):
            assert names_of(place_of(token)), f"{token} holds no test"
            continue
        wanted = token.removesuffix("…")
        found = [
            name
            for name in names_of(TESTS) | names_of(LOCAL_AWS)
            if name.startswith(wanted)
            if token.endswith("…") or name == wanted
        ]
        assert found, f"no test is called {token}"
    assert any(".py" in token or token.startswith("test_") for token in tokens), (
        "a folder alone says of no test that it is the one"
    )


@pytest.mark.parametrize(("clause", "words"), CLAUSES.items())
def test_no_clause_is_without_a_row(clause: str, words: str) -> None:
    assert [row for row in rows() if words in row.behaviour], (
        f"nothing in docs/fidelity.md says {words!r}: {clause}"
    )
