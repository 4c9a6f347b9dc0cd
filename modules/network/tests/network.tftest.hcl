provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "000000000000" }
}

override_resource {
  target          = aws_vpc.this
  override_during = plan
  values          = { id = "vpc-0a0a0a0a" }
}

override_resource {
  target          = aws_cloudwatch_log_group.flow_logs
  override_during = plan
  values          = { arn = "arn:aws:logs:eu-central-1:000000000000:log-group:/aws/vpc/atrium-dev-flow-logs" }
}

override_resource {
  target          = aws_nat_gateway.this
  override_during = plan
  values          = { id = "nat-0a0a0a0a" }
}

variables {
  name               = "atrium-dev"
  availability_zones = ["eu-central-1a", "eu-central-1b"]
}

run "defaults" {
  command = plan

  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(aws_eip.nat) == 0 && length(aws_route.private_nat) == 0
    error_message = "Without asking there must be no NAT gateway and no default route in a private subnet."
  }

  assert {
    condition     = length(aws_vpc_endpoint.interface) == 0 && length(aws_security_group.interface_endpoint) == 0
    error_message = "Without asking there must be no interface endpoint."
  }

  assert {
    condition     = aws_vpc_endpoint.s3.service_name == "com.amazonaws.eu-central-1.s3" && aws_vpc_endpoint.dynamodb.service_name == "com.amazonaws.eu-central-1.dynamodb"
    error_message = "The gateway endpoints of S3 and DynamoDB must always be there."
  }

  assert {
    condition     = alltrue([for endpoint in [aws_vpc_endpoint.s3, aws_vpc_endpoint.dynamodb] : endpoint.vpc_endpoint_type == "Gateway"])
    error_message = "S3 and DynamoDB must be reached by gateway endpoints, which cost nothing."
  }

  assert {
    condition     = aws_route.public_internet.destination_cidr_block == "0.0.0.0/0"
    error_message = "The public subnets must have a route to the internet."
  }

  assert {
    condition = jsondecode(aws_vpc_endpoint.s3.policy).Statement == [{
      Sid       = "AmazonLinuxPackages"
      Effect    = "Allow"
      Principal = "*"
      Action    = "s3:GetObject"
      Resource  = ["arn:aws:s3:::al2023-repos-eu-central-1-de612dc2/*"]
    }]
    error_message = "Without buckets the S3 endpoint must admit reading Amazon Linux's packages, and nothing else."
  }

  assert {
    condition     = jsondecode(aws_vpc_endpoint.dynamodb.policy).Statement == [{ Effect = "Deny", Principal = "*", Action = "dynamodb:*", Resource = ["*"] }]
    error_message = "Without table ARNs the DynamoDB endpoint must admit no table."
  }

  assert {
    condition     = aws_flow_log.this["vpc"].traffic_type == "ALL" && aws_cloudwatch_log_group.flow_logs["vpc"].retention_in_days == 30
    error_message = "All traffic must be logged for 30 days unless said otherwise."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.flow_logs["vpc"].policy).Statement == [
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        Resource = "arn:aws:logs:eu-central-1:000000000000:log-group:/aws/vpc/atrium-dev-flow-logs:*"
      },
      { Effect = "Allow", Action = "logs:DescribeLogGroups", Resource = "*" },
    ]
    error_message = "The role of the flow logs must write to their own group only, and may list groups to find it."
  }

  assert {
    condition = jsondecode(aws_iam_role.flow_logs["vpc"].assume_role_policy).Statement == [{
      Effect    = "Allow"
      Principal = { Service = "vpc-flow-logs.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = "000000000000" } }
    }]
    error_message = "Only this account's flow logs may assume the role."
  }

  assert {
    condition     = length(aws_default_security_group.closed.ingress) == 0 && length(aws_default_security_group.closed.egress) == 0
    error_message = "The default security group must have no rules."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.nat_ports) == 0
    error_message = "Without a topic there must be no alarm."
  }
}

run "everything_in_three_zones" {
  command = plan

  variables {
    alarms_topic_arn    = "arn:aws:sns:eu-central-1:000000000000:atrium-dev-alarms"
    availability_zones  = ["eu-central-1c", "eu-central-1a", "eu-central-1b"]
    cidr                = "10.20.0.0/16"
    dynamodb_table_arns = ["arn:aws:dynamodb:eu-central-1:000000000000:table/atrium-dev-UserAttributes"]
    interface_endpoints = { ssm = {}, "ecr.api" = { private_dns = false } }
    nat                 = "per_az"
    s3_bucket_arns      = ["arn:aws:s3:::atrium-dev-exports"]
  }

  assert {
    condition = { for zone, subnet in aws_subnet.private : zone => subnet.cidr_block } == {
      eu-central-1c = "10.20.0.0/19"
      eu-central-1a = "10.20.32.0/19"
      eu-central-1b = "10.20.64.0/19"
    }
    error_message = "Private subnets must take the first slots, by position of their zone."
  }

  assert {
    condition = { for zone, subnet in aws_subnet.public : zone => subnet.cidr_block } == {
      eu-central-1c = "10.20.192.0/22"
      eu-central-1a = "10.20.196.0/22"
      eu-central-1b = "10.20.200.0/22"
    }
    error_message = "Public subnets must lie in the seventh slot, by position of their zone."
  }

  assert {
    condition     = alltrue([for subnet in aws_subnet.public : subnet.map_public_ip_on_launch == false])
    error_message = "A public subnet must not give away addresses unasked."
  }

  assert {
    condition     = keys(aws_nat_gateway.this) == ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
    error_message = "nat = per_az must make a gateway in every zone."
  }

  assert {
    condition = { for zone, alarm in aws_cloudwatch_metric_alarm.nat_ports : zone => [alarm.namespace, alarm.metric_name, alarm.dimensions.NatGatewayId, one(alarm.alarm_actions)] } == {
      for zone in ["eu-central-1a", "eu-central-1b", "eu-central-1c"] :
      zone => ["AWS/NATGateway", "ErrorPortAllocation", "nat-0a0a0a0a", "arn:aws:sns:eu-central-1:000000000000:atrium-dev-alarms"]
    }
    error_message = "Each gateway must have an alarm on refused connections, to the topic."
  }

  assert {
    condition = jsondecode(aws_vpc_endpoint.dynamodb.policy).Statement == [{
      Effect    = "Allow"
      Principal = "*"
      Action    = "dynamodb:*"
      Resource = [
        "arn:aws:dynamodb:eu-central-1:000000000000:table/atrium-dev-UserAttributes",
        "arn:aws:dynamodb:eu-central-1:000000000000:table/atrium-dev-UserAttributes/index/*",
      ]
    }]
    error_message = "The endpoint must admit the listed table and its indexes, and nothing else."
  }

  assert {
    condition = jsondecode(aws_vpc_endpoint.s3.policy).Statement[1] == {
      Sid       = "OurBuckets"
      Effect    = "Allow"
      Principal = "*"
      Action    = "s3:*"
      Resource  = ["arn:aws:s3:::atrium-dev-exports", "arn:aws:s3:::atrium-dev-exports/*"]
    } && length(jsondecode(aws_vpc_endpoint.s3.policy).Statement) == 2
    error_message = "The S3 endpoint must admit the listed bucket and its objects besides."
  }

  assert {
    condition = { for key, endpoint in aws_vpc_endpoint.interface : endpoint.service_name => endpoint.private_dns_enabled } == {
      "com.amazonaws.eu-central-1.ssm"     = true
      "com.amazonaws.eu-central-1.ecr.api" = false
    }
    error_message = "Each key must become the endpoint of that service."
  }

  assert {
    condition = alltrue([
      for rule in aws_vpc_security_group_ingress_rule.interface_endpoint_https :
      rule.cidr_ipv4 == "10.20.0.0/16" && rule.from_port == 443 && rule.to_port == 443 && rule.ip_protocol == "tcp"
    ])
    error_message = "An interface endpoint must admit HTTPS from the VPC, and nothing else."
  }
}

run "six_zones_in_the_smallest_vpc_behind_one_nat_gateway" {
  command = plan

  variables {
    availability_zones = [for letter in ["a", "b", "c", "d", "e", "f"] : "us-east-1${letter}"]
    cidr               = "10.0.0.0/22"
    flow_logs          = null
    nat                = "single"
  }

  assert {
    condition     = aws_subnet.private["us-east-1f"].cidr_block == "10.0.2.128/25" && aws_subnet.public["us-east-1f"].cidr_block == "10.0.3.80/28"
    error_message = "The sixth zone of a /22 must still have its /25 and its /28."
  }

  # Two ranges overlap if the shorter prefix of the two makes them the same network.
  assert {
    condition = alltrue(flatten([
      for a in [for subnet in concat(values(aws_subnet.private), values(aws_subnet.public)) : subnet.cidr_block] : [
        for b in [for subnet in concat(values(aws_subnet.private), values(aws_subnet.public)) : subnet.cidr_block] :
        a == b || cidrhost("${cidrhost(a, 0)}/${min(split("/", a)[1], split("/", b)[1])}", 0) != cidrhost("${cidrhost(b, 0)}/${min(split("/", a)[1], split("/", b)[1])}", 0)
      ]
    ]))
    error_message = "No two subnets may overlap."
  }

  assert {
    condition = length(distinct([for subnet in concat(values(aws_subnet.private), values(aws_subnet.public)) : subnet.cidr_block])) == 12 && alltrue([
      for subnet in concat(values(aws_subnet.private), values(aws_subnet.public)) : cidrhost("${cidrhost(subnet.cidr_block, 0)}/22", 0) == "10.0.0.0"
    ])
    error_message = "Each of twelve subnets must have its own range, within the VPC's."
  }

  assert {
    condition     = keys(aws_nat_gateway.this) == ["us-east-1a"]
    error_message = "nat = single must make one gateway, in the first zone."
  }

  assert {
    condition     = keys(aws_route.private_nat) == [for letter in ["a", "b", "c", "d", "e", "f"] : "us-east-1${letter}"]
    error_message = "nat = single must still give every private subnet a default route."
  }

  assert {
    condition     = length(aws_flow_log.this) + length(aws_cloudwatch_log_group.flow_logs) + length(aws_iam_role.flow_logs) == 0
    error_message = "flow_logs = null must leave nothing of them."
  }
}

run "readme_example" {
  command = plan

  module {
    source = "./examples/basic"
  }

  override_data {
    target = module.network.data.aws_caller_identity.current
    values = { account_id = "000000000000" }
  }
}
