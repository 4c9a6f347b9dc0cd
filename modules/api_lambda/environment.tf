# What each function finds in its environment: docs/architecture.md, "Environment of a function".
locals {
  # Without an address of its own, the kernel's: the page that a laptop serves (atrium.http.problem).
  problem_types = var.runtime.docs_url == null ? "/docs/errors.html#" : "${var.runtime.docs_url}/errors.html#"

  environment = {
    for folder, function in local.functions : folder => merge(
      { ATRIUM_SERVICE = folder, ATRIUM_STAGE = var.stage },
      var.runtime.docs_url == null ? {} : { PROBLEM_TYPES = local.problem_types },
      length(function.postgres) == 0 ? {} : {
        DB_HOST = local.postgres.host
        DB_NAME = local.postgres.database
        DB_PORT = tostring(local.postgres.port)
        DB_USER = function.postgres[0]
      },
      !contains(keys(local.table_users), folder) ? {} : { USER_ATTRIBUTES_TABLE = local.user_attributes.table_name },
      !contains(keys(local.table_users), folder) || length(local.user_attributes.mfa_roles) == 0 ? {} : { MFA_ROLES = join(" ", sort(local.user_attributes.mfa_roles)) },
      !contains(try(local.declared_partitions[folder].update, []), "sessions") ? {} : { REFRESH_TOKEN_DAYS = tostring(local.user_attributes.refresh_token_days) },
      function.database_secrets ? {
        DATABASE_SECRETS = jsonencode(local.postgres.secret_arns)
      } : {},
      function.event_bus ? { EVENT_BUS = aws_cloudwatch_event_bus.events["events"].name } : {},
      { for invoked in function.invoke : "${upper(invoked)}_FUNCTION" => "${var.name}-${invoked}:${local.alias}" },
      { for parameter, name in local.parameter_names : "${upper(parameter)}_PARAMETER" => name if contains(function.parameters, parameter) },
      lookup(var.environment, folder, {}),
    )
  }
}
