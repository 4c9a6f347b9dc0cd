# One role per function, one policy per thing that function.yaml declares. What is not declared is denied.

data "aws_iam_policy_document" "assume_role" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

# The boundary: whatever its policies come to say, no role makes roles or rights.
resource "aws_iam_role" "function" {
  for_each = local.function_names

  name                 = each.value
  description          = "Function ${each.value}"
  assume_role_policy   = data.aws_iam_policy_document.assume_role.json
  permissions_boundary = var.runtime.role_boundary_arn
}

resource "aws_iam_role_policy" "logs" {
  for_each = local.functions

  name = "logs"
  role = aws_iam_role.function[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.function[each.key].arn}:*"
    }]
  })
}

# X-Ray's actions take no resource.
resource "aws_iam_role_policy" "tracing" {
  for_each = local.functions

  name = "tracing"
  role = aws_iam_role.function[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
      Resource = "*"
    }]
  })
}

# The actions of AWSLambdaVPCAccessExecutionRole on interfaces. Lambda makes them before they have a name, so "*".
resource "aws_iam_role_policy" "vpc" {
  #checkov:skip=CKV_AWS_290:These actions come before the interface has a name; AWS's own AWSLambdaVPCAccessExecutionRole says "*" too.
  #checkov:skip=CKV_AWS_355:The interface has no name yet that a resource could be.
  for_each = local.in_vpc

  name = "vpc"
  role = aws_iam_role.function[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = [
        "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
      ]
      Resource = "*"
    }]
  })
}

resource "aws_iam_role_policy" "postgres" {
  for_each = { for folder, function in local.functions : folder => function if length(function.postgres) > 0 }

  name = "postgres"
  role = aws_iam_role.function[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "rds-db:connect"
      Resource = [for user in each.value.postgres : local.postgres.connect_arns[user]]
    }]
  })

  lifecycle {
    precondition {
      condition     = length(setsubtract(each.value.postgres, keys(local.postgres.connect_arns))) == 0
      error_message = "${each.key}/function.yaml: data.postgres may name ${join(", ", keys(local.postgres.connect_arns))}, the users of the proxy."
    }
  }
}

resource "aws_iam_role_policy" "cognito" {
  for_each = { for folder, function in local.functions : folder => function if length(function.cognito) > 0 }

  name = "cognito"
  role = aws_iam_role.function[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = [for action in each.value.cognito : "cognito-idp:${action}"]
      Resource = local.user_pool_arn
    }]
  })

  lifecycle {
    precondition {
      condition     = var.user_pool != null
      error_message = "${each.key}/function.yaml needs an input that this module did not get: user_pool."
    }

    precondition {
      condition     = alltrue([for action in each.value.cognito : can(regex("^[A-Z][A-Za-z]+$", action))])
      error_message = "${each.key}/function.yaml: data.cognito must name actions one by one, e.g. AdminUserGlobalSignOut."
    }
  }
}

resource "aws_iam_role_policy" "database_secrets" {
  for_each = { for folder, function in local.functions : folder => function if function.database_secrets }

  name = "database_secrets"
  role = aws_iam_role.function[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["secretsmanager:DescribeSecret", "secretsmanager:PutSecretValue"] # never to read one
      Resource = values(local.postgres.secret_arns)
    }]
  })
}

# Without a sender no mail is sent, so no role may.
resource "aws_iam_role_policy" "mails" {
  for_each = { for folder, function in local.functions : folder => function if function.mails && local.email_sender != null }

  name = "mails"
  role = aws_iam_role.function[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "ses:SendEmail"
      Resource  = local.email_sender.identity_arn
      Condition = { StringEquals = { "ses:FromAddress" = trimsuffix(reverse(split("<", local.email_sender.from))[0], ">") } }
    }]
  })
}

resource "aws_iam_role_policy" "invoke" {
  for_each = { for folder, function in local.functions : folder => function if length(function.invoke) > 0 }

  name = "invoke"
  role = aws_iam_role.function[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "lambda:InvokeFunction"
      Resource = [for folder in sort(each.value.invoke) : aws_lambda_alias.live[folder].arn]
    }]
  })

  lifecycle {
    precondition {
      condition     = length(setsubtract(each.value.invoke, keys(local.functions))) == 0
      error_message = "${each.key}/function.yaml: data.invoke must name folders that hold a function.yaml."
    }
  }
}
