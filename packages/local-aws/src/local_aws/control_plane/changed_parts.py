"""The parts of the state that a call may have changed.

The result may contain too many parts, never too few; unchanged parts are not written. None stands
for a change that only a snapshot contains.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from urllib.parse import parse_qs, unquote

from moto.awslambda.models import lambda_backends
from moto.dynamodb.models import DynamoDBBackend
from moto.events.models import EventsBackend, events_backends
from moto.secretsmanager.models import SecretsManagerBackend
from moto.ses.models import SESBackend
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from moto.ssm.models import SimpleSystemManagerBackend

from local_aws.aws_call import AwsCall
from local_aws.cognito.changes import touched_users
from local_aws.dynamodb.endpoint import ITEM_CALLS
from local_aws.moto_state.additions import LambdaAdditions
from local_aws.moto_state.parts import Part
from local_aws.settings import ACCOUNT_ID

READ = re.compile(
    "(Describe|List|Get|Head|BatchGet|TransactGet|Query|Scan|AdminGet|AdminList|Filter|Lookup|Simulate)"
)
# The effects of these calls end with the answer or are stored in files. docs/fidelity.md says what
# a kill can lose.
_FLEETING = {
    "kms": "Encrypt|Decrypt|ReEncrypt|GenerateData|Sign|Verify",
    "logs": "PutLogEvents|CreateLogStream",
    "monitoring": "PutMetricData",
    "sts": "",
    "xray": "",
}
_SMALL = {
    "events": EventsBackend, "secretsmanager": SecretsManagerBackend, "ssm": SimpleSystemManagerBackend,
    "dynamodb": DynamoDBBackend, "ses": SESBackend,
}  # fmt: skip
SEND_EMAIL = "/v2/email/outbound-emails"
_INVOKE = re.compile(r"/functions/[^/]+/invocations$")
_FUNCTION = re.compile(r"^/\d{4}-\d\d-\d\d/functions(?:/(?P<name>[^/]+))?")
_LAMBDA_TAGS = re.compile(r"^/2017-03-31/tags/(?P<arn>.+)$")
_ACCEPTED = "accepted_events"
_LAMBDA_ADDITIONS = tuple(each.name for each in fields(LambdaAdditions))

type Parts = list[Part] | None


def is_read(call: AwsCall) -> bool:
    """Return True for a call that changes nothing."""
    if call.service == "sqs" and call.action == "ReceiveMessage":
        return False
    return bool(READ.match(call.action)) if call.action else call.method in ("GET", "HEAD")


def is_content(call: AwsCall) -> bool:
    """Return True if the call changes users' data.

    An interrupted apply does not roll such data back.
    """
    return call.service in ("cognito-idp", "sqs", "s3", "sns") or bool(
        call.action == "PutEvents"
        or (call.service == "ses" and call.path == SEND_EMAIL)
        or (call.service == "lambda" and _INVOKE.search(call.path))
    )


def changed_parts(call: AwsCall) -> Parts:
    """Return the parts that a write call may have changed."""
    action = call.action or ""
    fleeting = _FLEETING.get(call.service)
    if fleeting is not None and re.match(fleeting, action):
        return []
    if call.service == "dynamodb" and action in ITEM_CALLS:
        return []
    if rule := _RULES.get(call.service):
        return rule(call)
    return [_whole(call.service, call.region)] if call.service in _SMALL else None


def parts_without_calls() -> list[Part]:
    """Return the parts that change without an AWS call.

    These are queues that a function reads, schedules and accepted invocations.
    """
    queues = [
        Part("queue", (region, name))
        for region, each in sqs_backends[ACCOUNT_ID].items()
        for name in each.queues
    ]
    schedules = [_whole("events", region) for region in events_backends[ACCOUNT_ID]]
    return [
        *queues,
        *schedules,
        *(Part("lambda-additions", (region, _ACCEPTED)) for region in lambda_backends[ACCOUNT_ID]),
    ]


def _whole(service: str, region: str) -> Part:
    backend = _SMALL[service]
    return Part("service", (service, backend.__module__, backend.__qualname__, region))


def _cognito(call: AwsCall) -> Parts:
    """Return the users that the call looked up.

    A call that changes settings, clients or groups of a pool returns None, because it needs a
    snapshot.
    """
    action = call.action or ""
    is_of_a_pool = re.match(
        "(Create|Update|Delete|Set)(UserPool|ResourceServer|Group|IdentityProvider|UICustomization)"
        "|AddCustom|AddUserPool|TagRes|UntagRes",
        action,
    )
    return None if is_of_a_pool else touched_users(call.body)


def _sqs(call: AwsCall) -> Parts:
    fields = _fields(call)
    name = (
        str(fields.get("QueueUrl") or fields.get("QueueName") or "").rstrip("/").rpartition("/")[2]
    )
    queue = sqs_backends[ACCOUNT_ID][call.region].queues.get(name)
    parts = [Part("queue", (call.region, name))]
    if queue is not None and queue.dead_letter_queue is not None:
        parts.append(Part("queue", (call.region, queue.dead_letter_queue.name)))
    return parts


def _ses(call: AwsCall) -> Parts:
    is_small = call.path.startswith((SEND_EMAIL, "/v2/email/identities"))
    return [_whole("ses", call.region)] if is_small else None


def _sns(call: AwsCall) -> Parts:
    if not (call.action or "").startswith("Publish"):
        return None
    subscribed = sns_backends[ACCOUNT_ID][call.region].subscriptions.values()
    queues = [each.endpoint.split(":") for each in subscribed if each.protocol == "sqs"]
    return [Part("queue", (region, name)) for *_, region, _, name in queues]


def _events(call: AwsCall) -> Parts:
    """Return the queues and accepted invocations that PutEvents may have changed."""
    is_delivery = call.action == "PutEvents"
    return parts_without_calls() if is_delivery else [_whole("events", call.region)]


def _s3(call: AwsCall) -> Parts:
    bucket, _, key = unquote(call.path.lstrip("/")).partition("/")
    query = parse_qs(call.query, keep_blank_values=True)
    if key:
        return [
            Part("object", (bucket, key)),
            *([Part("uploads", (bucket,))] if {"uploads", "uploadId"} & query.keys() else []),
        ]
    if "delete" in query:
        keys = re.findall(r"<Key>(.*?)</Key>", call.body.decode())
        return [Part("object", (bucket, _unescaped(each))) for each in keys]
    return None


def _unescaped(text: str) -> str:
    for written, meant in (
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", '"'),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ):
        text = text.replace(written, meant)
    return text


def _lambda(call: AwsCall) -> Parts:
    if _INVOKE.search(call.path):
        is_event = call.headers.get("x-amz-invocation-type") == "Event"
        return [Part("lambda-additions", (call.region, _ACCEPTED))] if is_event else []
    attributes = [Part("lambda-additions", (call.region, name)) for name in _LAMBDA_ADDITIONS]
    if "/event-source-mappings/" in call.path or ":event-source-mapping:" in unquote(call.path):
        return attributes
    if tagged := _LAMBDA_TAGS.match(unquote(call.path)):
        return [Part("function", (call.region, _function_name(tagged["arn"])))]
    if found := _FUNCTION.match(call.path):
        name = unquote(found["name"] or "") or str(
            json.loads(call.body or b"{}").get("FunctionName", "")
        )
        return [Part("function", (call.region, _function_name(name))), *attributes]
    return None


def _function_name(text: str) -> str:
    """Return `name` for `arn:…:function:name:alias`, `account:function:name` or `name:alias`."""
    return text.rpartition("function:")[2].partition(":")[0]


def _fields(call: AwsCall) -> Mapping[str, object]:
    if "json" in call.headers.get("content-type", ""):
        found: Mapping[str, object] = json.loads(call.body or b"{}")
        return found
    form = parse_qs(call.body.decode()) or parse_qs(call.query)
    return {name: values[0] for name, values in form.items()} | (
        {} if "QueueUrl" in form else {"QueueUrl": call.path}
    )


_RULES: dict[str, Callable[[AwsCall], Parts]] = {
    "cognito-idp": _cognito,
    "events": _events,
    "lambda": _lambda,
    "s3": _s3,
    "ses": _ses,
    "sns": _sns,
    "sqs": _sqs,
}
