"""The table `UserAttributes`: users, roles and signing keys. docs/architecture.md lists the keys.

Reads are strongly consistent: a revocation counts from the moment it is written.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, NamedTuple

import msgspec

from atrium.http.request import Claims
from atrium.runtime import rfc3339
from atrium.runtime.config import required
from atrium.stores import attribute_value, authority, dynamodb
from atrium.stores.attribute_value import UNREADABLE
from atrium.stores.authority import TokenStaleError
from atrium.stores.dynamodb import BotoCoreError, ClientError


class TableUnavailableError(Exception):
    """The table did not respond: throttled, unreachable or refused. Callers must fail closed."""


class ContentionError(TableUnavailableError):
    """Another transaction changed the same items.

    Nothing was written; a retry may succeed at once.
    """


class TransactionCanceledError(Exception):
    """The transaction was cancelled. Nothing was written.

    `conditions` are the items whose own condition failed, counted from 0; `conflicts` those
    that another transaction was writing.
    """

    def __init__(self, conditions: frozenset[int], conflicts: frozenset[int]) -> None:
        super().__init__(f"conditions failed: {sorted(conditions)}, conflicts: {sorted(conflicts)}")
        self.conditions = conditions
        self.conflicts = conflicts


NOT_DELETED = ("active", "disabled")
"""The statuses of users who are not deleted."""

RAISE_EPOCH = "ADD access_epoch :one, version :one"
"""The part of META's update that makes the user's tokens stale. Its value is `ONE`."""
ONE = {":one": {"N": "1"}}
"""The value with which an update counts up."""


class Meta(msgspec.Struct, frozen=True):
    """A user's META item. `access_epoch` rises with every grant and revocation.

    A token with an older epoch is stale. `ended_sessions` are single sessions, with the epoch
    seconds at which their last token ends. Every session whose sign-in was no later than
    `sessions_ended_at` is ended, too, except `kept_session`. `mfa` is True if the user pool asks
    for a second factor at every sign-in. `mfa_requested` is True while it is asked to begin with that,
    and `mfa_change` is the latest command that changes it.
    """

    status: str
    access_epoch: int
    version: int
    ended_sessions: Mapping[str, int] = {}
    sessions_ended_at: int = 0
    kept_session: str = ""
    mfa: bool = False
    mfa_requested: bool = False
    mfa_change: str = ""

    @property
    def locks_mfa(self) -> bool:
        """Return True if no token may change the second factor at the user pool."""
        return self.mfa or self.mfa_requested

    @property
    def is_deleted(self) -> bool:
        """Return True if the user is deleted or erased."""
        return self.status not in NOT_DELETED

    def confirms(self, claims: Claims) -> bool:
        """Return True if a token with these claims is still current."""
        is_current = self.status == "active" and self.access_epoch == claims.access_epoch
        return is_current and not self.has_ended(claims)

    def has_ended(self, claims: Claims) -> bool:
        """Return True if the session of these claims was ended."""
        return self.has_ended_session(claims.session, claims.auth_time)

    def has_ended_session(self, session: str, auth_time: int) -> bool:
        is_older = auth_time <= self.sessions_ended_at and session != self.kept_session
        return session in self.ended_sessions or is_older


class RoleDefinition(msgspec.Struct, frozen=True):
    """The definition of a role, which also holds what its `parents` hold.

    Permissions and parents are empty for an unknown role. `version` rises with every change of
    the role; None if its META is missing. `generation` distinguishes roles that had the same
    name one after the other: a grant of an earlier one gives nothing. `conditional` are further
    permissions with their conditions (JSON text, atrium/identity/conditions.py). They count in decisions
    only, so a token and an operation's rules never see them.
    """

    permissions: frozenset[str]
    parents: frozenset[str]
    version: int | None = None
    generation: int = 0
    conditional: Mapping[str, str] = {}


def meta(uid: str) -> Meta | None:
    """Return the user's META, or None. One call. Raises `TableUnavailableError`."""
    answer = call("get_item", Key=meta_key(uid), ConsistentRead=True)
    return _meta(dynamodb.plain(answer["Item"])) if "Item" in answer else None


def metas(uids: Sequence[str]) -> dict[str, Meta]:
    """Return META of up to 100 users by uid; missing users are omitted.

    One call. Raises `TableUnavailableError`.
    """
    table = required("USER_ATTRIBUTES_TABLE")
    wanted = {"Keys": [meta_key(uid) for uid in uids], "ConsistentRead": True}
    answer = _answer("batch_get_item", RequestItems={table: wanted})
    if answer.get("UnprocessedKeys"):
        raise TableUnavailableError(
            f"batch_get_item on {table} returned only some of {len(uids)} items: throttled"
        )
    found = map(dynamodb.plain, answer["Responses"].get(table, ()))
    return {item["pk"].removeprefix("U#"): _meta(item) for item in found}


def create_meta(uid: str) -> None:
    """Create META of a new, active user unless it exists.

    One call. Raises `TableUnavailableError`.
    """
    _create(
        f"U#{uid}",
        "META",
        status={"S": "active"},
        access_epoch={"N": "1"},
        version={"N": "1"},
    )


class StoredAttribute(NamedTuple):
    """An attribute of a user. `trust` is the namespace's when the value was written."""

    namespace: str
    name: str
    value: Any
    trust: str | None


def stored_attributes(uid: str) -> list[StoredAttribute]:
    """Return the user's attributes. One call per megabyte. Raises `TableUnavailableError`.

    An attribute that cannot be read is logged and left out, so that sign-in works.
    """
    found = list[StoredAttribute]()
    for item in query(f"U#{uid}", prefix="ATTR#"):
        _, namespace, name = item["sk"].split("#", 2)
        if (value := attribute_value.of_item(item)) is not UNREADABLE:
            found.append(StoredAttribute(namespace, name, value, item.get("trust")))
    return found


def attributes(uid: str) -> dict[str, dict[str, Any]]:
    """Return namespace → name → value of the user's attributes. Raises like `stored_attributes`."""
    return by_namespace(stored_attributes(uid))


def by_namespace(stored: Iterable[StoredAttribute]) -> dict[str, dict[str, Any]]:
    """Return namespace → name → value."""
    found = dict[str, dict[str, Any]]()
    for each in stored:
        found.setdefault(each.namespace, {})[each.name] = each.value
    return found


def role_definition(role: str) -> RoleDefinition:
    """Return the role's own definition. One call. Raises `TableUnavailableError`."""
    return defined(query(f"R#{role}"))


def defined(items: Iterable[dict[str, Any]]) -> RoleDefinition:
    """Return the definition in the items of one role."""
    meta: dict[str, Any] = {}
    permissions, conditional = set[str](), dict[str, str]()
    for item in items:
        if item["sk"] == "META":
            meta = item
        elif item["sk"].startswith("PERM#"):
            permissions.add(item["permission"])
        elif item["sk"].startswith("COND#"):
            conditional[item["permission"]] = item["condition"]
    parents = frozenset[str](meta.get("parents") or ())
    return RoleDefinition(
        frozenset(permissions),
        parents,
        meta.get("version"),
        meta.get("generation", 0),
        conditional,
    )


def role_version(role: str) -> int | None:
    """Return the version of a role. One call, of one item. Raises `TableUnavailableError`."""
    found = item(f"R#{role}", "META")
    return found.get("version") if found else None


Index = Literal["GSI1", "GSI2"]


def query(
    pk: str,
    *,
    index: Index | None = None,
    between: tuple[str, str] | None = None,
    prefix: str = "",
    after: Mapping[str, str] | None = None,
    only: Sequence[str] = (),
    page: int | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield the items of a partition as plain values, in the order of their sort keys.

    An `index` lags slightly behind. `between` bounds the sort key, both ends included; `prefix`
    is its prefix. `after` is the key of the item before the first; `only` names the attributes
    wanted. One call per megabyte, or per `page` items, as they are consumed. Raises
    `TableUnavailableError`.
    """
    parameters = _query_parameters(pk, index, between, prefix, only) | (
        {"Limit": page} if page else {}
    )
    if after is not None:
        parameters["ExclusiveStartKey"] = {name: {"S": value} for name, value in after.items()}
    while True:
        answer = call("query", **parameters)
        yield from map(dynamodb.plain, answer["Items"])
        if "LastEvaluatedKey" not in answer:
            return
        parameters["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _query_parameters(
    pk: str, index: Index | None, between: tuple[str, str] | None, prefix: str, only: Sequence[str]
) -> dict[str, Any]:
    of_index = index.lower() if index else ""
    names, values = {"#pk": f"{of_index}pk"}, {":pk": {"S": pk}}
    condition = "#pk = :pk"
    if between:
        names["#sk"] = f"{of_index}sk"
        values |= {":first": {"S": between[0]}, ":last": {"S": between[1]}}
        condition += " AND #sk BETWEEN :first AND :last"
    elif prefix:
        names["#sk"] = f"{of_index}sk"
        values[":prefix"] = {"S": prefix}
        condition += " AND begins_with(#sk, :prefix)"
    parameters: dict[str, Any] = {"IndexName": index} if index else {"ConsistentRead": True}
    if only:
        wanted = {f"#a{number}": name for number, name in enumerate(only)}
        names |= wanted
        parameters["ProjectionExpression"] = ", ".join(wanted)
    return parameters | {
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def signing_keys(purpose: str) -> dict[int, bytes]:
    """Return version → secret of every key for this purpose.

    One call. Raises `TableUnavailableError`.
    """
    return {int(item["sk"].removeprefix("V#")): item["secret"] for item in query(f"KEY#{purpose}")}


def create_signing_key(purpose: str, version: int, secret: bytes) -> None:
    """Create a key unless it exists. One call. Raises `TableUnavailableError`."""
    _create(f"KEY#{purpose}", f"V#{version}", secret={"B": secret})


def item(pk: str, sk: str) -> dict[str, Any] | None:
    """Return an item as plain values, or None. One call. Raises `TableUnavailableError`."""
    answer = call("get_item", Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True)
    return dynamodb.plain(answer["Item"]) if "Item" in answer else None


def update(pk: str, sk: str, **parameters: Any) -> bool:
    """Call UpdateItem and return False if its condition failed. One call. Raises `TableUnavailableError`.

    Requests write by `transact` only: here they raise authority.UnconditionalWriteError.
    """
    authority.refuse_single_write("UpdateItem")
    with suppress(_ConditionFailedError):
        call("update_item", Key={"pk": {"S": pk}, "sk": {"S": sk}}, **parameters)
        return True
    return False


def record(caller: str, name: str) -> dict[str, Any] | None:
    """Return the record of `idempotency_in_table` that has not expired.

    Raises `TableUnavailableError`.
    """
    found = item(f"IDEMPOTENCY#{caller}", name)
    return found if found and _in_force(found, time.time()) else None


MAX_ITEMS = 99
"""Items of a transaction. DynamoDB allows 100; one is reserved for the caller's condition."""


def transact(items: Sequence[dict[str, Any]]) -> None:
    """Write all items or none: `Put`, `Update`, `Delete`, `ConditionCheck`, without TableName.

    During a request the transaction carries the condition that the caller's token is current
    (atrium/stores/authority.py). Raises `TransactionCanceledError`, `authority.TokenStaleError`,
    `TableUnavailableError`, `ValueError` for more than MAX_ITEMS.
    """
    if len(items) > MAX_ITEMS:
        raise ValueError(f"A transaction has at most {MAX_ITEMS} items; this one has {len(items)}.")
    caller = authority.caller()
    if caller is None:
        return _transact(items)
    conditioned, place = authority.conditioned(items, caller, meta_key(caller.uid))
    try:
        return _transact(conditioned)
    except TransactionCanceledError as refused:
        if place in refused.conditions and _is_stale(caller, is_joined=place < len(items)):
            raise TokenStaleError(refused.conditions - {place}) from refused
        raise


def _is_stale(caller: Claims, *, is_joined: bool) -> bool:
    """Return True if the caller's condition failed.

    An item that contains this condition may have failed for its own condition instead. Access
    epochs only rise and ended sessions stay ended. So if META confirms the token now, it also
    did during the transaction.
    """
    if not is_joined:
        return True
    found = meta(caller.uid)
    return found is None or not found.confirms(caller)


def _transact(items: Sequence[dict[str, Any]]) -> None:
    table = {"TableName": required("USER_ATTRIBUTES_TABLE")}
    named = [{kind: table | fields for kind, fields in item.items()} for item in items]
    try:
        dynamodb.client().transact_write_items(TransactItems=named)
    except ClientError as error:
        codes = [reason["Code"] for reason in error.response.get("CancellationReasons", ())]
        if set(codes) - {"None"} <= {_CONDITION_FAILED, _CONFLICT} and codes:
            raise TransactionCanceledError(
                _places(codes, _CONDITION_FAILED), _places(codes, _CONFLICT)
            ) from error
        raise TableUnavailableError(f"transact_write_items failed: {error}") from error
    except BotoCoreError as error:
        raise TableUnavailableError(f"transact_write_items failed: {error}") from error


_CONDITION_FAILED, _CONFLICT = "ConditionalCheckFailed", "TransactionConflict"


def _places(codes: Sequence[str], code: str) -> frozenset[int]:
    return frozenset(place for place, found in enumerate(codes) if found == code)


class _ConditionFailedError(Exception):
    pass


def _create(pk: str, sk: str, **attributes: dict[str, Any]) -> None:
    """Put the item with its `created_at`, unless it exists."""
    authority.refuse_single_write("PutItem")
    item = {"pk": {"S": pk}, "sk": {"S": sk}, "created_at": {"S": rfc3339.now()}} | attributes
    with suppress(_ConditionFailedError):
        call("put_item", Item=item, ConditionExpression="attribute_not_exists(pk)")


def _in_force(item: dict[str, Any], now: float) -> bool:
    """Return False for an expired item, which TTL may delete hours later."""
    return item.get("expires_at") is None or item["expires_at"] > now


def _meta(item: dict[str, Any]) -> Meta:
    return msgspec.convert(item, Meta)


def meta_key(uid: str) -> dict[str, Any]:
    """Return the key of META, in DynamoDB's types."""
    return _key(uid, "META")


def _key(uid: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": f"U#{uid}"}, "sk": {"S": sk}}


def call(operation: str, **parameters: Any) -> dict[str, Any]:
    return _answer(operation, TableName=required("USER_ATTRIBUTES_TABLE"), **parameters)


def _answer(operation: str, **parameters: Any) -> dict[str, Any]:
    table = required("USER_ATTRIBUTES_TABLE")
    try:
        answer: dict[str, Any] = getattr(dynamodb.client(), operation)(**parameters)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ConditionalCheckFailedException":
            raise _ConditionFailedError from error
        raise TableUnavailableError(f"{operation} on {table} failed: {code}") from error
    except BotoCoreError as error:
        raise TableUnavailableError(f"{operation} on {table} failed: {error}") from error
    return answer
