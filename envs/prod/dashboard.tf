# One dashboard, read from top to bottom as a request travels. Numbers of a row are next to each other; CloudWatch's grid is 24 wide.
locals {
  api_metrics      = ["ApiName", local.name, "Stage", local.stage]
  proxy_metrics    = ["ProxyName", "${local.name}-proxy"]
  database_metrics = ["DBInstanceIdentifier", "${local.name}-database"]
  table_metrics    = ["TableName", module.dynamodb.table_name]
  pool_metrics     = ["UserPool", module.cognito.user_pool_id, "UserPoolClient", module.cognito.user_pool_client_id]

  # By name, each of them: a SEARCH finds whole values and whole words, never the beginning of a name.
  functions_metrics = [for name in values(module.api_lambda.functions) : ["FunctionName", name]]
  readers_metrics   = [for folder in local.stream_readers : ["FunctionName", module.api_lambda.functions[folder]]]
  unwaited_metrics  = [for folder in local.unwaited : ["FunctionName", module.api_lambda.functions[folder]]]
  queues_metrics    = [for name in values(module.api_lambda.dead_letter_queues) : ["QueueName", name]]
  stream_readers    = [for folder, declared in module.api_lambda.function_declarations : folder if try(declared.trigger, "none") == "user_attributes.stream"]
  unwaited          = setsubtract(keys(module.api_lambda.dead_letter_queues), local.stream_readers)

  dashboard = [
    { title = "API Gateway", graphs = [
      { title = "Requests", metrics = [["AWS/ApiGateway", "Count", local.api_metrics, "Sum"]] },
      { title = "Errors", metrics = [["AWS/ApiGateway", "4XXError", local.api_metrics, "Sum"], ["AWS/ApiGateway", "5XXError", local.api_metrics, "Sum"]] },
      { title = "Latency, ms", metrics = [["AWS/ApiGateway", "Latency", local.api_metrics, "p50"], ["AWS/ApiGateway", "Latency", local.api_metrics, "p99"]] },
    ] },
    { title = "Lambda", graphs = [
      { title = "Invocations", metrics = [for one in local.functions_metrics : ["AWS/Lambda", "Invocations", one, "Sum"]] },
      { title = "Errors", metrics = [for one in local.functions_metrics : ["AWS/Lambda", "Errors", one, "Sum"]] },
      { title = "Throttles", metrics = [for one in local.functions_metrics : ["AWS/Lambda", "Throttles", one, "Sum"]] },
      { title = "Duration p99, ms", metrics = [for one in local.functions_metrics : ["AWS/Lambda", "Duration", one, "p99"]] },
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
      { title = "Age of the stream's records, ms", metrics = [for one in local.readers_metrics : ["AWS/Lambda", "IteratorAge", one, "Maximum"]] },
      { title = "Age of asynchronous events, ms", metrics = [for one in local.unwaited_metrics : ["AWS/Lambda", "AsyncEventAge", one, "Maximum"]] },
      { title = "Messages in dead-letter queues", metrics = [for one in local.queues_metrics : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", one, "Maximum"]] },
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
              metrics = [for metric in graph.metrics : concat([metric[0], metric[1]], metric[2], [{ stat = metric[3] }])]
            }
          }
        ]
      ]
    ])
  })
}
