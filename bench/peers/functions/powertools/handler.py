"""Powertools' resolver alone, without validation."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

app = APIGatewayRestResolver()


@app.get("/v1/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/v1/echo")
def echo() -> dict[str, Any]:
    body = app.current_event.json_body
    return {"name": body["name"], "quantity": body["quantity"]}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)
