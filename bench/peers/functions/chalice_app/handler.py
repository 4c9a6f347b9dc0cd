"""Chalice."""

from typing import Any

from chalice import Chalice

app = Chalice(app_name="bench")


@app.route("/v1/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.route("/v1/echo", methods=["POST"])
def echo() -> dict[str, Any]:
    body = app.current_request.json_body
    return {"name": body["name"], "quantity": body["quantity"]}


handler = app
