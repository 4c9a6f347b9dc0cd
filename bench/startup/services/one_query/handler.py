from atrium import postgres, response
from atrium.http import api
from atrium.request import Request
from atrium.response import Response


def read(_: Request) -> Response:
    [row] = postgres.query("SELECT uid, email, status, created_at FROM users WHERE email = $1", "ada@example.com")
    return response.json(row)


ROUTES = {
    "GET /v1/query": read,
}
handler = api(__package__, ROUTES)
