"""`make docs`: generate the example and the tables of inputs and outputs in the modules' READMEs.

`python -m tools.setup.module_readmes` rewrites outdated READMEs. Text outside the marked parts is
kept.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2
from hcl2.utils import SerializationOptions

from tools import ROOT

MODULES = ROOT / "modules"
# Lists and objects stay HCL text, so that a default reads as it is written.
AS_TEXT = SerializationOptions(
    with_comments=False, explicit_blocks=False, wrap_objects=True, wrap_tuples=True
)


def main() -> None:
    for module in modules():
        readme = module / "README.md"
        text = written(module)
        if readme.read_text() != text:
            readme.write_text(text)
            print(f"wrote {readme.relative_to(MODULES.parent)}")


def modules() -> list[Path]:
    return sorted(file.parent for file in MODULES.glob("*/variables.tf"))


def written(module: Path) -> str:
    """Return the up-to-date README of `module`. Raise ValueError if a marked part is missing."""
    text = (module / "README.md").read_text()
    text = with_part(text, "example", f"```hcl\n{example(module)}```", module)
    return with_part(text, "tables", f"{inputs(module)}\n{outputs(module)}".rstrip(), module)


def with_part(text: str, name: str, content: str, module: Path) -> str:
    begin, end = f"<!-- {name}: written by make docs -->", f"<!-- end of {name} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(
            f"{module.name}/README.md: put the lines {begin} and {end} where the {name} belong."
        )
    return f"{before}{begin}\n{content}\n{end}{after}"


def example(module: Path) -> str:
    """Return examples/basic/main.tf with the source of a release."""
    tested = (module / "examples/basic/main.tf").read_text()
    return tested.replace('source = "../.."', f'source = "{source(module)}"', 1)


def source(module: Path) -> str:
    """Return the address of the module in the release that pyproject.toml names."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return f"git::https://github.com/OWNER/atrium.git//modules/{module.name}?ref=v{version}"


def inputs(module: Path) -> str:
    rows = [
        f"| `{name}` | `{hcl(body['type'])}` | {default(body)} | {cell(body['description'])} |\n"
        for name, body in blocks(module / "variables.tf", "variable")
    ]
    return "## Inputs\n\n| name | type | default | description |\n|---|---|---|---|\n" + "".join(
        rows
    )


def outputs(module: Path) -> str:
    rows = [
        f"| `{name}` | {cell(body['description'])} |\n"
        for name, body in blocks(module / "outputs.tf", "output")
    ]
    return "## Outputs\n\n| name | description |\n|---|---|\n" + "".join(rows)


def blocks(file: Path, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (name, arguments) of each block of that kind, in the order of the file."""
    with file.open() as opened:
        parsed = hcl2.load(opened, serialization_options=AS_TEXT)
    for block in parsed[kind]:
        for name, body in block.items():
            yield json.loads(name), body


def default(body: dict[str, Any]) -> str:
    return f"`{hcl(body['default'])}`" if "default" in body else "required"


def hcl(value: Any) -> str:
    """Return an argument as HCL; the parser wraps expressions in "${…}" and quotes strings."""
    if isinstance(value, str):
        return value.removeprefix("${").removesuffix("}") if value.startswith("${") else value
    return json.dumps(value)


def cell(quoted: str) -> str:
    """Return an HCL string as a Markdown table cell, with `<` and `|` escaped."""
    return re.sub(r"[<|]", r"\\\g<0>", str(json.loads(quoted)))


if __name__ == "__main__":
    main()
