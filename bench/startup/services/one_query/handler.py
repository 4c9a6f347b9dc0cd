from atrium.api import api
from atrium.http import response
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.stores import postgres


def read(_: Request) -> Response:
    [row] = postgres.query(
        "SELECT uid, email, status, created_at FROM users WHERE email = :email",
        email="ada@example.com",
    )
    return response.json(row)


ROUTES = {
    "GET /v1/query": read,
}
handler = api(__package__, ROUTES)
