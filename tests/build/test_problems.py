"""The catalogue of error codes, compared with the code that raises them, and its page."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from atrium.http.problem import TYPES, Problem
from tools import ROOT
from tools.build import gateway_responses, problems
from tools.build.errors import BuildError
from tools.setup import errors_page
from tools.setup.docs_site import __main__ as docs_site

FUNCTIONS = ROOT / "functions"
CATALOGUE = problems.read(ROOT)


def raised() -> Iterator[tuple[str, str, int]]:
    """Yield file, code and status of each `Problem(status, code, …)` whose code is a literal."""
    for file in sources():
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Problem":
                status, code = node.args[:2]
                if isinstance(code, ast.Constant) and isinstance(status, ast.Constant):
                    yield str(file.relative_to(FUNCTIONS)), str(code.value), int(str(status.value))


def sources() -> list[Path]:
    return [file for file in FUNCTIONS.rglob("*.py") if "tests" not in file.parts]


def test_every_raised_code_is_in_the_catalogue_with_its_status() -> None:
    found = list(raised())
    assert len(found) > 50
    wrong = [
        each
        for each in found
        if each[1] not in CATALOGUE or each[2] not in CATALOGUE[each[1]].statuses
    ]
    assert not wrong, "Add the code with this status to functions/<service>/problems.yaml."


def test_the_gateway_s_own_codes_are_in_the_catalogue() -> None:
    assert gateway_responses.codes() | {"method_not_allowed"} <= CATALOGUE.keys()


def test_every_code_of_the_catalogue_is_used() -> None:
    texts = {
        str(node.value)
        for file in sources()
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant)
    }
    unused = CATALOGUE.keys() - texts - gateway_responses.codes() - {"method_not_allowed"}
    assert not unused, "Remove it from its problems.yaml."


def test_the_type_of_a_problem_links_to_its_entry_on_the_site() -> None:
    """Check also the module's default, which is the page that a laptop serves."""
    page = next(page for page in docs_site.read_guides() if page.name == "errors")
    for code in CATALOGUE:
        kind = Problem(400, code, "Wrong.").document("r")["type"]
        assert kind == f"/docs/{page.name}.html#{code}"
        assert f'id="{code}"' in page.body
    module = (ROOT / "modules/api_lambda/environment.tf").read_text()
    assert f'? "{TYPES}" :' in module


def test_the_page_is_rendered_from_the_catalogue() -> None:
    assert errors_page.PAGE.read_text() == errors_page.page(), "Run `make docs`."


def test_a_code_is_listed_once(tmp_path: Path) -> None:
    for service in ("atrium", "notes"):
        (tmp_path / "functions" / service).mkdir(parents=True)
        (tmp_path / "functions" / service / problems.FILE).write_text(
            "gone: {status: 404, means: It is gone., do: Look elsewhere.}\n"
        )
    with pytest.raises(BuildError, match=r"notes/problems.yaml.*gone.*atrium/problems.yaml"):
        problems.read(tmp_path)


def test_an_entry_has_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "functions/atrium").mkdir(parents=True)
    (tmp_path / "functions/atrium/problems.yaml").write_text("gone: {status: 404, means: Gone.}\n")
    with pytest.raises(BuildError, match="do"):
        problems.read(tmp_path)
