"""AWS's default quotas, and how much of each a plan uses.

A count maps each limited thing (a role, a security group, the region) to its use. `LONGEST_ARN`
stands for an ARN that Terraform knows only after an apply.
"""

import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import ROOT
from tools.deploy.terraform.offline_plan import Plan, of_kind, one

LONGEST_ARN = "arn:aws:execute-api:ap-southeast-1:000000000000:" + "x" * 80
GUIDE = "https://docs.aws.amazon.com/"
VPC = GUIDE + "vpc/latest/userguide/amazon-vpc-limits.html"
IAM = GUIDE + "IAM/latest/UserGuide/reference_iam-quotas.html"
LAMBDA = GUIDE + "lambda/latest/dg/gettingstarted-limits.html"
API = GUIDE + "apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html"
COGNITO = GUIDE + "cognito/latest/developerguide/quotas.html"
CLOUDWATCH = GUIDE + "AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html"
RDS = GUIDE + "AmazonRDS/latest/UserGuide/CHAP_Limits.html"

Use = Mapping[str, int]


@dataclass(frozen=True)
class Quota:
    name: str
    most: int
    source: str
    use: Callable[[Plan], Use]

    def largest(self, plan: Plan) -> tuple[str, int]:
        """Return the thing with the highest use of the quota, and its use."""
        return max(self.use(plan).items(), key=lambda item: item[1], default=("none", 0))


def _number(*kinds: str) -> Callable[[Plan], Use]:
    """Count the resources of these types in the region."""
    return lambda plan: {"region": sum(len(of_kind(plan, kind)) for kind in kinds)}


def _each(kind: str, name: str, measure: Callable[[dict[str, Any]], int]) -> Callable[[Plan], Use]:
    return lambda plan: {str(each.get(name)): measure(each) for each in of_kind(plan, kind)}


def _dense(document: str) -> int:
    """Return the size of a policy as IAM counts it: without white space."""
    return len(re.sub(r"\s", "", document))


def _rules(direction: str) -> Callable[[Plan], Use]:
    kind = f"aws_vpc_security_group_{direction}_rule"
    return lambda plan: Counter(str(rule.get("security_group_id")) for rule in of_kind(plan, kind))


def _groups_of_interfaces(plan: Plan) -> Use:
    placed = {
        function["function_name"]: block.get("security_group_ids")
        for function in of_kind(plan, "aws_lambda_function")
        for block in function.get("vpc_config") or []
    }
    others = {
        address: each.get("vpc_security_group_ids")
        for address, each in plan.items()
        if "vpc_security_group_ids" in each
    }
    return {name: len(groups or []) for name, groups in (placed | others).items()}


def _inline_policies(plan: Plan) -> Use:
    """Add up the inline policies of each role, because IAM's quota is for their sum."""
    sizes: Counter[str] = Counter()
    for address, policy in plan.items():
        if ".aws_iam_role_policy." in f".{address}" and policy.get("policy"):
            sizes[policy.get("role") or _instance(address)] += _dense(policy["policy"])
    return sizes


def _instance(address: str) -> str:
    """Return the key of an instance, such as a function's name, or else its module."""
    key = re.search(r'\["([^"]+)"\]$', address)
    return key[1] if key else address.rpartition(".")[0]


def _resource_policies(plan: Plan) -> Use:
    """Add up the statements that AddPermission writes into the policy of each function's alias."""
    sizes: Counter[str] = Counter()
    for address, permission in plan.items():
        if ".aws_lambda_permission." not in f".{address}":
            continue
        function = permission.get("function_name") or _instance(address)
        conditions = {
            "StringEquals": {"AWS:SourceAccount": permission.get("source_account")},
            "ArnLike": {"AWS:SourceArn": permission.get("source_arn") or LONGEST_ARN},
        }
        statement = {
            "Sid": permission["statement_id"],
            "Effect": "Allow",
            "Principal": {"Service": permission["principal"]},
            "Action": permission["action"],
            "Resource": LONGEST_ARN,
            "Condition": conditions,
        }
        sizes[function] += len(json.dumps(statement))
    return {
        name: size + len('{"Version":"2012-10-17","Id":"default"}') for name, size in sizes.items()
    }


def _environment(function: dict[str, Any]) -> int:
    variables = {
        name: value
        for block in function["environment"]
        for name, value in (block.get("variables") or {}).items()
    }
    return sum(len(f"{name}{value}".encode()) for name, value in variables.items())


def _layers(_: Plan) -> Use:
    """Count the layers of each function in the build; the plan does not know their ARNs."""
    layers: dict[str, list[str]] = json.loads((ROOT / "build/layers.json").read_text())
    return {function: len(names) for function, names in layers.items()}


def _unzipped(plan: Plan) -> Use:
    """Return the unzipped size of each function with both layers."""
    layers = sum(map(unzipped_size, sorted((ROOT / "build/layer/local").glob("*.zip"))))
    return {
        function["function_name"]: layers + unzipped_size(ROOT / "build/functions" / Path(function["filename"]).name)
        for function in of_kind(plan, "aws_lambda_function")
    }  # fmt: skip


def unzipped_size(file: Path) -> int:
    with zipfile.ZipFile(file) as opened:
        return sum(each.file_size for each in opened.infolist())


def body(plan: Plan) -> dict[str, Any]:
    """Return the gateway's body: the plan's if known, else the build's with placeholders."""
    known = one(plan, "aws_api_gateway_rest_api").get("body")
    text = known or (ROOT / "build/gateway.json").read_text()
    found: dict[str, Any] = json.loads(re.sub(r"\$\{[^}]*\}", "x", text))
    return found


def _gateway_resources(plan: Plan) -> Use:
    """Count the API's resources, one for each prefix of a path. AWS has no quota for methods."""
    paths = body(plan)["paths"]
    return {"api": len({tuple(parts[:n]) for path in paths for parts in [path.split("/")] for n in range(1, len(parts) + 1)})}  # fmt: skip


def _names(plan: Plan) -> Use:
    """Return the length of each name in per cent of its maximum."""
    return {
        str(each[attribute]): round(100 * len(each.get(attribute) or "") / most)
        for kind, (attribute, most) in NAMES.items()
        for each in of_kind(plan, kind)
    }


NAMES = {
    "aws_iam_role": ("name", 64), "aws_lambda_function": ("function_name", 64), "aws_cloudwatch_metric_alarm": ("alarm_name", 255),
    "aws_cloudwatch_log_group": ("name", 512), "aws_sqs_queue": ("name", 80), "aws_cloudwatch_event_rule": ("name", 64),
    "aws_db_instance": ("identifier", 63), "aws_db_proxy": ("name", 63), "aws_sns_topic": ("name", 256),
}  # fmt: skip


def _behind_the_api(plan: Plan) -> set[str]:
    return {
        permission["function_name"]
        for permission in of_kind(plan, "aws_lambda_permission")
        if permission["principal"] == "apigateway.amazonaws.com"
    }


def _patterns(plan: Plan) -> Iterator[tuple[str, list[str]]]:
    for mapping in of_kind(plan, "aws_lambda_event_source_mapping"):
        filters = [
            each["pattern"] for block in mapping["filter_criteria"] for each in block["filter"]
        ]
        yield str(filters)[:40], filters


def _widgets(plan: Plan) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        one(plan, "aws_cloudwatch_dashboard")["dashboard_body"]
    )["widgets"]
    return found


def _metrics(widget: dict[str, Any]) -> int:
    return len(widget["properties"].get("metrics", []))


# The capacity units of AWS's rule groups: .../waf/latest/developerguide/aws-managed-rule-groups-list.html
RULE_GROUPS = {
    "AWSManagedRulesCommonRuleSet": 700, "AWSManagedRulesKnownBadInputsRuleSet": 200, "AWSManagedRulesSQLiRuleSet": 200,
    "AWSManagedRulesAmazonIpReputationList": 25, "AWSManagedRulesAnonymousIpList": 50, "AWSManagedRulesLinuxRuleSet": 200,
}  # fmt: skip
RATE_RULE = 2


def _firewall(plan: Plan) -> Use:
    units: Counter[str] = Counter()
    for firewall in of_kind(plan, "aws_wafv2_web_acl"):
        for rule in firewall["rule"]:
            [statement] = rule["statement"]
            groups = [
                RULE_GROUPS[each["name"]] for each in statement["managed_rule_group_statement"]
            ]
            units[firewall["name"]] += sum(groups) + RATE_RULE * len(
                statement["rate_based_statement"]
            )
    return units


QUOTAS = (
    Quota("inbound rules of a security group", 60, VPC, _rules("ingress")),
    Quota("outbound rules of a security group", 60, VPC, _rules("egress")),
    Quota("security groups of a network interface", 5, VPC, _groups_of_interfaces),
    Quota("security groups of a region", 2500, VPC, _number("aws_security_group", "aws_default_security_group")),
    Quota("VPCs of a region", 5, VPC, _number("aws_vpc")),
    Quota("Elastic IP addresses of a region", 5, VPC, _number("aws_eip")),
    Quota("subnets of a VPC", 200, VPC, _number("aws_subnet")),
    Quota("route tables of a VPC", 200, VPC, _number("aws_route_table")),
    Quota("gateway endpoints of a region", 20, VPC, lambda plan: {"region": sum(each["vpc_endpoint_type"] == "Gateway" for each in of_kind(plan, "aws_vpc_endpoint"))}),
    Quota("characters of an endpoint's policy", 20_480, VPC, _each("aws_vpc_endpoint", "service_name", lambda each: len(each.get("policy") or ""))),
    Quota("characters of a role's inline policies", 10_240, IAM, _inline_policies),
    Quota("characters of a trust policy", 2_048, IAM, _each("aws_iam_role", "name", lambda role: _dense(role["assume_role_policy"]))),
    Quota("roles of an account", 1_000, IAM, _number("aws_iam_role")),
    Quota("bytes of a key's policy", 32_768, GUIDE + "kms/latest/developerguide/resource-limits.html", _each("aws_kms_key", "description", lambda key: len(key.get("policy") or ""))),
    Quota("bytes of a function's resource policy", 20_480, LAMBDA, _resource_policies),
    Quota("bytes of a function's environment", 4_096, LAMBDA, _each("aws_lambda_function", "function_name", _environment)),
    Quota("layers of a function", 5, LAMBDA, _layers),
    Quota("unzipped bytes of a function and its layers", 262_144_000, LAMBDA, _unzipped),
    Quota("seconds of a function behind the API", 29, API, lambda plan: {each["function_name"]: each["timeout"] for each in of_kind(plan, "aws_lambda_function") if each["function_name"] in _behind_the_api(plan)}),
    Quota("filters of an event source mapping", 5, LAMBDA, lambda plan: {name: len(each) for name, each in _patterns(plan)}),
    Quota("readers of a DynamoDB stream", 2, GUIDE + "amazondynamodb/latest/developerguide/ServiceQuotas.html", lambda plan: Counter(each["event_source_arn"] for each in of_kind(plan, "aws_lambda_event_source_mapping"))),
    Quota("indexes of a table", 20, GUIDE + "amazondynamodb/latest/developerguide/ServiceQuotas.html", _each("aws_dynamodb_table", "name", lambda table: len(table["global_secondary_index"]))),
    Quota("resources of an API", 300, API, _gateway_resources),
    Quota("bytes of an imported API", 6_291_456, API, lambda plan: {"api": len(json.dumps(body(plan)))}),
    Quota("rules of an event bus", 300, GUIDE + "eventbridge/latest/userguide/eb-quota.html", _number("aws_cloudwatch_event_rule")),
    Quota("scopes of a resource server", 100, COGNITO, _each("aws_cognito_resource_server", "name", lambda each: len(each["scope"]))),
    Quota("app clients of a user pool", 1_000, COGNITO, _number("aws_cognito_user_pool_client")),
    Quota("alarms of a region", 5_000, CLOUDWATCH, _number("aws_cloudwatch_metric_alarm")),
    Quota("metrics of a widget", 500, CLOUDWATCH, lambda plan: {str(n): _metrics(each) for n, each in enumerate(_widgets(plan))}),
    Quota("metrics of a dashboard", 2_500, CLOUDWATCH, lambda plan: {"dashboard": sum(map(_metrics, _widgets(plan)))}),
    Quota("secrets of a proxy", 200, RDS, _each("aws_db_proxy", "name", lambda proxy: len(proxy["auth"]))),
    Quota("proxies of a region", 20, RDS, _number("aws_db_proxy")),
    Quota("databases of a region", 40, RDS, _number("aws_db_instance")),
    Quota("subnets of a subnet group", 20, RDS, _each("aws_db_subnet_group", "name", lambda group: len(group.get("subnet_ids") or []))),
    Quota("bytes of a parameter's value", 4_096, GUIDE + "general/latest/gr/ssm.html", _each("aws_ssm_parameter", "name", lambda each: len(each.get("value") or ""))),
    Quota("capacity units of a firewall", 1_500, GUIDE + "waf/latest/developerguide/aws-waf-capacity-units.html", _firewall),
    Quota("per cent of a name's length", 100, "each service's API reference", _names),
)  # fmt: skip
