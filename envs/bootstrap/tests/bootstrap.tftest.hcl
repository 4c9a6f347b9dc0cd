# Planned by the real provider without an account.
provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

variables {
  account_id        = "000000000000"
  environments      = ["dev", "prod"]
  github_repository = "example/atrium"
  state_bucket      = "example-states"
}

override_resource {
  target          = aws_iam_openid_connect_provider.github
  override_during = plan
  values          = { arn = "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com" }
}

override_resource {
  target          = aws_iam_policy.deploy["dev"]
  override_during = plan
  values          = { arn = "arn:aws:iam::000000000000:policy/atrium-deploy-dev" }
}

override_resource {
  target          = aws_iam_policy.deploy["prod"]
  override_during = plan
  values          = { arn = "arn:aws:iam::000000000000:policy/atrium-deploy-prod" }
}

override_resource {
  target          = aws_s3_bucket.state
  override_during = plan
  values          = { id = "example-states", arn = "arn:aws:s3:::example-states" }
}

run "state_bucket" {
  command = plan

  assert {
    condition     = aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled" && one(aws_s3_bucket_server_side_encryption_configuration.state.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"
    error_message = "States are versioned and encrypted."
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.state.rule[0].noncurrent_version_expiration[0].noncurrent_days == 90 && length(aws_s3_bucket_lifecycle_configuration.state.rule[0].expiration) == 0
    error_message = "Old versions of a state go after 90 days, the state itself never."
  }

  assert {
    condition = (
      aws_s3_bucket_public_access_block.state.block_public_acls && aws_s3_bucket_public_access_block.state.block_public_policy &&
      aws_s3_bucket_public_access_block.state.ignore_public_acls && aws_s3_bucket_public_access_block.state.restrict_public_buckets
    )
    error_message = "States are never public."
  }

  assert {
    condition = jsondecode(aws_s3_bucket_policy.state.policy).Statement == [{
      Sid       = "TlsOnly", Effect = "Deny", Principal = "*", Action = "s3:*", Resource = ["arn:aws:s3:::example-states", "arn:aws:s3:::example-states/*"],
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
    error_message = "States travel by TLS only."
  }
}

run "who_may_plan_and_deploy" {
  command = plan

  assert {
    condition = { for environment, role in aws_iam_role.deploy : environment => jsondecode(role.assume_role_policy).Statement[0].Condition } == {
      for environment in ["dev", "prod"] : environment => {
        StringEquals = {
          "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:ref" = "refs/heads/main"
          "token.actions.githubusercontent.com:sub" = ["repo:example/atrium:environment:${environment}"]
        }
      }
    }
    error_message = "Each environment is deployed by a job on main that was admitted to it, of this repository."
  }

  assert {
    condition     = jsondecode(aws_iam_role.planner["plan"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == ["repo:example/atrium:pull_request", "repo:example/atrium:ref:refs/heads/main"]
    error_message = "Plans are for pull requests and main of this repository."
  }

  assert {
    condition     = aws_iam_role_policy_attachment.planner["plan"].policy_arn == "arn:aws:iam::aws:policy/ReadOnlyAccess"
    error_message = "The role that plans changes nothing."
  }

  assert {
    condition = length(setsubtract(
      [
        "cognito-idp:AdminGet*", "cognito-idp:ListUsers*", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan",
        "logs:FilterLogEvents", "logs:StartQuery", "pi:*", "rds:Download*", "secretsmanager:GetSecretValue", "sqs:ReceiveMessage",
        "wafv2:GetSampledRequests", "xray:GetTrace*",
      ],
      jsondecode(aws_iam_role_policy.reads_no_data["plan"].policy).Statement[0].Action
    )) == 0 && jsondecode(aws_iam_role_policy.reads_no_data["plan"].policy).Statement[0].Effect == "Deny"
    error_message = "The role that plans reads no data."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.reads_no_data["plan"].policy).Statement[2] == {
      Effect = "Deny", Action = ["s3:GetObject*"], NotResource = ["arn:aws:s3:::example-states/*"]
    }
    error_message = "The role that plans reads no object but the states."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.reads_no_data["plan"].policy).Statement[1] == {
      Effect = "Deny", Action = "kms:Decrypt", Resource = "*", Condition = { StringNotLike = { "kms:ViaService" = "lambda.*.amazonaws.com" } }
    }
    error_message = "The role that plans decrypts nothing but what Lambda shows of a function."
  }

  assert {
    condition = { for name, policy in aws_iam_role_policy.reads_no_data : name => jsondecode(policy.policy).Statement[4] } == {
      plan    = { Effect = "Deny", Action = ["s3:GetObject*"], Resource = ["arn:aws:s3:::example-states/dev/plans/*", "arn:aws:s3:::example-states/prod/plans/*"] }
      propose = { Effect = "Allow", Action = ["s3:PutObject"], Resource = ["arn:aws:s3:::example-states/dev/plans/*", "arn:aws:s3:::example-states/prod/plans/*"] }
    }
    error_message = "Main keeps plans. A pull request neither reads nor writes them."
  }

  assert {
    condition = (
      jsondecode(aws_iam_role.planner["propose"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == ["repo:example/atrium:ref:refs/heads/main"] &&
      slice(jsondecode(aws_iam_role_policy.reads_no_data["propose"].policy).Statement, 0, 4) == slice(jsondecode(aws_iam_role_policy.reads_no_data["plan"].policy).Statement, 0, 4)
    )
    error_message = "The plans that are applied are made on main, with the same denials."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.reads_no_data["plan"].policy).Statement[3] == {
      Effect   = "Deny", Action = "apigateway:GET"
      Resource = ["arn:aws:apigateway:*::/apikeys", "arn:aws:apigateway:*::/apikeys/*", "arn:aws:apigateway:*::/usageplans/*/keys*"]
    }
    error_message = "The role that plans reads no key of an API client, by neither of its two addresses."
  }

  assert {
    condition     = { for environment, attachment in aws_iam_role_policy_attachment.deploy : environment => [attachment.role, attachment.policy_arn] } == { for environment in ["dev", "prod"] : environment => ["atrium-deploy-${environment}", "arn:aws:iam::000000000000:policy/atrium-deploy-${environment}"] }
    error_message = "A deploy has the policy of its environment, which is also the boundary of the roles that it makes."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.deploy_state["dev"].policy).Statement == [
      {
        Effect   = "Deny", Action = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
        Resource = ["arn:aws:s3:::example-states/bootstrap/*", "arn:aws:s3:::example-states/prod/*"]
      },
      {
        Effect   = "Deny", NotAction = ["s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"]
        Resource = ["arn:aws:s3:::example-states", "arn:aws:s3:::example-states/*"]
      },
    ]
    error_message = "The role that deploys dev has dev's state alone, and cannot touch what keeps old versions."
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.deploy_roles["dev"].policy).Statement : statement.Resource] == ["arn:aws:iam::000000000000:role/atrium-dev-*", "arn:aws:iam::000000000000:role/atrium-dev-*", "arn:aws:iam::000000000000:instance-profile/atrium-dev-*"]
    error_message = "The role that deploys an environment touches that environment's roles only."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.deploy_roles["dev"].policy).Statement[1] == {
      Effect    = "Allow", Action = ["iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
      Resource  = "arn:aws:iam::000000000000:role/atrium-dev-*"
      Condition = { StringEquals = { "iam:PermissionsBoundary" = "arn:aws:iam::000000000000:policy/atrium-deploy-dev" } }
    }
    error_message = "A deploy gives rights only to roles that are bounded by what it may do itself."
  }

  assert {
    condition = length(setintersection(
      flatten([for statement in jsondecode(aws_iam_role_policy.deploy_roles["dev"].policy).Statement : statement.Action if !can(statement.Condition)]),
      ["iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
    )) == 0
    error_message = "No other statement gives rights, or takes a boundary away."
  }
}

run "subjects_with_ids" {
  command = plan

  variables {
    github_ids = { owner = "123456", repository = "456789" }
  }

  assert {
    condition = { for environment, role in aws_iam_role.deploy : environment => jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] } == {
      for environment in ["dev", "prod"] : environment => ["repo:example/atrium:environment:${environment}", "repo:example@123456/atrium@456789:environment:${environment}"]
    }
    error_message = "A deploy is admitted with either form of its subject."
  }

  assert {
    condition = jsondecode(aws_iam_role.planner["plan"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == [
      "repo:example/atrium:pull_request", "repo:example/atrium:ref:refs/heads/main",
      "repo:example@123456/atrium@456789:pull_request", "repo:example@123456/atrium@456789:ref:refs/heads/main",
    ]
    error_message = "A plan is admitted with either form of its subject."
  }
}
