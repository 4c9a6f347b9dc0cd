"""The sources that `make new-service` writes. No stack is needed."""

import re

from tests.new_service.conftest import BIN, PYTEST, Checkout


def test_no_existing_file_is_changed(checkout: Checkout) -> None:
    new = checkout.run("git", "status", "--porcelain", "--untracked-files=all").splitlines()
    assert new
    written = r"\?\? (functions/zeppelins/|migrations/\d{4}_zeppelins\.)| M docs/personal-data\.md"
    assert all(re.match(written, line) for line in new), new
    names = {line.rpartition("/")[2] for line in new}
    assert {
        "function.yaml",
        "openapi.yaml",
        "handler.py",
        "zeppelins.py",
        "queries.py",
        "test_zeppelins.py",
    } < names


def test_the_new_service_is_formatted_and_typed(checkout: Checkout) -> None:
    checkout.run(f"{BIN}/ruff", "format", "--check", "functions/zeppelins")
    checkout.run(f"{BIN}/ruff", "check", "functions/zeppelins")
    assert "no issues" in checkout.run(f"{BIN}/mypy")


def test_the_tests_of_migrations_pass_and_recording_changes_nothing(checkout: Checkout) -> None:
    files = ("tests/migrations/test_squawk.py", "tests/migrations/test_sent_sql.py")
    assert " passed" in checkout.run(*PYTEST, "-k", "zeppelins", *files)
    before = checkout.run("git", "status", "--porcelain")
    recording = (
        "env",
        "RECORD_SQL=add",
        *PYTEST,
        "tests/migrations/test_sent_sql.py",
    )  # make record-sql, for two services
    checkout.run(*recording, "-k", "ledger and (zeppelins or users)")
    assert checkout.run("git", "status", "--porcelain") == before
