# What an environment refuses beside its modules; tests/infra/test_refusals.py runs it on variables.tf alone.
run "values" {
  command = plan

  variables {
    account_id               = "1234"
    alarm_emails             = ["operations"]
    permissions_boundary_arn = "PowerUserAccess"
    project                  = "At-rium"
    region                   = "Frankfurt"
  }

  expect_failures = [var.account_id, var.alarm_emails, var.permissions_boundary_arn, var.project, var.region]
}
