"""A search in every live store of the tests: all tables of Postgres and all items of the table."""

from collections.abc import Iterator
from typing import Any

import pg8000.native

from tests.unit.conftest import TABLE

_TABLES = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"
)


def texts(database: pg8000.native.Connection, table: Any) -> Iterator[tuple[str, str]]:
    """Yield the place and the text of every row and item."""
    for (name,) in database.run(_TABLES):
        for (row,) in database.run(f"SELECT to_jsonb(t)::text FROM {name} AS t"):  # noqa: S608
            yield name, row
    for item in table.scan(TableName=TABLE)["Items"]:
        yield item["pk"]["S"], repr(item)


def holding(wanted: list[str], database: pg8000.native.Connection, table: Any) -> list[str]:
    """Return the places that contain one of the texts."""
    return [place for place, text in texts(database, table) if any(each in text for each in wanted)]
