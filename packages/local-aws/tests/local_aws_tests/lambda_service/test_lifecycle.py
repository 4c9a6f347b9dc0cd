"""The lifecycle of workers: versions, failures, timeouts, concurrency, and the responses to
callers.
"""

import asyncio
import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.lambda_service import Invocation, InvokeError
from local_aws.settings import ACCOUNT_ID
from local_aws_tests.lambda_service.laptop import REGION, Laptop, gone, zipped
from local_aws_tests.support.waiting import settle

PID = "import os\ndef handler(event, context): return os.getpid()"


def test_a_worker_is_reused(aws: Laptop) -> None:
    aws.deploy(
        "warm", "import os\nprint('init')\ndef handler(event, context): return [os.getpid(), event]"
    )
    first, cold = aws.invoke("warm", {"n": 1})
    second, warm = aws.invoke("warm", {"n": "ü"})
    assert first[0] == second[0]
    assert [first[1], second[1]] == [{"n": 1}, {"n": "ü"}]
    assert (cold.cold, warm.cold) == (True, False)
    assert aws.lines.count(("warm", "init")) == 1


def test_alias_stays_on_its_version_while_latest_changes(aws: Laptop) -> None:
    code = (
        "import os\ndef handler(event, context):"
        " return [{}, context.invoked_function_arn, context.function_version, os.environ.get('STAGE')]"
    )
    aws.deploy(
        "aliased", code.format(1), Publish=True, Environment={"Variables": {"STAGE": "first"}}
    )
    client = aws.client("lambda")
    client.create_alias(FunctionName="aliased", Name="live", FunctionVersion="1")
    client.update_function_code(FunctionName="aliased", ZipFile=zipped({"main.py": code.format(2)}))
    client.update_function_configuration(
        FunctionName="aliased", Environment={"Variables": {"STAGE": "second"}}
    )
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:aliased"
    assert aws.invoke(f"{arn}:live")[0] == [1, f"{arn}:live", "1", "first"]
    assert aws.invoke("aliased", qualifier="live")[0] == [1, f"{arn}:live", "1", "first"]
    assert aws.invoke("aliased")[0] == [2, arn, "$LATEST", "second"]
    client.publish_version(FunctionName="aliased")
    client.update_alias(FunctionName="aliased", Name="live", FunctionVersion="2")
    payload, done = aws.invoke("aliased:live")
    assert (payload[0], done.executed_version) == (2, "2")


def test_a_version_number_is_never_reused(aws: Laptop) -> None:
    aws.deploy("numbered", PID, Publish=True)
    client = aws.client("lambda")

    def publish(seconds: int) -> str:
        client.update_function_configuration(FunctionName="numbered", Timeout=seconds)
        return str(client.publish_version(FunctionName="numbered")["Version"])

    assert [publish(seconds) for seconds in (4, 5)] == ["2", "3"]
    client.delete_function(FunctionName="numbered", Qualifier="1")
    assert publish(6) == "4"
    client.delete_function(FunctionName="numbered", Qualifier="4")
    assert publish(7) == "5"
    assert client.publish_version(FunctionName="numbered")["Version"] == "5"
    listed = client.list_versions_by_function(FunctionName="numbered")["Versions"]
    assert [each["Version"] for each in listed] == ["$LATEST", "2", "3", "5"]


def test_canary_weights_divide_the_traffic(aws: Laptop) -> None:
    aws.deploy(
        "canary", "def handler(event, context): return context.function_version", Publish=True
    )
    client = aws.client("lambda")
    client.update_function_configuration(FunctionName="canary", Description="2", Timeout=4)
    client.publish_version(FunctionName="canary")
    weights = {"AdditionalVersionWeights": {"2": 0.5}}
    client.create_alias(
        FunctionName="canary", Name="live", FunctionVersion="1", RoutingConfig=weights
    )
    assert {aws.invoke("canary:live")[0] for _ in range(30)} == {"1", "2"}


@pytest.mark.parametrize("change", ["code", "configuration"])
def test_an_update_of_latest_ends_its_workers(aws: Laptop, change: str) -> None:
    name = f"updated-{change}"
    aws.deploy(
        name, "import os\ndef handler(event, context): return [os.getpid(), os.environ.get('NEW')]"
    )
    (old, _), _ = aws.invoke(name)
    client = aws.client("lambda")
    if change == "code":
        client.update_function_code(
            FunctionName=name, ZipFile=zipped({"main.py": PID.replace("os.getpid()", "'new'")})
        )
        assert aws.invoke(name)[0] == "new"
    else:
        client.update_function_configuration(
            FunctionName=name, Environment={"Variables": {"NEW": "yes"}}
        )
        assert aws.invoke(name)[0][1] == "yes"
    assert gone(old)


def test_an_exception_in_the_handler_is_a_function_error_and_keeps_the_worker(aws: Laptop) -> None:
    aws.deploy(
        "raises",
        "import os\ndef handler(event, context):\n  if event: raise LookupError('no ' + event)\n  return os.getpid()",
    )
    process_id, _ = aws.invoke("raises")
    error, done = aws.invoke("raises", "bean")
    assert done.function_error == "Unhandled"
    assert error.keys() == {"errorMessage", "errorType", "requestId", "stackTrace"}
    assert (error["errorType"], error["errorMessage"]) == ("LookupError", "no bean")
    assert error["requestId"] == done.request_id
    assert "main.py" in error["stackTrace"][0]
    assert aws.invoke("raises")[0] == process_id


def test_a_timeout_kills_the_worker_and_the_next_call_gets_a_new_one(aws: Laptop) -> None:
    note = Path(aws.settings.root) / "pids"
    code = (  # the child process starts before the timeout of one second begins
        "import os, subprocess, time\nchild = subprocess.Popen(['sleep', '60'])\n"
        f"open({str(note)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "def handler(event, context):\n  if event: time.sleep(60)\n  return os.getpid()"
    )
    aws.deploy("slow", code, Timeout=1)
    error, done = aws.invoke("slow", True)
    assert done.function_error == "Unhandled"
    assert error == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {done.request_id} Error: Task timed out after 1.00 seconds",
    }
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    assert re.search(
        rf"^{stamp} {done.request_id} Task timed out after 1\.00 seconds$",
        done.log_tail.decode(),
        re.M,
    )
    assert 950 < done.duration_ms < 60_000
    worker, child = map(int, note.read_text().split())
    assert gone(worker)
    assert gone(child)
    fresh, done = aws.invoke("slow")
    assert fresh != worker
    assert done.cold
    assert any("Task timed out" in line for function, line in aws.lines if function == "slow")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("os._exit(3)", "Runtime exited with error: exit status 3"),
        ("sys.exit(4)", "Runtime exited with error: exit status 4"),
        ("sys.exit()", "Runtime exited without providing a reason"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
        ("os.kill(os.getpid(), 11)", "Runtime exited with error: signal: segmentation fault"),
        (
            "x = bytearray(10**9); time.sleep(60)",
            "Runtime exited with error: signal: killed",
        ),  # exceeds its memory
    ],
)
def test_a_crash_is_an_exit_error_and_the_next_call_gets_a_new_worker(
    aws: Laptop, how: str, said: str
) -> None:
    name = f"crash-{re.sub(r'[^a-z0-9]+', '-', how)}"
    aws.deploy(
        name, f"import os, sys, time\ndef handler(event, context):\n  if event: {how}\n  return 'well'",
        MemorySize=128, Timeout=60,
    )  # fmt: skip
    error, done = aws.invoke(name, True)
    assert done.function_error == "Unhandled"
    assert error == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {done.request_id} Error: {said}",
    }
    said_in_log = done.log_tail.decode().splitlines()
    assert said_in_log[1:3] == [error["errorMessage"], "Runtime.ExitError"]
    assert said_in_log[-1].endswith("Status: error\tError Type: Runtime.ExitError")
    assert aws.invoke(name)[0] == "well"


def test_a_worker_that_died_while_it_was_idle_gets_no_event(aws: Laptop) -> None:
    aws.deploy("mortal", PID)
    first, _ = aws.invoke("mortal")

    async def invoke_before_the_loop_knows() -> Invocation:
        os.kill(first, signal.SIGKILL)
        os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222  the loop must not run
        return await aws.functions.invoke("mortal", b"null")

    done = aws.loop.run(invoke_before_the_loop_knows())
    assert done.function_error is None
    assert json.loads(done.payload) != first


@pytest.mark.parametrize(
    ("name", "code", "handler", "error_type"),
    [
        ("no-package", "import nothing_like_this", "main.handler", "Runtime.ImportModuleError"),
        ("no-function", "", "main.handler", "Runtime.HandlerNotFound"),
        ("no-syntax", "def", "main.handler", "Runtime.UserCodeSyntaxError"),
        ("raises-at-import", "raise LookupError('x')", "main.handler", "LookupError"),
        ("exits-at-import", "import os; os._exit(4)", "main.handler", "Runtime.ExitError"),
    ],
)
def test_an_init_error_is_reported_each_time_as_on_aws(
    aws: Laptop, name: str, code: str, handler: str, error_type: str
) -> None:
    aws.deploy(name, code, handler)
    for _ in range(2):
        error, done = aws.invoke(name)
        assert (done.function_error, error["errorType"]) == ("Unhandled", error_type)
        start, _, report = done.log_tail.decode().splitlines()[-3:]
        assert start == f"START RequestId: {done.request_id} Version: $LATEST"
        assert report.endswith(f"Status: error\tError Type: {error_type}")
    said = [
        line for function, line in aws.lines if function == name and line.startswith("INIT_REPORT")
    ]
    assert len(said) == 2
    assert said[0].endswith(f"Phase: init\tStatus: error\tError Type: {error_type}")


def test_concurrent_calls_get_separate_workers_up_to_the_limit(aws: Laptop) -> None:
    here = Path(aws.settings.root) / "at-work"
    here.mkdir()
    code = (  # no call ends before three run, however slow the start of the third is
        "import os, pathlib, time\ndef handler(event, context):\n"
        f"  here = pathlib.Path({str(here)!r})\n  (here / str(os.getpid())).touch()\n"
        "  while len(list(here.iterdir())) < 3: time.sleep(0.02)\n  return os.getpid()"
    )
    aws.deploy("busy", code, Timeout=60)

    async def at_once(count: int) -> list[Invocation]:
        return await asyncio.gather(*(aws.functions.invoke("busy", b"{}") for _ in range(count)))

    done = aws.loop.run(at_once(7))
    # three is the fixture's limit; the other calls waited
    assert len({item.payload for item in done}) == 3
    assert sum(item.cold for item in done) == 3


def test_a_caller_that_disconnects_does_not_stop_the_function(aws: Laptop) -> None:
    began, may_end, ended = (
        Path(aws.settings.root) / name for name in ("began", "may-end", "ended")
    )
    code = (
        "import os, time\ndef handler(event, context):\n  open(event[0], 'w').close()\n"
        "  while not os.path.exists(event[1]): time.sleep(0.02)\n  open(event[2], 'w').close()"
    )
    aws.deploy("patient", code, Timeout=60)
    payload = json.dumps([str(began), str(may_end), str(ended)]).encode()
    call = asyncio.run_coroutine_threadsafe(aws.functions.invoke("patient", payload), aws.loop.loop)
    assert settle(began.exists, 60)
    call.cancel()
    may_end.touch()
    assert settle(ended.exists, 60), "the function was stopped"


@pytest.mark.parametrize("kilobytes", [40_000, 400_000])
def test_memory_is_reported_and_limited(aws: Laptop, kilobytes: int) -> None:
    """Use memory slowly, so that the growth is noticed.

    The limit is the REPORT line's Memory Size.
    """
    name = f"uses-{kilobytes}"
    code = (  # the function stays above the limit until that is noticed
        "import time\ndef handler(event, context):\n  held = []\n  for _ in range(event // 10_000):\n"
        "    held.append(bytearray(b'x' * 10_240_000))\n    time.sleep(0.02)\n"
        "  if event > 256_000: time.sleep(60)\n  return len(held)"
    )
    aws.deploy(name, code, MemorySize=256, Timeout=60)
    payload, done = aws.invoke(name, kilobytes)
    used = int(re.search(r"Max Memory Used: (\d+) MB", done.log_tail.decode())[1])  # type: ignore[index]
    if kilobytes < 256_000:
        assert payload == 4
        assert 40 < used < 256
    else:
        assert payload["errorMessage"].endswith("Runtime exited with error: signal: killed")
        assert 200 < used <= 256


@pytest.mark.parametrize("qualifier", [None, "live"])
def test_reserved_concurrency_also_throttles_calls_through_the_alias(
    aws: Laptop, qualifier: str | None
) -> None:
    name = f"throttled-{qualifier}"
    done = Path(aws.settings.root) / f"may-end-{qualifier}"
    code = f"import os, time\ndef handler(event, context):\n  while not os.path.exists({str(done)!r}): time.sleep(0.02)"
    aws.deploy(name, code, Timeout=60, Publish=True)
    client = aws.client("lambda")
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    arguments = {"FunctionName": name} | ({"Qualifier": qualifier} if qualifier else {})

    async def one_at_work() -> Any:
        work = asyncio.create_task(aws.functions.invoke(name, b"{}", qualifier=qualifier))
        await asyncio.sleep(0.2)
        try:
            return await asyncio.to_thread(client.invoke, **arguments, Payload=b"{}")
        finally:
            done.touch()
            await work

    with pytest.raises(ClientError) as refused:
        aws.loop.run(one_at_work())
    answer = refused.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert answer["Error"] == {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."}
    assert answer["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"  # type: ignore[typeddict-item]
    assert client.invoke(**arguments, Payload=b"{}")["StatusCode"] == 200


def test_a_service_needs_the_functions_permission(aws: Laptop) -> None:
    aws.deploy("permitted", PID, Publish=True)
    client = aws.client("lambda")
    client.create_alias(FunctionName="permitted", Name="live", FunctionVersion="1")
    api = f"arn:aws:execute-api:{REGION}:{ACCOUNT_ID}:abc"
    source = ("apigateway.amazonaws.com", f"{api}/dev/GET/v1/me")
    with pytest.raises(InvokeError, match="AccessDenied"):
        aws.invoke("permitted:live", source=source)
    client.add_permission(
        FunctionName="permitted", Qualifier="live", StatementId="api", Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com", SourceArn=f"{api}/*/*",
    )  # fmt: skip
    assert aws.invoke("permitted:live", source=source)[1].function_error is None
    client.update_function_configuration(FunctionName="permitted", Timeout=4)
    client.publish_version(FunctionName="permitted")
    client.update_alias(FunctionName="permitted", Name="live", FunctionVersion="2")
    assert (
        aws.invoke("permitted:live", source=source)[1].executed_version == "2"
    )  # the permission is the alias's, whatever its version
    refused: list[dict[str, Any]] = [
        {"function": "permitted", "source": source},  # the statement belongs to the alias
        {"function": "permitted:live", "source": (source[0], source[1].replace(":abc/", ":xyz/"))},
        {"function": "permitted:live", "source": ("cognito-idp.amazonaws.com", source[1])},
    ]
    for call in refused:
        with pytest.raises(InvokeError, match="AccessDenied"):
            aws.invoke(**call)
    client.remove_permission(FunctionName="permitted", Qualifier="live", StatementId="api")
    with pytest.raises(InvokeError, match="AccessDenied"):
        aws.invoke("permitted:live", source=source)
