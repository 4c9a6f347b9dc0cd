module "dynamodb" {
  source = "../.."

  name                = "atrium-dev"
  alarms_topic_arn    = "arn:aws:sns:eu-central-1:000000000000:atrium-dev-alarms"
  deletion_protection = false
}
