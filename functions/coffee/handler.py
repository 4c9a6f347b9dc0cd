from atrium.api import api
from coffee import menu, orders

ROUTES = {
    "GET /v1/coffees": menu.read,
    "GET /v1/orders": orders.list_,
    "POST /v1/orders": orders.place,
    "GET /v1/orders/{id}": orders.read,
    "PUT /v1/orders/{id}/status": orders.set_status,
}
handler = api(__package__, ROUTES, properties={"orders": orders.properties_of})
