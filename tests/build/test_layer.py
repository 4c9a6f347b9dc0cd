"""The layers, alone on the path of a new interpreter."""

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

from tools.build import layer
from tools.build.declarations import Data, Declaration

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
KERNEL_IMPORTS = """
import msgspec, pg8000.native, pg8000.dbapi, scramp, dateutil.parser
from scramp import ScramClient
from atrium import greeting
client = ScramClient(["SCRAM-SHA-256"], "ada", "secret")
print(msgspec.json.decode(b'[1]'), len(pg8000.__version__) > 3, client.get_client_first()[:8], greeting.GREETING)
print(pg8000.converters.timestamp_in("20260-11-22 10:00:00"))
"""
SDK_IMPORTS = """
import urllib3, jmespath, wrapt
from aws_xray_sdk.core import xray_recorder
print(xray_recorder.sampler is not None)
"""


@pytest.fixture
def dynamodb() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Serve one item for every DynamoDB call. Return the URL and the recorded calls."""
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


def test_every_import_of_a_function_works(unpacked: Callable[[str], Path]) -> None:
    assert _run(SDK_IMPORTS, unpacked) == "True"


def test_the_kernels_layer_works_alone(unpacked: Callable[[str], Path]) -> None:
    """Check this, because functions without DynamoDB have no other layer."""
    assert (
        _run(KERNEL_IMPORTS, unpacked, layers=("kernel",)).splitlines()[0]
        == "[1] True n,,n=ada hello"
    )


def test_no_file_is_in_both_layers(built: tuple[Path, Path]) -> None:
    kernel, sdk = (
        set(zipfile.ZipFile(built[0] / f"build/layer/arm64/{name}.zip").namelist())
        for name in ("kernel", "sdk")
    )
    assert kernel & sdk == set()


def test_the_trimmed_sdk_calls_dynamodb(
    unpacked: Callable[[str], Path], dynamodb: tuple[str, list[dict[str, Any]]]
) -> None:
    url, calls = dynamodb
    assert _run(GET_ITEM, unpacked, AWS_ENDPOINT_URL=url) == "3 eu-central-1"
    assert calls[0]["body"] == {"TableName": "notes", "Key": {"pk": {"S": "U#1"}}}
    assert calls[0]["headers"]["X-Amz-Target"] == "DynamoDB_20120810.GetItem"
    assert "/eu-central-1/dynamodb/aws4_request" in calls[0]["headers"]["Authorization"]


def test_the_trimmed_sdk_finds_the_real_endpoints(unpacked: Callable[[str], Path]) -> None:
    in_europe, in_china = (
        _run(ENDPOINTS, unpacked),
        _run(ENDPOINTS, unpacked, AWS_REGION="cn-north-1"),
    )
    assert in_europe.split() == [
        f"https://{service}.eu-central-1.amazonaws.com" for service in ("dynamodb", "lambda")
    ]
    assert in_china.split()[0] == "https://dynamodb.cn-north-1.amazonaws.com.cn"


def test_the_sdk_has_only_the_declared_services(built: tuple[Path, Path]) -> None:
    prefix = "python/botocore/data/"
    names = zipfile.ZipFile(built[0] / "build/layer/arm64/sdk.zip").namelist()
    folders = {
        tuple(name.removeprefix(prefix).split("/")[:-1])
        for name in names
        if name.startswith(prefix)
    }
    assert folders == {
        (),
        ("dynamodb", "2012-08-10"),
        ("lambda", "2015-03-31"),
        ("xray", "2016-04-12"),
    }


def test_clients_of_the_sdk_trust_amazons_authorities_alone(built: tuple[Path, Path]) -> None:
    shipped = zipfile.ZipFile(built[0] / "build/layer/arm64/sdk.zip").read(
        "python/botocore/cacert.pem"
    )
    amazons = built[0] / "functions/atrium/stores/amazon_trust_services.pem"
    assert shipped == amazons.read_bytes()
    assert shipped.count(b"BEGIN CERTIFICATE") == 5


@pytest.mark.parametrize(
    ("data", "service"),
    [
        (Data(cognito=["AdminGetUser"]), "cognito-idp"),
        (Data(database_secrets="write"), "secretsmanager"),
        (Data(invoke=["notes"]), "lambda"),
        (Data(event_bus="put"), "events"),
    ],
)
def test_each_declaration_adds_its_service(data: Data, service: str) -> None:
    assert layer.sdk_services([Declaration("of a test", data=data)]) == sorted(
        {"dynamodb", "xray", service}
    )
    assert layer.sdk_services([Declaration("of a test")]) == ["dynamodb", "xray"]


@pytest.mark.parametrize(("platform", "machine"), [("arm64", "aarch64"), ("x86_64", "x86_64")])
def test_compiled_code_matches_its_architecture(
    built: tuple[Path, Path], platform: str, machine: str
) -> None:
    names = zipfile.ZipFile(built[0] / f"build/layer/{platform}/kernel.zip").namelist()
    compiled = [name for name in names if name.endswith(".so")]
    assert compiled == [f"python/msgspec/_core.cpython-313-{machine}-linux-gnu.so"]


def test_every_module_has_bytecode(built: tuple[Path, Path]) -> None:
    layers = (
        zipfile.ZipFile(built[0] / f"build/layer/arm64/{name}.zip") for name in ("kernel", "sdk")
    )
    names = {name for layer in layers for name in layer.namelist()}
    sources = [name for name in names if name.endswith(".py")]
    folders = (
        (name.rpartition("/")[0], name.rpartition("/")[2].removesuffix(".py")) for name in sources
    )
    assert {f"{folder}/__pycache__/{module}.cpython-313.pyc" for folder, module in folders} <= names
    assert len(sources) > 200


def _run(
    code: str,
    unpacked: Callable[[str], Path],
    layers: tuple[str, ...] = ("kernel", "sdk"),
    **environment: str,
) -> str:
    folders = [str(unpacked(f"layer/local/{name}.zip") / "python") for name in layers]
    path = f"import sys; sys.path[:0] = {folders!r}\n"
    keys = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"}
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", path + code],
        env={
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": environment.get("AWS_REGION", "eu-central-1"),
        }
        | keys
        | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        pytest.fail(ran.stderr)
    return ran.stdout.strip()
