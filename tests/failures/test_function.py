"""Functions that are deployed broken, as callers and developers see them.

The next `make up` deploys the checkout again.
"""

import io
import json
import zipfile
from typing import Any

import pytest

from local_aws_tests.support.waiting import settle
from tests.failures.conftest import AddRow, Recovers
from tests.failures.stack import Stack
from tools.laptop.client import Client, Person

AFTERWARDS = "in the row after these"
pytestmark = [
    pytest.mark.usefixtures("up"),
    pytest.mark.xdist_group("function"),
]  # the tests run in sequence on one stack

BROKEN = {  # fault → handler, and the text that the log must contain
    "a handler that cannot be imported": (
        "import no_such_module",
        "No module named 'no_such_module'",
    ),
    "a handler that raises": (
        "def handler(event, context):\n    raise ValueError('of my own')",
        "ValueError: of my own",
    ),
    "a handler that takes too long": (
        "import time\n\ndef handler(event, context):\n    time.sleep(9)",
        "Task timed out after 1.00 seconds",
    ),
}


@pytest.fixture
def live(client: Client) -> tuple[Any, str]:
    """Return boto3's Lambda client and the name of the deployed service `users`."""
    return client.aws("lambda"), client.outputs.functions["users"]


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_function_is_502_and_its_log_has_the_reason(
    what: str, stack: Stack, client: Client, member: Person, live: tuple[Any, str], add_row: AddRow
) -> None:
    source, said = BROKEN[what]
    functions, name = live
    functions.update_function_configuration(FunctionName=name, Timeout=1)
    version = functions.update_function_code(
        FunctionName=name, ZipFile=zipped(source), Publish=True
    )["Version"]
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
    answer = client.call("GET", "/v1/me", member.tokens["AccessToken"])
    assert answer.status == 502
    assert answer.headers["content-type"] == "application/problem+json"
    assert client.call("GET", "/v1/health").status == 200, "the other services go on"
    log = stack.state / "logs" / "functions" / f"{name}.log"
    assert settle(lambda: said in log.read_text(), 20)
    detail = json.loads(answer.body)["detail"]
    add_row(what, f"502 {detail} `make logs SERVICE=users`: {said}", AFTERWARDS)


def test_the_next_make_up_deploys_the_checkout_again(recovers: Recovers, add_row: AddRow) -> None:
    add_row("after these three", "", recovers())


def zipped(source: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("users/__init__.py", "")
        archive.writestr("users/handler.py", source)
    return file.getvalue()
