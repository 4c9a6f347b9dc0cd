module "api_lambda" {
  source = "../.."

  name          = "atrium-dev"
  stage         = "dev"
  functions_dir = "${path.module}/functions"
  build_dir     = "${path.module}/build"
  user_pool     = { arn = "arn:aws:cognito-idp:eu-central-1:000000000000:userpool/eu-central-1_0a0a0a0a" }

  network = {
    vpc_id                  = "vpc-0a0a0a0a"
    subnet_ids              = ["subnet-0a0a0a0a", "subnet-0b0b0b0b"]
    dynamodb_prefix_list_id = "pl-0a0a0a0a"
  }

  postgres = {
    host              = "atrium-dev-proxy.proxy-0a0a0a0a.eu-central-1.rds.amazonaws.com"
    port              = 5432
    database          = "atrium"
    security_group_id = "sg-0e0e0e0e"
    connect_arns      = { app = "arn:aws:rds-db:eu-central-1:000000000000:dbuser:prx-0a0a0a0a/app" }
    secret_arns       = { app = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:atrium-dev-database/app-0a0a0a" }
  }

  user_attributes = {
    table_name = "atrium-dev-UserAttributes"
    table_arn  = "arn:aws:dynamodb:eu-central-1:000000000000:table/atrium-dev-UserAttributes"
    stream_arn = "arn:aws:dynamodb:eu-central-1:000000000000:table/atrium-dev-UserAttributes/stream/2026-01-01T00:00:00.000"
  }

  throttling = { rate_limit = 50, burst_limit = 100 }
  waf        = { requests_per_address = 1000 }
}
