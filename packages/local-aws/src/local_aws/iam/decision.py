"""AWS's evaluation logic: decides if an action on a resource is allowed.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Sequence
from dataclasses import dataclass

from local_aws.iam.conditions import holds
from local_aws.iam.context import Context, Keys
from local_aws.iam.patterns import UndecidableError, UnresolvedVariableError, glob, resolved
from local_aws.iam.policy import Policy, Statement
from local_aws.iam.principal import Caller, Match

IDENTITY = "identity-based policy"
BOUNDARY = "permissions boundary"
SESSION = "session policy"
RESOURCE = "resource-based policy"
NOBODY = Caller()


@dataclass(frozen=True)
class Decision:
    allowed: bool
    reason: str  # for a denial, the end of AWS's own message
    statement: str = ""  # "<policy>/<sid>" that decided; empty for an implicit deny
    explicit: bool = False  # an explicit deny, which no other policy can overrule
    match: Match = Match.NONE  # how directly the allowing resource-based policy names the caller


@dataclass(frozen=True)
class Attached:
    """The policy of the resource that a call is about."""

    policy: Policy
    # For a KMS key or a role, identity policies count only if the resource's own policy allows
    # that.
    required: bool = False


def decide(
    policies: Sequence[Policy],
    action: str,
    resource: str,
    context: Context,
    kind: str = IDENTITY,
    caller: Caller = NOBODY,
) -> Decision:
    """Decide one action: an explicit deny wins, then any allow, else an implicit deny.

    `caller` matters for resource-based policies only. `action` is "service:Name". `resource` is an
    ARN, or "*" for an action without a resource.

    A statement fails closed if it cannot be evaluated: it applies if it is a Deny and does not
    apply if it is an Allow. Reasons are a malformed statement, an unknown operator and an unknown
    condition value.
    """
    keys = Keys.of(context)
    allowed_by, closest = "", Match.NONE
    for policy in policies:
        for statement in policy.statements:
            name = f"{policy.name}/{statement.sid}"
            match = statement.principals.match(caller) if statement.principals else Match.DIRECT
            if not match:
                continue
            applies = _applies(statement, action, resource, keys, policy.variables)
            if not statement.allows and applies is not False:
                doubt = (
                    f" (it cannot be evaluated: {statement.malformed or 'a condition'})"
                    if applies is None
                    else ""
                )
                reason = f"with an explicit deny in {_article(kind)}{doubt}"
                return Decision(False, reason, name, explicit=True)
            if statement.allows and applies and match > closest:
                allowed_by, closest = name, match
    if allowed_by:
        return Decision(True, f"allowed by {allowed_by}", allowed_by, match=closest)
    return Decision(False, f"because no {kind} allows the {action} action")


def decide_within(
    identity: Sequence[Policy],
    boundary: Sequence[Policy] | None,
    session: Sequence[Policy] | None,
    action: str,
    resource: str,
    context: Context,
    attached: Attached | None = None,
    caller: Caller = NOBODY,
) -> Decision:
    """Decide an action of a principal on a resource of its own account.

    None means that there is no boundary, no session policy or no policy of the resource. The
    principal's policies, its boundary and its session policy must all allow the action. A policy of
    the resource that names the role replaces the first of these. One that names the session
    replaces the first two. On AWS it also replaces the session policy. Here the session policy
    still applies, so every call that passes here passes on AWS, too.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html
    """
    own = decide(identity, action, resource, context)
    narrowed = {
        kind: decide(policies, action, resource, context, kind)
        for kind, policies in ((BOUNDARY, boundary), (SESSION, session))
        if policies is not None
    }
    granted = _granted(attached, action, resource, context, caller)
    if denied := next((each for each in (own, *narrowed.values(), granted) if each.explicit), None):
        return denied
    if granted.match is Match.DIRECT:
        own = granted
        narrowed.pop(BOUNDARY, None)
    elif attached is not None and attached.required and not granted.allowed:
        return granted
    elif not own.allowed and granted.match is Match.ROLE:
        own = granted
    return next((each for each in (own, *narrowed.values()) if not each.allowed), own)


def _granted(
    attached: Attached | None, action: str, resource: str, context: Context, caller: Caller
) -> Decision:
    policies = [attached.policy] if attached else []
    return decide(policies, action, resource, context, RESOURCE, caller)


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _applies(
    statement: Statement, action: str, resource: str, keys: Keys, variables: bool
) -> bool | None:
    """Return True if the statement applies; None if that cannot be decided."""
    if statement.malformed:
        return None
    about = (
        _names_action(statement, action),
        _names_resource(statement, resource, keys, variables),
        *(holds(condition, keys, variables) for condition in statement.conditions),
    )
    if False in about:
        return False
    return None if None in about else True


def _names_action(statement: Statement, action: str) -> bool:
    if statement.action is not None:
        return any(glob(each, ignore_case=True).fullmatch(action) for each in statement.action)
    return not any(
        glob(each, ignore_case=True).fullmatch(action) for each in statement.not_action or ()
    )


def _names_resource(
    statement: Statement, resource: str, keys: Keys, variables: bool
) -> bool | None:
    excluded = statement.not_resource is not None
    patterns = statement.not_resource if excluded else statement.resource
    # A variable without a value matches nothing, but "all except <nothing>" must not match
    # everything.
    unresolved = None if excluded else False
    matches = [_matches(each, resource, keys, variables, unresolved) for each in patterns or ()]
    if True in matches:
        return not excluded
    return None if None in matches else excluded


def _matches(
    pattern: str, resource: str, keys: Keys, variables: bool, unresolved: bool | None
) -> bool | None:
    """Return True if a pattern matches; None if that cannot be decided.

    It cannot be decided if a wildcard would have to cross a colon where AWS does not document that
    it does.
    """
    try:
        as_documented, as_text = (
            resolved(pattern, keys, segments=segments)
            if variables
            else glob(pattern, segments=segments)
            for segments in (True, False)
        )
        if as_documented.fullmatch(resource):
            return True
        return None if as_text.fullmatch(resource) else False
    except UnresolvedVariableError:
        return unresolved
    except UndecidableError:
        return None
