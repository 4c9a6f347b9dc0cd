"""`make smoke ENV=dev`: check that the API answers, serves its contract and demands a token."""

import argparse
import sys
import time
from collections.abc import Iterator

from tools.deploy import command, environment
from tools.deploy.environment import Environment
from tools.deploy.errors import RefusedError
from tools.operations.observations import Answer, Request, ask

SETTLE_SECONDS = (
    30.0  # a new deployment of the API reaches callers within seconds; on the laptop at once
)
PROTECTED = "/v1/me"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.operations.smoke", description=__doc__)
    parser.add_argument("environment", nargs="?", default="", help="local, dev, prod, …")
    return command.run(
        "smoke", lambda: smoke(environment.environment(parser.parse_args().environment))
    )


def smoke(target: Environment) -> None:
    """Check the API until it passes or time is up. Raise RefusedError that names every fault."""
    url = str(target.output("api_url")).rstrip("/")
    deadline = time.monotonic() + (0 if target.is_local else SETTLE_SECONDS)
    while wrong := list(complaints(url, target.output("stage"))):
        if time.monotonic() >= deadline:
            raise RefusedError(
                "\n".join([f"{url} does not answer as expected:", *(f"  {one}" for one in wrong)])
            )
        time.sleep(1)
    print(f"smoke: {url} answers, serves its contract and demands a token.")


def complaints(url: str, stage: str) -> Iterator[str]:
    try:
        yield from _health(get(f"{url}/v1/health"), stage)
        yield from _contract(get(f"{url}/v1/openapi.json"))
        yield from _anonymous(get(url + PROTECTED))
    except OSError as error:
        yield f"cannot be reached: {error}"


def _health(answer: Answer, stage: str) -> Iterator[str]:
    if answer.status != 200 or answer.json() != {"status": "pass", "stage": stage}:
        yield f"/v1/health: {_described(answer)}, not 200 with status pass and stage {stage}"


def _contract(answer: Answer) -> Iterator[str]:
    document = answer.json()
    if (
        answer.status != 200
        or not isinstance(document, dict)
        or PROTECTED not in document.get("paths", {})
    ):
        yield f"/v1/openapi.json: {_described(answer)}, not 200 with a contract that has {PROTECTED}"


def _anonymous(answer: Answer) -> Iterator[str]:
    kind = answer.headers.get("content-type", "")
    if answer.status != 401 or not kind.startswith("application/problem+json"):
        yield f"{PROTECTED} without a token: {_described(answer)} ({kind}), not 401 as application/problem+json"
    elif "www-authenticate" not in answer.headers:
        yield f"{PROTECTED} without a token: 401 without WWW-Authenticate"


def _described(answer: Answer) -> str:
    return f"{answer.status} {answer.body[:200].decode(errors='replace')}"


def get(url: str) -> Answer:
    """Send a GET request and return its answer. Raise OSError if it cannot be sent."""
    return ask(url, Request("GET", ""))


if __name__ == "__main__":
    sys.exit(main())
