from atrium.http import api
from users import me

ROUTES = {
    "GET /v1/me": me.read,
    "PATCH /v1/me": me.change,
}
handler = api(__package__, ROUTES)
