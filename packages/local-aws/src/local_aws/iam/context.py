"""The condition keys of a request, which policies test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from local_aws.aws_call import AwsCall

# The value of a key that AWS would send and that is unknown here. A condition on it cannot be
# decided, so it fails closed. Leaving the key out would be wrong: a missing key makes
# `ForAllValues`, `…NotEquals` and `…IfExists` true.
UNKNOWN = None

Values = Sequence[str]
Context = Mapping[str, str | Values | None]

# Global keys that AWS may send with any request of a role's session and that are unknown on a
# laptop. The other global keys come only with requests of users, instances and services:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
_EVERYWHERE = (
    *(
        "aws:MultiFactorAuthPresent",
        "aws:MultiFactorAuthAge",
        "aws:TokenIssueTime",
        "lambda:SourceFunctionArn",
    ),
    *("aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:ResourceOrgID", "aws:ResourceOrgPaths"),
    *("aws:ResourceTag/*", "aws:RequestTag/*", "aws:TagKeys", "aws:Referer"),
    # On AWS these hold the function's address and endpoint in its VPC.
    *("aws:SourceIp", "aws:VpcSourceIp", "aws:SourceVpc", "aws:SourceVpcArn", "aws:SourceVpce"),
    *("aws:VpceAccount", "aws:VpceOrgID", "aws:VpceOrgPaths"),
)
_FILLED = {"dynamodb", "kms"}  # services whose own condition keys `access` all names


def completed(action: str, resource: str, context: Context) -> Context:
    """Return `context` and the other keys that AWS sends with each request.

    Most of those are unknown, so a condition on them fails closed.
    """
    service, account = action.partition(":")[0].lower(), [*resource.split(":", 5), *[""] * 5][4]
    own = {} if service in _FILLED else {f"{service}:*": UNKNOWN}
    return {
        **dict.fromkeys(_EVERYWHERE, UNKNOWN),
        "aws:ResourceAccount": account or UNKNOWN,
        **own,
        **context,
    }


def global_keys(call: AwsCall) -> dict[str, str]:
    """Return the global condition keys of every request, as far as a laptop knows them."""
    now = datetime.now(UTC)
    return {
        "aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(now.timestamp())),
        "aws:RequestedRegion": call.region,
        "aws:SecureTransport": "true",  # on AWS, clients call by TLS; loopback replaces it here
        "aws:UserAgent": call.headers.get("user-agent", ""),
        "aws:PrincipalIsAWSService": "false",
        "aws:ViaAWSService": "false",
    }


@dataclass(frozen=True)
class Keys:
    """A context whose keys are case-insensitive, as in IAM.

    `aws:ResourceTag/*` and `ssm:*` stand for every key with that prefix that is not listed itself.
    """

    values: Mapping[str, tuple[str, ...] | None]

    @classmethod
    def of(cls, context: Context) -> "Keys":
        return cls({name.lower(): _values(value) for name, value in context.items()})

    def has(self, key: str) -> bool:
        return self._place(key) is not None

    def get(self, key: str) -> tuple[str, ...] | None:
        """Return the key's values; None if they are unknown.

        Call `has` first: a missing key has no values either.
        """
        place = self._place(key)
        return () if place is None else self.values[place]

    def _place(self, key: str) -> str | None:
        return next((place for place in _places(key) if place in self.values), None)

    def single(self, key: str) -> str | None:
        found = self.get(key)
        return found[0] if found and len(found) == 1 else None


def _places(key: str) -> tuple[str, ...]:
    name = key.lower()
    return name, name.partition("/")[0] + "/*", name.partition(":")[0] + ":*"


def _values(value: str | Values | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    return (value,) if isinstance(value, str) else tuple(value)
