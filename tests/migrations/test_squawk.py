"""squawk's findings in our migrations: none, and each exception has a reason in a comment above."""

import subprocess
from pathlib import Path

import pytest

from migrate.files import MigrationFile
from tests.migrations.conftest import ours
from tools.deploy.errors import RefusedError
from tools.operations import migration_lint


def squawk(path: Path) -> subprocess.CompletedProcess[str]:
    return migration_lint.squawk([path], outside=migration_lint.OUTSIDE in path.read_text())


@pytest.mark.parametrize("file", [pytest.param(file, id=file.id) for file in ours()])
def test_squawk_finds_nothing(file: MigrationFile) -> None:
    done = squawk(file.path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("rule", "sql"),
    [
        ("ban-drop-column", "ALTER TABLE users DROP COLUMN locale;"),
        ("renaming-column", "ALTER TABLE users RENAME COLUMN locale TO language;"),
        ("require-concurrent-index-creation", "CREATE INDEX users_locale_idx ON users (locale);"),
        (
            "ban-concurrent-index-creation-in-transaction",
            "ALTER TABLE users ADD COLUMN IF NOT EXISTS a text;\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON users (a);",
        ),
        ("changing-column-type", "ALTER TABLE users ALTER COLUMN version TYPE text;"),
        ("constraint-missing-not-valid", "ALTER TABLE users ADD CONSTRAINT c CHECK (version > 0);"),
    ],
)
def test_our_configuration_reports_a_finding(tmp_path: Path, rule: str, sql: str) -> None:
    path = tmp_path / "0002_next.sql"
    path.write_text(sql + "\n")
    done = squawk(path)
    assert done.returncode != 0
    assert rule in done.stdout


def test_an_index_built_concurrently_is_accepted_outside_a_transaction(tmp_path: Path) -> None:
    path = tmp_path / "0002_next.sql"
    path.write_text(
        "-- transactional: false\nDROP INDEX CONCURRENTLY IF EXISTS i;\n"
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON users (locale);\n"
    )
    done = squawk(path)
    assert done.returncode == 0, done.stdout


def test_every_exception_in_a_file_has_its_reason_above() -> None:
    for file in ours():
        lines = file.path.read_text().splitlines()
        for number, line in enumerate(lines):
            if "squawk-ignore" in line:
                assert number, f"{file.id} begins with an exception"
                assert lines[number - 1].startswith("-- "), (
                    f"{file.id}:{number + 1} says no reason on the line above"
                )


def test_make_migrate_runs_squawk_before_anything_else(tmp_path: Path) -> None:
    migration_lint.require()
    (tmp_path / "0001_first.sql").write_text("CREATE TABLE IF NOT EXISTS first (n bigint);\n")
    (tmp_path / "0002_next.sql").write_text("ALTER TABLE first DROP COLUMN n;\n")
    with pytest.raises(RefusedError, match=r"0002_next\.sql"):
        migration_lint.require(tmp_path)
