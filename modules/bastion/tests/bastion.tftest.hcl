provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

override_data {
  target = data.aws_ssm_parameter.ami
  values = { insecure_value = "ami-0a0a0a0a" }
}

variables {
  name                       = "atrium-dev"
  vpc_id                     = "vpc-0a0a0a0a"
  subnet_id                  = "subnet-0a0a0a0a"
  database_security_group_id = "sg-0d0d0d0d"
}

run "session_manager_only_by_default" {
  command = plan

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.ssh) == 0
    error_message = "Without allowed_cidrs there must be no ingress at all."
  }

  assert {
    condition     = length(aws_key_pair.this) == 0
    error_message = "Without allowed_cidrs there must be no key."
  }

  assert {
    condition = jsondecode(aws_iam_role.this.assume_role_policy).Statement == [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
    error_message = "Only EC2 may assume the role."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.session_manager.policy).Statement == [{
      Effect = "Allow"
      Action = [
        "ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
      ]
      Resource = "*"
    }]
    error_message = "The role must serve Session Manager, and nothing else."
  }

  assert {
    condition     = aws_instance.this.metadata_options[0].http_tokens == "required" && aws_instance.this.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "The metadata service must want a token (IMDSv2), one hop away at most."
  }

  assert {
    condition     = aws_instance.this.root_block_device[0].encrypted
    error_message = "The disk must be encrypted."
  }

  assert {
    condition     = aws_instance.this.ami == "ami-0a0a0a0a" && aws_instance.this.instance_type == "t4g.nano"
    error_message = "The image must come from the public parameter."
  }

  assert {
    condition = (
      aws_vpc_security_group_egress_rule.database.referenced_security_group_id == "sg-0d0d0d0d" &&
      aws_vpc_security_group_egress_rule.database.from_port == 5432 && aws_vpc_security_group_egress_rule.database.to_port == 5432
    )
    error_message = "The bastion must reach the database's port."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.https.from_port == 443 && aws_vpc_security_group_egress_rule.https.to_port == 443
    error_message = "What leaves for the internet must be HTTPS."
  }
}

run "ssh_from_the_allowed_ranges_only" {
  command = plan

  variables {
    allowed_cidrs  = ["203.0.113.7/32", "2001:db8:1::/48"]
    ssh_public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEpJSklKSUlKSUpJSklKSUpJSklKSUpJSklKSUpJSklK someone@example"
  }

  assert {
    condition = (
      keys(aws_vpc_security_group_ingress_rule.ssh) == ["2001:db8:1::/48", "203.0.113.7/32"] &&
      aws_vpc_security_group_ingress_rule.ssh["203.0.113.7/32"].cidr_ipv4 == "203.0.113.7/32" &&
      aws_vpc_security_group_ingress_rule.ssh["2001:db8:1::/48"].cidr_ipv6 == "2001:db8:1::/48"
    )
    error_message = "Each allowed range must get its own rule."
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.ssh : rule.from_port == 22 && rule.to_port == 22 && rule.ip_protocol == "tcp"])
    error_message = "An allowed range must reach port 22 only."
  }

  assert {
    condition     = aws_instance.this.key_name == "atrium-dev-bastion" && aws_key_pair.this["ec2-user"].public_key == var.ssh_public_key
    error_message = "The given public key must be the instance's."
  }
}

run "readme_example" {
  command = plan

  module {
    source = "./examples/basic"
  }

  override_data {
    target = module.bastion.data.aws_ssm_parameter.ami
    values = { insecure_value = "ami-0a0a0a0a" }
  }
}
