"""Role sessions and roles' policies, as moto's STS and IAM hold them.

Reading moto's dictionaries from the event loop's thread is safe under the GIL if each is copied in
one step.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from local_aws.iam import aws_policies, resource_policies
from local_aws.iam.context import Context, completed
from local_aws.iam.decision import SESSION, Decision, decide_within
from local_aws.iam.policy import Policy, parse
from local_aws.iam.principal import Caller
from local_aws.iam.record import Call, Policies, mentioned, record
from local_aws.iam.trust import trusts_service
from local_aws.settings import ACCOUNT_ID

PARTITION = "aws"
LAMBDA = "lambda.amazonaws.com"


def utc_now() -> datetime:
    """Return the time by which sessions expire.

    Tests replace this function.
    """
    return datetime.now(UTC)


@dataclass(frozen=True)
class Session:
    """An assumed role, whose key signs a function's calls."""

    access_key: str
    secret: str
    token: str
    expiration: datetime  # UTC
    role_arn: str
    name: str
    policy: str = ""  # a session policy narrows what the role may do

    @property
    def role_name(self) -> str:
        return self.role_arn.rsplit("/", 1)[-1]

    @property
    def arn(self) -> str:
        return f"arn:{PARTITION}:sts::{ACCOUNT_ID}:assumed-role/{self.role_name}/{self.name}"

    @property
    def caller(self) -> Caller:
        return Caller(ACCOUNT_ID, self.arn, self.role_arn)

    @property
    def expired(self) -> bool:
        return self.expiration <= utc_now()

    def keys(self) -> Mapping[str, str | None]:
        """Return the condition keys that identify the caller."""
        role = _role(self.role_arn)
        tags = {f"aws:PrincipalTag/{tag['Key']}": tag["Value"] for tag in role.tags} if role else {}
        return tags | {
            "aws:PrincipalArn": self.role_arn,
            "aws:PrincipalAccount": ACCOUNT_ID,
            "aws:PrincipalType": "AssumedRole",
            "aws:userid": f"{role.id if role else 'AROA'}:{self.name}",
        }


def credentials_for(
    role_arn: str, session_name: str, seconds: int = 3600
) -> tuple[str, str, str, datetime]:
    """Assume a role as the Lambda service does: `(access key, secret, token, expiration)`.

    Raises:
        LookupError: there is no such role, or it does not trust Lambda.
    """
    if _role(role_arn) is None:
        raise LookupError(
            f"The role {role_arn} does not exist. Apply the Terraform root that creates it."
        )
    if not trusts_service(role_arn, LAMBDA):
        raise LookupError(f"The trust policy of {role_arn} does not let {LAMBDA} assume it.")
    _forget_expired()
    made = sts_backends[ACCOUNT_ID][PARTITION].assume_role(
        region_name="us-east-1",
        role_session_name=session_name,
        role_arn=role_arn,
        policy="",
        duration=seconds,
        external_id="",
    )
    made.expiration = utc_now() + timedelta(seconds=seconds)
    return made.access_key_id, made.secret_access_key, made.session_token, made.expiration


def session(access_key: str) -> Session | None:
    """Return the session that signs with this key; None if the key belongs to no role session."""
    for found in list(sts_backends[ACCOUNT_ID][PARTITION].assumed_roles):
        if found.access_key_id == access_key:
            return Session(
                access_key,
                found.secret_access_key,
                found.session_token,
                _utc(found.expiration),
                found.role_arn,
                found.session_name,
                found.policy or "",
            )
    return None


def authorize(caller: Session, action: str, resource: str, context: Context) -> Decision:
    """Decide whether this session may perform the action."""
    context = {**context, **caller.keys()}
    return _decide(caller.caller, action, resource, context, caller.policy)


def role_may(role_arn: str, action: str, resource: str, context: Context | None = None) -> Decision:
    """Decide whether a service that has assumed the role may perform the action."""
    return _decide(Caller(ACCOUNT_ID, "", role_arn), action, resource, context or {}, "")


def _decide(
    caller: Caller, action: str, resource: str, given: Context, session_policy: str
) -> Decision:
    """Decide by the role's policies, its boundary, a session policy and the resource's policy.

    A role that was deleted is denied everything.
    """
    role = _role(caller.role_arn)
    policies = _policies(role, action, resource, session_policy) if role else Policies()
    decision = decide_within(
        _parsed(policies.identity),
        None if policies.boundary is None else _parsed(policies.boundary),
        [parse(policies.session, SESSION)] if policies.session else None,
        action,
        resource,
        completed(action, resource, given),
        resource_policies.parsed(policies.attached) if role else None,
        caller,
    )
    known = mentioned(policies, given)
    record.note(
        Call(
            caller.role_arn,
            action,
            resource,
            decision.allowed,
            decision.statement,
            policies,
            known,
        )
    )
    return decision


def _parsed(documents: Iterable[tuple[str, str]]) -> list[Policy]:
    return [parse(document, name) for name, document in documents]


def role_policies(role_arn: str) -> list[str]:
    """Return the documents of the role's own and attached policies."""
    role = _role(role_arn)
    if role is None:
        return []
    return [
        *role.policies.values(),
        *(text for _, text in _managed(role.managed_policies.values())),
    ]


def _policies(role: Any, action: str, resource: str, session_policy: str) -> Policies:
    return Policies(
        tuple(role.policies.items()) + _managed(list(role.managed_policies.values())),
        _boundary(role),
        session_policy,
        resource_policies.attached_to(action, resource),
    )


def _managed(policies: Iterable[Any]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (policy.name, version.document)
        for policy in policies
        for version in policy.versions
        if version.is_default
    )


def _boundary(role: Any) -> tuple[tuple[str, str], ...] | None:
    """Return the boundary's policy; None without a boundary.

    A boundary that no longer exists allows nothing.
    """
    if not role.permissions_boundary_arn:
        return None
    if aws_own := aws_policies.DOCUMENTS.get(role.permissions_boundary_arn):
        return ((role.permissions_boundary_arn.rsplit("/", 1)[-1], aws_own),)
    found = iam_backends[ACCOUNT_ID][PARTITION].managed_policies.get(role.permissions_boundary_arn)
    return _managed([found] if found else [])


def _role(role_arn: str) -> Any:
    roles = list(iam_backends[ACCOUNT_ID][PARTITION].roles.values())
    return next((role for role in roles if role.arn == role_arn), None)


def _forget_expired() -> None:
    """Delete expired sessions.

    moto keeps them for ever, and a day of workers would leave thousands.
    """
    sessions = sts_backends[ACCOUNT_ID][PARTITION].assumed_roles
    for old in [each for each in list(sessions) if _utc(each.expiration) <= utc_now()]:
        sessions.remove(old)


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
