"""Capacity units as DynamoDB counts them.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from local_aws.dynamodb.errors import invalid
from local_aws.dynamodb.schema import Table
from local_aws.dynamodb.values import Item, canonical_item

READ_BYTES, WRITE_BYTES = 4096, 1024
_TRANSACTION = 2  # factor by which a transaction costs more


class Consumed:
    """The capacity units of one call, by table and index."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self._wanted = request.get("ReturnConsumedCapacity", "NONE")
        if self._wanted not in ("INDEXES", "TOTAL", "NONE"):
            raise invalid(
                f"1 validation error detected: Value '{self._wanted}' at 'returnConsumedCapacity' failed to satisfy "
                "constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]"
            )
        self._units: dict[str, defaultdict[str, float]] = {}
        self._tables: dict[str, Table] = {}

    def read(
        self, table: Table, size: int, consistent: bool, index: str = "", transaction: bool = False
    ) -> None:
        units = float(max(1, -(-size // READ_BYTES)))
        self._add(
            table,
            index,
            units * _TRANSACTION if transaction else units if consistent else units / 2,
        )

    def write(
        self,
        table: Table,
        before: tuple[Item, int] | None,
        after: tuple[Item, int] | None,
        times: int,
    ) -> None:
        """Count a write.

        The table counts the larger of both items. Each index whose entry changes counts one more
        write.
        """
        size = max(before[1] if before else 0, after[1] if after else 0)
        self._add(table, "", max(1, -(-size // WRITE_BYTES)) * times)
        if self._wanted == "NONE":
            return
        for index in table.indexes.values():
            entries = [
                index.project(each[0]) if each and index.keys.of(each[0]) else None
                for each in (before, after)
            ]
            self._add(
                table, index.name, _entry_units(entries[0], entries[1], index.keys.names) * times
            )

    def _add(self, table: Table, index: str, units: float) -> None:
        self._tables[table.name] = table
        self._units.setdefault(table.name, defaultdict(float))[index] += units

    def one(self) -> dict[str, Any]:
        """Return ConsumedCapacity of one table, if the caller asked for it."""
        return (
            {"ConsumedCapacity": self._shown()[0]} if self._wanted != "NONE" and self._units else {}
        )

    def several(self) -> dict[str, Any]:
        """Return ConsumedCapacity of several tables, if the caller asked for it."""
        return {"ConsumedCapacity": self._shown()} if self._wanted != "NONE" else {}

    def _shown(self) -> list[dict[str, Any]]:
        return [self._of(name, units) for name, units in self._units.items()]

    def _of(self, name: str, units: Mapping[str, float]) -> dict[str, Any]:
        shown: dict[str, Any] = {"TableName": name, "CapacityUnits": sum(units.values())}
        if self._wanted == "INDEXES":
            shown["Table"] = {"CapacityUnits": units.get("", 0.0)}
            for index in self._tables[name].indexes.values():
                kind = "GlobalSecondaryIndexes" if index.is_global else "LocalSecondaryIndexes"
                if count := units.get(index.name):
                    shown.setdefault(kind, {})[index.name] = {"CapacityUnits": count}
        return shown


def _entry_units(before: Item | None, after: Item | None, keys: list[str]) -> float:
    if before == after:
        return 0.0
    moved = before and after and any(before[name] != after[name] for name in keys)
    sizes = [-(-canonical_item(each)[1] // WRITE_BYTES) for each in (before, after) if each]
    return float(sum(sizes) if moved else max(sizes))
