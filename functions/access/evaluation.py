"""`POST /access/v1/evaluation` and `/access/v1/evaluations` (sections 6 and 7).

One Query for each user that is asked about. A table that does not answer makes the whole request 503, never a permit.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta

from access import authzen, decision, grant_items
from access.authzen import Action, Defaults, Properties, Resource, Subject
from access.decision import Decision, Standing
from atrium import permissions
from atrium.json_values import child
from atrium.problem import FieldError, Problem
from atrium.request import Request
from atrium.response import Response

MAX_EVALUATIONS = 100

Semantic = Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"]
_STOPS_AT: dict[Semantic, bool | None] = {
    "execute_all": None,
    "deny_on_first_deny": False,
    "permit_on_first_permit": True,
}
"""The decision after which nothing more is evaluated (7.1.2.1)."""

Standings = Callable[[Subject], Standing]


class Evaluation(msgspec.Struct, frozen=True):
    """6.1."""

    subject: Subject
    action: Action
    resource: Resource
    context: Properties = {}


class Options(msgspec.Struct, frozen=True):
    """7.1.2."""

    evaluations_semantic: Semantic = "execute_all"


class Evaluations(Defaults, frozen=True):
    """7.1."""

    evaluations: Annotated[list[Defaults], Meta(max_length=MAX_EVALUATIONS)] = msgspec.field(default_factory=list)
    options: Options = Options()


class Decided(msgspec.Struct, frozen=True, omit_defaults=True):
    """5.5."""

    decision: bool
    context: Properties = {}


def evaluate(request: Request) -> Response:
    return authzen.answer(request, _decided(request, request.decode(Evaluation), _reading()))


def evaluate_many(request: Request) -> Response:
    asked = request.decode(Evaluations)
    standings = _reading()
    if not asked.evaluations:  # 7.1: then it is a request for a single one
        [single] = _complete(asked, [Defaults()], "#")
        return authzen.answer(request, _decided(request, single, standings))
    evaluations = _complete(asked, asked.evaluations, "#/evaluations")
    stops_at = _STOPS_AT[asked.options.evaluations_semantic]
    return authzen.answer(request, {"evaluations": list(_until(request, evaluations, standings, stops_at))})


def _until(
    request: Request, evaluations: Sequence[Evaluation], standings: Standings, stops_at: bool | None
) -> Iterator[Decided]:
    for evaluation in evaluations:
        decided = _decided(request, evaluation, standings)
        yield decided
        if decided.decision == stops_at:
            return


def _complete(asked: Evaluations, parts: Sequence[Defaults], pointer: str) -> list[Evaluation]:
    """What an evaluation leaves out it takes from the request; raises 400 naming what neither has (7.1.1, 10.1.1)."""
    complete, errors = list[Evaluation](), list[FieldError]()
    for number, part in enumerate(parts):
        values = {name: getattr(part, name) for name in ("subject", "action", "resource")}
        found = {name: getattr(asked, name) if value is UNSET else value for name, value in values.items()}
        where = pointer if pointer == "#" else f"{pointer}/{number}"
        errors += [
            FieldError(child(where, n), "This field is required") for n, value in found.items() if value is UNSET
        ]
        complete.append(Evaluation(**found))
    if errors:
        raise Problem(400, "validation_failed", "Some evaluations are not complete: see `errors`.", errors=errors)
    return complete


def _reading() -> Standings:
    """Each subject's standing, read once within a request."""
    known = dict[tuple[str, str], Standing]()

    def standing(subject: Subject) -> Standing:
        who = (subject.type, subject.id)
        if who not in known:
            known[who] = standing_of(subject)
        return known[who]

    return standing


def standing_of(subject: Subject) -> Standing:
    """Nobody's for what is not a user: denied, and no error (10.1.2's note)."""
    # No key is empty or longer than 2048 bytes; and no uid is longer than this.
    known = subject.type == authzen.USER and 0 < len(subject.id) <= 64
    return grant_items.standing(subject.id) if known else Standing(None, ())


def _decided(request: Request, evaluation: Evaluation, standings: Standings) -> Decided:
    resource = decision.Resource(evaluation.resource.type, evaluation.resource.id)
    standing = standings(evaluation.subject)
    made = decision.decide(standing, evaluation.action.name, resource, permissions.cached, time.time())
    return Decided(made.permit, _context(request, made))


def _context(request: Request, made: Decision) -> dict[str, Any]:
    """Why, for administrators alone: what grants there are is nobody else's business (5.5.1)."""
    return {"reason_admin": {"en": _reason(made)}} if permissions.ADMIN in request.caller.roles else {}


def _reason(made: Decision) -> str:
    if made.grant is None:
        return f"Denied: {made.refusal}."
    if made.grant.role in (None, made.through):
        through = f" through role {made.through}" if made.through else ""
        return f"Allowed by grant {made.grant.id}{through}."
    return f"Allowed by grant {made.grant.id} of role {made.grant.role}, through role {made.through}."
