# What a root may leave out: a network, a database, a table, a pool, layers. A function that declares one of them is refused by name.
locals {
  has_network = var.network != null
  has_layers  = fileexists("${var.build_dir}/layers.json")
  layers      = jsondecode(local.has_layers ? file("${var.build_dir}/layers.json") : "{}")

  # Of what is missing each is named "none", so that no policy could ever match something real.
  postgres = var.postgres != null ? var.postgres : {
    host = "", port = 0, database = "", security_group_id = "", connect_arns = {}, secret_arns = {}
  }
  user_attributes = var.user_attributes != null ? var.user_attributes : {
    table_name         = "none"
    table_arn          = "arn:aws:dynamodb:none:000000000000:table/none"
    stream_arn         = "arn:aws:dynamodb:none:000000000000:table/none/stream/none"
    refresh_token_days = 30
    mfa_roles          = []
  }
  email_sender  = try(var.user_pool.email_sender, null)
  user_pool_arn = var.user_pool != null ? var.user_pool.arn : "arn:aws:cognito-idp:none:000000000000:userpool/none"

  # Folder => what it declares that this root has not. The pool is not among it: it waits for the functions, so none may wait for it.
  missing = { for folder, function in local.functions : folder => compact([
    function.vpc && var.network == null ? "network (or say vpc: false)" : "",
    (length(function.postgres) > 0 || function.database_secrets) && var.postgres == null ? "postgres" : "",
    (contains(keys(local.table_users), folder) || function.trigger == "user_attributes.stream") && var.user_attributes == null ? "user_attributes" : "",
  ]) }
}
