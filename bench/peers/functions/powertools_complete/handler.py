"""Powertools as its guide recommends: resolver with validation, Logger, Tracer and Metrics."""

from typing import Annotated, Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.metrics import MetricUnit
from pydantic import BaseModel, Field

logger = Logger(service="bench")
tracer = Tracer(service="bench")
metrics = Metrics(namespace="bench", service="bench")
app = APIGatewayRestResolver(enable_validation=True)


class Order(BaseModel):
    name: Annotated[str, Field(max_length=100)]
    quantity: Annotated[int, Field(ge=1)]


@app.get("/v1/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/v1/echo")
def echo(order: Order) -> Order:
    logger.info("order")
    metrics.add_metric(name="Orders", unit=MetricUnit.Count, value=1)
    return order


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)
