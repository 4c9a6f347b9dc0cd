"""A boto3 client of DynamoDB and one call, without a framework."""

import os
from typing import Any

import boto3

client = boto3.client("dynamodb")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    key = {"pk": {"S": "U#1"}, "sk": {"S": "META"}}
    client.get_item(TableName=os.environ["USER_ATTRIBUTES_TABLE"], Key=key)
    return {"statusCode": 200}
