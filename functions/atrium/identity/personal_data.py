"""The registry of personal data, and the rows of a user that it declares.

`personal_items.py` has the items of the table.

`personal_data.json` is the registry that the build compiles from every `personal-data.yaml`. A
function that exports or erases packages it (`package.include: [build/personal_data.json]`).
"""

import os
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from atrium.stores.postgres import Statement

Item = Mapping[str, Any]
"""An item as plain values."""


class Table(msgspec.Struct, frozen=True):
    """A table with its SQL, whose parameter is `uid`. `erase` is None if every column stays."""

    table: str
    export: str
    erase: str | None


class Kind(msgspec.Struct, frozen=True):
    """A kind of item. `pk` and `sk` are regular expressions with a group per placeholder.

    `partition` is the key of the partition that holds one user's items, with `<uid>`.
    """

    name: str
    pk: str
    sk: str
    partition: str | None
    erasure: str
    fields: frozenset[str]
    json: frozenset[str]

    def match(self, item: Item) -> dict[str, str] | None:
        """Return the placeholders of the item's keys, or None if it is of another kind."""
        pk = re.fullmatch(self.pk, item["pk"], re.DOTALL)
        sk = re.fullmatch(self.sk, item["sk"], re.DOTALL)
        return pk.groupdict() | sk.groupdict() if pk and sk else None


class Expiring(msgspec.Struct, frozen=True):
    """A table whose rows expire, with the SQL that deletes at most `limit` expired rows."""

    table: str
    sql: str


class Registry(msgspec.Struct, frozen=True):
    tables: tuple[Table, ...]
    expiring: tuple[Expiring, ...]
    items: tuple[Kind, ...]
    cognito: Mapping[str, frozenset[str]]

    def kind(self, item: Item) -> Kind | None:
        return next((kind for kind in self.items if kind.match(item) is not None), None)


def document(file: str) -> bytes:
    with open(file, "rb") as opened:  # noqa: PTH123  pathlib is slow to load
        return opened.read()


@cache
def registry() -> Registry:
    """Return the registry in the function's package."""
    folder = os.environ.get("LAMBDA_TASK_ROOT", ".")
    return msgspec.json.decode(document(f"{folder}/personal_data.json"), type=Registry)


def select_rows(uid: str) -> list[Statement]:
    """Return a SELECT for each table, in the order of `registry().tables`."""
    return [Statement(table.export, {"uid": uid}) for table in registry().tables]


def erase_rows(uid: str) -> list[Statement]:
    """Return the statements that erase the user's rows, for one transaction.

    They can be repeated.
    """
    return [Statement(table.erase, {"uid": uid}) for table in registry().tables if table.erase]
