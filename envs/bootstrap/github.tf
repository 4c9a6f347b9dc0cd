# Workflows bring GitHub's token instead of a stored key. AWS checks GitHub's certificate itself, so no thumbprint here.
resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  claims = "token.actions.githubusercontent.com"
  iam    = "arn:aws:iam::${var.account_id}"

  # The other roots: bootstrap has no main.tf.
  environments = coalesce(var.environments, toset([for file in fileset("${path.root}/..", "*/main.tf") : dirname(file)]))

  # GitHub names a repository that was created, renamed or moved since July 2026 with its ids as well, so that nobody who takes
  # over a name is taken for its owner: https://docs.github.com/en/actions/reference/security/oidc ("Immutable subject claims").
  owner      = split("/", var.github_repository)[0]
  repository = split("/", var.github_repository)[1]
  subjects = concat(
    ["repo:${var.github_repository}"],
    var.github_ids == null ? [] : ["repo:${local.owner}@${var.github_ids.owner}/${local.repository}@${var.github_ids.repository}"],
  )
}

# Two roles plan, and both only read. `plan` is for pull requests, which may run any code, and for the nightly look for drift.
# `propose` is for main alone. It makes the plan that a deploy applies, and keeps it in the state bucket.
locals {
  planners = {
    plan = {
      description = "GitHub plans changes of ${var.github_repository}"
      subjects    = flatten([for subject in local.subjects : ["${subject}:pull_request", "${subject}:ref:refs/heads/main"]])
    }
    propose = {
      description = "GitHub makes and keeps the plans that are applied, from main of ${var.github_repository}"
      subjects    = [for subject in local.subjects : "${subject}:ref:refs/heads/main"]
    }
  }

  kept_plans = [for environment in sort(local.environments) : "${aws_s3_bucket.state.arn}/${environment}/plans/*"]
}

resource "aws_iam_role" "planner" {
  for_each = local.planners

  name                 = "${var.project}-${each.key}"
  description          = each.value.description
  max_session_duration = 3600
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = aws_iam_openid_connect_provider.github.arn }
      Condition = {
        StringEquals = {
          "${local.claims}:aud" = "sts.amazonaws.com"
          "${local.claims}:sub" = each.value.subjects
        }
      }
    }]
  })
}

moved {
  from = aws_iam_role.plan
  to   = aws_iam_role.planner["plan"]
}

resource "aws_iam_role_policy_attachment" "planner" {
  for_each = local.planners # not the resource: terraform import, which make bootstrap runs, could not know its keys

  role       = aws_iam_role.planner[each.key].name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}

moved {
  from = aws_iam_role_policy_attachment.plan
  to   = aws_iam_role_policy_attachment.planner["plan"]
}

# ReadOnlyAccess also reads data: records, objects, logs, people, secrets and the keys of API clients are taken out. So are the
# database's logs and statements (rds, pi), and WAF's samples, whose headers hold tokens. Lambda may decrypt for the caller: a
# function's environment holds settings, and without it every plan shows an update of every function.
resource "aws_iam_role_policy" "reads_no_data" {
  for_each = local.planners

  name = "reads_no_data"
  role = aws_iam_role.planner[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Deny"
        Action = [
          "athena:GetQueryResults", "cognito-idp:AdminGet*", "cognito-idp:AdminList*", "cognito-idp:ListUsers*",
          "dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:GetRecords", "dynamodb:PartiQL*", "dynamodb:Query", "dynamodb:Scan",
          "dynamodb:Search*", "lambda:GetDurableExecution*", "logs:FilterLogEvents", "logs:GetLog*",
          "logs:GetQueryResults", "logs:StartLiveTail", "logs:StartQuery", "pi:*", "rds:Download*",
          "secretsmanager:GetSecretValue", "sqs:ReceiveMessage", "wafv2:GetSampledRequests", "xray:BatchGet*",
          "xray:GetRetrievedTraces*", "xray:GetTrace*", "xray:StartTraceRetrieval",
        ]
        Resource = "*"
      },
      {
        Effect    = "Deny"
        Action    = "kms:Decrypt"
        Resource  = "*"
        Condition = { StringNotLike = { "kms:ViaService" = "lambda.*.amazonaws.com" } }
      },
      {
        Effect      = "Deny"
        Action      = ["s3:GetObject*"]
        NotResource = ["${aws_s3_bucket.state.arn}/*"]
      },
      {
        Effect   = "Deny"
        Action   = "apigateway:GET"
        Resource = ["arn:aws:apigateway:*::/apikeys", "arn:aws:apigateway:*::/apikeys/*", "arn:aws:apigateway:*::/usageplans/*/keys*"]
      },
      each.key == "propose" ? { Effect = "Allow", Action = ["s3:PutObject"], Resource = local.kept_plans } :
      { Effect = "Deny", Action = ["s3:GetObject*"], Resource = local.kept_plans },
    ]
  })
}

moved {
  from = aws_iam_role_policy.plan_reads_no_data
  to   = aws_iam_role_policy.reads_no_data["plan"]
}

# Deploys: one role per environment, for a job on main that GitHub admitted to that environment.
resource "aws_iam_role" "deploy" {
  for_each = local.environments

  name                 = "${var.project}-deploy-${each.key}"
  description          = "GitHub deploys ${each.key} from main of ${var.github_repository}"
  max_session_duration = 5400 # the 90 minutes that deploy.yaml gives the job: a first apply waits for a database
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = aws_iam_openid_connect_provider.github.arn }
      # With an environment the subject names no branch; ref is the claim that does.
      Condition = {
        StringEquals = {
          "${local.claims}:aud" = "sts.amazonaws.com"
          "${local.claims}:ref" = "refs/heads/main"
          "${local.claims}:sub" = [for subject in local.subjects : "${subject}:environment:${each.key}"]
        }
      }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "deploy" {
  for_each = local.environments

  role       = aws_iam_role.deploy[each.key].name
  policy_arn = aws_iam_policy.deploy[each.key].arn
}

# The policy leaves IAM out; what is named after the environment comes back, but for this: rights go only to a role whose permissions
# boundary is that same policy. So no role that a deploy makes can do more than the deploy itself, and none makes roles or users: whoever
# gets hold of a deploy gets hold neither of the account's IAM nor of another environment.
resource "aws_iam_role_policy" "deploy_roles" {
  for_each = local.environments

  name = "roles_of_${each.key}"
  role = aws_iam_role.deploy[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:GetRole", "iam:GetRolePolicy",
          "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole", "iam:ListRolePolicies", "iam:ListRoleTags",
          "iam:PassRole", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UpdateRoleDescription",
        ]
        Resource = "${local.iam}:role/${var.project}-${each.key}-*"
      },
      {
        Effect    = "Allow"
        Action    = ["iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
        Resource  = "${local.iam}:role/${var.project}-${each.key}-*"
        Condition = { StringEquals = { "iam:PermissionsBoundary" = "${local.iam}:policy/${var.project}-deploy-${each.key}" } }
      },
      {
        Effect = "Allow"
        Action = [
          "iam:AddRoleToInstanceProfile", "iam:CreateInstanceProfile", "iam:DeleteInstanceProfile", "iam:GetInstanceProfile",
          "iam:RemoveRoleFromInstanceProfile", "iam:TagInstanceProfile", "iam:UntagInstanceProfile",
        ]
        Resource = "${local.iam}:instance-profile/${var.project}-${each.key}-*"
      },
    ]
  })
}

# The policy reaches every bucket. Of the states a deploy has its own alone, and their bucket stays as it is: its old
# versions are what is left when a state is spoilt.
resource "aws_iam_role_policy" "deploy_state" {
  for_each = local.environments

  name = "state_of_${each.key}"
  role = aws_iam_role.deploy[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Deny"
        Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
        Resource = [for other in sort(setsubtract(concat(["bootstrap"], tolist(local.environments)), [each.key])) : "${aws_s3_bucket.state.arn}/${other}/*"]
      },
      {
        Effect    = "Deny"
        NotAction = ["s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"]
        Resource  = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
      },
    ]
  })
}
