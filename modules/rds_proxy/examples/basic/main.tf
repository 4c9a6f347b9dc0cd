module "rds_proxy" {
  source = "../.."

  name       = "atrium-prod"
  vpc_id     = "vpc-0a0a0a0a"
  subnet_ids = { eu-central-1a = "subnet-0a0a0a0a", eu-central-1b = "subnet-0b0b0b0b" }

  client_security_group_ids  = { functions = "sg-0f0f0f0f" }
  bastion_security_group_ids = { bastion = "sg-0b0b0b0b" }

  database              = { instance_class = "db.m7g.large", multi_az = true, storage_gb = 100, max_storage_gb = 500 }
  backup_retention_days = 35
  alarms_topic_arn      = "arn:aws:sns:eu-central-1:000000000000:atrium-prod-alarms"
}
