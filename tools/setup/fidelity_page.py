"""`make docs`: write docs/fidelity.md from the behaviours that `local_aws` and tools/laptop declare."""

from collections.abc import Iterator

from local_aws import fidelity
from local_aws.fidelity import Behaviour, Part, Status
from tools import ROOT

PAGE = ROOT / "docs/fidelity.md"
ADDITIONS = ROOT / "tools/laptop/fidelity.yaml"

_INTRODUCTION = """\
# What the laptop's AWS emulates

`make docs` writes this page from `packages/local-aws/src/local_aws/fidelity/*.yaml` and `tools/laptop/fidelity.yaml`.

A successful local apply proves wiring and behaviour. It does **not** prove that AWS accepts the configuration.

- **emulated**: the behaviour is AWS's. The row names AWS's documentation and the tests that check it.
- **differs**: the behaviour is another one than AWS's, or AWS has no such behaviour.
- **refused**: the answer is a **501 `NotEmulated`** that names the service and the action.

Behaviours that are not listed are moto's (5.2.5), for the services that
`packages/local-aws/src/local_aws/control_plane/moto_app.py` lists. All other services are refused.
Test paths are relative to `packages/local-aws/tests/local_aws_tests`, and in the last section to the repository.

`.venv/bin/python -m local_aws coverage --state .local` prints each operation that was called since `make up` started the stack:
emulated, recorded only (moto stores the request and it has no effect), or refused. `coverage --known` prints what differs and what is refused.
"""


def main() -> None:
    text = page()
    if not PAGE.is_file() or PAGE.read_text() != text:
        PAGE.write_text(text)
        print(f"wrote {PAGE.relative_to(ROOT)}")


def page() -> str:
    parts = [*fidelity.parts(), fidelity.read(ADDITIONS)]
    refused = fidelity.refused_operations()
    sections = (line for part in parts for line in _section(part, refused))
    return "\n".join([_INTRODUCTION, *sections])


def _section(part: Part, refused: dict[str, list[str]]) -> Iterator[str]:
    yield f"## {part.title}\n"
    yield "| behaviour | status | AWS's documentation | tests |\n|---|---|---|---|"
    for status in Status:
        yield from (_row(each) for each in part.behaviours if each.status is status)
    yield ""
    for service in part.services:
        if service in refused:
            names = ", ".join(f"`{name}`" for name in refused[service])
            yield f"{len(refused[service])} operations of `{service}` are refused: {names}.\n"


def _row(behaviour: Behaviour) -> str:
    sources = ", ".join(f"[{title}]({url})" for title, url in behaviour.sources.items())
    tests = ", ".join(f"`{test}`" for test in behaviour.tests)
    what = behaviour.what.strip().replace("|", "\\|")
    return f"| {what} | {behaviour.status} | {sources or 'none'} | {tests or 'none'} |"


if __name__ == "__main__":
    main()
