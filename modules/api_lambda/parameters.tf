# What stands in no function's environment because it comes after the functions: each has the parameter's name there, and asks.
locals {
  # Names apart from values: a function waits for nothing but its own environment, and the pool waits for the functions.
  parameter_names  = { user_pool_id = "/${trimsuffix(var.name, "-${var.stage}")}/${var.stage}/user_pool_id" }
  parameter_values = { user_pool_id = try(split("/", var.user_pool.arn)[1], "") }
}

resource "aws_ssm_parameter" "this" {
  #checkov:skip=CKV2_AWS_34:It holds the id of a pool, which every token names too; a secret does not belong in the state.
  for_each = setintersection(keys(local.parameter_names), flatten([for function in local.functions : function.parameters]))

  name        = local.parameter_names[each.key]
  description = "For functions that declare data.parameters: [${each.key}]"
  type        = "String"
  value       = local.parameter_values[each.key]

  lifecycle {
    precondition {
      condition     = var.user_pool != null
      error_message = "A function.yaml declares data.parameters: [${each.key}], but this module did not get user_pool."
    }
  }
}

resource "aws_iam_role_policy" "parameters" {
  for_each = { for folder, function in local.functions : folder => function if length(function.parameters) > 0 }

  name = "parameters"
  role = aws_iam_role.function[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "ssm:GetParameter"
      Resource = [for parameter in sort(each.value.parameters) : aws_ssm_parameter.this[parameter].arn]
    }]
  })

  lifecycle {
    precondition {
      condition     = length(setsubtract(each.value.parameters, keys(local.parameter_names))) == 0
      error_message = "${each.key}/function.yaml: data.parameters may hold ${join(", ", keys(local.parameter_names))}."
    }
  }
}
