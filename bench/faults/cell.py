"""One cell of the matrix: a dependency has a fault for a while, under light load."""

import json
import threading
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pg8000.native

from bench.faults.load import Caller, People, callers, is_success
from local_aws.faults import Dependency, Kind
from local_aws.faults.page import PAGE
from local_aws.settings import Settings
from local_aws.supervisor import faults
from tools.laptop.client import Client

FAULT_SECONDS = 4
MOST_RECOVERY_SECONDS = 5.0
GIVES_UP_SECONDS = 30.0


@dataclass(frozen=True)
class Cell:
    dependency: Dependency
    kind: Kind
    seen: dict[str, Counter[str]] = field(default_factory=dict)  # by caller
    permits: int = 0
    recovery: float = 0.0
    acknowledged: int = 0
    lost: int = 0

    def complaints(self) -> list[str]:
        found = []
        if self.permits:
            found.append(f"{self.permits} requests of the revoked user were permitted")
        if self.recovery > MOST_RECOVERY_SECONDS:
            found.append(f"recovered after {self.recovery:.1f} s")
        if self.lost:
            found.append(f"{self.lost} acknowledged writes were lost")
        return found


def run(settings: Settings, client: Client, people: People, which: tuple[Dependency, Kind]) -> Cell:
    """Cause the fault, wait for its end, and check the answers and the written data."""
    load, over = callers(client, people), threading.Event()
    threads = [threading.Thread(target=each.repeat, args=(over,), daemon=True) for each in load]
    faults.start(settings, *which, FAULT_SECONDS)
    for thread in threads:
        thread.start()
    _await_end(client)
    if which == (Dependency.POSTGRES, Kind.KILL):
        _await_postgres(client)
    ended = time.monotonic()
    seen = {each.name: Counter(each.answers) for each in load}
    with ThreadPoolExecutor(len(load)) as pool:
        recovery = max(pool.map(lambda each: _recovery(each, ended), load))
    over.set()
    for thread in threads:
        thread.join()
    written = [path for each in load if each.name != "revoked" for path in each.acknowledged]
    return Cell(
        *which,
        {name: counts or Counter({"waiting": 1}) for name, counts in seen.items()},
        permits=sum(len(each.acknowledged) for each in load if each.name == "revoked"),
        recovery=recovery,
        acknowledged=len(written),
        lost=sum(not _is_kept(client, people, path) for path in written),
    )


def _await_end(client: Client) -> None:
    while True:
        with urllib.request.urlopen(client.outputs.aws_endpoint_url + PAGE, timeout=10) as answer:
            if not json.load(answer)["faults"]:
                return
        time.sleep(0.05)


def _await_postgres(client: Client) -> None:
    """Wait for Postgres's own crash recovery, which belongs to the fault."""
    while True:
        try:
            with client.database():
                return
        except (pg8000.exceptions.Error, OSError):
            time.sleep(0.05)


def _recovery(caller: Caller, ended: float) -> float:
    """Return the seconds from the end of the fault until the caller's normal answer.

    The revoked user's normal answer is a refusal that the service has decided, not a 5xx.
    """
    while (passed := time.monotonic() - ended) < GIVES_UP_SECONDS:
        status = caller.once()
        if status in ("401", "403") if caller.name == "revoked" else is_success(status):
            return time.monotonic() - ended
        time.sleep(0.05)
    return passed


def _is_kept(client: Client, people: People, path: str) -> bool:
    asker = people.member if path.startswith("/v1/orders") else people.admin
    return client.call("GET", path, asker.token).status == 200
