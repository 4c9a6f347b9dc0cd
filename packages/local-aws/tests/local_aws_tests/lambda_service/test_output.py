"""Output of functions: any amount, logged while they run, in the order of writing."""

import asyncio
from pathlib import Path

import pytest

from local_aws.lambda_service import output
from local_aws.lambda_service.output import KEPT_BYTES
from local_aws_tests.lambda_service.laptop import Laptop, Loop
from local_aws_tests.support.waiting import settle

LINE = "x" * 99
LINES = 40_000  # 4 MB, sixty times the capacity of a pipe
PRINTS = f"for number in range({LINES}): print('{LINE}')"


def logged(aws: Laptop, function: str) -> list[str]:
    return (aws.settings.logs / "functions" / f"{function}.log").read_text().splitlines()


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_an_invocation_can_print_more_than_a_pipe_holds(aws: Laptop, stream: str) -> None:
    name = f"prints-to-{stream}"
    prints = PRINTS.replace(f"'{LINE}'", f"'{LINE}', file=sys.{stream}")
    aws.deploy(
        name, f"import sys\ndef handler(event, context):\n  {prints}\n  return 'done'", Timeout=60
    )
    payload, done = aws.invoke(name)
    assert payload == "done"
    start, *lines, end, report = logged(aws, name)
    assert [line.split()[0] for line in (start, end, report)] == ["START", "END", "REPORT"]
    assert lines == [LINE] * LINES
    assert len(done.log_tail) == 4096, "the tail of a large log is still the tail"


def test_an_import_can_print_more_than_a_pipe_holds(aws: Laptop) -> None:
    aws.deploy(
        "prints-at-import", f"{PRINTS}\ndef handler(event, context): return 'done'", Timeout=60
    )
    assert aws.invoke("prints-at-import")[0] == "done"
    assert logged(aws, "prints-at-import")[:LINES] == [LINE] * LINES


def test_a_failing_import_keeps_its_output(aws: Laptop) -> None:
    aws.deploy("fails-at-import", f"{PRINTS}\nraise LookupError('after all that')", Timeout=60)
    assert aws.invoke("fails-at-import")[0]["errorMessage"] == "after all that"
    assert logged(aws, "fails-at-import").count(LINE) == LINES


def test_output_is_logged_while_the_function_runs(aws: Laptop) -> None:
    may_end = Path(aws.settings.root) / "may-end"
    code = (
        "import os, time\ndef handler(event, context):\n  print('at work')\n"
        f"  while not os.path.exists({str(may_end)!r}): time.sleep(0.02)"
    )
    aws.deploy("still-running", code, Timeout=60)
    work = asyncio.run_coroutine_threadsafe(
        aws.functions.invoke("still-running", b"{}"), aws.loop.loop
    )
    assert settle(lambda: ("still-running", "at work") in aws.lines, 60)
    assert not work.done()
    may_end.touch()
    work.result(60)
    assert [line.split()[0] for line in logged(aws, "still-running")] == [
        "START",
        "at",
        "END",
        "REPORT",
    ]


def test_a_line_longer_than_an_event_of_cloudwatch_is_split(aws: Laptop) -> None:
    aws.deploy("long-line", "def handler(event, context): print('y' * 600_000)", Timeout=60)
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="/aws/lambda/long-line")
    aws.invoke("long-line")
    events = logs.filter_log_events(logGroupName="/aws/lambda/long-line")["events"]
    parts = [event["message"] for event in events if event["message"].startswith("y")]
    assert sum(map(len, parts)) == 600_000
    assert max(map(len, parts)) <= 262_118


def test_a_leftover_process_can_fill_only_a_pipe_until_the_next_call(
    aws: Laptop,
) -> None:
    code = "import subprocess\ndef handler(event, context):\n  subprocess.Popen(['yes'])\n  return 'done'"
    aws.deploy("leaves-yes", code, Timeout=60)
    for _ in range(2):
        assert aws.invoke("leaves-yes")[0] == "done"
        size = len(logged(aws, "leaves-yes"))
    aws.deploy("somebody-else", "def handler(event, context): return 'done'")
    assert aws.invoke("somebody-else")[0] == "done"
    assert len(logged(aws, "leaves-yes")) == size
    aws.client("lambda").delete_function(FunctionName="leaves-yes")


def test_memory_for_output_is_bounded(loop: Loop) -> None:
    """Check that observers get only the newest lines."""
    logged: list[str] = []

    async def kept() -> list[str]:
        made = output.Output(logged.extend)
        for number in range(20_000):
            made._add([b"%099d" % number])
        made.close_writing()
        found = made.take()
        made.close()
        return found

    found = loop.run(kept())
    assert sum(map(len, found)) <= KEPT_BYTES
    assert found[-1].endswith("19999")
    assert len(logged) == 20_000
