locals {
  name          = "${local.project}-${local.stage}"
  functions_dir = "${path.root}/../../functions"
  build_dir     = "${path.root}/../../build"

  # The contract names scopes as tokens carry them (atrium/me), the pool without its resource server (me).
  contract        = jsondecode(file("${local.build_dir}/openapi.json"))
  token_scopes    = local.contract.components.securitySchemes.cognito.flows.authorizationCode.scopes
  resource_server = one(distinct([for scope in keys(local.token_scopes) : split("/", scope)[0]]))
  scopes          = { for scope, description in local.token_scopes : trimprefix(scope, "${local.resource_server}/") => description }
}

module "network" {
  source = "../../modules/network"

  name                     = local.name
  permissions_boundary_arn = var.permissions_boundary_arn
  alarms_topic_arn         = local.alarms_topic_arn
  cidr                     = local.cidr
  availability_zones       = local.availability_zones
  nat                      = local.nat
  dynamodb_table_arns      = [module.dynamodb.table_arn]
  flow_logs                = { retention_days = local.log_retention_days, kms_key_arn = local.logs_key_arn }
}

module "bastion" {
  source = "../../modules/bastion"

  name                       = local.name
  permissions_boundary_arn   = var.permissions_boundary_arn
  vpc_id                     = module.network.vpc_id
  subnet_id                  = module.network.public_subnet_ids[local.availability_zones[0]]
  allowed_cidrs              = var.allowed_cidrs
  database_security_group_id = module.rds_proxy.database_security_group_id
}

module "rds_proxy" {
  source = "../../modules/rds_proxy"

  name                       = local.name
  alarms_topic_arn           = local.alarms_topic_arn
  vpc_id                     = module.network.vpc_id
  subnet_ids                 = module.network.private_subnet_ids
  client_security_group_ids  = { functions = module.api_lambda.postgres_client_security_group_id }
  bastion_security_group_ids = { bastion = module.bastion.security_group_id }
  database                   = local.database
  pool                       = { role_boundary_arn = var.permissions_boundary_arn }
  backup_retention_days      = local.backup_retention_days
  logs                       = { retention_days = local.log_retention_days, kms_key_arn = local.logs_key_arn }
  deletion_protection        = local.deletion_protection
  final_snapshot             = local.final_snapshot
}

module "dynamodb" {
  source = "../../modules/dynamodb"

  name                = local.name
  alarms_topic_arn    = local.alarms_topic_arn
  deletion_protection = local.deletion_protection
}

# Takes ARNs of aliases from api_lambda, which takes this pool's ARN for its API and policies: no function waits for either.
module "cognito" {
  source = "../../modules/cognito"

  name                = local.name
  deletion_protection = local.deletion_protection
  alarms_topic_arn    = local.alarms_topic_arn
  email_sender        = var.email_sender
  resource_server     = local.resource_server
  scopes              = local.scopes
  triggers            = module.api_lambda.cognito_triggers
  hosted_page         = var.hosted_page
  services            = local.services
  mfa                 = { roles = local.mfa_roles }
  token_domain_prefix = "${local.name}-${var.account_id}"
  password_auth_flow  = local.password_auth_flow
  password_policy     = { temporary_days = local.invitation_days }
  token_validity      = local.token_validity
}

module "api_lambda" {
  source = "../../modules/api_lambda"

  name             = local.name
  stage            = local.stage
  functions_dir    = local.functions_dir
  build_dir        = local.build_dir
  environment      = local.function_environment
  runtime          = merge(local.runtime, { role_boundary_arn = var.permissions_boundary_arn })
  throttling       = local.throttling
  custom_domain    = var.custom_domain
  waf              = local.waf
  alarms_topic_arn = local.alarms_topic_arn
  logs             = { retention_days = local.log_retention_days, kms_key_arn = local.logs_key_arn }

  user_pool = {
    arn             = module.cognito.user_pool_arn
    client_id       = module.cognito.user_pool_client_id
    hosted_page_url = module.cognito.hosted_page_url
    token_url       = module.cognito.token_url
    email_sender    = var.email_sender
  }

  network = {
    vpc_id                  = module.network.vpc_id
    subnet_ids              = values(module.network.private_subnet_ids)
    dynamodb_prefix_list_id = module.network.dynamodb_prefix_list_id
  }

  postgres = {
    host              = module.rds_proxy.proxy_endpoint
    port              = module.rds_proxy.proxy_port
    database          = module.rds_proxy.database_name
    security_group_id = module.rds_proxy.proxy_security_group_id
    connect_arns      = module.rds_proxy.connect_arns
    secret_arns       = module.rds_proxy.user_secret_arns
  }

  user_attributes = {
    table_name         = module.dynamodb.table_name
    table_arn          = module.dynamodb.table_arn
    stream_arn         = module.dynamodb.stream_arn
    refresh_token_days = local.token_validity.refresh_days
    mfa_roles          = local.mfa_roles
  }
}
