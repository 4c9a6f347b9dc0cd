"""Snapshots of the three stores, so that many trials begin in the same state."""

import json
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from moto.cognitoidp.models import cognitoidp_backends
from moto.dynamodb.models import dynamodb_backends

from local_aws.settings import ACCOUNT_ID
from tests.support.kept_connections import empty
from tests.unit.conftest import TABLE
from tests.unit.cut_points.stores import Stores

_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"


@dataclass(frozen=True)
class Saved:
    rows: dict[str, str]
    items: Any
    accounts: Any
    labels: dict[str, str]
    read: dict[str, int]


def save(stores: Stores) -> Saved:
    return Saved(
        {table: _rows(stores, table) for (table,) in stores.database.run(_TABLES)},
        deepcopy(_tables(stores)[TABLE]),
        deepcopy(_pool(stores).users),
        dict(stores.labels),
        dict(stores.read),
    )


def restore(stores: Stores, saved: Saved) -> None:
    """Replace the contents of the stores, with Postgres triggers and foreign keys disabled."""
    run = stores.database.run
    empty(stores.database, *saved.rows)
    run("SET session_replication_role = replica")
    for table, rows in saved.rows.items():
        sql = f"INSERT INTO {table} SELECT * FROM jsonb_populate_recordset(NULL::{table}, :rows)"  # noqa: S608
        run(sql, rows=rows)
    run("SET session_replication_role = origin")
    _tables(stores)[TABLE] = deepcopy(saved.items)
    _pool(stores).users = deepcopy(saved.accounts)
    stores.labels, stores.read = dict(saved.labels), dict(saved.read)
    stores.notes, stores.kills, stores.calls.names, stores.calls.cut = {}, 0, [], None


def _rows(stores: Stores, table: str) -> str:
    sql = f"SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]') FROM {table} AS t"  # noqa: S608
    [[found]] = stores.database.run(sql)
    return json.dumps(found)


def _tables(stores: Stores) -> Any:
    return dynamodb_backends[ACCOUNT_ID][stores.table.meta.region_name].tables


def _pool(stores: Stores) -> Any:
    return cognitoidp_backends[ACCOUNT_ID][stores.table.meta.region_name].user_pools[stores.pool]
