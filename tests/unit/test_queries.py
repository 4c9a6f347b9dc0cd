"""The SQL of the services: in `queries.py`, with named parameters, and valid for the migrations."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pg8000.native
import pytest
import yaml

from atrium.stores.statement import number
from local_aws.database.postgres import Postgres

FUNCTIONS = Path(__file__).parents[2] / "functions"
_IS_SQL = re.compile(r"\s*(SELECT\s|INSERT INTO\s|UPDATE \w+\s+SET\s|DELETE FROM\s|WITH \w+ AS\s)")


def files() -> Iterator[Path]:
    """Yield the source files of the services, without `migrate`, whose SQL defines roles and
    tables.
    """
    for file in sorted(FUNCTIONS.rglob("*.py")):
        service = file.relative_to(FUNCTIONS).parts[0]
        if service != "migrate" and "tests" not in file.parts:
            yield file


def has_sql(file: Path) -> bool:
    tree = ast.parse(file.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return any(
        isinstance(node.value, str) and _IS_SQL.match(node.value) and id(node) not in docstrings
        for node in texts
    )


def statements() -> Iterator[tuple[str, str, str]]:
    """Yield the name, the database user and the text of each statement."""
    for file in filter(has_sql, files()):
        path = file.relative_to(FUNCTIONS)
        module = importlib.import_module(".".join(path.with_suffix("").parts))
        for name, value in vars(module).items():
            for text in value.values() if isinstance(value, dict) else [value]:
                if isinstance(text, str) and name.isupper() and _IS_SQL.match(text):
                    yield f"{path}: {name}", user(path.parts[0]), text


def user(service: str) -> str:
    declaration = FUNCTIONS / service / "function.yaml"
    if not declaration.exists():  # a package of the kernel
        return "app"
    return str(yaml.safe_load(declaration.read_text())["data"]["postgres"])


ALL = list(statements())


@pytest.mark.parametrize(
    ("user", "sql"), [pytest.param(user, sql, id=name) for name, user, sql in ALL]
)
def test_postgres_plans_each_statement_for_the_user_that_sends_it(
    server: Postgres, user: str, sql: str
) -> None:
    numbered, _ = number(sql)
    with pg8000.native.Connection(
        user, unix_sock=server.socket, database="atrium", ssl_context=False
    ) as connection:
        connection.execute_simple(f"EXPLAIN (GENERIC_PLAN) {numbered}")


@pytest.mark.parametrize("sql", ["SELECT uid FROM nowhere", "SELECT mail FROM users"])
def test_an_unknown_table_or_column_is_an_error(server: Postgres, sql: str) -> None:
    with pytest.raises(pg8000.native.DatabaseError):
        test_postgres_plans_each_statement_for_the_user_that_sends_it(server, "app", sql)


def test_every_statement_is_found() -> None:
    assert len(ALL) >= 30
    assert {user for _, user, _ in ALL} == {"app", "readonly"}


def test_a_service_has_its_sql_only_in_queries() -> None:
    elsewhere = [
        file.relative_to(FUNCTIONS)
        for file in files()
        if has_sql(file) and file.name != "queries.py" and FUNCTIONS / "atrium" not in file.parents
    ]
    assert elsewhere == []


def test_parameters_have_names() -> None:
    numbered = [name for name, _, sql in ALL if re.search(r"\$\d", sql)]
    assert numbered == [], "Write :uid instead of $1, and pass uid=… to postgres.query."
