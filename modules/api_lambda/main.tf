locals {
  declarations = {
    for file in fileset(var.functions_dir, "*/function.yaml") : dirname(file) => yamldecode(file("${var.functions_dir}/${file}"))
  }

  # function.yaml with its defaults; the schema is in docs/architecture.md, and the builder refuses what is not in it.
  functions = {
    for folder, declared in local.declarations : folder => {
      description      = declared.description
      handler          = try(declared.handler, "${folder}.handler.handler")
      runtime          = try(declared.runtime, "python3.13")
      memory           = try(declared.memory, 256)
      timeout          = try(declared.timeout, 10)
      trigger          = try(declared.trigger, "none")
      vpc              = try(declared.vpc, true)
      async            = can(declared.async) || can(declared.schedule) ? merge({ retries = 2, max_age = 21600 }, try(declared.async, {})) : null
      schedule         = try(declared.schedule, null)
      filters          = try([for pattern in declared.filters : jsonencode(pattern)], [])
      postgres         = flatten([try(declared.data.postgres, [])])
      cognito          = try(declared.data.cognito, [])
      parameters       = toset(try(declared.data.parameters, []))
      database_secrets = try(declared.data.database_secrets, "none") == "write"
      mails            = try(declared.data.mails, "none") == "send"
      event_bus        = try(declared.data.event_bus, "none") == "put"
      invoke           = toset(try(declared.data.invoke, []))
      zip              = "${var.build_dir}/functions/${folder}.zip"
      # Which layers a function needs, the builder knows. With SnapStart all need AWS's SDK: the role's keys are behind an endpoint.
      layers = var.runtime.snap_start && local.has_layers ? ["kernel", "sdk"] : tolist(try(local.layers[folder], []))
    }
  }

  alias    = "live"
  triggers = ["api", "cognito.CustomMessage", "cognito.PostConfirmation", "cognito.PreSignUp", "cognito.PreTokenGeneration", "none", "schedule", "user_attributes.stream"]

  # Known before any function exists, so that one may hold another's name.
  function_names = { for folder in keys(local.functions) : folder => "${var.name}-${folder}" }

  in_vpc = { for folder, function in local.functions : folder => function if function.vpc }
}

resource "aws_lambda_layer_version" "this" {
  for_each = local.has_layers ? { kernel = "The shared kernel and its packages", sdk = "AWS's SDK, cut to what functions call" } : {}

  layer_name               = "${var.name}-${each.key}"
  description              = each.value
  filename                 = "${var.build_dir}/layer/${var.runtime.architecture}/${each.key}.zip"
  source_code_hash         = filebase64sha256("${var.build_dir}/layer/${var.runtime.architecture}/${each.key}.zip")
  compatible_architectures = [var.runtime.architecture]
  compatible_runtimes      = ["python3.13"]

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "function" {
  #checkov:skip=CKV_AWS_158:Set by logs.kms_key_arn. Without it CloudWatch Logs encrypts with a key of its own.
  #checkov:skip=CKV_AWS_338:Set by logs.retention_days. dev forgets after two weeks, prod after a year.
  for_each = local.function_names

  name              = "/aws/lambda/${each.value}"
  retention_in_days = var.logs.retention_days
  kms_key_id        = var.logs.kms_key_arn
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_116:Only functions that nobody waits for need a queue, and have one: async.tf. What calls the others hears of a failure.
  #checkov:skip=CKV_AWS_117:One that says vpc: false speaks to AWS's own APIs; the builder refuses it Postgres.
  #checkov:skip=CKV_AWS_173:The environment holds names and addresses, never a secret; Lambda encrypts it at rest with its own key.
  #checkov:skip=CKV_AWS_272:Zips come from the one build that is tested, under a hash in the plan; a signing profile would sign the same bytes.
  for_each = local.functions

  function_name                  = local.function_names[each.key]
  description                    = each.value.description
  role                           = aws_iam_role.function[each.key].arn
  runtime                        = each.value.runtime
  architectures                  = [var.runtime.architecture]
  handler                        = each.value.handler
  layers                         = [for layer in each.value.layers : aws_lambda_layer_version.this[layer].arn]
  filename                       = var.runtime.code_bucket == null ? each.value.zip : null
  s3_bucket                      = var.runtime.code_bucket
  s3_key                         = var.runtime.code_bucket == null ? null : "functions/${each.key}.zip"
  source_code_hash               = fileexists(each.value.zip) ? filebase64sha256(each.value.zip) : null
  memory_size                    = each.value.memory
  timeout                        = each.value.timeout
  reserved_concurrent_executions = lookup(var.runtime.reserved_concurrency, each.key, null)
  publish                        = true

  # Without it the security groups wait 45 minutes and more for Lambda to let go of its interfaces.
  replace_security_groups_on_destroy = each.value.vpc ? true : null

  environment {
    variables = local.environment[each.key]
  }

  tracing_config {
    mode = "Active"
  }

  dynamic "snap_start" {
    for_each = var.runtime.snap_start ? [true] : []

    content {
      apply_on = "PublishedVersions"
    }
  }

  dynamic "vpc_config" {
    for_each = each.value.vpc && local.has_network ? [true] : []

    content {
      subnet_ids = var.network.subnet_ids
      security_group_ids = concat(
        aws_security_group.functions[*].id, length(each.value.postgres) > 0 ? aws_security_group.postgres_clients[*].id : []
      )
    }
  }

  lifecycle {
    precondition {
      condition     = fileexists(each.value.zip)
      error_message = "${each.value.zip} does not exist: run `make build`, then plan again."
    }

    precondition {
      condition     = length(local.missing[each.key]) == 0
      error_message = "${each.key}/function.yaml needs an input that this module did not get: ${join(", ", local.missing[each.key])}."
    }

    precondition {
      condition     = contains(local.triggers, each.value.trigger)
      error_message = "${each.key}/function.yaml: trigger must be one of ${join(", ", local.triggers)}."
    }

    precondition {
      condition     = (each.value.trigger == "schedule") == (each.value.schedule != null)
      error_message = "${each.key}/function.yaml: trigger: schedule and schedule: rate(…) or cron(…) belong together."
    }

    precondition {
      condition     = (each.value.trigger == "user_attributes.stream") == (length(each.value.filters) > 0)
      error_message = "${each.key}/function.yaml: trigger: user_attributes.stream and filters, a list of patterns, belong together."
    }

    precondition {
      condition     = each.value.trigger != "user_attributes.stream" || length(local.stream_readers) <= 2
      error_message = "${each.key}/function.yaml: a shard of the stream serves two readers, and there are ${length(local.stream_readers)}: ${join(", ", keys(local.stream_readers))}."
    }

    precondition {
      condition     = each.value.async == null || contains(["none", "schedule"], each.value.trigger)
      error_message = "${each.key}/function.yaml: async applies to asynchronous invocations only: remove it or the trigger."
    }

    precondition {
      condition     = can(keys(try(local.declarations[each.key].data.user_attributes, {})))
      error_message = "${each.key}/function.yaml: data.user_attributes is a mapping of read, put, update and delete to partitions, e.g. {read: [users]}."
    }

    precondition {
      condition     = each.value.vpc || length(each.value.postgres) == 0
      error_message = "${each.key}/function.yaml: data.postgres needs the VPC: remove vpc: false."
    }

    precondition {
      condition     = !each.value.vpc || length(each.value.cognito) + length(each.value.parameters) == 0 && !(each.value.vpc && each.value.mails)
      error_message = "${each.key}/function.yaml: data.cognito, data.mails and data.parameters need vpc: false, because their endpoints are outside the VPC."
    }
  }

  # Only what no policy of the pool's stands behind: the pool's triggers are these functions.
  depends_on = [aws_cloudwatch_log_group.function, aws_iam_role_policy.logs, aws_iam_role_policy.tracing, aws_iam_role_policy.vpc]
}

# What callers are bound to. A release moves it to a new version by weight, and back on an alarm; Terraform only makes it.
resource "aws_lambda_alias" "live" {
  for_each = local.functions

  name             = local.alias
  function_name    = aws_lambda_function.this[each.key].function_name
  function_version = aws_lambda_function.this[each.key].version

  lifecycle {
    ignore_changes = [function_version, routing_config]
  }
}
