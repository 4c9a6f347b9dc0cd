"""Policy documents that AWS rejects when they are put, with the service's own error.

moto checks the policies of roles and users, but not their principals. It accepts any policy of a
resource.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.iam.policy_validation import IAMTrustPolicyDocumentValidator

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.iam.errors import error_response
from local_aws.iam.policy_problem import Kind, Problem, problem_of
from local_aws.request_model.gate import parameters_of
from local_aws.request_model.operation_name import operation_name

# moto accepts only version 2012-10-17 of a trust policy; AWS also accepts 2008-10-17.
_validator: Any = IAMTrustPolicyDocumentValidator
_validator.validate = lambda _: None


@dataclass(frozen=True)
class _Put:
    """A call that puts a policy: where its document is, and how the service words an error."""

    kind: Kind
    document: Callable[[AwsCall], str | None]
    refusal: Callable[[Problem], tuple[str, str]]  # code and message


def refusal_of(call: AwsCall) -> AwsResponse | None:
    """Return the service's error if the call puts a policy that AWS rejects.

    A policy of a kind that the IAM decision here ignores is 501.
    """
    if unasked := _unasked(call):
        return unasked
    put = _PUTS.get((call.service, _operation(call)))
    document = put.document(call) if put else None
    if put is None or document is None:
        return None
    problem = problem_of(document, put.kind)
    return None if problem is None else error_response(call, *put.refusal(problem), 400)


def _unasked(call: AwsCall) -> AwsResponse | None:
    what = _UNASKED.get((call.service, call.action or ""))
    if what is None:
        return None
    message = f"{call.service}:{call.action}: {what} are not part of IAM's decision here."
    return error_response(call, "NotEmulated", message, 501)


def _operation(call: AwsCall) -> str:
    if call.service == "s3":
        return "PutBucketPolicy" if (call.method, call.query) == ("PUT", "policy") else ""
    return operation_name(call) if call.service in _SERVICES else ""


def _parameter(*path: str) -> Callable[[AwsCall], str | None]:
    def read(call: AwsCall) -> str | None:
        found: Any = parameters_of(call)
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found if isinstance(found, str) and found else None

    return read


def _topic_attribute(call: AwsCall) -> str | None:
    asked = parameters_of(call)
    return asked.get("AttributeValue") if asked.get("AttributeName") == "Policy" else None


def _of_identity(problem: Problem) -> tuple[str, str]:
    return "MalformedPolicyDocument", "Policy document should not specify a principal."


def _of_trust(problem: Problem) -> tuple[str, str]:
    messages = {
        "json": "This policy contains invalid Json",
        "missing": f"Missing required field {problem.detail}",
        "prohibited": f"Has prohibited field {problem.detail}",
        "action": "AssumeRole policy may only specify STS AssumeRole actions.",
        "principal": f"Invalid principal in policy: {problem.detail}",
    }
    return "MalformedPolicyDocument", messages.get(problem.what, "Syntax errors in policy.")


def _of_queue(problem: Problem) -> tuple[str, str]:
    return "InvalidAttributeValue", "Invalid value for the parameter Policy."


def _of_topic(problem: Problem) -> tuple[str, str]:
    messages = {
        "principal": "Invalid parameter: Policy Error: PrincipalNotFound",
        "action": "Invalid parameter: Policy statement action out of service scope!",
    }
    return "InvalidParameter", messages.get(problem.what, "Invalid parameter: Policy Error: null")


def _of_secret(problem: Problem) -> tuple[str, str]:
    messages = {
        "json": "This resource policy contains invalid Json.",
        "principal": "This resource policy contains an unsupported principal.",
    }
    text = messages.get(problem.what, "This resource policy contains a syntax error.")
    return "MalformedPolicyDocumentException", text


def _of_key(problem: Problem) -> tuple[str, str]:
    messages = {
        "principal": "Policy contains a statement with one or more invalid principals.",
        "lockout": "The new key policy will not allow you to update the key policy in the future.",
    }
    return "MalformedPolicyDocumentException", messages.get(
        problem.what, "Policy contains a syntax error."
    )


def _of_bucket(problem: Problem) -> tuple[str, str]:
    messages = {
        "json": "Policies must be valid JSON and the first byte must be '{'",
        "missing": f"Missing required field {problem.detail}",
        "action": "Policy has invalid action",
        "principal": "Invalid principal in policy",
        "version": "The policy must contain a valid version string",
    }
    return "MalformedPolicy", messages.get(problem.what, "Invalid policy syntax.")


def _body(call: AwsCall) -> str:
    return call.body.decode("utf-8", "replace")


_IDENTITY = [
    ("CreatePolicy", "PolicyDocument"),
    ("CreatePolicyVersion", "PolicyDocument"),
    ("PutRolePolicy", "PolicyDocument"),
    ("PutUserPolicy", "PolicyDocument"),
    ("PutGroupPolicy", "PolicyDocument"),
]
_PUTS: dict[tuple[str, str], _Put] = {
    **{
        ("iam", operation): _Put(Kind.IDENTITY, _parameter(name), _of_identity)
        for operation, name in _IDENTITY
    },
    ("iam", "CreateRole"): _Put(Kind.TRUST, _parameter("AssumeRolePolicyDocument"), _of_trust),
    ("iam", "UpdateAssumeRolePolicy"): _Put(Kind.TRUST, _parameter("PolicyDocument"), _of_trust),
    ("kms", "CreateKey"): _Put(Kind.KEY, _parameter("Policy"), _of_key),
    ("kms", "PutKeyPolicy"): _Put(Kind.KEY, _parameter("Policy"), _of_key),
    ("s3", "PutBucketPolicy"): _Put(Kind.BUCKET, _body, _of_bucket),
    ("secretsmanager", "PutResourcePolicy"): _Put(
        Kind.SECRET, _parameter("ResourcePolicy"), _of_secret
    ),
    ("sns", "CreateTopic"): _Put(Kind.TOPIC, _parameter("Attributes", "Policy"), _of_topic),
    ("sns", "SetTopicAttributes"): _Put(Kind.TOPIC, _topic_attribute, _of_topic),
    ("sqs", "CreateQueue"): _Put(Kind.QUEUE, _parameter("Attributes", "Policy"), _of_queue),
    ("sqs", "SetQueueAttributes"): _Put(Kind.QUEUE, _parameter("Attributes", "Policy"), _of_queue),
}
_UNASKED = {
    ("dynamodb", "PutResourcePolicy"): "policies of tables",
    ("events", "PutPermission"): "policies of event buses",
    ("kms", "CreateGrant"): "grants of keys",
}
_SERVICES = {service for service, _ in _PUTS}
