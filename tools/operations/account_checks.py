"""The preflight's checks of an AWS account, each with its result and the remedy."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from tools.deploy import service_linked_roles
from tools.operations.preflight_subject import Subject

# RDS Proxy drops subnets in these zones silently:
# https://github.com/hashicorp/terraform-provider-aws/issues/17781 and #23446.
ZONES_WITHOUT_PROXY = {"use1-az3", "usw1-az2"}
NEEDED_CONCURRENCY = 100
"""Concurrent executions that an environment needs; some new accounts start with a limit of 10."""
DEFAULT_QUOTA = 5.0  # the default quota of VPCs and of Elastic IPs in a region
GITHUB = "token.actions.githubusercontent.com"


@dataclass(frozen=True)
class Row:
    """One check's result; `ok` is None if the check does not apply to this environment."""

    name: str
    ok: bool | None
    found: str
    advice: str = ""


Check = Callable[[Subject], Row]


def rows(subject: Subject) -> Iterator[Row]:
    """Run every check; a check that AWS does not answer yields a failed row with the reason.

    Without valid credentials every check would fail for that one reason, so the rest is left out.
    """
    for name, check in CHECKS.items():
        try:
            yield check(subject)
        except (ClientError, BotoCoreError) as error:
            is_signed_in = check is not _credentials
            yield Row(name, False, f"AWS did not answer: {error}", _advice(is_signed_in))
            if not is_signed_in:
                return


def _advice(is_signed_in: bool) -> str:
    """Return the remedy for an error of AWS. STS answers every valid caller."""
    if is_signed_in:
        return "Check that the credentials have the right to read it."
    return (
        "Set AWS_PROFILE in .env to a profile of ~/.aws/config, and sign in (aws sso login, or"
        " new access keys). `aws sts get-caller-identity` then succeeds. The other checks follow."
    )


def _credentials(subject: Subject) -> Row:
    identity = subject.client("sts").get_caller_identity()
    found = f"{identity['Arn']} in account {identity['Account']}"
    return Row(
        "credentials", identity["Account"] == subject.account_id, found,
        f"AWS_ACCOUNT_ID is {subject.account_id}. Sign in to that account, or correct the setting.",
    )  # fmt: skip


def _zones(subject: Subject) -> Row:
    answer = subject.client("ec2").describe_availability_zones(
        Filters=[{"Name": "region-name", "Values": [subject.region]}]
    )
    ids = {
        zone["ZoneName"]: zone["ZoneId"]
        for zone in answer["AvailabilityZones"]
        if zone["State"] == "available"
    }
    missing = [zone for zone in subject.zones if zone not in ids]
    without_proxy = [zone for zone in subject.zones if ids.get(zone) in ZONES_WITHOUT_PROXY]
    usable = sorted(zone for zone, identity in ids.items() if identity not in ZONES_WITHOUT_PROXY)
    wrong = [f"{zone} does not exist" for zone in missing]
    wrong += [f"{zone} is {ids[zone]}, which RDS Proxy does not serve" for zone in without_proxy]
    found = "; ".join(wrong) or ", ".join(f"{zone} ({ids[zone]})" for zone in subject.zones)
    return Row(
        "zones", not wrong, found, f"Choose others in {subject.locals_file}: {', '.join(usable)}."
    )


def _engine(subject: Subject) -> Row:
    versions = subject.client("rds").describe_db_engine_versions(
        Engine="postgres", EngineVersion=subject.engine_version
    )
    found = f"postgres {subject.engine_version}"
    advice = (
        "Choose a version of this region: aws rds describe-db-engine-versions --engine postgres."
    )
    return Row("engine version", bool(versions["DBEngineVersions"]), found, advice)


def _instance_class(subject: Subject) -> Row:
    options = subject.client("rds").describe_orderable_db_instance_options(
        Engine="postgres",
        EngineVersion=subject.engine_version,
        DBInstanceClass=subject.instance_class,
        MaxRecords=20,
    )["OrderableDBInstanceOptions"]
    advice = f"Choose a class in {subject.locals_file} that the region offers for postgres {subject.engine_version}."
    return Row("instance class", bool(options), subject.instance_class, advice)


def _concurrency(subject: Subject) -> Row:
    limit = subject.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    needed = NEEDED_CONCURRENCY + subject.reserved_concurrency
    advice = (
        f"Request at least {needed}: Service Quotas, Lambda, Concurrent executions (L-B99A9384)."
    )
    return Row("Lambda concurrency", limit >= needed, f"{limit} concurrent executions", advice)


def _vpcs(subject: Subject) -> Row:
    found = subject.client("ec2").describe_vpcs()["Vpcs"]
    is_there = any(
        tag == {"Key": "Name", "Value": subject.name}
        for vpc in found
        for tag in vpc.get("Tags", [])
    )
    return _room(subject, "VPCs", "vpc", "L-F678F1CE", len(found), 0 if is_there else 1)


def _addresses(subject: Subject) -> Row:
    used = len(subject.client("ec2").describe_addresses()["Addresses"])
    return _room(subject, "Elastic IPs", "ec2", "L-0263D0A3", used, subject.nat_gateways)


def _room(subject: Subject, what: str, service: str, code: str, used: int, needed: int) -> Row:
    try:
        quota = subject.client("service-quotas").get_service_quota(
            ServiceCode=service, QuotaCode=code
        )["Quota"]["Value"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchResourceException":
            raise
        quota = DEFAULT_QUOTA
    found = f"{used} of {quota:.0f} used, {needed} more needed"
    return Row(
        what,
        used + needed <= quota,
        found,
        f"Delete unused ones, or request more: Service Quotas, {code}.",
    )


def _service_linked_roles(subject: Subject) -> Row:
    missing = service_linked_roles.missing(subject.client("iam"))
    found = f"missing: {', '.join(missing)}" if missing else "all there"
    return Row(
        "service-linked roles", not missing, found, "Run make bootstrap, which creates them."
    )


def _gateway_role(subject: Subject) -> Row:
    if subject.is_local:
        return Row("API Gateway's log role", None, "not needed on the laptop")
    role = subject.client("apigateway").get_account().get("cloudwatchRoleArn", "")
    found = role or f"none in {subject.region}"
    return Row(
        "API Gateway's log role",
        bool(role),
        found,
        "Run make bootstrap, which sets it for the region of AWS_REGION.",
    )


def _oidc(subject: Subject) -> Row:
    if subject.is_local:
        return Row("GitHub's OIDC provider", None, "not needed on the laptop")
    arns = [
        one["Arn"]
        for one in subject.client("iam").list_open_id_connect_providers()[
            "OpenIDConnectProviderList"
        ]
    ]
    found = next((arn for arn in arns if arn.endswith(f"/{GITHUB}")), "")
    return Row(
        "GitHub's OIDC provider",
        bool(found),
        found or "none",
        "Run make bootstrap, which creates it. Only workflows need it.",
    )


def _mail(subject: Subject) -> Row:
    if not subject.has_email_sender:
        return Row("mails", None, "Cognito's own sender, 50 mails a day")
    account = subject.client("sesv2").get_account()
    ok = bool(account.get("ProductionAccessEnabled") and account.get("SendingEnabled"))
    found = (
        "SES has production access"
        if ok
        else "SES is in its sandbox and sends to verified addresses only"
    )
    return Row("mails", ok, found, "Request production access: SES, Account dashboard.")


def _hosted_page(subject: Subject) -> Row:
    if not subject.hosted_page_prefix:
        return Row("hosted page", None, "not configured")
    taken = subject.client("cognito-idp").describe_user_pool_domain(
        Domain=subject.hosted_page_prefix
    )["DomainDescription"]
    ours = not taken or taken.get("UserPoolId") in subject.user_pool_ids()
    found = (
        f"{subject.hosted_page_prefix} is {'free' if not taken else 'ours' if ours else 'taken'}"
    )
    return Row(
        "hosted page",
        ours,
        found,
        "Choose another HOSTED_PAGE_PREFIX, which must be unique in the region.",
    )


def _state_bucket(subject: Subject) -> Row:
    if subject.is_local:
        return Row("state bucket", None, "not needed on the laptop")
    try:
        subject.client("s3").head_bucket(
            Bucket=subject.state_bucket, ExpectedBucketOwner=subject.account_id
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        said = {"404": "does not exist", "403": "belongs to another account"}.get(code, code)
        return Row(
            "state bucket",
            False,
            f"{subject.state_bucket} {said}",
            "Choose a STATE_BUCKET that is free, and run make bootstrap.",
        )
    return Row("state bucket", True, subject.state_bucket)


def _leftover_logs(subject: Subject) -> Row:
    """Check for log groups that RDS recreated after a destroy, since the next create would fail."""
    databases = subject.client("rds").describe_db_instances()["DBInstances"]
    if any(
        database["DBInstanceIdentifier"] == f"{subject.name}-database" for database in databases
    ):
        return Row("log groups", True, "in use by the database")
    left = subject.leftover_log_groups()
    command = "; ".join(f"aws logs delete-log-group --log-group-name {name}" for name in left)
    return Row(
        "log groups",
        not left,
        f"left over: {', '.join(left)}" if left else "none left over",
        command,
    )


CHECKS: dict[str, Check] = {
    "credentials": _credentials,
    "zones": _zones,
    "engine version": _engine,
    "instance class": _instance_class,
    "Lambda concurrency": _concurrency,
    "VPCs": _vpcs,
    "Elastic IPs": _addresses,
    "service-linked roles": _service_linked_roles,
    "API Gateway's log role": _gateway_role,
    "GitHub's OIDC provider": _oidc,
    "mails": _mail,
    "hosted page": _hosted_page,
    "state bucket": _state_bucket,
    "log groups": _leftover_logs,
}
