"""DynamoDB's data plane: items, indexes and streams in SQLite.

moto keeps the table descriptions.
"""

from local_aws.dynamodb.endpoint import DynamoDb
from local_aws.dynamodb.store import Store

__all__ = ["DynamoDb", "Store"]
