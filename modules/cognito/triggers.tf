locals {
  # arn:aws:lambda:<region>:<account>:function:<name>:<alias>
  trigger_functions = { for trigger, arn in var.triggers : trigger => split(":", arn) }
}

# Owned here, not beside the functions: the source is the pool, and a function that named it would close a cycle.
resource "aws_lambda_permission" "trigger" {
  for_each = local.trigger_functions

  statement_id  = "Cognito${each.key}"
  action        = "lambda:InvokeFunction"
  principal     = "cognito-idp.amazonaws.com"
  source_arn    = aws_cognito_user_pool.this.arn
  function_name = each.value[6]
  qualifier     = each.value[7]
}
