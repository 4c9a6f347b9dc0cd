"""FastAPI behind Mangum."""

from typing import Annotated

from fastapi import FastAPI
from mangum import Mangum
from pydantic import BaseModel, Field

app = FastAPI()


class Order(BaseModel):
    name: Annotated[str, Field(max_length=100)]
    quantity: Annotated[int, Field(ge=1)]


@app.get("/v1/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/v1/echo")
def echo(order: Order) -> Order:
    return order


handler = Mangum(app, lifespan="off")
