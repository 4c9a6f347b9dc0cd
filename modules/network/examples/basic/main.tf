module "network" {
  source = "../.."

  name               = "atrium-dev"
  cidr               = "10.20.0.0/16"
  availability_zones = ["eu-central-1a", "eu-central-1b"]
  nat                = "single"
  flow_logs          = { retention_days = 14, traffic = "REJECT" }

  dynamodb_table_arns = ["arn:aws:dynamodb:eu-central-1:000000000000:table/atrium-dev-UserAttributes"]
  s3_bucket_arns      = ["arn:aws:s3:::atrium-dev-exports"]
  interface_endpoints = { secretsmanager = {} }
  alarms_topic_arn    = "arn:aws:sns:eu-central-1:000000000000:atrium-dev-alarms"
}
