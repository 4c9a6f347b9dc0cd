"""Fixtures with the three stores."""

from typing import Any

import botocore.session
import pg8000.native
import pytest
from moto.cognitoidp.models import CognitoIdpBackend

from atrium.identity import session_records
from atrium.runtime import log
from identity_commands import cognito
from tests.unit.conftest import TABLE
from tests.unit.cut_points.calls import Calls, record
from tests.unit.cut_points.stores import Stores

_note = session_records.note
_create = CognitoIdpBackend.admin_create_user


@pytest.fixture(scope="module")
def clients(aws: Any) -> dict[str, Any]:
    """Return the test's own clients, created once because each takes a quarter of a second."""
    session = botocore.session.get_session()
    clients: dict[str, Any] = {
        name: session.create_client(name) for name in ("cognito-idp", "ssm", "sesv2")
    }
    clients["sesv2"].create_email_identity(EmailIdentity="no-reply@example.org")
    return clients


@pytest.fixture(scope="module")
def pool(clients: dict[str, Any]) -> tuple[str, str]:
    """Return the ids of a user pool and its client."""
    made = clients["cognito-idp"].create_user_pool(PoolName="test", UsernameAttributes=["email"])
    pool = made["UserPool"]["Id"]
    clients["ssm"].put_parameter(Name="/atrium/test/user_pool_id", Value=pool, Type="String")
    client = clients["cognito-idp"].create_user_pool_client(UserPoolId=pool, ClientName="app")
    return pool, client["UserPoolClient"]["ClientId"]


@pytest.fixture
def stores(
    database: pg8000.native.Connection,
    table: Any,
    contract: None,
    clients: dict[str, Any],
    pool: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Stores:
    """Return the three stores, empty."""
    monkeypatch.setattr(session_records, "note", _note)
    monkeypatch.setattr(log, "write", lambda *_, **__: None)
    monkeypatch.setenv("USER_POOL_ID_PARAMETER", "/atrium/test/user_pool_id")
    monkeypatch.setenv("MAIL_FROM", "no-reply@example.org")
    cognito.pool_id.cache_clear()
    monkeypatch.setattr(CognitoIdpBackend, "admin_create_user", _create_or_resend)
    _new_table(table, table.describe_table(TableName=TABLE)["Table"])
    idp = clients["cognito-idp"]
    for each in idp.list_users(UserPoolId=pool[0])["Users"]:
        idp.admin_delete_user(UserPoolId=pool[0], Username=each["Username"])
    recorded = Calls()
    record(recorded, monkeypatch)
    return Stores(recorded, database, table, idp, *pool)


def _create_or_resend(pool: Any, pool_id: str, username: str, action: str, *rest: Any) -> Any:
    """Create an account, or resend its password; moto would create a second account."""
    if action == "RESEND":
        return pool.admin_get_user(pool_id, username)
    return _create(pool, pool_id, username, action, *rest)


def _new_table(table: Any, description: dict[str, Any]) -> None:
    """Create the table again, with a stream, in the state after `make migrate`."""
    table.delete_table(TableName=TABLE)
    table.create_table(
        TableName=TABLE,
        KeySchema=description["KeySchema"],
        AttributeDefinitions=description["AttributeDefinitions"],
        GlobalSecondaryIndexes=[
            {name: index[name] for name in ("IndexName", "KeySchema", "Projection")}
            for index in description["GlobalSecondaryIndexes"]
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    layout = {"pk": {"S": "G#"}, "sk": {"S": "LAYOUT"}, "layout": {"S": "keyed"}}
    table.put_item(TableName=TABLE, Item=layout)
