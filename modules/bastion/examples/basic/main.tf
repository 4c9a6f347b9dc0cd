module "bastion" {
  source = "../.."

  name                       = "atrium-dev"
  vpc_id                     = "vpc-0a0a0a0a"
  subnet_id                  = "subnet-0a0a0a0a"
  allowed_cidrs              = ["203.0.113.7/32"]
  database_security_group_id = "sg-0d0d0d0d"
}
