# Logs Insights queries over what functions write (functions/atrium/runtime/log.py) and API Gateway's access log. A test holds their
# fields against the lines that the kernel really writes.
locals {
  queries = {
    "slow requests"  = <<-QUERY
      fields @timestamp, service, route, status, duration_ms, sql_round_trips, dynamodb_calls, cold, request_id
      | filter message = "request" and duration_ms > 500
      | sort duration_ms desc
      | limit 100
    QUERY
    "errors by code" = <<-QUERY
      filter message = "request" and status >= 400
      | stats count(*) as requests, count_distinct(uid) as people, latest(request_id) as example by code, status, service, route, error.type
      | sort requests desc
    QUERY
    # Put the request_id of a problem, or of the header x-amzn-RequestId, in its place.
    "one request by id" = <<-QUERY
      fields @timestamp, @message, @log
      | filter request_id = "REQUEST-ID"
      | sort @timestamp asc
    QUERY
  }
}

resource "aws_cloudwatch_query_definition" "this" {
  for_each = local.saved_queries ? local.queries : {}

  name            = "${local.name}/${each.key}"
  log_group_names = module.api_lambda.log_group_names
  query_string    = each.value
}
