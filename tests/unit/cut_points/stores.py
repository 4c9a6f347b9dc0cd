"""The three stores of a user (Postgres, the table, the pool), the functions between them, and a
comparison of the stores.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pg8000.native
import yaml
from moto.dynamodb.models import dynamodb_backends

from atrium.identity import admins, grants
from atrium.identity.cognito_trigger import RefusalError
from atrium.identity.grant_items import GrantRecord
from atrium.stores import dynamodb, user_table
from local_aws.event_sources import patterns
from local_aws.settings import ACCOUNT_ID
from tests.unit.conftest import ROOT, TABLE
from tests.unit.cut_points.calls import Calls, KilledError
from tests.unit.events import Context, trigger_event

Handler = Callable[..., Any]
MOST_ROUNDS = 12
"""Runs of the relay after which an operation that has not ended counts as stuck."""


def handler_of(function: str) -> Handler:
    found: Handler = import_module(f"{function}.handler").handler
    return found


@dataclass(frozen=True)
class Consumer:
    """A function that reads the table's stream with the filters of its function.yaml."""

    function: str
    filters: tuple[patterns.Pattern, ...]

    def wants(self, record: dict[str, Any]) -> bool:
        return any(patterns.matches(pattern, record) for pattern in self.filters)


@cache
def consumers() -> list[Consumer]:
    declared = {
        path.parent.name: yaml.safe_load(path.read_text())
        for path in sorted(Path(ROOT, "functions").glob("*/function.yaml"))
    }
    return [
        Consumer(function, tuple(patterns.parse(json.dumps(each)) for each in said["filters"]))
        for function, said in declared.items()
        if said.get("trigger") == "user_attributes.stream"
    ]


@dataclass
class Stores:
    """Real Postgres, moto's table with its stream, and moto's pool."""

    calls: Calls
    database: pg8000.native.Connection
    table: Any
    cognito: Any
    pool: str
    client: str
    kills: int = 0
    notes: dict[str, str] = field(default_factory=dict)
    """Facts that a client remembers between its attempts."""
    labels: dict[str, str] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)
    """The access epochs in the tokens that users had before the flow."""
    read: dict[str, int] = field(default_factory=dict)

    @property
    def provider(self) -> str:
        return f"cognito:{self.pool}"

    # --- processes

    def run(self, function: str, event: dict[str, Any]) -> Any:
        """Run the function in a new process. Return None if it was killed."""
        try:
            with self.calls.process():
                return handler_of(function)(event, Context())
        except KilledError:
            self.kills += 1
            return None

    def trigger(self, source: str, email: str, function: str) -> Any:
        """Run a trigger of the pool for an account with its current attributes."""
        account = self.account(email)
        attributes = {each["Name"]: each["Value"] for each in account["Attributes"]}
        event = trigger_event(source, attributes) | {
            "userPoolId": self.pool,
            "userName": account["Username"],
        }
        try:
            return self.run(function, event)
        except RefusalError as refused:
            return str(refused)

    def settle(self) -> None:
        """Deliver the stream and run the relay until both are empty."""
        for _ in range(MOST_ROUNDS):
            self._deliver()
            self.database.run("UPDATE outbox SET due_at = now()")
            before = len(self._records())
            is_alive = self.run("outbox_relay", {}) is not None
            pending = self.database.run("SELECT id FROM operations WHERE state = 'pending'")
            if is_alive and not pending and len(self._records()) == before:
                return
        raise AssertionError(f"{pending}: pending after {MOST_ROUNDS} runs of the relay")

    def deliver_again(self) -> None:
        """Deliver every record of the stream a second time, as Lambda may."""
        self.read.clear()
        self.settle()

    def _deliver(self) -> None:
        while [each for each in consumers() if self._deliver_to(each)]:
            pass

    def _deliver_to(self, consumer: Consumer) -> bool:
        """Deliver one batch, until it succeeds. Return False if there is none."""
        records = self._records()
        batch = records[self.read.get(consumer.function, 0) :]
        wanted = [record for record in batch if consumer.wants(record)]
        while wanted:
            answer = self.run(consumer.function, {"Records": wanted})
            if answer == {"batchItemFailures": []}:
                break
            assert answer is None, f"{consumer.function} failed: {answer}"
        self.read[consumer.function] = len(records)
        return bool(batch)

    def _records(self) -> list[dict[str, Any]]:
        backend = dynamodb_backends[ACCOUNT_ID][self.table.meta.region_name]
        shard = backend.get_table(TABLE).stream_shard
        assert shard is not None
        return [record.to_json() for record in shard.items]

    # --- preparation

    def account(self, email: str) -> dict[str, Any]:
        [found] = self.cognito.list_users(UserPoolId=self.pool, Filter=f'email = "{email}"')[
            "Users"
        ]
        return dict(found)

    def sign_up(self, email: str) -> str:
        """Create a confirmed account and its user. Return the uid."""
        self.new_account(email)
        self.trigger("PostConfirmation_ConfirmSignUp", email, "post_confirmation")
        [[uid]] = self.database.run("SELECT uid::text FROM users WHERE email = :email", email=email)
        self.labels[uid] = email
        return str(uid)

    def new_account(self, email: str) -> None:
        given = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
        of = {"UserPoolId": self.pool, "Username": email}
        self.cognito.admin_create_user(**of, UserAttributes=given, MessageAction="SUPPRESS")
        self.cognito.admin_set_user_password(**of, Password="Correct-Horse-7", Permanent=True)

    def grant(self, uid: str, role: str) -> None:
        record = GrantRecord(
            id=uid[:-12] + "0000000000ad", uid=uid, role=role, action=None, scope="*", reason=None,
            granted_by="operator", granted_at="2026-01-01T00:00:00.000Z", expires_at=None,
        )  # fmt: skip
        joining = [admins.joining(uid)] if role == "admin" else []
        user_table.transact([*grants.puts(record), *joining])

    # --- comparison

    def state(self) -> dict[str, Any]:
        """Return what the stores hold, without ids, times and versions."""
        items = [dynamodb.plain(item) for item in self.table.scan(TableName=TABLE)["Items"]]
        return {
            "accounts": self._accounts(),
            "users": self._users(),
            "identities": self._identities(),
            "meta": self._meta(items),
            "rights": sorted(self._rights(items)),
            "commands": Counter(
                (item["command"], item["outcome"]) for item in items if item["pk"].startswith("COMMAND#") and "administrators" not in item["pk"]
            ),
            "operations": Counter(map(tuple, self.database.run("SELECT kind, state, reason FROM operations"))),
            "invitations": Counter(
                map(tuple, self.database.run("SELECT state, roles::text FROM invitations"))
            ),
            "outbox": self.database.run("SELECT command FROM outbox"),
            "audit": self._audit(),
            "access": self.access(),
        }  # fmt: skip

    def access(self) -> frozenset[Any]:
        """Return who may sign in, whose earlier token is accepted, and all rights."""
        items = [dynamodb.plain(item) for item in self.table.scan(TableName=TABLE)["Items"]]
        may_sign_in = self.database.run(
            "SELECT email::text, subject FROM users JOIN identities USING (uid) WHERE status = 'active' OR erase_at > now()"
        )
        enabled = {each["Username"] for each in self._all_accounts() if each["Enabled"]}
        metas = {uid: user_table.meta(uid) for uid in self.epochs}
        tokens = (
            uid
            for uid, meta in metas.items()
            if meta and meta.status == "active" and meta.access_epoch == self.epochs[uid]
        )
        return frozenset([
            *self._rights(items),
            *((email, "sign in") for email, subject in may_sign_in if subject in enabled),
            *((self._label(uid), "token") for uid in tokens),
        ])  # fmt: skip

    def remember_epochs(self) -> None:
        metas = {uid: user_table.meta(uid) for uid in self.labels}
        self.epochs = {uid: meta.access_epoch for uid, meta in metas.items() if meta}

    def disagreements(self) -> list[str]:
        """Return the users about whom the stores disagree."""
        return list(self._disagreements())

    def _disagreements(self) -> Iterator[str]:
        accounts = {each["Username"]: each for each in self._all_accounts()}
        rows = self.database.run(
            "SELECT uid::text, email::text, status, erase_at IS NOT NULL, array_agg(subject) FILTER (WHERE subject IS NOT NULL) "
            "FROM users LEFT JOIN identities USING (uid) GROUP BY uid"
        )
        for uid, email, status, in_grace, subjects in rows:
            known = [accounts.pop(subject) for subject in subjects or () if subject in accounts]
            meta = user_table.meta(uid)
            if (meta.status if meta else None) != status:
                yield f"{email}: {status} in Postgres, {meta} in the table"
            if status == "erased" and known:
                yield f"{uid}: erased, but has an account"
            can_sign_in = any(account["Enabled"] for account in known)
            if can_sign_in != (status == "active" or (status == "deleted" and in_grace)):
                yield f"{email}: {status} in Postgres, enabled in the pool: {can_sign_in}"
            if known and {"Name": "email", "Value": email} not in known[0]["Attributes"]:
                yield f"{email}: another address in the pool"
        for account in accounts.values():
            # nobody can sign in with an unconfirmed account
            if account["UserStatus"] != "UNCONFIRMED":
                yield f"{account['Username']}: in the pool, but nobody's"

    def _all_accounts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.cognito.list_users(UserPoolId=self.pool)["Users"]
        return found

    def _accounts(self) -> list[Any]:
        def attributes(account: dict[str, Any]) -> list[tuple[str, str]]:
            return sorted(
                (each["Name"], each["Value"])
                for each in account["Attributes"]
                if each["Name"] != "sub"
            )

        return sorted(
            (attributes(each), each["UserStatus"], each["Enabled"]) for each in self._all_accounts()
        )

    def _users(self) -> list[Any]:
        rows = self.database.run(
            "SELECT uid::text, email::text, status, given_name, erase_at IS NOT NULL, consent_version FROM users ORDER BY email, status"
        )
        return [(self._label(uid, email), email, *rest) for uid, email, *rest in rows]

    def _identities(self) -> list[Any]:
        rows = self.database.run(
            "SELECT uid::text, email::text FROM identities JOIN users USING (uid)"
        )
        return sorted(self._label(uid, email) for uid, email in rows)

    def _meta(self, items: list[dict[str, Any]]) -> list[Any]:
        found = [item for item in items if item["sk"] == "META" and item["pk"].startswith("U#")]
        return sorted((self._label(item["pk"][2:]), item["status"]) for item in found)

    def _rights(self, items: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
        for item in items:
            if item["pk"].startswith("G#") and item["pk"] != "G#":
                yield self._label(item["pk"][2:]), item["sk"]
            if item["sk"] == "HOLDERS":
                yield from ((self._label(uid), "HOLDERS") for uid in item.get("uids", ()))

    def _audit(self) -> Counter[Any]:
        rows = self.database.run("SELECT uid::text, actor, action FROM audit_events")
        return Counter(
            (self._label(uid), self._label(actor), action) for uid, actor, action in rows
        )

    def _label(self, uid: str, email: str | None = None) -> str:
        """Return a label for the user that is the same in every run."""
        if uid not in self.labels:
            found = self.database.run(
                "SELECT email::text FROM users WHERE uid::text = :uid", uid=uid
            )
            self.labels[uid] = email or (found[0][0] if found else "somebody")
        return self.labels[uid]
