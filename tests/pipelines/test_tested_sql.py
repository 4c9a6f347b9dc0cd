"""Tested SQL: code whose SQL the current schema could break never becomes live again.

The example drops a column: release 1 uses it, release 2 no longer does, release 3 drops it.
"""

import json
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from tests.pipelines.aliases import Aliases
from tools.deploy import environment, release_records, release_store, tested_sql
from tools.deploy.errors import RefusedError
from tools.deploy.release_store import ReleaseStore
from tools.deploy.tested_sql import TestedSchema
from tools.operations import deploy
from tools.operations.rollback import rollback

OLD, NEW = "SELECT locale FROM users", "SELECT uid FROM users"
NEWER = "SELECT uid, email FROM users"
DROPS = "0002_drop_locale"


def checkout(folder: Path, *ledger: str, migrations: tuple[str, ...] = ("0001_users",)) -> Path:
    """Write the parts of a checkout that are read: migrations, and the SQL of one service."""
    file = folder / "functions/users" / tested_sql.LEDGER
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps([[{"statements": [{"sql": sql}]}] for sql in ledger]))
    (folder / "migrations").mkdir()
    for name in migrations:
        (folder / f"migrations/{name}.sql").touch()
        (folder / f"migrations/{name}.rollback.sql").touch()
    return folder


@pytest.fixture
def schemas(tmp_path: Path) -> list[TestedSchema]:
    folders = (
        checkout(tmp_path / "1", OLD),
        checkout(tmp_path / "2", OLD, NEW),
        # as after `make record-sql ONLY=1` and a change of the SQL
        checkout(tmp_path / "3", NEW, NEWER, migrations=("0001_users", DROPS)),
    )
    return [tested_sql.of_checkout(folder) for folder in folders]


@pytest.fixture
def store(schemas: list[TestedSchema]) -> Iterator[ReleaseStore]:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="states")
        made = ReleaseStore(s3, "states", "dev")
        for number, schema in enumerate(schemas, 1):
            made.set_schema(schema)
            functions = {"users": str(number)}
            made.add(
                release_records.made(
                    made.releases(), functions, migration=schema.migration, sql=schema.sent
                )
            )
        yield made


@pytest.fixture
def client() -> Aliases:
    return Aliases({"users": "3"}, {"users": "3"})


def test_a_rollback_stops_before_the_release_that_uses_a_dropped_column(
    client: Aliases, store: ReleaseStore
) -> None:
    assert rollback(client, store).number == 2
    moved = list(client.moves)
    with pytest.raises(RefusedError) as refused:
        rollback(client, store)
    assert str(refused.value).startswith("release 1 (")
    assert f"Migrations up to {DROPS} were applied after it" in str(refused.value)
    assert "no longer tested on that schema: users (" in str(refused.value)
    assert "TO=" in str(refused.value)
    with pytest.raises(RefusedError, match=DROPS):
        rollback(client, store, to=1)
    assert client.moves == moved
    assert client.live == {"users": "2"}
    assert rollback(client, store, to=3).number == 3


def test_a_rollback_records_the_sql_of_the_restored_release(
    client: Aliases, store: ReleaseStore, schemas: list[TestedSchema]
) -> None:
    rollback(client, store)
    assert store.releases()[-1].sql == schemas[1].sent != schemas[2].sent


def test_a_release_with_the_same_schema_can_be_restored(
    client: Aliases, store: ReleaseStore, schemas: list[TestedSchema], tmp_path: Path
) -> None:
    """Check a release whose SQL is no longer recorded: nothing was dropped since."""
    store.replace(store.releases()[:2])
    client.live = {"users": "2"}
    store.s3.delete_object(Bucket="states", Key="dev/schema.json")
    store.set_schema(tested_sql.of_checkout(checkout(tmp_path / "4", NEW)))
    assert rollback(client, store).number == 1


def test_a_release_with_unknown_sql_is_refused(client: Aliases, store: ReleaseStore) -> None:
    first, *later = store.releases()
    unknown = release_records.made([], first.functions, migration=first.migration)
    store.replace([unknown, *later])
    with pytest.raises(RefusedError, match="its record does not say which SQL it sends"):
        rollback(client, store, to=1)
    assert client.moves == []


def test_an_older_commit_is_not_deployed_after_a_drop(
    schemas: list[TestedSchema],
    store: ReleaseStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for schema, refused in zip(schemas, (True, False, False), strict=True):
        monkeypatch.setattr(tested_sql, "of_checkout", lambda schema=schema: schema)
        if refused:
            with pytest.raises(RefusedError, match=f"the code of this checkout .* {DROPS} "):
                tested_sql.require_checkout(store.schema())
        else:
            tested_sql.require_checkout(store.schema())
    for migration in (DROPS, "0003_phone"):  # new code may send new SQL
        ahead = TestedSchema(migration, {"users": ["new"]})
        monkeypatch.setattr(tested_sql, "of_checkout", lambda ahead=ahead: ahead)
        tested_sql.require_checkout(store.schema())
    tested_sql.require_checkout(None)  # nothing is deployed yet


def test_one_service_of_an_older_commit_is_not_deployed_after_a_drop(
    schemas: list[TestedSchema], store: ReleaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tested_sql, "of_checkout", lambda: schemas[0])
    monkeypatch.setattr(environment, "environment", lambda _: None)
    monkeypatch.setattr(release_store, "of", lambda _: store)
    monkeypatch.setattr(deploy, "_build", lambda *_, **__: pytest.fail("It was not refused."))
    asked = Namespace(environment="dev", service="users", artefacts=None, canary=0)
    with pytest.raises(RefusedError, match=DROPS):
        deploy.deploy(asked)


def test_the_schema_is_never_downgraded(schemas: list[TestedSchema], store: ReleaseStore) -> None:
    store.set_schema(schemas[0])
    assert store.schema() == schemas[2]


def test_one_service_can_be_deployed_alone(schemas: list[TestedSchema]) -> None:
    before = {"users": "a", "coffee": "b"}
    after = schemas[2].with_service(before, "users")
    assert after == {"users": schemas[2].sent["users"], "coffee": "b"}
    assert schemas[2].with_service(before, "meta") == before  # meta sends no SQL
    assert schemas[2].with_service({}, "users") == {}  # the other services stay unknown


def test_the_migrations_and_sql_of_this_checkout_are_read() -> None:
    ours = tested_sql.of_checkout()
    assert ours.migration in [file.stem for file in Path("migrations").glob("*.sql")]
    assert {"users", "coffee"} <= ours.sql.keys()
    assert ours.untested(ours.sent) == []
    assert ours.untested({"users": "another", "gone": "b"}) == ["users", "gone"]
