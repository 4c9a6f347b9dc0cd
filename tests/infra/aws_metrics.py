"""The metrics that AWS publishes, as far as we use them, with the dimensions of each.

Metrics of the namespace Atrium are our own, from lines of the log (functions/atrium/runtime/log.py,
`metric`).

A wrong name or an additional dimension is not an error on AWS: the alarm never fires and the graph
is empty. So the names are copied from

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.monitoring.html
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
https://docs.aws.amazon.com/cognito/latest/developerguide/metrics-for-cognito-user-pools.html
"""

from collections.abc import Iterator

Metric = tuple[str, str, frozenset[str]]  # namespace, name, names of its dimensions


def _of(namespace: str, names: str, *dimensions: str) -> Iterator[Metric]:
    return ((namespace, name, frozenset(dimensions)) for name in names.split())


PUBLISHED: frozenset[Metric] = frozenset(
    [
        *_of("AWS/ApiGateway", "4XXError 5XXError Count Latency", "ApiName", "Stage"),
        *_of(
            "AWS/Lambda",
            "AsyncEventAge Duration Errors Invocations IteratorAge Throttles",
            "FunctionName",
        ),
        *_of("Atrium", "AdministratorsAbleToSignIn ClaimsLeftOut IdentityDrift", "FunctionName"),
        *_of("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName"),
        *_of(
            "AWS/RDS",
            "ClientConnections DatabaseConnections DatabaseConnectionsBorrowLatency",
            "ProxyName",
        ),
        *_of(
            "AWS/RDS",
            "DatabaseConnectionsCurrentlySessionPinned MaxDatabaseConnectionsAllowed",
            "ProxyName",
        ),
        *_of(
            "AWS/RDS", "CPUUtilization DatabaseConnections FreeStorageSpace", "DBInstanceIdentifier"
        ),
        *_of("AWS/RDS", "ReadLatency WriteLatency", "DBInstanceIdentifier"),
        *_of("AWS/DynamoDB", "ConsumedReadCapacityUnits ConsumedWriteCapacityUnits", "TableName"),
        *_of("AWS/DynamoDB", "ReadThrottleEvents WriteThrottleEvents", "TableName"),
        *_of(
            "AWS/DynamoDB",
            "ReadThrottleEvents WriteThrottleEvents",
            "TableName",
            "GlobalSecondaryIndexName",
        ),
        *_of("AWS/DynamoDB", "SystemErrors", "TableName", "Operation"),
        *_of(
            "AWS/Cognito",
            "SignInSuccesses SignUpSuccesses TokenRefreshSuccesses",
            "UserPool",
            "UserPoolClient",
        ),
        *_of(
            "AWS/Cognito",
            "SignInThrottles SignUpThrottles TokenRefreshThrottles",
            "UserPool",
            "UserPoolClient",
        ),
    ]
)
