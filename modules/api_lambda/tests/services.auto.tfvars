# What the tests of this folder share; each says what else it needs.
name          = "atrium-test"
stage         = "test"
functions_dir = "./tests/fixtures/services/functions"
build_dir     = "./tests/fixtures/services/artefacts"
user_pool = {
  arn       = "arn:aws:cognito-idp:eu-central-1:000000000000:userpool/eu-central-1_pool"
  client_id = "1example23456789"
  token_url = "https://atrium-test.auth.eu-central-1.amazoncognito.com/oauth2/token"
  email_sender = {
    identity_arn = "arn:aws:ses:eu-central-1:000000000000:identity/example.org"
    from         = "Atrium <no-reply@example.org>"
  }
}
network = {
  vpc_id                  = "vpc-0a"
  subnet_ids              = ["subnet-0a", "subnet-0b"]
  dynamodb_prefix_list_id = "pl-0a"
}
postgres = {
  host              = "proxy.test"
  port              = 5432
  database          = "atrium"
  security_group_id = "sg-0a"
  connect_arns = {
    app      = "arn:aws:rds-db:eu-central-1:000000000000:dbuser:prx-0a/app"
    migrator = "arn:aws:rds-db:eu-central-1:000000000000:dbuser:prx-0a/migrator"
    postgres = "arn:aws:rds-db:eu-central-1:000000000000:dbuser:prx-0a/postgres"
  }
  secret_arns = {
    app      = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:app"
    migrator = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:migrator"
  }
}
user_attributes = {
  table_name = "atrium-test-UserAttributes"
  table_arn  = "arn:aws:dynamodb:eu-central-1:000000000000:table/atrium-test-UserAttributes"
  stream_arn = "arn:aws:dynamodb:eu-central-1:000000000000:table/atrium-test-UserAttributes/stream/2026-01-01T00:00:00.000"
  mfa_roles  = ["auditor", "admin"]
}
