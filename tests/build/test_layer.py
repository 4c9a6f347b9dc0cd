"""The layer, alone on the path of a fresh interpreter."""

import http.server
import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from builder import layer
from builder.declarations import Data, Declaration

GET_ITEM = """
import botocore.session
dynamodb = botocore.session.Session().create_client("dynamodb")
item = dynamodb.get_item(TableName="notes", Key={"pk": {"S": "U#1"}})["Item"]
print(item["version"]["N"], dynamodb.meta.region_name)
"""
ENDPOINTS = """
import botocore.session
for service in ("dynamodb", "lambda"):
    print(botocore.session.Session().create_client(service).meta.endpoint_url)
"""
IMPORTS = """
import msgspec, pg8000.native, scramp, urllib3, dateutil.parser, jmespath, wrapt
from aws_xray_sdk.core import xray_recorder
from atrium import greeting
print(msgspec.json.decode(b'[1]'), len(pg8000.__version__) > 3, xray_recorder.sampler is not None, greeting.GREETING)
"""


@pytest.fixture
def dynamodb() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that answers every call with one item: its URL, and the calls it has got."""
    calls: list[dict[str, Any]] = []

    class Table(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            calls.append({"headers": dict(self.headers), "body": json.loads(body)})
            answer = json.dumps({"Item": {"version": {"N": "3"}}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Table) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", calls
        server.shutdown()
        thread.join()


def test_everything_a_function_imports_is_there(unpacked: Callable[[str], Path]) -> None:
    assert _run(IMPORTS, unpacked) == "[1] True True hello"


def test_the_trimmed_sdk_calls_dynamodb(
    unpacked: Callable[[str], Path], dynamodb: tuple[str, list[dict[str, Any]]]
) -> None:
    url, calls = dynamodb
    assert _run(GET_ITEM, unpacked, AWS_ENDPOINT_URL=url) == "3 eu-central-1"
    assert calls[0]["body"] == {"TableName": "notes", "Key": {"pk": {"S": "U#1"}}}
    assert calls[0]["headers"]["X-Amz-Target"] == "DynamoDB_20120810.GetItem"
    assert "/eu-central-1/dynamodb/aws4_request" in calls[0]["headers"]["Authorization"]


def test_the_trimmed_sdk_finds_the_real_endpoints(unpacked: Callable[[str], Path]) -> None:
    in_europe, in_china = _run(ENDPOINTS, unpacked), _run(ENDPOINTS, unpacked, AWS_REGION="cn-north-1")
    assert in_europe.split() == [f"https://{service}.eu-central-1.amazonaws.com" for service in ("dynamodb", "lambda")]
    assert in_china.split()[0] == "https://dynamodb.cn-north-1.amazonaws.com.cn"


def test_it_knows_the_declared_services_only(built: tuple[Path, Path]) -> None:
    prefix = "python/botocore/data/"
    names = zipfile.ZipFile(built[0] / "build/layer/arm64.zip").namelist()
    folders = {tuple(name.removeprefix(prefix).split("/")[:-1]) for name in names if name.startswith(prefix)}
    assert folders == {(), ("dynamodb", "2012-08-10"), ("lambda", "2015-03-31"), ("xray", "2016-04-12")}


@pytest.mark.parametrize(
    ("data", "service"),
    [
        (Data(cognito=["AdminGetUser"]), "cognito-idp"),
        (Data(database_secrets="write"), "secretsmanager"),
        (Data(invoke=["notes"]), "lambda"),
    ],
)
def test_each_declaration_brings_its_service(data: Data, service: str) -> None:
    assert layer.sdk_services([Declaration("of a test", data=data)]) == sorted({"dynamodb", "xray", service})
    assert layer.sdk_services([Declaration("of a test")]) == ["dynamodb", "xray"]


@pytest.mark.parametrize(("platform", "machine"), [("arm64", "aarch64"), ("x86_64", "x86_64")])
def test_compiled_code_is_for_its_processor(built: tuple[Path, Path], platform: str, machine: str) -> None:
    names = zipfile.ZipFile(built[0] / f"build/layer/{platform}.zip").namelist()
    compiled = [name for name in names if name.endswith(".so")]
    assert compiled == [f"python/msgspec/_core.cpython-313-{machine}-linux-gnu.so"]


@pytest.mark.parametrize("platform", ["arm64", "x86_64"])
def test_it_is_small(built: tuple[Path, Path], platform: str) -> None:
    assert (built[0] / f"build/layer/{platform}.zip").stat().st_size < 3_100_000


def test_every_module_has_bytecode(built: tuple[Path, Path]) -> None:
    names = set(zipfile.ZipFile(built[0] / "build/layer/arm64.zip").namelist())
    sources = [name for name in names if name.endswith(".py")]
    folders = ((name.rpartition("/")[0], name.rpartition("/")[2].removesuffix(".py")) for name in sources)
    assert {f"{folder}/__pycache__/{module}.cpython-313.pyc" for folder, module in folders} <= names
    assert len(sources) > 200


def _run(code: str, unpacked: Callable[[str], Path], **environment: str) -> str:
    path = f"import sys; sys.path.insert(0, {str(unpacked('layer/local.zip') / 'python')!r})\n"
    keys = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"}
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", path + code],
        env={"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": environment.get("AWS_REGION", "eu-central-1")}
        | keys
        | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        pytest.fail(ran.stderr)
    return ran.stdout.strip()
