"""@cloud-copilot/iam-simulate, an independent implementation of IAM's evaluation logic.

It is called for many decisions at once.
"""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_aws.iam.context import Context
from local_aws.settings import ACCOUNT_ID
from local_aws_tests.support import node_packages

FOLDER = Path(__file__).parent / "simulator"
Document = dict[str, Any]

# KMS ignores identity policies unless the key policy allows them. Terraform's keys have this one.
_KEY_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
    ],
}


@dataclass(frozen=True)
class Question:
    action: str
    resource: str
    context: Context
    identity: Sequence[Document]
    boundary: Sequence[Document] | None = None
    session: Document | None = None


@dataclass(frozen=True)
class Verdict:
    # Allowed, ImplicitlyDenied, ExplicitlyDenied; Refused if the policy, action or resource is
    # invalid
    result: str
    errors: str
    ignored: tuple[str, ...]  # condition keys that AWS does not define for this action

    @property
    def allowed(self) -> bool:
        return self.result == "Allowed"


def ask(questions: Sequence[Question]) -> list[Verdict]:
    node_packages.install(FOLDER)
    asked = json.dumps([_simulation(question) for question in questions])
    done = subprocess.run(
        ["node", FOLDER / "simulate.mjs"], input=asked, capture_output=True, text=True
    )
    assert not done.returncode, done.stderr
    return [
        Verdict(each["result"], each["errors"], tuple(each["ignored"]))
        for each in json.loads(done.stdout)
    ]


def _simulation(question: Question) -> Document:
    # Keys whose values only AWS knows are left out, because neither side can know them.
    context = {
        key: value if isinstance(value, str) else list(value)
        for key, value in question.context.items()
        if value is not None
    }
    simulation: Document = {
        "request": {
            "principal": f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/function/worker",
            "action": question.action,
            "resource": {"resource": question.resource, "accountId": ACCOUNT_ID},
            "contextVariables": context,
        },
        "identityPolicies": _named(question.identity),
        "serviceControlPolicies": [],
        "resourceControlPolicies": [],
    }
    if question.action.startswith("kms:"):
        simulation["resourcePolicy"] = _KEY_POLICY
    if question.boundary is not None:
        simulation["permissionBoundaryPolicies"] = _named(question.boundary)
    if question.session is not None:
        simulation["sessionPolicy"] = question.session
    return simulation


def _named(documents: Sequence[Document]) -> list[Document]:
    return [
        {"name": f"policy{number}", "policy": document} for number, document in enumerate(documents)
    ]
