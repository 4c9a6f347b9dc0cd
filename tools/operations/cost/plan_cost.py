"""The price of a planned environment: per month when idle, and for a million requests."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tools.deploy.errors import RefusedError
from tools.deploy.terraform.offline_plan import Plan, kind, of_kind
from tools.operations.cost.price_table import NOTHING, Amount, table

LEAST_PROXY_VCPUS = 2
MILLION = 1_000_000
OF_RDS = "aws_secretsmanager_secret"  # RDS creates one for the master user, outside the plan


@dataclass(frozen=True)
class Line:
    """A line of the bill. `kind` is a resource's type, or empty for a line by use."""

    name: str
    amount: Amount
    kind: str = ""

    @property
    def saving(self) -> str:
        return table().savings.get(self.kind, "")


def idle(plan: Plan) -> list[Line]:
    """Return the price of a month without requests, highest first, by resource type.

    Raise RefusedError for a resource type that the price table lacks.
    """
    found: dict[str, list[Amount]] = {}
    for address, known in plan.items():
        name = kind(address)
        if name in PRICED:
            found.setdefault(name, []).append(PRICED[name](known))
        elif name not in table().free:
            raise RefusedError(
                f"the price of {name} is unknown ({address}). Add it to `free` in "
                "tools/operations/cost/prices.yaml if it costs nothing while idle; else price it in "
                "plan_cost.py."
            )
    for database in of_kind(plan, "aws_db_instance"):
        if database.get("manage_master_user_password"):
            found.setdefault(OF_RDS, []).append(Amount.of("secret", 1))
    proxies = of_kind(plan, "aws_db_proxy")
    if proxies:
        found["aws_db_proxy"] = [_proxy(plan)] * len(proxies)
    lines = [
        Line(f"{len(amounts)} {name}", sum(amounts, NOTHING), name)
        for name, amounts in found.items()
    ]
    return sorted((line for line in lines if line.amount.usd), key=lambda line: -line.amount.usd)


def million_requests(plan: Plan) -> Iterator[Line]:
    """Yield the price of a million requests, by the table's assumptions about one."""
    request = table().request
    functions = of_kind(plan, "aws_lambda_function")
    memory = max((each.get("memory_size") or 128 for each in functions), default=request.memory_mb)
    [architecture] = {each["architectures"][0] for each in functions} or {"arm64"}
    seconds = request.milliseconds / 1000 * MILLION
    yield Line("API Gateway, requests", Amount.of("api_requests", 1))
    if of_kind(plan, "aws_wafv2_web_acl"):
        yield Line("WAF, requests", Amount.of("web_acl_requests", 1))
    yield Line("Lambda, requests", Amount.of("function_requests", 1))
    yield Line(
        f"Lambda, {request.milliseconds:g} ms of {memory} MB",
        Amount.of(f"function_{architecture}", seconds * memory / 1024),
    )
    yield Line(
        f"DynamoDB, {request.table_reads:g} read units",
        Amount.of("table_reads", request.table_reads),
    )
    yield Line(
        f"CloudWatch Logs, {request.log_bytes} bytes",
        Amount.of("logs", request.log_bytes * MILLION / 1e9),
    )


def _database(known: dict[str, Any]) -> Amount:
    copies = 2 if known.get("multi_az") else 1
    storage = Amount.of(f"db_storage_{known['storage_type']}", copies * known["allocated_storage"])
    return Amount.of(known["instance_class"], copies) + storage


def _proxy(plan: Plan) -> Amount:
    classes = [each["instance_class"] for each in of_kind(plan, "aws_db_instance")]
    vcpus = max((table().vcpus_of(each) for each in classes), default=LEAST_PROXY_VCPUS)
    return Amount.of("db_proxy", max(vcpus, LEAST_PROXY_VCPUS))


def _instance(known: dict[str, Any]) -> Amount:
    disks = [
        Amount.of(f"ebs_{disk['volume_type']}", disk["volume_size"])
        for disk in known["root_block_device"]
    ]
    return sum(disks, Amount.of(known["instance_type"], 1))


def _endpoint(known: dict[str, Any]) -> Amount:
    if known["vpc_endpoint_type"] == "Gateway":
        return NOTHING
    return Amount.of("interface_endpoint", len(known.get("subnet_ids") or [None]))


def _alarm(known: dict[str, Any]) -> Amount:
    metrics = [query for query in known.get("metric_query") or [] if query.get("metric")]
    return Amount.of("alarm", len(metrics) or 1)


def _web_acl(known: dict[str, Any]) -> Amount:
    return Amount.of("web_acl", 1) + Amount.of("web_acl_rule", len(known["rule"]))


def _piece(price: str) -> Callable[[dict[str, Any]], Amount]:
    return lambda known: Amount.of(price, 1)


PRICED: dict[str, Callable[[dict[str, Any]], Amount]] = {
    "aws_cloudwatch_dashboard": _piece("dashboard"),
    "aws_cloudwatch_metric_alarm": _alarm,
    "aws_db_instance": _database,
    "aws_db_proxy": lambda known: NOTHING,  # its price depends on the database: `idle` sets it
    "aws_eip": _piece("public_ipv4"),
    "aws_instance": _instance,
    "aws_kms_key": _piece("kms_key"),
    "aws_nat_gateway": _piece("nat_gateway"),
    "aws_secretsmanager_secret": _piece("secret"),
    "aws_vpc_endpoint": _endpoint,
    "aws_wafv2_web_acl": _web_acl,
}
