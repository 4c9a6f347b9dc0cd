# What a deploy of one environment may do. The same policy bounds every role that it makes, so none of them does more: without that a
# deploy of dev could give a function of its own the rights that it lacks. AWS's PowerUserAccess, less what is another environment's, also
# when they share this account.
locals {
  others = { for environment in local.environments : environment => sort(setsubtract(local.environments, [environment])) }

  # Resources whose ARN holds their name, which begins with <project>-<environment>. A type takes no wildcard.
  names_of_others = {
    for environment, others in local.others : environment => flatten([
      for name in formatlist("${var.project}-%s", others) : [
        "arn:aws:cloudwatch::*:dashboard/${name}",
        "arn:aws:cloudwatch:*:*:alarm:${name}-*",
        "arn:aws:dynamodb:*:*:table/${name}-*",
        "arn:aws:ec2:*:*:key-pair/${name}-*",
        "arn:aws:events:*:*:event-bus/${name}-*",
        "arn:aws:events:*:*:rule/${name}-*",
        "arn:aws:kms:*:*:alias/${name}-*",
        "arn:aws:lambda:*:*:function:${name}-*",
        "arn:aws:lambda:*:*:layer:${name}-*",
        "arn:aws:logs:*:*:log-group:*${name}",
        "arn:aws:logs:*:*:log-group:*${name}-*",
        "arn:aws:logs:*:*:log-group:*${name}:*",
        "arn:aws:logs:*:*:log-group:*${name}/*",
        "arn:aws:rds:*:*:db:${name}-*",
        "arn:aws:rds:*:*:pg:${name}-*",
        "arn:aws:rds:*:*:snapshot:${name}-*",
        "arn:aws:rds:*:*:snapshot:rds:${name}-*",
        "arn:aws:rds:*:*:subgrp:${name}-*",
        "arn:aws:secretsmanager:*:*:secret:${name}-*",
        "arn:aws:sns:*:*:${name}-*",
        "arn:aws:sqs:*:*:${name}-*",
        "arn:aws:wafv2:*:*:regional/webacl/${name}/*",
      ]
    ])
  }

  deploy_statements = {
    for environment, others in local.others : environment => concat(
      [
        { Sid = "AllButIam", Effect = "Allow", NotAction = ["account:*", "iam:*", "organizations:*"], Resource = "*" },
        { Sid = "Lists", Effect = "Allow", Action = ["account:ListRegions", "iam:ListRoles", "organizations:DescribeOrganization"], Resource = "*" },
        {
          Sid      = "RolesOfServices"
          Effect   = "Allow"
          Action   = ["iam:CreateServiceLinkedRole", "iam:DeleteServiceLinkedRole"]
          Resource = "${local.iam}:role/aws-service-role/*"
        },
      ],
      length(others) == 0 ? [] : [{
        Sid      = "NamesOfOthers", Effect = "Deny", Action = "*"
        Resource = concat(local.names_of_others[environment], [for other in others : "arn:aws:ssm:*:*:parameter/${var.project}/${other}/*"])
      }],
      # Resources whose ARN holds an id that AWS gives: the provider's default_tags say whose they are. Null, as a missing tag is unequal too.
      [for key, values in { Environment = [environment, "account"], Project = [var.project] } : {
        Sid                             = "TaggedOther${key}", Effect = "Deny", Action = "*", Resource = "*"
        Condition                       = { StringNotEquals = { "aws:ResourceTag/${key}" = values }, Null = { "aws:ResourceTag/${key}" = "false" } }
      }],
      [for key, value in { Environment = environment, Project = var.project } : {
        Sid                            = "TagsAsOther${key}", Effect = "Deny", Action = "*", Resource = "*"
        Condition                      = { StringNotEquals = { "aws:RequestTag/${key}" = value }, Null = { "aws:RequestTag/${key}" = "false" } }
      }],
      [{ Sid = "SettingsOfTheAccount", Effect = "Deny", NotAction = "apigateway:GET", Resource = "arn:aws:apigateway:*::/account" }],
    )
  }
}

resource "aws_iam_policy" "deploy" {
  #checkov:skip=CKV_AWS_290:A deploy makes resources that have no name yet; what is another environment's is denied.
  #checkov:skip=CKV_AWS_355:As above.
  for_each = local.environments

  name        = "${var.project}-deploy-${each.key}"
  description = "What a deploy of ${each.key} may do, and the boundary of the roles that it makes"
  policy      = jsonencode({ Version = "2012-10-17", Statement = local.deploy_statements[each.key] })

  lifecycle {
    precondition {
      condition     = length(jsonencode(local.deploy_statements[each.key])) < 6100
      error_message = "${each.key}: the policy would exceed IAM's 6,144 characters. Prepare fewer environments in one account."
    }
  }
}

# Data that IAM knows by no name and no tag. Functions need some of it, a deploy none.
resource "aws_iam_role_policy" "deploy_reads_no_data" {
  for_each = local.environments

  name = "reads_no_data_of_${each.key}"
  role = aws_iam_role.deploy[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Deny"
      Action   = ["pi:*", "rds-db:connect", "xray:BatchGet*", "xray:GetRetrievedTraces*", "xray:GetTrace*"]
      Resource = "*"
    }]
  })
}
