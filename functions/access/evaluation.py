"""Routes `POST /access/v1/evaluation` and `/access/v1/evaluations` (sections 6 and 7).

`atrium/identity/subject_grants.py` reads the table. If the table does not respond, the whole request is a
503.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta

from access import authzen, decision_log
from access.authzen import Action, Defaults, Properties, Resource, Subject
from atrium.http.problem import FieldError, Problem
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity import decision, permissions, subject_grants
from atrium.identity.decision import Decision, SubjectGrants

MAX_EVALUATIONS = 100

Semantic = Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"]
_STOPS_AT: dict[Semantic, bool | None] = {
    "execute_all": None,
    "deny_on_first_deny": False,
    "permit_on_first_permit": True,
}
"""The decision that ends the evaluations (7.1.2.1)."""

_REQUIRED = ("subject", "action", "resource")

GrantsByQuestion = Mapping[subject_grants.Asked, SubjectGrants]


class Evaluation(msgspec.Struct, frozen=True):
    """A single evaluation (6.1)."""

    subject: Subject
    action: Action
    resource: Resource
    context: Properties = {}


class Options(msgspec.Struct, frozen=True):
    """The options of several evaluations (7.1.2)."""

    evaluations_semantic: Semantic = "execute_all"


class Evaluations(Defaults, frozen=True):
    """A request with several evaluations (7.1)."""

    evaluations: Annotated[list[Any], Meta(max_length=MAX_EVALUATIONS)] = msgspec.field(
        default_factory=list
    )
    """The evaluations, which are decoded one by one: an error in one is a denial of that one (7.3).
    """
    options: Options = Options()


class Decided(msgspec.Struct, frozen=True, omit_defaults=True):
    """The result of an evaluation (5.5)."""

    decision: bool
    context: Properties = {}


def evaluate(request: Request) -> Response:
    asked = authzen.decode(request, Evaluation)
    return authzen.answer(request, _decided(request, asked, _read([asked])))


def evaluate_many(request: Request) -> Response:
    asked = authzen.decode(request, Evaluations)
    if asked.evaluations:
        return authzen.answer(request, {"evaluations": list(_until(request, asked))})
    if errors := [FieldError(f"#/{name}", "This field is required") for name in _missing(asked)]:
        raise Problem(
            400, "validation_failed", "The evaluation is incomplete; see `errors`.", errors=errors
        )
    # Without evaluations it is a single request (7.1).
    single = _evaluation(asked)
    return authzen.answer(request, _decided(request, single, _read([single])))


def _until(request: Request, asked: Evaluations) -> Iterator[Decided]:
    stops_at = _STOPS_AT[asked.options.evaluations_semantic]
    parts = [_part(part, asked) for part in asked.evaluations]
    known = _read([part for part in parts if isinstance(part, Evaluation)])
    for part in parts:
        if isinstance(part, Evaluation):
            decided = _decided(request, part, known)
        else:
            decided = Decided(False, {"error": {"status": 400, "message": part}})
        yield decided
        if decided.decision == stops_at:
            return


def _part(part: object, asked: Evaluations) -> Evaluation | str:
    """Return one of several evaluations, or what is wrong with it (7.3)."""
    from atrium.http import json_body  # imported here, as in Request.decode

    try:
        own = json_body.convert(part, Defaults, check=authzen.unsound)
    except Problem as invalid:
        return "\n".join(authzen.places(invalid))
    complete = _completed(own, asked)
    if missing := _missing(complete):
        return f"It lacks {' and '.join(missing)}, and the request has no default value."
    return _evaluation(complete)


def _completed(part: Defaults, asked: Evaluations) -> Defaults:
    """Return the evaluation, with its missing parts taken from the request's defaults (7.1.1)."""
    values = {name: getattr(part, name) for name in (*_REQUIRED, "context")}
    return Defaults(
        **{
            name: getattr(asked, name) if value is UNSET else value
            for name, value in values.items()
        }
    )


def _missing(part: Defaults) -> list[str]:
    return [name for name in _REQUIRED if getattr(part, name) is UNSET]


def _evaluation(complete: Defaults) -> Evaluation:
    context = {} if complete.context is UNSET else complete.context
    return Evaluation(**{name: getattr(complete, name) for name in _REQUIRED}, context=context)


def _read(asked: list[Evaluation]) -> GrantsByQuestion:
    """Return the grants of the subjects of a known type."""
    return subject_grants.find_all({_asked(one) for one in asked if authzen.is_known(one.subject)})


def _asked(one: Evaluation) -> subject_grants.Asked:
    return one.subject.id, decision.Resource(one.resource.type, one.resource.id)


def _decided(request: Request, evaluation: Evaluation, known: GrantsByQuestion) -> Decided:
    asked = _asked(evaluation)
    # A subject of another type is denied, without an error (10.1.2, note).
    is_known = authzen.is_known(evaluation.subject)
    subject = known[asked] if is_known else SubjectGrants(None, ())
    facts = authzen.facts(
        evaluation.subject, evaluation.action, evaluation.resource, evaluation.context
    )
    made = decision.decide(
        subject, evaluation.action.name, asked[1], permissions.cached, time.time(), facts
    )
    decision_log.note(
        request.request_id,
        evaluation.subject.id,
        evaluation.action.name,
        f"{evaluation.resource.type}:{evaluation.resource.id}",
        made.permit,
        lambda: reason(made),
    )
    return Decided(made.permit, _context(request, made))


def _context(request: Request, made: Decision) -> dict[str, Any]:
    """Return the reason, for administrators only, because it reveals grants (5.5.1)."""
    return (
        {"reason_admin": {"en": reason(made)}} if permissions.ADMIN in request.caller.roles else {}
    )


def reason(made: Decision) -> str:
    """Return the reason of a decision as a sentence for administrators."""
    if made.grant is None:
        return f"Denied: {made.refusal}."
    if made.grant.role in (None, made.through):
        through = f" through role {made.through}" if made.through else ""
        return f"Allowed by grant {made.grant.id}{through}."
    return (
        f"Allowed by grant {made.grant.id} of role {made.grant.role}, through role {made.through}."
    )
