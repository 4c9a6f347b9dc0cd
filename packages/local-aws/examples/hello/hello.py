"""Count greetings in a table, and announce each one in a queue."""

import json
import os

import boto3
from botocore.exceptions import ClientError

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
queue = boto3.client("sqs")


def handler(event, context):
    name = event["pathParameters"]["name"]
    if event["httpMethod"] == "DELETE":
        return forget(name)
    counted = table.update_item(
        Key={"name": name},
        UpdateExpression="ADD greetings :one",
        ExpressionAttributeValues={":one": 1},
        ReturnValues="UPDATED_NEW",
    )
    times = int(counted["Attributes"]["greetings"])
    queue.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=f"{name} was greeted")
    return answer(200, {"message": f"Hello, {name}!", "times": times})


def forget(name):
    """Fail: main.tf gives the role no dynamodb:DeleteItem, and IAM decides every call."""
    try:
        table.delete_item(Key={"name": name})
    except ClientError as error:
        return answer(403, {"message": error.response["Error"]["Message"]})
    return answer(204, {})


def answer(status, body):
    return {"statusCode": status, "body": json.dumps(body)}
