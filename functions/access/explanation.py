"""Route `POST /v1/decisions/explain`: the grants, roles, conditions and values behind a decision."""

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from access import authzen
from access.evaluation import Evaluation, reason
from atrium.http import response
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity import decision, permissions, subject_grants
from atrium.identity.decision import Resource, Source, SubjectGrants
from atrium.identity.grant_items import Grant, rfc3339


class Question(Evaluation, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /access/v1/evaluation`."""


def explain(request: Request) -> Response:
    asked, now = authzen.decode(request, Question), time.time()
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


def _explained(grant: Grant, source: Source | None, facts: Mapping[str, Any]) -> dict[str, Any]:
    from atrium.identity import (
        conditions,  # imported here, because other operations start without it
    )

    of_grant, of_permission = (
        msgspec.json.decode(text) if text else None
        for text in (grant.condition, source and source.condition)
    )
    both = {"and": [each for each in (of_grant, of_permission) if each]}
    values = conditions.values(both, facts)
    return {
        "id": grant.id,
        "role": grant.role,
        "action": grant.action,
        "scope": grant.scope,
        "expires_at": None if grant.expires_at is None else rfc3339(grant.expires_at),
        "through": source and source.role,
        "condition": of_grant,
        "permission_condition": of_permission,
        "result": conditions.evaluate(both, facts),
        "values": {name: value for name, value in values.items() if value is not None},
        "missing": [name for name, value in values.items() if value is None],
    }
