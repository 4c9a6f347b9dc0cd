"""Kinds of callers that the rules distinguish, with the status that the contract demands for each."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tests.contract.caller import Caller
from tests.contract.operations import Operation, of
from tools.deploy.stack_outputs import Outputs
from tools.laptop.answer import Answer
from tools.laptop.client import Client, Person

ADMIN = "admin"  # holds every permission without an entry in the table
EVERYONES = "atrium/me"
# The codes of 403 and 404 in atrium/identity/rules.py and in the gateway
# (tools/build/gateway_responses.py).
REFUSALS = {
    "not_found",
    "insufficient_scope",
    "permission_missing",
    "forbidden",
    "route_unknown",
    "api_key_invalid",
    "signature_invalid",
} | {
    "request_blocked",
    "request_refused",
}
# Versions begin at 1, so an admitted caller gets 412 and nothing changes for the next cell.
STALE = '"0"'


@dataclass(frozen=True)
class Actor:
    """A kind of caller.

    `holds` has the permissions of its roles, `things` the owner of the path parameters.
    """

    caller: Caller
    things: Caller
    holds: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    signed_in: bool = True
    is_current: bool = (
        True  # False if the token is valid, but its user is disabled or their rights have changed
    )

    @property
    def is_own(self) -> bool:
        return self.things is self.caller

    def ask(self, operation: Operation) -> Answer:
        changed = {"If-Match": STALE} if operation.takes("If-Match") else {}
        values = self.things.values(operation)
        if operation.takes("Idempotency-Key") and operation.body is None:
            # an erasure needs a user whom no other cell uses
            values = {**values, "id": str(uuid.uuid4())}
        return self.caller.ask(operation, headers=changed, values=values, signed_in=self.signed_in)


def expected(operation: Operation, actor: Actor) -> int | None:
    """Return the status of the refusal, None if the actor is admitted by x-atrium-allow and
    `security`.
    """
    if operation.is_public:
        return None
    if not (actor.signed_in and actor.is_current):
        return 401
    if not _has_scope(operation, actor):
        return 403
    alternatives = operation.declared["x-atrium-allow"]
    if any(_admits(one, actor, operation) for one in alternatives):
        return None
    return 404 if any(one == "self" or "self" in one for one in alternatives) else 403


def complaint(operation: Operation, actor: Actor, answer: Answer) -> str | None:
    """Return None if the answer is the one that the contract demands, else the difference."""
    refusal = expected(operation, actor)
    if refusal is not None:
        if answer.status == refusal:
            return None
        return f"{operation}: the contract demands {refusal}, but the answer is {answer.status} {answer.body[:300]!r}"
    if _was_carried_out(operation, answer):
        return None
    return f"{operation}: the contract admits this caller, but the answer is {answer.status} {answer.body[:300]!r}"


def _was_carried_out(operation: Operation, answer: Answer) -> bool:
    """Return True if the answer proves that the kernel admitted the caller.

    The kernel decides before the operation begins, so an error that only an operation can give
    proves the admission. 409 and 412 do, because they depend on stored data. A 403 or 404 does if
    its `code` is not one of the kernel's or the gateway's. 400, 401, 413, 415, 422, 428 and 429
    prove nothing.
    """
    if answer.status in (403, 404):
        if answer.status == 404 and all(
            "self" not in one for one in operation.declared["x-atrium-allow"]
        ):
            return not operation.is_public
        return answer.json["code"] not in REFUSALS
    return answer.status < 400 or answer.status in (409, 412)


def _has_scope(operation: Operation, actor: Actor) -> bool:
    """Return True if the actor's token has the scope.

    Everyone has some scopes. Others come with the permission of the same name, and administrators
    have all.
    """
    wanted = {
        scope for alternative in operation.declared["security"] for scope in alternative["cognito"]
    }
    held = {EVERYONES} | {f"atrium/{permission}" for permission in actor.holds}
    return ADMIN in actor.roles or bool(wanted & held)


def _admits(alternative: str | Mapping[str, str], actor: Actor, operation: Operation) -> bool:
    match alternative:
        case "self":  # the operation itself limits the caller to their own data
            return actor.is_own or not operation.variables
        case {"self": _}:
            return actor.is_own
        case {"permission": permission}:
            return permission in actor.holds or ADMIN in actor.roles
        case {"role": role}:
            return role in actor.roles
        case {"decision": permission, **on}:  # a list is open to everybody, and filtered
            return not on or permission in actor.holds or ADMIN in actor.roles
    raise AssertionError(
        f"{operation}: {alternative} is an alternative that this test does not know: teach it here."
    )


def permissions(operation: Operation) -> frozenset[str]:
    return frozenset(
        one["permission"] for one in operation.declared["x-atrium-allow"] if "permission" in one
    )


def roles(operation: Operation) -> frozenset[str]:
    return frozenset(
        one["role"] for one in operation.declared["x-atrium-allow"] if "role" in one
    ) - {ADMIN}


@dataclass
class Actors:
    """The actors, each created when first needed.

    `admin` has one of each thing that the contract can create.
    """

    client: Client
    admin_caller: Caller
    document: Mapping[str, Any]
    _holders: dict[tuple[frozenset[str], frozenset[str]], Actor] = field(default_factory=dict)

    @property
    def outputs(self) -> Outputs:
        return self.client.outputs

    @cached_property
    def every_permission(self) -> frozenset[str]:
        return frozenset[str]().union(*(permissions(one) for one in of(self.document)))

    @cached_property
    def others(self) -> Caller:
        """Return somebody else's things: a bystander's, or the administrator's if only they can
        create them.
        """
        bystander = self._caller(self.client.new_member())
        own = {
            one.path: {one.of_caller: bystander.uid} for one in of(self.document) if one.of_caller
        }
        known = self.admin_caller.known | own
        return self._with_things(Caller(bystander.api_url, bystander.token, bystander.uid, known))

    def anonymous(self, _: Operation) -> Actor:
        return Actor(self._anybody.caller, self.others, signed_in=False)

    def other_user(self, _: Operation) -> Actor:
        return self._anybody

    def self(self, operation: Operation) -> Actor:
        """Return the actor who asks for their own things, or for somebody's if they cannot have
        any.
        """
        has_it = (
            operation.of_caller or operation.path in self._owner.known or not operation.variables
        )
        return Actor(self._owner, self._owner if has_it else self.others)

    def disabled(self, _: Operation) -> Actor:
        return self._disabled

    def revoked(self, _: Operation) -> Actor:
        return self._revoked

    def role_without_it(self, operation: Operation) -> Actor:
        return self._holder(self.every_permission - permissions(operation), frozenset())

    def role_with_it(self, operation: Operation) -> Actor:
        return self._holder(permissions(operation), roles(operation))

    def admin(self, _: Operation) -> Actor:
        return Actor(self.admin_caller, self.others, roles=frozenset({ADMIN}))

    @cached_property
    def _anybody(self) -> Actor:
        return Actor(self._caller(self.client.new_member()), self.others)

    @cached_property
    def _owner(self) -> Caller:
        return self._with_things(self._caller(self.client.new_member()))

    def _with_things(self, owner: Caller) -> Caller:
        """Return the owner, who has created one of each thing that everybody may create."""
        listed = of(self.document)
        for making in (one for one in listed if one.takes("Idempotency-Key")):
            if expected(making, Actor(owner, owner)) is None:
                location = owner.ask(making).headers["location"]
                for operation in listed:
                    owner.learn(operation, location)
        return owner

    @cached_property
    def _disabled(self) -> Actor:
        """Return an actor with every permission who is disabled.

        Their token was never used before.
        """
        return self._outdated(
            "SET #changed = :disabled", {"#changed": "status"}, {":disabled": {"S": "disabled"}}
        )

    @cached_property
    def _revoked(self) -> Actor:
        """Return an actor whose rights were changed, so that the access epoch of their token is
        outdated.
        """
        return self._outdated(
            "ADD #changed :one", {"#changed": "access_epoch"}, {":one": {"N": "1"}}
        )

    def _outdated(self, change: str, names: dict[str, str], values: dict[str, Any]) -> Actor:
        person = self.client.new_holder(f"all-{uuid.uuid4().hex}", self.every_permission)
        self.client.aws("dynamodb").update_item(
            TableName=self.outputs.user_attributes_table,
            Key={"pk": {"S": f"U#{person.uid}"}, "sk": {"S": "META"}},
            UpdateExpression=change,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )
        return Actor(self._caller(person), self.others, self.every_permission, is_current=False)

    def _holder(self, held: frozenset[str], named: frozenset[str]) -> Actor:
        if (held, named) not in self._holders:
            role = next(iter(named), f"role-{uuid.uuid4().hex}")
            person = self.client.new_holder(role, held)
            self._holders[held, named] = Actor(
                self._caller(person), self.others, held, named or frozenset({role})
            )
        return self._holders[held, named]

    def _caller(self, person: Person) -> Caller:
        return Caller(self.outputs.api_url, person.token, person.uid)


ACTORS: dict[str, Callable[[Actors, Operation], Actor]] = {
    "anonymous": Actors.anonymous,
    "other user": Actors.other_user,
    "self": Actors.self,
    "disabled": Actors.disabled,
    "revoked": Actors.revoked,
    "role without it": Actors.role_without_it,
    "role with it": Actors.role_with_it,
    "admin": Actors.admin,
}
