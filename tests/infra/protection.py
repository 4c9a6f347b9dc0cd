"""Claims about encryption and secrets, each with the resources that prove it.

`make protection ENV=dev` prints the claims.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.infra.claim import Claim, show
from tools.deploy.terraform.offline_plan import Plan, kind, of_kind

Resource = Mapping[str, Any]


def _is_set(name: str) -> Callable[[Resource], bool]:
    """Return a check that an attribute is set.

    An attribute that the plan lacks gets its value from another resource, such as a key, when it
    is applied.
    """
    return lambda known: known.get(name, "known after apply") not in (None, "", False, [])


def _always(_: Resource) -> bool:
    return True


def _queue(known: Resource) -> bool:
    return bool(known.get("kms_master_key_id") or known.get("sqs_managed_sse_enabled"))


def _disks(known: Resource) -> bool:
    disks = [*(known.get("root_block_device") or []), *(known.get("ebs_block_device") or [])]
    return bool(disks) and all(disk.get("encrypted") for disk in disks)


def _parameter(known: Resource) -> bool:
    return known["type"] == "SecureString" or _is_public(known.get("value") or "")


def _is_public(value: str) -> bool:
    """Return True for the id of a user pool, which every token names."""
    return bool(re.fullmatch(r"[a-z0-9-]+_\w+", value))


# The kinds of resource that keep data, with what encrypts it. AWS encrypts by itself, and does not
# let anybody turn it off: logs, secrets, zips, environments of functions, streams, the user pool.
STORES: Mapping[str, Callable[[Resource], bool]] = {
    "aws_cloudwatch_log_group": _always,
    "aws_cognito_user_pool": _always,
    "aws_db_instance": _is_set("storage_encrypted"),
    "aws_dynamodb_table": _always,
    "aws_instance": _disks,
    "aws_lambda_function": _always,
    "aws_lambda_layer_version": _always,
    "aws_secretsmanager_secret": _always,
    "aws_sns_topic": _is_set("kms_master_key_id"),
    "aws_sqs_queue": _queue,
    "aws_ssm_parameter": _parameter,
}
STORES_NOTHING = re.compile(
    r"aws_(api_gateway_\w+|cloudwatch_(dashboard|metric_alarm|query_definition)"
    r"|cloudwatch_event_(bus|rule|target|permission)|cognito_(resource_server|user_pool_\w+)"
    r"|db_(parameter_group|proxy\w*|subnet_group)|default_security_group|eip|flow_log|iam_\w+"
    r"|internet_gateway|kms_\w+|lambda_(alias|event_source_mapping|permission)"
    r"|lambda_function_event_invoke_config|route\w*|security_group|sesv2_\w+"
    r"|sns_topic_(policy|subscription)|subnet|vpc\w*|wafv2_\w+)"
)
HOLDS_A_SECRET = {
    "aws_iam_access_key",
    "aws_key_pair",
    "aws_secretsmanager_secret_version",
    "random_password",
    "tls_private_key",
}
SECRET_NAME = re.compile(r"(^|_)(password|secret|token|private_key|api_key|credentials?)$", re.I)
NO_SECRET = re.compile(
    r"|arn:.*|\d+|(minutes|hours|days)|/[\w/-]+"
)  # an address, a number, a unit, a path
SECRET_VALUE = re.compile(
    r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}"
    r"|\bgh[pousr]_\w{36}\b"
    r"|://[\w-]+:[^/\s@{]+@"  # a password in an address
)


def claims(plan: Plan) -> list[Claim]:
    """Return Atrium's claims, decided by this plan."""
    return [*_at_rest(plan), *_in_transit(plan), *_secrets(plan)]


def _at_rest(plan: Plan) -> Iterator[Claim]:
    stores = {address: known for address, known in plan.items() if kind(address) in STORES}
    plain = [name for name, known in stores.items() if not STORES[kind(name)](known)]
    yield _claim("Everything that keeps data is encrypted.", wrong=plain, right=stores)
    kinds = {kind(address) for address in plan} - STORES.keys() - HOLDS_A_SECRET
    unknown = sorted(name for name in kinds if not STORES_NOTHING.fullmatch(name))
    yield _claim(
        "For each kind of resource it is known whether it keeps data.",
        wrong=[f"{name}: add it to STORES or STORES_NOTHING" for name in unknown],
        right=sorted(kinds),
    )


def _in_transit(plan: Plan) -> Iterator[Claim]:
    open_proxies = [name for name, known in _all(plan, "aws_db_proxy") if not known["require_tls"]]
    yield _claim(
        "The proxy refuses a connection without TLS.",
        wrong=open_proxies,
        right=[name for name, _ in _all(plan, "aws_db_proxy")],
    )
    forced = {
        group["name"]
        for group in of_kind(plan, "aws_db_parameter_group")
        for each in group["parameter"]
        if (each["name"], each["value"]) == ("rds.force_ssl", "1")
    }
    databases = _all(plan, "aws_db_instance")
    yield _claim(
        "The database refuses a connection without TLS.",
        wrong=[name for name, known in databases if known["parameter_group_name"] not in forced],
        right=[f"{name} by rds.force_ssl" for name, _ in databases],
    )
    addresses = [(path, value) for path, value in _strings(plan) if "http://" in value]
    topics = [
        name for name, known in _all(plan, "aws_sns_topic_subscription")
        if known["protocol"] == "http"
    ]  # fmt: skip
    yield _claim(
        "No address without TLS is called.",
        wrong=[*(path for path, value in addresses if not _is_loopback(value)), *topics],
        right=["no function, target or subscription has an address that begins with http://"],
    )


def _secrets(plan: Plan) -> Iterator[Claim]:
    kinds = [address for address in plan if kind(address) in HOLDS_A_SECRET]
    named = [
        path
        for path, value in _strings(plan)
        if SECRET_NAME.search(path.rpartition(".")[2])
        and not NO_SECRET.fullmatch(value)
        and not path.endswith("aws_cognito_user_pool_client.this.client_secret")
    ]
    confidential = [
        name
        for name, known in _all(plan, "aws_cognito_user_pool_client")
        if known["generate_secret"]  # else AWS gives it none, whatever a plan invents
    ]
    looking = [path for path, value in _strings(plan) if SECRET_VALUE.search(value)]
    yield _claim(
        "Neither the plan nor the state holds a password, a key or a token.",
        wrong=sorted({*kinds, *named, *looking, *confidential}),
        right=[f"{sum(1 for _ in _strings(plan))} values were looked at"],
    )
    by_database = [
        name for name, known in _all(plan, "aws_db_instance")
        if not known.get("manage_master_user_password")
    ]  # fmt: skip
    yield _claim(
        "RDS makes and keeps the master's password.",
        wrong=by_database,
        right=[
            f"{name} by manage_master_user_password" for name, _ in _all(plan, "aws_db_instance")
        ],
    )


def _claim(sentence: str, wrong: list[str], right: Any) -> Claim:
    return Claim(sentence, bool(right) and not wrong, tuple(wrong or right))


def _is_loopback(value: str) -> bool:
    return not re.sub(r"http://(localhost|127\.0\.0\.1)\b", "", value).count("http://")


def _all(plan: Plan, wanted: str) -> list[tuple[str, Resource]]:
    return [(address, known) for address, known in plan.items() if kind(address) == wanted]


def _strings(plan: Plan) -> Iterator[tuple[str, str]]:
    for address, known in plan.items():
        yield from _strings_below(address, known)


def _strings_below(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _strings_below(f"{path}.{name}", each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings_below(path, each)


if __name__ == "__main__":
    sys.exit(show(sys.argv[1], claims))
