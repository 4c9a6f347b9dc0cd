# An API with one function, which counts greetings in a table and announces them in a queue.
# GET /hello/{name} is open; DELETE needs a token of the user pool, and IAM then denies it.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }
}

provider "aws" {
  region = "eu-central-1"
}

resource "aws_dynamodb_table" "greetings" {
  name         = "greetings"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "name"

  attribute {
    name = "name"
    type = "S"
  }
}

resource "aws_sqs_queue" "greetings" {
  name = "greetings"
}

resource "aws_cognito_user_pool" "people" {
  name                     = "people"
  username_attributes      = ["email"]
  auto_verified_attributes = ["email"]
}

resource "aws_cognito_user_pool_client" "app" {
  name                = "app"
  user_pool_id        = aws_cognito_user_pool.people.id
  explicit_auth_flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
}

resource "aws_iam_role" "hello" {
  name = "hello"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "hello" {
  role = aws_iam_role.hello.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = "dynamodb:UpdateItem", Resource = aws_dynamodb_table.greetings.arn },
      { Effect = "Allow", Action = "sqs:SendMessage", Resource = aws_sqs_queue.greetings.arn },
    ]
  })
}

# hello.zip has hello.py at its top: python -m zipfile -c hello.zip hello.py
resource "aws_lambda_function" "hello" {
  function_name    = "hello"
  role             = aws_iam_role.hello.arn
  runtime          = "python3.13"
  handler          = "hello.handler"
  timeout          = 20
  filename         = "${path.module}/hello.zip"
  source_code_hash = filebase64sha256("${path.module}/hello.zip")

  environment {
    variables = {
      TABLE = aws_dynamodb_table.greetings.name
      QUEUE = aws_sqs_queue.greetings.url
    }
  }
}

resource "aws_lambda_permission" "api" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.hello.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.hello.execution_arn}/*"
}

resource "aws_api_gateway_rest_api" "hello" {
  name = "hello"
}

resource "aws_api_gateway_resource" "hello" {
  rest_api_id = aws_api_gateway_rest_api.hello.id
  parent_id   = aws_api_gateway_rest_api.hello.root_resource_id
  path_part   = "hello"
}

resource "aws_api_gateway_resource" "name" {
  rest_api_id = aws_api_gateway_rest_api.hello.id
  parent_id   = aws_api_gateway_resource.hello.id
  path_part   = "{name}"
}

resource "aws_api_gateway_authorizer" "people" {
  name          = "people"
  rest_api_id   = aws_api_gateway_rest_api.hello.id
  type          = "COGNITO_USER_POOLS"
  provider_arns = [aws_cognito_user_pool.people.arn]
}

resource "aws_api_gateway_method" "hello" {
  for_each = { GET = "NONE", DELETE = "COGNITO_USER_POOLS" }

  rest_api_id   = aws_api_gateway_rest_api.hello.id
  resource_id   = aws_api_gateway_resource.name.id
  http_method   = each.key
  authorization = each.value
  authorizer_id = each.value == "NONE" ? null : aws_api_gateway_authorizer.people.id
}

resource "aws_api_gateway_integration" "hello" {
  for_each = aws_api_gateway_method.hello

  rest_api_id             = aws_api_gateway_rest_api.hello.id
  resource_id             = aws_api_gateway_resource.name.id
  http_method             = each.value.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_function.hello.invoke_arn
}

resource "aws_api_gateway_deployment" "hello" {
  rest_api_id = aws_api_gateway_rest_api.hello.id
  triggers    = { main = filesha256("${path.module}/main.tf") }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [aws_api_gateway_integration.hello]
}

resource "aws_api_gateway_stage" "live" {
  rest_api_id   = aws_api_gateway_rest_api.hello.id
  deployment_id = aws_api_gateway_deployment.hello.id
  stage_name    = "live"
}

output "path" {
  description = "The path below the API's address that greets Ada."
  value       = "/${aws_api_gateway_stage.live.stage_name}/hello/Ada"
}

output "queue_url" {
  description = "The queue that announces greetings."
  value       = aws_sqs_queue.greetings.url
}

output "user_pool_client_id" {
  description = "The client with which a user signs up and signs in."
  value       = aws_cognito_user_pool_client.app.id
}
