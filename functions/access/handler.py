from access import attributes, authzen, evaluation, grant_list, grants, namespace_routes, roles, search
from atrium.http import api

ROUTES = {
    "GET /v1/users/{id}/attributes": attributes.read,
    "PATCH /v1/users/{id}/attributes": attributes.change,
    "GET /v1/users/{id}/attributes/{namespace}/{name}": attributes.read_one,
    "PUT /v1/users/{id}/attributes/{namespace}/{name}": attributes.put_one,
    "DELETE /v1/users/{id}/attributes/{namespace}/{name}": attributes.delete_one,
    "GET /v1/namespaces": namespace_routes.list_,
    "GET /v1/namespaces/{namespace}": namespace_routes.read,
    "PUT /v1/namespaces/{namespace}": namespace_routes.put,
    "DELETE /v1/namespaces/{namespace}": namespace_routes.delete,
    "GET /v1/roles": roles.list_,
    "GET /v1/roles/{role}": roles.read,
    "PUT /v1/roles/{role}": roles.put,
    "DELETE /v1/roles/{role}": roles.delete,
    "GET /v1/users/{id}/grants": grants.list_,
    "POST /v1/users/{id}/grants": grants.make,
    "GET /v1/users/{id}/grants/{grant}": grants.read,
    "PUT /v1/users/{id}/grants/{grant}": grants.change,
    "DELETE /v1/users/{id}/grants/{grant}": grants.revoke,
    "GET /v1/grants": grant_list.list_,
    "POST /access/v1/evaluation": evaluation.evaluate,
    "POST /access/v1/evaluations": evaluation.evaluate_many,
    "POST /access/v1/search/subject": search.subjects,
    "POST /access/v1/search/resource": search.resources,
    "POST /access/v1/search/action": search.actions,
    "GET /.well-known/authzen-configuration": authzen.metadata,
}
handler = api(__package__, ROUTES, authzen.refusal)
