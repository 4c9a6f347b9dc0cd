"""A plan as a CloudFormation template, so that cfn-lint can hold its values to AWS's own schemas.

Terraform's attributes have CloudFormation's names in another case. `Type.names` lists the ones that
differ. An attribute without a property, or without a value before an apply, is left out.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tools.deploy.terraform.offline_plan import Plan

UNKNOWN = "known after an apply"
ALWAYS_LEFT_OUT = ("Tags",)  # an object for Terraform, a list for CloudFormation


@dataclass(frozen=True)
class Type:
    """A resource type of CloudFormation: attributes by the path of their property, and constants."""

    name: str
    names: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    # by path: the plan has an invented value, or one in another form
    left_out: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()  # the first is added if the plan has none of them


TYPES = {
    "aws_api_gateway_rest_api": Type("AWS::ApiGateway::RestApi", {"ApiKeySourceType": "api_key_source"}, left_out=("Body", "Policy")),
    "aws_api_gateway_stage": Type("AWS::ApiGateway::Stage", {"TracingEnabled": "xray_tracing_enabled", "AccessLogSetting": "access_log_settings"}),
    "aws_cloudwatch_dashboard": Type("AWS::CloudWatch::Dashboard"),
    "aws_cloudwatch_event_bus": Type("AWS::Events::EventBus"),
    "aws_cloudwatch_event_rule": Type("AWS::Events::Rule", left_out=("EventPattern",)),
    "aws_cloudwatch_log_group": Type("AWS::Logs::LogGroup", {"LogGroupName": "name"}),
    "aws_cloudwatch_metric_alarm": Type(
        "AWS::CloudWatch::Alarm",
        {"Metrics": "metric_query", "Metrics.MetricStat": "metric", "Metrics.MetricStat.Metric.MetricName": "metric_name"},
        left_out=("Dimensions", "Metrics.MetricStat.Metric.Dimensions"),
    ),
    "aws_cognito_resource_server": Type("AWS::Cognito::UserPoolResourceServer", {"Scopes": "scope"}, {"UserPoolId": UNKNOWN}),
    "aws_cognito_user_pool": Type(
        "AWS::Cognito::UserPool",
        {"UserPoolName": "name", "Policies.PasswordPolicy": "password_policy", "AccountRecoverySetting.RecoveryMechanisms": "recovery_mechanism"},
        # Message texts for which the provider's mock invents values.
        left_out=("EmailVerificationMessage", "EmailVerificationSubject", "SmsVerificationMessage", "VerificationMessageTemplate", "LambdaConfig", "Schema", "UserPoolTags"),
    ),
    "aws_cognito_user_pool_client": Type("AWS::Cognito::UserPoolClient", {"ClientName": "name", "AllowedOAuthFlows": "allowed_oauth_flows", "AllowedOAuthFlowsUserPoolClient": "allowed_oauth_flows_user_pool_client", "AllowedOAuthScopes": "allowed_oauth_scopes", "CallbackURLs": "callback_urls", "LogoutURLs": "logout_urls"}, left_out=("ClientSecret", "AuthSessionValidity", "DefaultRedirectURI")),
    "aws_db_instance": Type(
        "AWS::RDS::DBInstance",
        {
            "DBInstanceIdentifier": "identifier", "DBInstanceClass": "instance_class", "MasterUsername": "username", "DBParameterGroupName": "parameter_group_name",
            "EnableCloudwatchLogsExports": "enabled_cloudwatch_logs_exports", "EnableIAMDatabaseAuthentication": "iam_database_authentication_enabled",
            "EnablePerformanceInsights": "performance_insights_enabled", "PreferredBackupWindow": "backup_window", "PreferredMaintenanceWindow": "maintenance_window",
            "CACertificateIdentifier": "ca_cert_identifier",
        },
    ),
    "aws_db_parameter_group": Type("AWS::RDS::DBParameterGroup", {"DBParameterGroupName": "name"}, left_out=("Parameters",)),
    "aws_db_proxy": Type("AWS::RDS::DBProxy", {"DBProxyName": "name", "RequireTLS": "require_tls", "IAMAuth": "iam_auth", "UserName": ""}),
    "aws_db_proxy_default_target_group": Type("AWS::RDS::DBProxyTargetGroup", {"ConnectionPoolConfigurationInfo": "connection_pool_config"}, {"TargetGroupName": "default"}),
    "aws_db_subnet_group": Type("AWS::RDS::DBSubnetGroup", {"DBSubnetGroupName": "name", "DBSubnetGroupDescription": "description"}),
    "aws_dynamodb_table": Type(
        "AWS::DynamoDB::Table",
        {
            "TableName": "name", "AttributeDefinitions": "attribute", "AttributeName": "name", "AttributeType": "type", "GlobalSecondaryIndexes": "global_secondary_index",
            "IndexName": "name", "SSESpecification": "server_side_encryption", "SSEEnabled": "enabled", "StreamSpecification.StreamViewType": "stream_view_type",
            "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled": "enabled", "PointInTimeRecoverySpecification": "point_in_time_recovery", "TimeToLiveSpecification": "ttl",
            "TimeToLiveSpecification.AttributeName": "attribute_name", "KMSMasterKeyId": "kms_key_arn", "GlobalSecondaryIndexes.Projection.ProjectionType": "projection_type",
        },
        left_out=("StreamArn", "PointInTimeRecoverySpecification.RecoveryPeriodInDays"),
    ),
    "aws_eip": Type("AWS::EC2::EIP"),
    "aws_flow_log": Type("AWS::EC2::FlowLog", {"MaxAggregationInterval": "max_aggregation_interval"}, {"ResourceType": "VPC", "LogDestination": UNKNOWN}),
    "aws_iam_instance_profile": Type("AWS::IAM::InstanceProfile", {"InstanceProfileName": "name"}),
    "aws_iam_role": Type("AWS::IAM::Role", {"RoleName": "name", "AssumeRolePolicyDocument": "assume_role_policy"}, left_out=("Policies", "ManagedPolicyArns")),
    "aws_iam_role_policy": Type("AWS::IAM::RolePolicy", {"PolicyName": "name", "PolicyDocument": "policy", "RoleName": ""}),
    "aws_instance": Type("AWS::EC2::Instance", {}, {"ImageId": "ami-0a0a0a0a0a0a0a0a0"}, left_out=("Tenancy",)),
    "aws_kms_alias": Type("AWS::KMS::Alias", {"AliasName": "name"}),
    "aws_kms_key": Type("AWS::KMS::Key", {"KeyPolicy": "policy", "PendingWindowInDays": "deletion_window_in_days"}),
    "aws_lambda_alias": Type("AWS::Lambda::Alias", {"FunctionVersion": ""}),
    "aws_lambda_event_source_mapping": Type("AWS::Lambda::EventSourceMapping", {"FilterCriteria.Filters": "filter"}, left_out=("SelfManagedEventSource",)),
    "aws_lambda_function": Type("AWS::Lambda::Function", {}, {"Code": {"S3Bucket": "artefacts", "S3Key": "function.zip"}}, left_out=("SnapStartResponse", "ReservedConcurrentExecutions")),
    "aws_lambda_function_event_invoke_config": Type("AWS::Lambda::EventInvokeConfig", left_out=("DestinationConfig",)),
    "aws_lambda_layer_version": Type("AWS::Lambda::LayerVersion", {}, {"Content": {"S3Bucket": "artefacts", "S3Key": "layer.zip"}}),
    "aws_lambda_permission": Type("AWS::Lambda::Permission"),
    "aws_secretsmanager_secret": Type("AWS::SecretsManager::Secret"),
    "aws_security_group": Type("AWS::EC2::SecurityGroup", {"GroupDescription": "description", "GroupName": "name"}, left_out=("SecurityGroupIngress", "SecurityGroupEgress")),
    "aws_sns_topic": Type("AWS::SNS::Topic", {"TopicName": "name"}, left_out=("FifoThroughputScope", "SignatureVersion", "TracingConfig")),
    "aws_sqs_queue": Type(
        "AWS::SQS::Queue",
        {
            "QueueName": "name", "VisibilityTimeout": "visibility_timeout_seconds", "MessageRetentionPeriod": "message_retention_seconds", "MaximumMessageSize": "max_message_size",
            "ReceiveMessageWaitTimeSeconds": "receive_wait_time_seconds",
        },
        left_out=("DeduplicationScope", "FifoThroughputLimit", "FifoQueue", "ContentBasedDeduplication"),
    ),
    "aws_ssm_parameter": Type("AWS::SSM::Parameter", left_out=("DataType", "Tier")),
    "aws_subnet": Type("AWS::EC2::Subnet", left_out=("AvailabilityZone", "AvailabilityZoneId", "PrivateDnsNameOptionsOnLaunch")),
    "aws_vpc": Type("AWS::EC2::VPC"),
    "aws_vpc_endpoint": Type("AWS::EC2::VPCEndpoint", {"PolicyDocument": "policy"}, left_out=("IpAddressType", "ServiceRegion")),
    "aws_vpc_security_group_egress_rule": Type("AWS::EC2::SecurityGroupEgress", {"CidrIp": "cidr_ipv4", "CidrIpv6": "cidr_ipv6", "DestinationSecurityGroupId": "referenced_security_group_id", "DestinationPrefixListId": "prefix_list_id"}, {"GroupId": UNKNOWN}, one_of=("DestinationSecurityGroupId", "CidrIp", "CidrIpv6", "DestinationPrefixListId")),
    "aws_vpc_security_group_ingress_rule": Type("AWS::EC2::SecurityGroupIngress", {"CidrIp": "cidr_ipv4", "CidrIpv6": "cidr_ipv6", "SourceSecurityGroupId": "referenced_security_group_id"}, {"GroupId": UNKNOWN}, one_of=("SourceSecurityGroupId", "CidrIp", "CidrIpv6")),
    "aws_wafv2_web_acl": Type("AWS::WAFv2::WebACL", {"CloudWatchMetricsEnabled": "cloudwatch_metrics_enabled"}, {"DefaultAction": {"Allow": {}}}, left_out=("Rules",)),
}  # fmt: skip

# Associations and settings of other resources, which have no value of their own, and types that
# CloudFormation does not have.
WITHOUT_VALUES = frozenset([
    "aws_api_gateway_deployment", "aws_api_gateway_method_settings", "aws_cloudwatch_event_target", "aws_cloudwatch_query_definition", "aws_db_proxy_target",
    "aws_default_security_group", "aws_internet_gateway", "aws_route", "aws_route_table", "aws_route_table_association", "aws_sns_topic_policy",
    "aws_sns_topic_subscription", "aws_wafv2_web_acl_association", "aws_wafv2_web_acl_logging_configuration",
])  # fmt: skip


@dataclass(frozen=True)
class Schemas:
    """The schemas of CloudFormation's registry, from cfn-lint's wheel."""

    folder: Path

    @cache  # noqa: B019 - one instance for the life of a test run
    def of(self, kind: str) -> dict[str, Any]:
        digests = json.loads((self.folder / "providers/us-east-1.json").read_text())
        found: dict[str, Any] = json.loads(
            (self.folder / "resources" / f"{digests[kind]}.json").read_text()
        )
        return found


@dataclass
class Template:
    """The template, and how many values of the plan it contains."""

    resources: dict[str, Any] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    values: int = 0

    @property
    def text(self) -> str:
        return json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": self.resources})


def template(plans: Mapping[str, Plan], schemas: Schemas) -> Template:
    """Return the template of these environments.

    Raises:
        KeyError: a resource type is in no table here.
    """
    made = Template()
    for environment, plan in plans.items():
        for address, attributes in plan.items():
            kind = re.sub(r"\[.*", "", address).split(".")[-2]
            if kind in WITHOUT_VALUES:
                continue
            name = re.sub(r"[^A-Za-z0-9]", "", f"{environment} {address}".title())
            made.addresses[name] = f"{environment}: {address}"
            made.resources[name] = _resource(TYPES[kind], attributes, schemas, made)
    return made


def _resource(
    kind: Type, attributes: Mapping[str, Any], schemas: Schemas, made: Template
) -> dict[str, Any]:
    root = schemas.of(kind.name)
    properties = _properties(_Context(kind, root, made), root, attributes, "")
    if kind.name == "AWS::DynamoDB::Table":
        _add_keys(properties, attributes)
    properties = (
        dict.fromkeys(root.get("required", []), UNKNOWN) | dict(kind.constants) | properties
    )
    if kind.one_of and not properties.keys() & set(kind.one_of):
        properties[kind.one_of[0]] = UNKNOWN
    for name, value in properties.items():
        if value == UNKNOWN:
            properties[name] = _unknown(root["properties"][name], f"{len(made.resources)}-{name}")
    return {"Type": kind.name, "Properties": properties}


def _unknown(schema: Mapping[str, Any], name: str) -> Any:
    """Return a value that cfn-lint accepts anywhere; no two of them are equal."""
    if schema.get("type") != "array":
        return {"Fn::ImportValue": name}
    return [{"Fn::ImportValue": f"{name}-{n}"} for n in range(schema.get("minItems", 1))]


@dataclass(frozen=True)
class _Context:
    kind: Type
    root: dict[str, Any]
    made: Template

    @property
    def skipped(self) -> set[str]:
        """Return the properties that the plan does not set, by path."""
        read_only = {
            each.removeprefix("/properties/").replace("/", ".")
            for each in self.root.get("readOnlyProperties", [])
        }
        return read_only | {*ALWAYS_LEFT_OUT, *self.kind.left_out, *self.kind.constants}

    def attribute(self, path: str) -> str:
        """Return the attribute of a property: by its complete path, by its name, or in snake case."""
        name = path.rpartition(".")[2]
        return self.kind.names.get(path, self.kind.names.get(name, snake_case(name)))

    def has_parts(self, path: str) -> bool:
        """Return True if the table names attributes for properties of this object."""
        return any(each.startswith(f"{path}.") for each in self.kind.names)

    def resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            schema = self.root["definitions"][schema["$ref"].rpartition("/")[2]]
        return schema


def _properties(
    context: _Context, schema: Mapping[str, Any], attributes: Mapping[str, Any], path: str
) -> dict[str, Any]:
    found = {}
    for name, below in schema.get("properties", {}).items():
        whole = f"{path}.{name}" if path else name
        if whole in context.skipped:
            continue
        value = _value(context, context.resolved(below), attributes, whole)
        if value not in (None, [], {}, ""):
            found[name] = value
    return found


def _value(
    context: _Context, schema: Mapping[str, Any], attributes: Mapping[str, Any], path: str
) -> Any:
    value = attributes.get(context.attribute(path))
    kinds = schema.get("type", "object" if "properties" in schema else None)
    if isinstance(value, str) and "object" in (kinds or ()):
        context.made.values += 1
        return json.loads(value)
    if kinds == "object" and "properties" in schema:
        inner = value[0] if isinstance(value, list) and value else value
        if not inner and context.has_parts(path):
            inner = attributes  # Terraform flattens this object into its parent's attributes
        return _properties(context, schema, inner, path) if isinstance(inner, dict) else None
    if kinds == "array" and isinstance(value, list):
        item = context.resolved(schema.get("items", {}))
        return [_item(context, item, each, path) for each in value]
    return _leaf(context, kinds, value)


def _item(context: _Context, schema: Mapping[str, Any], value: Any, path: str) -> Any:
    if isinstance(value, dict):
        return _properties(context, schema, value, path)
    return _leaf(context, schema.get("type"), value)


def _leaf(context: _Context, kinds: Any, value: Any) -> Any:
    if value in (None, ""):
        return None
    context.made.values += 1
    return str(value) if kinds == "string" and isinstance(value, int | float) else value


def _add_keys(properties: dict[str, Any], attributes: Mapping[str, Any]) -> None:
    """Add the keys of a table and its indexes, which Terraform writes as two attributes."""
    properties["KeySchema"] = list(_keys(attributes))
    for index, source in zip(
        properties.get("GlobalSecondaryIndexes", []),
        attributes["global_secondary_index"],
        strict=True,
    ):
        index["KeySchema"] = list(_keys(source))


def _keys(source: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for attribute, kind in (("hash_key", "HASH"), ("range_key", "RANGE")):
        if source.get(attribute):
            yield {"AttributeName": source[attribute], "KeyType": kind}


def snake_case(name: str) -> str:
    """Return `KMSKeyId` as `kms_key_id`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
