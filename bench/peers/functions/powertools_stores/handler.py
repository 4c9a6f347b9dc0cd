"""Powertools with both stores: psycopg with an IAM token, and a boto3 client of DynamoDB."""

import os
from functools import cache
from typing import Any

import boto3
import psycopg
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayRestResolver

logger = Logger(service="bench")
tracer = Tracer(service="bench")
metrics = Metrics(namespace="bench", service="bench")
app = APIGatewayRestResolver()


@cache
def database() -> psycopg.Connection[Any]:
    host, port, user = os.environ["DB_HOST"], int(os.environ["DB_PORT"]), os.environ["DB_USER"]
    token = boto3.client("rds").generate_db_auth_token(host, port, user)
    return psycopg.connect(
        host=host, port=port, user=user, password=token, dbname=os.environ["DB_NAME"],
        sslmode="verify-full", sslrootcert=os.environ["SSL_CERT_FILE"], gssencmode="disable",
        autocommit=True, prepare_threshold=None,  # a pooler keeps no prepared statements
    )  # fmt: skip


@app.get("/v1/query")
def query() -> dict[str, Any]:
    row = (
        database()
        .execute(
            "SELECT uid, email, status, created_at FROM users WHERE email = %s",
            ("ada@example.com",),
        )
        .fetchone()
    )
    return {"email": row[1]} if row else {}


@app.get("/v1/me")
def me() -> dict[str, Any]:
    key = {"pk": {"S": "U#1"}, "sk": {"S": "META"}}
    boto3.client("dynamodb").get_item(TableName=os.environ["USER_ATTRIBUTES_TABLE"], Key=key)
    return query()


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    logger.info("request")
    return app.resolve(event, context)
