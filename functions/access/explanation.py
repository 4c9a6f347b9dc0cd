"""Route `POST /v1/decisions/explain`: the grants, roles, conditions and values behind a decision."""

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from access import authzen, decision, subject_grants
from access.decision import Resource, SubjectGrants
from access.evaluation import Evaluation, reason
from atrium.http import response
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity import permissions
from atrium.identity.grant_items import Grant, rfc3339


class Question(Evaluation, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /access/v1/evaluation`."""


def explain(request: Request) -> Response:
    asked, now = request.decode(Question), time.time()
    resource = Resource(asked.resource.type, asked.resource.id)
    subject = (
        subject_grants.find(asked.subject.id, resource)
        if authzen.is_known(asked.subject)
        else SubjectGrants(None, ())
    )
    question = subject, asked.action.name, resource, permissions.cached, now
    stated = authzen.facts(asked.subject, asked.action, asked.resource, asked.context)
    facts = decision.known(stated, subject, now)
    made = decision.decide(*question, stated)
    grants = [_explained(*each, facts) for each in decision.giving(*question)]
    return response.json({"decision": made.permit, "reason": reason(made), "grants": grants})


def _explained(grant: Grant, through: str | None, facts: Mapping[str, Any]) -> dict[str, Any]:
    from access import conditions  # imported here, because other operations start without it

    condition = msgspec.json.decode(grant.condition) if grant.condition else None
    values = conditions.values(condition, facts) if condition else {}
    return {
        "id": grant.id,
        "role": grant.role,
        "action": grant.action,
        "scope": grant.scope,
        "expires_at": None if grant.expires_at is None else rfc3339(grant.expires_at),
        "through": through,
        "condition": condition,
        "result": conditions.evaluate(condition, facts) if condition else True,
        "values": {name: value for name, value in values.items() if value is not None},
        "missing": [name for name, value in values.items() if value is None],
    }
