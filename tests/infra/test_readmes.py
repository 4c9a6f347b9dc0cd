"""READMEs of modules: examples that are planned, and tables of variables and outputs."""

import re
import zipfile
from pathlib import Path

import pytest

from tools.setup import module_readmes as readmes

MODULES = Path(__file__).resolve().parents[2] / "modules"
NAMES = ["api_lambda", "bastion", "cognito", "dynamodb", "network", "rds_proxy"]


def test_the_list_contains_all_modules() -> None:
    assert [module.name for module in readmes.modules()] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_tables_list_variables_and_outputs(name: str) -> None:
    module = MODULES / name
    assert (module / "README.md").read_text() == readmes.written(module), (
        f"Run `make docs`: modules/{name}/README.md."
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_example_in_the_readme_is_the_planned_one(name: str) -> None:
    shown = re.findall(r"```hcl\n(.*?)```", (MODULES / name / "README.md").read_text(), re.DOTALL)
    planned = (MODULES / name / "examples/basic/main.tf").read_text()
    assert shown[0] == planned.replace(
        '  source = "../.."\n', f'  source = "{readmes.source(MODULES / name)}"\n'
    )
    assert re.fullmatch(
        rf"git::https://.+//modules/{name}\?ref=v\d+\.\d+\.\d+", readmes.source(MODULES / name)
    )


@pytest.mark.parametrize("example", sorted(MODULES.glob("*/examples/*/main.tf")), ids=str)
def test_every_example_is_planned_by_a_test_and_named_in_the_readme(example: Path) -> None:
    module, name = example.parents[2], example.parent.name
    runs = "".join(file.read_text() for file in module.glob("tests/*.tftest.hcl"))
    planned = rf'^  command = plan\n\n  module \{{\n    source = "\./examples/{name}"\n'
    assert re.search(planned, runs, re.MULTILINE)
    assert f"(examples/{name}/main.tf)" in (module / "README.md").read_text()


def test_the_zip_of_the_standalone_example_contains_its_source() -> None:
    example = MODULES / "api_lambda/examples/standalone"
    with zipfile.ZipFile(example / "artefacts/functions/hello.zip") as zipped:
        found = {name: zipped.read(name) for name in zipped.namelist()}
    assert found == {"index.py": (example / "functions/hello/index.py").read_bytes()}


@pytest.mark.parametrize("name", NAMES)
def test_a_module_has_at_most_fifteen_described_inputs(name: str) -> None:
    inputs = dict(readmes.blocks(MODULES / name / "variables.tf", "variable"))
    assert 0 < len(inputs) <= 15
    assert all(
        body["description"] and "any" not in re.findall(r"\w+", body["type"])
        for body in inputs.values()
    )


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_described_and_in_order(name: str) -> None:
    outputs = dict(readmes.blocks(MODULES / name / "outputs.tf", "output"))
    assert list(outputs) == sorted(outputs)
    assert all(body["description"] for body in outputs.values())


@pytest.mark.parametrize(
    ("block", "row"),
    [
        (
            'type = string\n description = "One | <two>"',
            r"| `given` | `string` | required | One \| \<two> |",
        ),
        (
            'type = number\n description = "\\"7\\""\n default = 7',
            '| `given` | `number` | `7` | "7" |',
        ),
        (
            'type = string\n description = "None"\n default = null',
            "| `given` | `string` | `null` | None |",
        ),
        (
            'type = set(string)\n description = "Some"\n default = ["a"]',
            '| `given` | `set(string)` | `["a"]` | Some |',
        ),
        (
            'type = object({\n a = optional(string, "}")\n })\n description = "Nested"\n default = {}',
            '| `given` | `object({a = optional(string, "}")})` | `{}` | Nested |',
        ),
    ],
)
def test_a_row_of_the_table_has_type_and_default(tmp_path: Path, block: str, row: str) -> None:
    (tmp_path / "variables.tf").write_text(f'variable "given" {{\n {block}\n}}\n')
    assert readmes.inputs(tmp_path).splitlines()[-1] == row


def test_a_readme_without_its_markers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"README\.md: put the lines <!-- tables: written by make docs -->"
    ):
        readmes.with_part("# network\n", "tables", "", tmp_path)
