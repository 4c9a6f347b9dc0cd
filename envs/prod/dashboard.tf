# One dashboard, read from top to bottom as a request travels. Numbers of a row are next to each other; CloudWatch's grid is 24 wide.
locals {
  api_metrics      = ["ApiName", local.name, "Stage", local.stage]
  proxy_metrics    = ["ProxyName", "${local.name}-proxy"]
  database_metrics = ["DBInstanceIdentifier", "${local.name}-database"]
  table_metrics    = ["TableName", module.dynamodb.table_name]
  pool_metrics     = ["UserPool", module.cognito.user_pool_id, "UserPoolClient", module.cognito.user_pool_client_id]

  # Every function and queue of the environment, also those to come: a line for each.
  per_function = "SEARCH('{AWS/Lambda,FunctionName} MetricName=\"%s\" FunctionName=\"${local.name}-\"', '%s', 300)"
  per_queue    = "SEARCH('{AWS/SQS,QueueName} MetricName=\"%s\" QueueName=\"${local.name}-\"', '%s', 300)"

  dashboard = [
    { title = "API Gateway", graphs = [
      { title = "Requests", metrics = [["AWS/ApiGateway", "Count", local.api_metrics, "Sum"]] },
      { title = "Errors", metrics = [["AWS/ApiGateway", "4XXError", local.api_metrics, "Sum"], ["AWS/ApiGateway", "5XXError", local.api_metrics, "Sum"]] },
      { title = "Latency, ms", metrics = [["AWS/ApiGateway", "Latency", local.api_metrics, "p50"], ["AWS/ApiGateway", "Latency", local.api_metrics, "p99"]] },
    ] },
    { title = "Lambda", graphs = [
      { title = "Invocations", search = format(local.per_function, "Invocations", "Sum") },
      { title = "Errors", search = format(local.per_function, "Errors", "Sum") },
      { title = "Throttles", search = format(local.per_function, "Throttles", "Sum") },
      { title = "Duration p99, ms", search = format(local.per_function, "Duration", "p99") },
    ] },
    { title = "RDS Proxy", graphs = [
      { title = "Time to borrow a connection, µs", metrics = [["AWS/RDS", "DatabaseConnectionsBorrowLatency", local.proxy_metrics, "Average"], ["AWS/RDS", "DatabaseConnectionsBorrowLatency", local.proxy_metrics, "Maximum"]] },
      { title = "Pinned sessions", metrics = [["AWS/RDS", "DatabaseConnectionsCurrentlySessionPinned", local.proxy_metrics, "Maximum"]] },
      { title = "Connections", metrics = [["AWS/RDS", "ClientConnections", local.proxy_metrics, "Maximum"], ["AWS/RDS", "DatabaseConnections", local.proxy_metrics, "Maximum"]] },
    ] },
    { title = "Postgres", graphs = [
      { title = "CPU, %", metrics = [["AWS/RDS", "CPUUtilization", local.database_metrics, "Average"], ["AWS/RDS", "CPUUtilization", local.database_metrics, "Maximum"]] },
      { title = "Connections", metrics = [["AWS/RDS", "DatabaseConnections", local.database_metrics, "Maximum"]] },
      { title = "Latency, s", metrics = [["AWS/RDS", "ReadLatency", local.database_metrics, "Average"], ["AWS/RDS", "WriteLatency", local.database_metrics, "Average"]] },
      { title = "Free storage, bytes", metrics = [["AWS/RDS", "FreeStorageSpace", local.database_metrics, "Minimum"]] },
    ] },
    { title = "DynamoDB", graphs = [
      { title = "Units consumed", metrics = [["AWS/DynamoDB", "ConsumedReadCapacityUnits", local.table_metrics, "Sum"], ["AWS/DynamoDB", "ConsumedWriteCapacityUnits", local.table_metrics, "Sum"]] },
      { title = "Throttles", metrics = [["AWS/DynamoDB", "ReadThrottleEvents", local.table_metrics, "Sum"], ["AWS/DynamoDB", "WriteThrottleEvents", local.table_metrics, "Sum"]] },
    ] },
    { title = "After the answer: stream, schedules, dead letters", graphs = [
      { title = "Age of the stream's records, ms", search = format(local.per_function, "IteratorAge", "Maximum") },
      { title = "Age of asynchronous events, ms", search = format(local.per_function, "AsyncEventAge", "Maximum") },
      { title = "Messages in dead-letter queues", search = format(local.per_queue, "ApproximateNumberOfMessagesVisible", "Maximum") },
    ] },
    { title = "Cognito", graphs = [
      { title = "Sign-ins, sign-ups and refreshes", metrics = [["AWS/Cognito", "SignInSuccesses", local.pool_metrics, "Sum"], ["AWS/Cognito", "SignUpSuccesses", local.pool_metrics, "Sum"], ["AWS/Cognito", "TokenRefreshSuccesses", local.pool_metrics, "Sum"]] },
      { title = "Throttles", metrics = [["AWS/Cognito", "SignInThrottles", local.pool_metrics, "Sum"], ["AWS/Cognito", "SignUpThrottles", local.pool_metrics, "Sum"], ["AWS/Cognito", "TokenRefreshThrottles", local.pool_metrics, "Sum"]] },
    ] },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = local.name
  dashboard_body = jsonencode({
    widgets = flatten([
      for row, part in local.dashboard : [
        { type = "text", x = 0, y = row * 7, width = 24, height = 1, properties = { markdown = "## ${part.title}" } },
        [
          for column, graph in part.graphs : {
            type = "metric", x = column * 24 / length(part.graphs), y = row * 7 + 1, width = 24 / length(part.graphs), height = 6
            properties = {
              title   = graph.title
              region  = local.region
              period  = 300
              view    = "timeSeries"
              metrics = try([[{ expression = graph.search }]], [for metric in graph.metrics : concat([metric[0], metric[1]], metric[2], [{ stat = metric[3] }])])
            }
          }
        ]
      ]
    ])
  })
}
