"""The command `fault`: switch faults of the running local AWS on and off."""

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode

from local_aws.faults.page import PAGE
from local_aws.settings import LOOPBACK, Settings
from local_aws.supervisor import ready
from local_aws.supervisor.ready import StackError


def start(settings: Settings, dependency: str, fault: str, seconds: float) -> str:
    """Start a fault and return a sentence for each fault that is on.

    Raises:
        StackError: No stack is running, or the fault does not exist.
    """
    return _told(_ask(settings, "POST", dependency=dependency, fault=fault, seconds=str(seconds)))


def end(settings: Settings, dependency: str = "") -> str:
    """End the fault of a dependency, or all faults; return what is still on.

    Raises:
        StackError: No stack is running, or the dependency does not exist.
    """
    return _told(_ask(settings, "DELETE", **({"dependency": dependency} if dependency else {})))


def _ask(settings: Settings, method: str, **query: str) -> list[dict[str, Any]]:
    if (found := ready.running(settings)) is None:
        raise StackError(f"No stack is running. `{settings.program.name} up` starts one.")
    url = f"http://{LOOPBACK}:{found.aws_port}{PAGE}?{urlencode(query)}"
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, method=method), timeout=10
        ) as answer:
            faults: list[dict[str, Any]] = json.load(answer)["faults"]
            return faults
    except urllib.error.HTTPError as refused:
        with refused:
            raise StackError(json.loads(refused.read())["error"]) from None


def _told(faults: list[dict[str, Any]]) -> str:
    return (
        "\n".join(
            f"{each['dependency']} has the fault {each['fault']}. It ends in"
            f" {each['seconds_left']:.0f} s."
            for each in faults
        )
        or "No dependency has a fault."
    )
