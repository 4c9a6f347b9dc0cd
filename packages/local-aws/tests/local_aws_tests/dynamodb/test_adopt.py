"""Migration of items that an older release kept in moto's tables, at the first start."""

from pathlib import Path
from typing import Any

import pytest
from moto.backends import get_backend

from local_aws.dynamodb.adopt import adopt
from local_aws_tests.dynamodb.conftest import Endpoint
from local_aws_tests.lambda_service.laptop import Loop

ITEM: dict[str, Any] = {
    "pk": {"S": "a"},
    "sk": {"S": "b"},
    "bytes": {"B": b"\x00\xff"},
    "binaries": {"BS": [b"a", b"bc"]},
    "nested": {
        "M": {"bytes": {"B": b"\x01\x02\x03"}, "list": {"L": [{"N": "1.5"}, {"NULL": True}]}}
    },
    "numbers": {"NS": ["-1", "2"]},
}


@pytest.mark.filterwarnings("default")
def test_items_of_every_type_are_migrated(tmp_path: Path) -> None:
    get_backend("dynamodb").reset()
    loop = Loop()
    before, after = (
        Endpoint(loop, tmp_path / f"{name}.sqlite", is_moto=name == "before")
        for name in ("before", "after")
    )
    try:
        table = before.table("older")
        before.client.put_item(TableName=table, Item=ITEM)
        assert adopt(after.store) == 1
        assert adopt(after.store) == 0
        key = {name: ITEM[name] for name in ("pk", "sk")}
        assert after.client.get_item(TableName=table, Key=key)["Item"] == ITEM
    finally:
        before.close()
        after.close()
        loop.close()
