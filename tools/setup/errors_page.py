"""`make docs`: write docs/errors.md from the catalogue of error codes."""

from tools import ROOT
from tools.build import problems
from tools.build.problems import ErrorCode

PAGE = ROOT / "docs/errors.md"

_INTRODUCTION = """\
# Error codes

`make docs` writes this page from `functions/*/problems.yaml`.

Every error is `application/problem+json` (RFC 9457). `code` says which problem it is and stays the same between
releases; decide by it, not by `title` or `detail`. `type` is the address of the code's entry on this page of the docs site. `detail` says what happened and what to do, for people.
`errors` names each wrong field by `pointer`, `parameter` or `header`. Report the `request_id` if you need help.
Below `/access/v1/`, errors are text, as AuthZEN requires.

| code | status | what it means | what to do |
|---|---|---|---|
"""


def main() -> None:
    text = page()
    if not PAGE.is_file() or PAGE.read_text() != text:
        PAGE.write_text(text)
        print(f"wrote {PAGE.relative_to(ROOT)}")


def page() -> str:
    return _INTRODUCTION + "".join(_row(code, entry) for code, entry in problems.read(ROOT).items())


def _row(code: str, entry: ErrorCode) -> str:
    statuses = ", ".join(map(str, entry.statuses))
    return f"| `{code}` | {statuses} | {entry.means} | {entry.do} |\n"


if __name__ == "__main__":
    main()
