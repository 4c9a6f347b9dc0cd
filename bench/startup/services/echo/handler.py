from typing import Annotated

import msgspec

from atrium.api import api
from atrium.http import response
from atrium.http.request import Request
from atrium.http.response import Response


class Order(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(max_length=100)]
    quantity: Annotated[int, msgspec.Meta(ge=1)]


def create(request: Request) -> Response:
    return response.json(msgspec.structs.asdict(request.decode(Order)))


ROUTES = {
    "POST /v1/echo": create,
}
handler = api(__package__, ROUTES)
