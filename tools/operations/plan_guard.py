"""The guard of plans: changes that lose data or widen access are refused until acknowledged.

An acknowledgement names the environment and the address: `Acknowledge-Plan: prod <address>` as a
trailer of a commit, or `make deploy ENV=prod ACKNOWLEDGE=<address>`.
"""

import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tools import ROOT
from tools.deploy.errors import RefusedError
from tools.deploy.terraform.planned import ResourceChange
from tools.operations import policy_widening

TRAILER = "Acknowledge-Plan"
RECORDS = "Recreating it loses what it holds. Restore from a backup is the only way back."
HOLDS_DATA = {
    "aws_api_gateway_rest_api": "The API gets another address, and every client must change.",
    "aws_cognito_user_pool": "Every user, password and second factor is lost. There is no backup.",
    "aws_cognito_user_pool_client": "Apps have its id built in, and every session ends.",
    "aws_db_instance": RECORDS,
    "aws_db_proxy": "Its address changes, and requests fail until functions are redeployed.",
    "aws_dynamodb_table": RECORDS,
    "aws_kms_key": "What it encrypted can never be read again, once its deletion window is over.",
    "aws_s3_bucket": RECORDS,
    "aws_secretsmanager_secret": "Its value is lost, and what signs in with it fails.",
    "aws_ssm_parameter": "Its value is lost if anything but Terraform wrote it.",
}
INGRESS = (
    "aws_default_security_group",
    "aws_security_group",
    "aws_security_group_rule",
    "aws_vpc_security_group_ingress_rule",
)
INTERNET = ("0.0.0.0/0", "::/0")
RANGES = ("cidr_ipv4", "cidr_ipv6", "cidr_blocks", "ipv6_cidr_blocks")


@dataclass(frozen=True)
class Finding:
    """A change that needs an acknowledgement, and why."""

    address: str
    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.address} {self.what}. {self.why}"


def findings(changes: Iterable[ResourceChange]) -> list[Finding]:
    """Return the changes that need an acknowledgement."""
    return [finding for change in changes for rule in RULES for finding in rule(change)]


def require(environment: str, found: list[Finding], acknowledged: Iterable[str]) -> list[str]:
    """Return the acknowledged addresses. Raise RefusedError for findings that are not."""
    known = set(acknowledged)
    if left := [finding for finding in found if finding.address not in known]:
        lines = dict.fromkeys(f"  {TRAILER}: {environment} {one.address}" for one in left)
        raise RefusedError(
            "\n".join(
                [
                    f"the plan of {environment} was not applied, since it needs an acknowledgement:",
                    *(f"  {finding}" for finding in left),
                    "If this is intended, add these trailers to the commit's message (the pull request's, if it is squashed):",
                    *lines,
                    f"By hand: make deploy ENV={environment} ACKNOWLEDGE='{' '.join(dict.fromkeys(one.address for one in left))}'",
                ]
            )
        )
    return sorted(known & {finding.address for finding in found})


def acknowledgements(environment: str) -> list[str]:
    """Return the acknowledged addresses: ACKNOWLEDGE, and trailers of the commits since PLAN_BASE."""
    by_hand = os.environ.get("ACKNOWLEDGE", "").split()
    base = os.environ.get("PLAN_BASE", "")
    commits = f"{base}..HEAD" if base.strip("0") else "-1"  # for a new branch, GitHub sends 000…
    form = f"%(trailers:key={TRAILER},valueonly)"
    done = subprocess.run(
        ["git", "log", commits, f"--format={form}"], cwd=ROOT, capture_output=True, text=True
    )
    if base and done.returncode:
        raise RefusedError(
            f"git cannot read the commits since {base}, whose trailers acknowledge changes: "
            f"{done.stderr.strip()} "
            "In a workflow, check out with fetch-depth: 0."
        )
    words = [line.split() for line in done.stdout.splitlines()]
    return by_hand + [line[1] for line in words if len(line) == 2 and line[0] == environment]


def _destroys_data(change: ResourceChange) -> Iterator[Finding]:
    if change.destroys and (why := HOLDS_DATA.get(change.kind)):
        forced = f" (forced by {', '.join(change.forced_by)})" if change.forced_by else ""
        yield Finding(change.address, f"would be {change.action}d{forced}", why)


def _opens_network(change: ResourceChange) -> Iterator[Finding]:
    if change.kind not in INGRESS:
        return
    if opened := sorted(_internet_ranges(change.after) - _internet_ranges(change.before)):
        yield Finding(
            change.address,
            f"would be open to {', '.join(opened)}",
            "Anybody on the internet can try to connect.",
        )


def _internet_ranges(value: Any, name: str = "") -> set[str]:
    """Return the ranges of the resource that mean the whole internet, except in `egress`."""
    if isinstance(value, dict):
        inner = ((one, key) for key, one in value.items() if key != "egress")
        return set().union(*(_internet_ranges(one, key) for one, key in inner))
    if isinstance(value, list) and name not in RANGES:
        return set().union(*(_internet_ranges(inner, name) for inner in value))
    ranges = value if isinstance(value, list) else [value]
    return {one for one in ranges if name in RANGES and one in INTERNET}


Unsafe = Callable[[Any, Any], bool]
_OFF: Unsafe = lambda before, after: bool(before) and not after  # noqa: E731
_ON: Unsafe = lambda before, after: not before and bool(after)  # noqa: E731
_LESS: Unsafe = lambda before, after: (after or 0) < (before or 0)  # noqa: E731
_INACTIVE: Unsafe = lambda before, after: before == "ACTIVE" != after or _OFF(before, after)  # noqa: E731
_WEAKER: Unsafe = lambda before, after: before == "ON" != after  # noqa: E731

PROTECTIONS: dict[str, tuple[Unsafe, str]] = {
    "allow_unauthenticated_identities": (_ON, "access without a sign-in"),
    "backup_retention_period": (_LESS, "fewer days of backups"),
    "block_public_acls": (_OFF, "the bucket may become public"),
    "block_public_policy": (_OFF, "the bucket may become public"),
    "deletion_protection": (_INACTIVE, "deletion protection goes off"),
    "deletion_protection_enabled": (_OFF, "deletion protection goes off"),
    "enable_key_rotation": (_OFF, "the key is no longer rotated"),
    "enabled": (_OFF, "encryption or point-in-time recovery goes off"),
    "encrypted": (_OFF, "encryption goes off"),
    "kms_key_arn": (_OFF, "encryption by our key goes off"),
    "kms_key_id": (_OFF, "encryption by our key goes off"),
    "kms_master_key_id": (_OFF, "encryption by our key goes off"),
    "mfa_configuration": (_WEAKER, "a second factor is no longer required"),
    "permissions_boundary": (_OFF, "the role loses its boundary"),
    "publicly_accessible": (_ON, "the database is reachable from the internet"),
    "require_tls": (_OFF, "connections without TLS are allowed"),
    "skip_final_snapshot": (_ON, "a destroy leaves no last snapshot"),
    "storage_encrypted": (_OFF, "encryption goes off"),
}
# blocks with an `enabled` attribute
ENABLED_OF = ("point_in_time_recovery", "server_side_encryption")


def _turns_protection_off(change: ResourceChange) -> Iterator[Finding]:
    if change.action not in ("update", "replace"):
        return
    for path, before, after in _pairs(change.before, change.after):
        name = path[-1]
        if name == "enabled" and not set(path) & set(ENABLED_OF):
            continue
        unsafe, why = PROTECTIONS.get(name, (None, ""))
        if unsafe and not _is_unknown(change.unknown, path) and unsafe(before, after):
            shown = ".".join(path)
            yield Finding(
                change.address,
                f"would change {shown} from {before} to {after}",
                f"{why.capitalize()}.",
            )


def _pairs(
    before: Any, after: Any, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Yield each leaf of `before` with its counterpart; a missing block counts as None."""
    if isinstance(before, dict):
        for name, value in before.items():
            yield from _pairs(
                value, after.get(name) if isinstance(after, dict) else None, (*path, name)
            )
        for name in after.keys() - before.keys() if isinstance(after, dict) else ():
            yield (*path, name), None, after[name]
    elif isinstance(before, list) and any(isinstance(one, dict) for one in before):
        others = after if isinstance(after, list) else []
        for number, value in enumerate(before):
            yield from _pairs(value, others[number] if number < len(others) else None, path)
    elif path:
        yield path, before, after


def _is_unknown(unknown: Any, path: tuple[str, ...]) -> bool:
    for name in path:
        if isinstance(unknown, list):
            unknown = unknown[0] if unknown else {}
        unknown = unknown.get(name, {}) if isinstance(unknown, dict) else unknown
    return unknown is True


def _widens_rights(change: ResourceChange) -> Iterator[Finding]:
    for what, why in policy_widening.of(change):
        yield Finding(change.address, what, why)


RULES: tuple[Callable[[ResourceChange], Iterator[Finding]], ...] = (
    _destroys_data,
    _turns_protection_off,
    _opens_network,
    _widens_rights,
)
