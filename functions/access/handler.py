from access import authzen, evaluation, search
from atrium.http import api

ROUTES = {
    "POST /access/v1/evaluation": evaluation.evaluate,
    "POST /access/v1/evaluations": evaluation.evaluate_many,
    "POST /access/v1/search/subject": search.subjects,
    "POST /access/v1/search/resource": search.resources,
    "POST /access/v1/search/action": search.actions,
    "GET /.well-known/authzen-configuration": authzen.metadata,
}
handler = api(__package__, ROUTES, authzen.refusal)
