"""Overload of the running stack, with limits: `python -m bench.overload [--seconds 60] [--write]`."""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import uvloop

from bench.overload.load import BROKEN, GAVE_UP, GIVES_UP_SECONDS, Load
from local_aws.supervisor.ready import StackError
from tools.deploy import stack_settings
from tools.deploy.stack_outputs import Outputs, read
from tools.laptop.stack.show import access_token

CALLERS = 16
PEAK_SECONDS = 15
# seconds at the start of the overload that are not counted, while the queue fills
LEFT_OUT_SECONDS = 5
AFTER_SECONDS = 15
FACTOR = 5
LEAST_GOODPUT = 0.8  # the required share of the peak throughput
MOST_RECOVERY_SECONDS = 10
RESULTS = Path(__file__).with_name("results.md")


@dataclass(frozen=True)
class Result:
    path: str
    peak: float  # answers with 200 a second
    goodput: float  # answers with 200 a second during the overload
    overload: Counter[int]
    recovery: int | None  # seconds until the rate was normal again; None if it never was

    def complaints(self) -> list[str]:
        found = []
        if self.goodput < LEAST_GOODPUT * self.peak:
            found.append(
                f"goodput {self.goodput:.0f}/s is under {LEAST_GOODPUT:.0%} of the peak {self.peak:.0f}/s"
            )
        if self.recovery is None or self.recovery > MOST_RECOVERY_SECONDS:
            found.append(f"not normal again {MOST_RECOVERY_SECONDS} s after the overload")
        return found

    def table(self) -> str:
        names = {GAVE_UP: f"gave up after {GIVES_UP_SECONDS:.0f} s", BROKEN: "connection broke"}
        became = ", ".join(
            f"{count} {names.get(status, status)}" for status, count in self.overload.most_common()
        )
        lines = [
            "| path | peak | goodput | normal again after | the requests of the overload |",
            "|---|---|---|---|---|",
            f"| `{self.path}` | {self.peak:.0f}/s | {self.goodput:.0f}/s ({self.goodput / self.peak:.0%}) "
            f"| {'never' if self.recovery is None else f'{self.recovery} s'} | {became} |",
        ]
        return "\n".join([*lines, *(f"\n✗ {each}" for each in self.complaints())])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.overload", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--path", default="/v1/me")
    parser.add_argument("--write", action="store_true", help="make this run results.md")
    options = parser.parse_args()
    settings = stack_settings.from_environment()
    try:
        found = read(settings)
        token = access_token(settings, found)
    except StackError as error:
        sys.exit(f"make proof-overload: {error}")
    with _without_throttling(found):
        result = asyncio.run(
            _measure(found, token, options.path, options.seconds),
            loop_factory=uvloop.new_event_loop,
        )
    print(result.table())
    if options.write:
        RESULTS.write_text(
            f"# The last overload\n\n{datetime.now(UTC):%Y-%m-%d}, {options.seconds} s.\n\n{result.table()}\n"
        )
    return 1 if result.complaints() else 0


@contextmanager
def _without_throttling(found: Outputs) -> Iterator[None]:
    """Remove the stage's rate limit, which would refuse the overload before Lambda gets it."""
    gateway = boto3.client(
        "apigateway",
        endpoint_url=found.aws_endpoint_url,
        region_name=found.region,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106  no account has it
    )
    api = gateway.get_rest_apis()["items"][0]["id"]
    name = gateway.get_stages(restApiId=api)["item"][0]["stageName"]
    stage = {"restApiId": api, "stageName": name}
    limits = gateway.get_stage(**stage)["methodSettings"]["*/*"]

    def limit(rate: float, burst: float) -> None:
        named = {"rateLimit": rate, "burstLimit": burst}
        gateway.update_stage(
            **stage,
            patchOperations=[
                {"op": "replace", "path": f"/*/*/throttling/{name}", "value": str(value)}
                for name, value in named.items()
            ],
        )

    limit(100_000, 100_000)
    try:
        yield
    finally:
        limit(limits["throttlingRateLimit"], limits["throttlingBurstLimit"])


async def _measure(found: Outputs, token: str, path: str, seconds: int) -> Result:
    url = urlsplit(found.api_url)
    request = f"GET {path} HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()

    def load() -> Load:
        return Load(url.hostname or "", url.port or 80, request)

    warm, during, after = load(), load(), load()
    await warm.closed_loop(CALLERS, PEAK_SECONDS)
    peak = sum(_goods(warm)[-(PEAK_SECONDS - LEFT_OUT_SECONDS) :]) / (
        PEAK_SECONDS - LEFT_OUT_SECONDS
    )
    began = int(time.monotonic())
    await during.at_rate(FACTOR * peak, seconds)
    measured = range(began + LEFT_OUT_SECONDS, began + seconds)
    goodput = sum(during.answers.get(second, Counter())[200] for second in measured) / len(measured)
    ended = began + seconds
    await after.closed_loop(CALLERS, AFTER_SECONDS)
    normal = [
        second
        for second, answers in sorted(after.answers.items())
        if answers[200] >= LEAST_GOODPUT * peak and set(answers) == {200}
    ]
    for each in (warm, during, after):
        each.close()
    total = sum(during.answers.values(), Counter())
    return Result(path, peak, goodput, total, normal[0] - ended if normal else None)


def _goods(load: Load) -> list[int]:
    """Return the number of answers with 200 in each second."""
    return [answers[200] for _, answers in sorted(load.answers.items())][1:-1]


if __name__ == "__main__":
    sys.exit(main())
