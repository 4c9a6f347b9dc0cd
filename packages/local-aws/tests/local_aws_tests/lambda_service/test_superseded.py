"""Clean-up of versions that nothing calls any more: workers, deleted layers, duplicate files."""

import json
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from local_aws.lambda_service import InvokeError
from local_aws.settings import LOOPBACK
from local_aws_tests.lambda_service.laptop import Laptop, gone, zipped

PID = "import os\ndef handler(event, context): return os.getpid()\n"


def release(aws: Laptop, function: str, code: str) -> str:
    """Publish another version and point the alias to it, as a developer's hot reload does."""
    client = aws.client("lambda")
    client.update_function_code(FunctionName=function, ZipFile=zipped({"main.py": code}))
    version = str(client.publish_version(FunctionName=function)["Version"])
    client.update_alias(FunctionName=function, Name="live", FunctionVersion=version)
    return version


def deploy(aws: Laptop, function: str) -> None:
    aws.deploy(function, PID, Publish=True)
    aws.client("lambda").create_alias(FunctionName=function, Name="live", FunctionVersion="1")


def test_workers_end_when_their_version_loses_its_alias(aws: Laptop) -> None:
    deploy(aws, "superseded")
    before, _ = aws.invoke("superseded", qualifier="live")
    release(aws, "superseded", PID + "# 2\n")
    assert gone(before)
    now, _ = aws.invoke("superseded", qualifier="live")
    aws.client("lambda").update_function_configuration(
        FunctionName="superseded", Description="of $LATEST only"
    )
    assert aws.invoke("superseded", qualifier="live")[0] == now


def test_a_version_without_an_alias_yet_keeps_its_worker(aws: Laptop) -> None:
    deploy(aws, "coming")
    client = aws.client("lambda")
    client.update_function_code(FunctionName="coming", ZipFile=zipped({"main.py": PID + "# 2\n"}))
    version = client.publish_version(FunctionName="coming")["Version"]
    started, _ = aws.invoke("coming", qualifier=version)
    client.update_function_configuration(FunctionName="coming", Description="any other call")
    client.update_alias(FunctionName="coming", Name="live", FunctionVersion=version)
    assert aws.invoke("coming", qualifier="live")[0] == started


def test_two_concurrent_releases_end_the_workers_of_both(aws: Laptop) -> None:
    names = [f"beside_{number}" for number in range(3)]
    for name in names:
        deploy(aws, name)
    before = [aws.invoke(name, qualifier="live")[0] for name in names]
    releases = [threading.Thread(target=release, args=(aws, name, PID + "# 2\n")) for name in names]
    for thread in releases:
        thread.start()
    for thread in releases:
        thread.join()
    assert all(map(gone, before))


def test_a_deleted_layer_is_kept_for_the_alias_and_for_a_rollback(aws: Laptop) -> None:
    client = aws.client("lambda")
    layers = [
        client.publish_layer_version(
            LayerName="kernel", Content={"ZipFile": zipped({"python/kernel.py": f"N = {number}\n"})}
        )
        for number in (1, 2)
    ]
    code = "import kernel\ndef handler(event, context): return kernel.N\n"
    aws.deploy("layered", code, Publish=True, Layers=[layers[0]["LayerVersionArn"]])
    client.create_alias(FunctionName="layered", Name="live", FunctionVersion="1")
    client.delete_layer_version(LayerName="kernel", VersionNumber=layers[0]["Version"])
    assert aws.invoke("layered", qualifier="live")[0] == 1
    client.update_function_configuration(
        FunctionName="layered", Layers=[layers[1]["LayerVersionArn"]]
    )
    assert release(aws, "layered", code) == "2"
    assert aws.invoke("layered", qualifier="live")[0] == 2
    client.update_alias(FunctionName="layered", Name="live", FunctionVersion="1")
    assert aws.invoke("layered", qualifier="live")[0] == 1
    client.update_alias(FunctionName="layered", Name="live", FunctionVersion="2")
    assert release(aws, "layered", code + "# 3\n") == "3"
    with pytest.raises(InvokeError, match="A layer of layered:1 was deleted"):
        aws.invoke("layered", qualifier="1")


def test_equal_files_of_two_archives_are_stored_once(aws: Laptop) -> None:
    code = "import main, os\ndef handler(event, context): return main.__file__\n"
    aws.deploy("linked", code)
    first = Path(aws.invoke("linked")[0])
    files = {"main.py": code, "more/other.py": ""}
    aws.client("lambda").update_function_code(FunctionName="linked", ZipFile=zipped(files))
    second = Path(aws.invoke("linked")[0])
    assert first != second
    assert first.samefile(second)
    assert (second.parent / "more/other.py").read_text() == ""
    changed = code + "# changed\n"
    aws.client("lambda").update_function_code(
        FunctionName="linked", ZipFile=zipped({"main.py": changed})
    )
    third = Path(aws.invoke("linked")[0])
    assert (third.read_text(), second.read_text()) == (changed, code)


def test_a_worker_can_be_started_before_the_first_call(aws: Laptop) -> None:
    runner, port = aws.loop.run(aws.listen(web.AppRunner(_pages(aws))))
    deploy(aws, "started")
    assert _start(port, "started", "1") == (204, None)
    assert aws.invoke("started", qualifier="live")[
        1
    ].cold  # the first invocation of a worker, which AWS counts as a cold start
    broken = aws.client("lambda")
    broken.update_function_code(
        FunctionName="started", ZipFile=zipped({"main.py": "print('so far')\nnowhere\n"})
    )
    version = broken.publish_version(FunctionName="started")["Version"]
    status, answer = _start(port, "started", version)
    assert status == 409
    assert answer["output"][0] == "so far"
    assert any("NameError" in line for line in answer["output"])
    assert _start(port, "started", "99")[0] == 404
    aws.loop.run(runner.cleanup())


def _pages(aws: Laptop) -> web.Application:
    app = web.Application()
    app.add_routes(aws.functions.routes())
    return app


def _start(port: int, function: str, version: str) -> tuple[int, Any]:
    url = f"http://{LOOPBACK}:{port}/_local/functions/{function}/versions/{version}/worker"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="POST")) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
