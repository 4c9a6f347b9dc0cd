"""`make test SERVICE=…` and `ONLY=…`: the selected tests, and refusals."""

from pathlib import Path

import pytest

from tools.checks import selection
from tools.deploy.errors import RefusedError


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name, content in {
        "functions/orders/function.yaml": "",
        "functions/orders/openapi.yaml": "",
        "functions/orders/tests/test_orders.py": "",
        "functions/relay/function.yaml": "",
        "functions/relay/tests/sent_sql.py": "",
        "functions/silent/function.yaml": "",
        "functions/atrium/paging/pages.py": "",
        "tests/unit/test_order_events.py": "from orders import queries\n",
        "tests/unit/test_late_import.py": "def test_it():\n    import orders\n",
        "tests/unit/orders/test_deep.py": "",
        "tests/unit/relay/test_relay.py": "from orders import queries\n",
        "tests/unit/test_other.py": "from orders_archive import queries\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def test_a_service_selects_its_tests_its_unit_tests_and_the_contract(
    repository: Path,
) -> None:
    assert selection.of_service(repository, "orders") == [
        "tests/unit/test_late_import.py",
        "tests/unit/test_order_events.py",
        "tests/unit/orders",
        "tests/contract/test_declarations.py",
        "functions/orders/tests",
    ]


def test_a_function_without_routes_and_tests_selects_none(repository: Path) -> None:
    with pytest.raises(RefusedError, match="SERVICE=silent has no tests"):
        selection.of_service(repository, "silent")


@pytest.mark.parametrize("name", ["atrium", "../orders", "nope"])
def test_an_unknown_service_is_refused_with_the_known_ones(repository: Path, name: str) -> None:
    with pytest.raises(
        RefusedError, match=r"is not a service. SERVICE is one of: orders, relay, silent\."
    ):
        selection.of_service(repository, name)


@pytest.mark.parametrize(
    "path", ["functions/orders/tests", "tests/story/test_me.py", "tests/contract"]
)
def test_a_stopped_stack_is_reported_before_pytest_starts(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATRIUM_STATE", ".local-never-started")
    with pytest.raises(RefusedError, match=r"needs the stack, which is down\. `make up` starts it"):
        selection.require_stack(["tests/unit", path, "-x"])


def test_other_tests_need_no_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATRIUM_STATE", ".local-never-started")
    selection.require_stack(["tests/unit", "tests/contract/test_declarations.py", "-k", "pages"])
